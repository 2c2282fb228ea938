#include "card/crypto/p256.h"

#include <string.h>

static const br_ec_impl *const curve = &br_ec_p256_m31;

/* The order of the base point, n: SP 800-186 3.2.1.3. */
static const uint8_t order[P256_PRIVATE_SIZE] = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

/* True when 1 <= k < n; time does not depend on k. */
static bool in_range(const uint8_t k[P256_PRIVATE_SIZE])
{
    unsigned borrow = 0, any = 0;
    for (size_t i = P256_PRIVATE_SIZE; i-- > 0;) {
        borrow = ((unsigned)k[i] - order[i] - borrow) >> 8 & 1;
        any |= k[i];
    }
    return (borrow & (any != 0)) == 1;
}

/* k * point, in place, for a point 04 || x || y. */
static bool multiply(uint8_t point[P256_POINT_SIZE], const uint8_t *k, size_t k_len)
{
    return curve->mul(point, P256_POINT_SIZE, k, k_len, BR_EC_secp256r1) == 1;
}

bool p256_draw(struct rng *rng, uint8_t private_key[P256_PRIVATE_SIZE])
{
    br_ec_private_key sk;
    uint8_t k[BR_EC_KBUF_PRIV_MAX_SIZE];
    memset(private_key, 0, P256_PRIVATE_SIZE);
    bool good = br_ec_keygen(&rng->drbg.vtable, curve, &sk, k, BR_EC_secp256r1) == P256_PRIVATE_SIZE;
    if (good)
        memcpy(private_key, k, P256_PRIVATE_SIZE);
    wipe(k, sizeof k);
    return good;
}

bool p256_generate(struct rng *rng, uint8_t private_key[P256_PRIVATE_SIZE],
                   uint8_t public_key[P256_PUBLIC_SIZE])
{
    /* After a failed draw the private key is zero, which p256_public refuses. */
    p256_draw(rng, private_key);
    return p256_public(private_key, public_key);
}

bool p256_public(const uint8_t private_key[P256_PRIVATE_SIZE], uint8_t public_key[P256_PUBLIC_SIZE])
{
    uint8_t point[P256_POINT_SIZE];
    memset(public_key, 0, P256_PUBLIC_SIZE);
    bool good = in_range(private_key) &&
                curve->mulgen(point, private_key, P256_PRIVATE_SIZE, BR_EC_secp256r1) == P256_POINT_SIZE;
    if (good)
        memcpy(public_key, point + 1, P256_PUBLIC_SIZE);
    return good;
}

bool p256_valid(const uint8_t public_key[P256_PUBLIC_SIZE])
{
    static const uint8_t one = 1;
    uint8_t point[P256_POINT_SIZE] = {0x04};
    memcpy(point + 1, public_key, P256_PUBLIC_SIZE);
    return multiply(point, &one, 1);
}

bool p256_ecdh(const uint8_t private_key[P256_PRIVATE_SIZE], const uint8_t peer[P256_PUBLIC_SIZE],
               uint8_t x[P256_SECRET_SIZE])
{
    uint8_t point[P256_POINT_SIZE] = {0x04};
    memcpy(point + 1, peer, P256_PUBLIC_SIZE);
    memset(x, 0, P256_SECRET_SIZE);
    bool good = in_range(private_key) && multiply(point, private_key, P256_PRIVATE_SIZE);
    if (good)
        memcpy(x, point + 1, P256_SECRET_SIZE);
    wipe(point, sizeof point);
    return good;
}

bool p256_sign_digest(const uint8_t private_key[P256_PRIVATE_SIZE], const uint8_t digest[SHA256_SIZE],
                      uint8_t signature[ECDSA_SIZE])
{
    /* BearSSL's structure lacks const; the key is only read. */
    br_ec_private_key sk = {.curve = BR_EC_secp256r1, .x = (uint8_t *)private_key, .xlen = P256_PRIVATE_SIZE};
    bool good = in_range(private_key) &&
                br_ecdsa_i31_sign_raw(curve, &br_sha256_vtable, digest, &sk, signature) == ECDSA_SIZE;
    if (!good)
        memset(signature, 0, ECDSA_SIZE);
    return good;
}

bool p256_verify_digest(const uint8_t public_key[P256_PUBLIC_SIZE], const uint8_t digest[SHA256_SIZE],
                        const uint8_t signature[ECDSA_SIZE])
{
    uint8_t point[P256_POINT_SIZE] = {0x04};
    br_ec_public_key pk = {.curve = BR_EC_secp256r1, .q = point, .qlen = sizeof point};
    memcpy(point + 1, public_key, P256_PUBLIC_SIZE);
    /* BearSSL checks the range of r and s, and that the point is on the curve. */
    return br_ecdsa_i31_vrfy_raw(curve, digest, SHA256_SIZE, &pk, signature, ECDSA_SIZE) == 1;
}

bool p256_sign(const uint8_t private_key[P256_PRIVATE_SIZE], const char *label, const struct bytes *parts,
               size_t count, uint8_t signature[ECDSA_SIZE])
{
    uint8_t digest[SHA256_SIZE];
    sha256_labelled(label, parts, count, digest);
    return p256_sign_digest(private_key, digest, signature);
}

bool p256_verify(const uint8_t public_key[P256_PUBLIC_SIZE], const char *label, const struct bytes *parts,
                 size_t count, const uint8_t signature[ECDSA_SIZE])
{
    uint8_t digest[SHA256_SIZE];
    sha256_labelled(label, parts, count, digest);
    return p256_verify_digest(public_key, digest, signature);
}
