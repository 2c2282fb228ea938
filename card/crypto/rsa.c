#include "card/crypto/rsa.h"

#include <string.h>

#include "card/wire/be.h"

enum {
    BITS = RSA_SIZE * 8,
    EXPONENT = 65537,
    /* EMSA-PSS (RFC 8017 9.1.1): maskedDB || H || bc, DB = zeros || 01 || salt. */
    PSS_DB_SIZE = RSA_SIZE - SHA256_SIZE - 1,
    PSS_ZEROS = PSS_DB_SIZE - RSA_PSS_SALT_SIZE - 1,
    PSS_TRAILER = 0xbc
};

/* BearSSL's structures lack const; the library only reads keys. */
static br_rsa_private_key private_view(const uint8_t *key)
{
    uint8_t *k = (uint8_t *)key;
    return (br_rsa_private_key){.n_bitlen = BITS,
                                .p = k,
                                .plen = RSA_FACTOR_SIZE,
                                .q = k + RSA_FACTOR_SIZE,
                                .qlen = RSA_FACTOR_SIZE,
                                .dp = k + 2 * RSA_FACTOR_SIZE,
                                .dplen = RSA_FACTOR_SIZE,
                                .dq = k + 3 * RSA_FACTOR_SIZE,
                                .dqlen = RSA_FACTOR_SIZE,
                                .iq = k + 4 * RSA_FACTOR_SIZE,
                                .iqlen = RSA_FACTOR_SIZE};
}

static br_rsa_public_key public_view(const uint8_t *modulus)
{
    static const uint8_t exponent[] = {0x01, 0x00, 0x01};
    return (br_rsa_public_key){
        .n = (uint8_t *)modulus, .nlen = RSA_SIZE, .e = (uint8_t *)exponent, .elen = sizeof exponent};
}

/* Odd, and the highest bit set. */
static bool proper(const uint8_t *number, size_t n)
{
    return (number[0] & 0x80) != 0 && (number[n - 1] & 1) != 0;
}

bool rsa_generate(struct rng *rng, uint8_t private_key[RSA_PRIVATE_SIZE], uint8_t modulus[RSA_SIZE])
{
    br_rsa_private_key sk;
    br_rsa_public_key pk;
    uint8_t public_buffer[BR_RSA_KBUF_PUB_SIZE(BITS)];
    bool good =
        br_rsa_i31_keygen(&rng->drbg.vtable, &sk, private_key, &pk, public_buffer, BITS, EXPONENT) == 1;
    /* The library lays the parts out in the order we store them, each of half the modulus' length. */
    good = good && sk.p == private_key && sk.iq == private_key + 4 * RSA_FACTOR_SIZE &&
           rsa_modulus(private_key, modulus);
    if (!good) {
        wipe(private_key, RSA_PRIVATE_SIZE);
        memset(modulus, 0, RSA_SIZE);
    }
    return good;
}

bool rsa_modulus(const uint8_t private_key[RSA_PRIVATE_SIZE], uint8_t modulus[RSA_SIZE])
{
    br_rsa_private_key sk = private_view(private_key);
    bool good = proper(private_key, RSA_FACTOR_SIZE) &&
                proper(private_key + RSA_FACTOR_SIZE, RSA_FACTOR_SIZE) &&
                br_rsa_i31_compute_modulus(modulus, &sk) == RSA_SIZE && proper(modulus, RSA_SIZE);
    if (!good)
        memset(modulus, 0, RSA_SIZE);
    return good;
}

bool rsa_consistent(struct rng *rng, const uint8_t private_key[RSA_PRIVATE_SIZE],
                    const uint8_t modulus[RSA_SIZE])
{
    uint8_t value[RSA_SIZE], trial[RSA_SIZE];
    br_rsa_private_key sk = private_view(private_key);
    br_rsa_public_key pk = public_view(modulus);
    if (!rsa_modulus(private_key, trial) || !equal_ct(trial, modulus, RSA_SIZE))
        return false;
    rng_bytes(rng, value, sizeof value);
    value[0] = 0; /* below the modulus */
    memcpy(trial, value, sizeof trial);
    return br_rsa_i31_public(trial, sizeof trial, &pk) == 1 && br_rsa_i31_private(trial, &sk) == 1 &&
           equal_ct(trial, value, sizeof trial);
}

