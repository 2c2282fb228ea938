#include "host/base/random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static enum tally_error system_fill(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    for (size_t done = 0; done < n;) {
        ssize_t got = getrandom(out + done, n - done, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            memset(out, 0, n);
            return TALLY_E_IO;
        }
        done += (size_t)got;
    }
    return TALLY_OK;
}

const struct tally_random tally_system_random = {system_fill, NULL};

enum tally_error tally_random_fill(const struct tally_random *random, uint8_t *out, size_t n)
{
    return random->fill(random->ctx, out, n);
}

static enum tally_error seeded_fill(void *ctx, uint8_t *out, size_t n)
{
    struct tally_seeded_random *seeded = ctx;
    for (size_t i = 0; i < n; i++) {
        seeded->state ^= seeded->state >> 12;
        seeded->state ^= seeded->state << 25;
        seeded->state ^= seeded->state >> 27;
        out[i] = (uint8_t)((seeded->state * 0x2545F4914F6CDD1DULL) >> 56);
    }
    return TALLY_OK;
}

void tally_seeded_random_init(struct tally_seeded_random *seeded, uint64_t seed)
{
    seeded->random = (struct tally_random){seeded_fill, seeded};
    seeded->state = seed != 0 ? seed : 1;
}
