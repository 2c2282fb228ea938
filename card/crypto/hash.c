/* SHA-256, HMAC, HKDF and HMAC-DRBG of sym.h. */
#include <string.h>

#include "card/crypto/sym.h"

enum { SEED_SIZE = 48, RESEED_SIZE = 32 };

void sha256_init(struct sha256 *h)
{
    br_sha256_init(&h->state);
}

void sha256_add(struct sha256 *h, const void *p, size_t n)
{
    br_sha256_update(&h->state, p, n);
}

void sha256_add_parts(struct sha256 *h, const struct bytes *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        br_sha256_update(&h->state, parts[i].p, parts[i].n);
}

void sha256_final(struct sha256 *h, uint8_t digest[SHA256_SIZE])
{
    br_sha256_out(&h->state, digest);
    wipe(h, sizeof *h);
}

void sha256_labelled(const char *label, const struct bytes *parts, size_t count, uint8_t digest[SHA256_SIZE])
{
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, label, strlen(label));
    sha256_add_parts(&h, parts, count);
    sha256_final(&h, digest);
}

void hmac_sha256(struct bytes key, const struct bytes *parts, size_t count, uint8_t mac[SHA256_SIZE])
{
    br_hmac_key_context schedule;
    br_hmac_context hmac;
    br_hmac_key_init(&schedule, &br_sha256_vtable, key.p, key.n);
    br_hmac_init(&hmac, &schedule, 0);
    for (size_t i = 0; i < count; i++)
        br_hmac_update(&hmac, parts[i].p, parts[i].n);
    br_hmac_out(&hmac, mac);
    wipe(&schedule, sizeof schedule);
    wipe(&hmac, sizeof hmac);
}

void hkdf_extract(struct bytes salt, const struct bytes *ikm, size_t count, uint8_t prk[SHA256_SIZE])
{
    /* HMAC pads its key with zeros: an empty salt is the 32 zero bytes of RFC 5869 2.2. */
    hmac_sha256(salt, ikm, count, prk);
}

void hkdf_expand(const uint8_t prk[SHA256_SIZE], const struct bytes *info, size_t count, uint8_t *out,
                 size_t n)
{
    br_hmac_key_context schedule;
    br_hmac_context hmac;
    uint8_t block[SHA256_SIZE];
    br_hmac_key_init(&schedule, &br_sha256_vtable, prk, SHA256_SIZE);
    for (uint8_t counter = 1; n > 0; counter++) {
        br_hmac_init(&hmac, &schedule, 0);
        if (counter > 1)
            br_hmac_update(&hmac, block, sizeof block);
        for (size_t i = 0; i < count; i++)
            br_hmac_update(&hmac, info[i].p, info[i].n);
        br_hmac_update(&hmac, &counter, 1);
        br_hmac_out(&hmac, block);
        size_t take = n < SHA256_SIZE ? n : SHA256_SIZE;
        memcpy(out, block, take);
        out += take;
        n -= take;
    }
    wipe(&schedule, sizeof schedule);
    wipe(&hmac, sizeof hmac);
    wipe(block, sizeof block);
}

void hkdf(struct bytes salt, struct bytes ikm, const struct bytes *info, size_t count, uint8_t *out, size_t n)
{
    uint8_t prk[SHA256_SIZE];
    hkdf_extract(salt, &ikm, 1, prk);
    hkdf_expand(prk, info, count, out, n);
    wipe(prk, sizeof prk);
}

bool rng_init(struct rng *rng, const struct hal *hal)
{
    uint8_t seed[SEED_SIZE];
    wipe(rng, sizeof *rng);
    bool good = hal->random(hal->ctx, seed, sizeof seed) == HAL_OK;
    if (good)
        br_hmac_drbg_init(&rng->drbg, &br_sha256_vtable, seed, sizeof seed);
    wipe(seed, sizeof seed);
    return good;
}

bool rng_reseed(struct rng *rng, const struct hal *hal)
{
    uint8_t seed[RESEED_SIZE];
    bool good = hal->random(hal->ctx, seed, sizeof seed) == HAL_OK;
    if (good)
        br_hmac_drbg_update(&rng->drbg, seed, sizeof seed);
    wipe(seed, sizeof seed);
    return good;
}

void rng_bytes(struct rng *rng, uint8_t *out, size_t n)
{
    br_hmac_drbg_generate(&rng->drbg, out, n);
}