bool rsa_oaep_decrypt(const uint8_t private_key[RSA_PRIVATE_SIZE], const char *label, uint8_t block[RSA_SIZE],
                      size_t *n)
{
    br_rsa_private_key sk = private_view(private_key);
    size_t len = RSA_SIZE;
    bool good = br_rsa_i31_oaep_decrypt(&br_sha256_vtable, label, strlen(label), &sk, block, &len) == 1;
    *n = good ? len : 0;
    wipe(block + *n, RSA_SIZE - *n);
    return good;
}

bool rsa_oaep_encrypt(struct rng *rng, const uint8_t modulus[RSA_SIZE], const char *label,
                      const uint8_t *message, size_t n, uint8_t block[RSA_SIZE])
{
    br_rsa_public_key pk = public_view(modulus);
    bool good = n <= RSA_OAEP_MAX && proper(modulus, RSA_SIZE) &&
                br_rsa_i31_oaep_encrypt(&rng->drbg.vtable, &br_sha256_vtable, label, strlen(label), &pk,
                                        block, RSA_SIZE, message, n) == RSA_SIZE;
    if (!good)
        wipe(block, RSA_SIZE);
    return good;
}

/* data ^= MGF1(seed, n), RFC 8017 B.2.1. */
static void mgf1_xor(uint8_t *data, size_t n, const uint8_t seed[SHA256_SIZE])
{
    for (uint32_t counter = 0; n > 0; counter++) {
        uint8_t suffix[4], mask[SHA256_SIZE];
        be32_put(suffix, counter);
        const struct bytes parts[] = {{seed, SHA256_SIZE}, {suffix, sizeof suffix}};
        sha256_labelled("", parts, 2, mask);
        size_t take = n < SHA256_SIZE ? n : SHA256_SIZE;
        for (size_t i = 0; i < take; i++)
            data[i] ^= mask[i];
        data += take;
        n -= take;
    }
}

/* EMSA-PSS-VERIFY, RFC 8017 9.1.2, with emBits = 2047; em is consumed. */
static bool pss_check(uint8_t em[RSA_SIZE], const uint8_t digest[SHA256_SIZE])
{
    static const uint8_t zeros[8] = {0};
    uint8_t expected[SHA256_SIZE];
    const uint8_t *h = em + PSS_DB_SIZE, *salt = em + PSS_ZEROS + 1;
    uint8_t wrong = (uint8_t)((em[RSA_SIZE - 1] ^ PSS_TRAILER) | (em[0] & 0x80));

    mgf1_xor(em, PSS_DB_SIZE, h);
    em[0] &= 0x7f;
    for (size_t i = 0; i < PSS_ZEROS; i++)
        wrong |= em[i];
    wrong |= em[PSS_ZEROS] ^ 0x01;

    const struct bytes parts[] = {{zeros, sizeof zeros}, {digest, SHA256_SIZE}, {salt, RSA_PSS_SALT_SIZE}};
    sha256_labelled("", parts, 3, expected);
    return wrong == 0 && equal_ct(expected, h, SHA256_SIZE);
}

bool rsa_pss_verify(const uint8_t modulus[RSA_SIZE], const char *label, const struct bytes *parts,
                    size_t count, const uint8_t signature[RSA_SIZE])
{
    br_rsa_public_key pk = public_view(modulus);
    uint8_t em[RSA_SIZE], digest[SHA256_SIZE];
    memcpy(em, signature, sizeof em);
    if (!proper(modulus, RSA_SIZE) || br_rsa_i31_public(em, sizeof em, &pk) != 1)
        return false;
    sha256_labelled(label, parts, count, digest);
    return pss_check(em, digest);
}
