#include "card/ports/vcard/random.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/types.h>

void chip_random_seed(struct chip_random *r, uint64_t seed)
{
    r->seeded = true;
    br_hmac_drbg_init(&r->drbg, &br_sha256_vtable, &seed, sizeof seed);
}

static bool system_random(uint8_t *buf, size_t n)
{
    while (n > 0) {
        ssize_t got = getrandom(buf, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        buf += got;
        n -= (size_t)got;
    }
    return true;
}

bool chip_random_bytes(struct chip_random *r, uint8_t *buf, size_t n)
{
    if (!r->seeded)
        return system_random(buf, n);
    br_hmac_drbg_generate(&r->drbg, buf, n);
    return true;
}
