#include <string.h>

#include "host/crypto/umbral_curve.h"

enum tally_error tally_umbral_secret_read(const uint8_t in[TALLY_UMBRAL_SCALAR_SIZE],
                                          struct tally_umbral_secret *secret)
{
    enum tally_error e = TALLY_OK;
    if (!umbral_scalar_valid(in))
        e = TALLY_E_FORMAT;
    else if (!umbral_base_mul(in, &secret->public_key.at))
        e = TALLY_E_BUG;
    if (e == TALLY_OK)
        memcpy(secret->scalar, in, sizeof secret->scalar);
    else
        tally_wipe(secret, sizeof *secret);
    return e;
}

enum tally_error tally_umbral_secret_generate(const struct tally_random *random,
                                              struct tally_umbral_secret *secret)
{
    umbral_scalar scalar;
    enum tally_error e = umbral_scalar_random(random, scalar);
    if (e == TALLY_OK)
        e = tally_umbral_secret_read(scalar, secret);
    else
        tally_wipe(secret, sizeof *secret);
    tally_wipe(scalar, sizeof scalar);
    return e;
}

void tally_umbral_secret_wipe(struct tally_umbral_secret *secret)
{
    tally_wipe(secret, sizeof *secret);
}

enum tally_error tally_umbral_public_read(const uint8_t in[TALLY_UMBRAL_POINT_SIZE],
                                          struct tally_umbral_public *public_key)
{
    if (umbral_point_read(in, &public_key->at))
        return TALLY_OK;
    memset(public_key, 0, sizeof *public_key);
    return TALLY_E_FORMAT;
}

bool tally_umbral_public_equal(const struct tally_umbral_public *a, const struct tally_umbral_public *b)
{
    return umbral_point_equal(&a->at, &b->at);
}

enum tally_error tally_umbral_sign(const struct tally_umbral_secret *signer, const struct tally_bytes *parts,
                                   size_t count, const struct tally_random *random,
                                   uint8_t signature[TALLY_UMBRAL_SIGNATURE_SIZE])
{
    uint8_t digest[TALLY_SHA256_SIZE], more[32];
    secp256k1_ecdsa_signature made;
    const secp256k1_context *ctx = umbral_blinded_context();
    memset(signature, 0, TALLY_UMBRAL_SIGNATURE_SIZE);
    enum tally_error e = tally_random_fill(random, more, sizeof more);
    if (e == TALLY_OK)
        e = tally_sha256_labelled("", parts, count, digest);
    if (e == TALLY_OK)
        e = ctx != NULL && secp256k1_ecdsa_sign(ctx, &made, digest, signer->scalar, NULL, more) == 1
                ? TALLY_OK
                : TALLY_E_BUG;
    if (e == TALLY_OK)
        secp256k1_ecdsa_signature_serialize_compact(ctx, signature, &made);
    tally_wipe(more, sizeof more);
    return e;
}

enum tally_error tally_umbral_verify(const struct tally_umbral_public *signer,
                                     const struct tally_bytes *parts, size_t count,
                                     const uint8_t signature[TALLY_UMBRAL_SIGNATURE_SIZE])
{
    uint8_t digest[TALLY_SHA256_SIZE];
    secp256k1_ecdsa_signature parsed;
    const secp256k1_context *ctx = umbral_context();
    enum tally_error e = tally_sha256_labelled("", parts, count, digest);
    if (e != TALLY_OK)
        return e;
    return secp256k1_ecdsa_signature_parse_compact(ctx, &parsed, signature) == 1 &&
                   secp256k1_ecdsa_verify(ctx, &parsed, digest, &signer->at.point) == 1
               ? TALLY_OK
               : TALLY_E_CRYPTO;
}

enum tally_error tally_umbral_signature_to_der(const uint8_t signature[TALLY_UMBRAL_SIGNATURE_SIZE],
                                               uint8_t der[TALLY_UMBRAL_DER_MAX], size_t *n)
{
    secp256k1_ecdsa_signature parsed;
    const secp256k1_context *ctx = umbral_context();
    memset(der, 0, TALLY_UMBRAL_DER_MAX);
    *n = TALLY_UMBRAL_DER_MAX;
    if (secp256k1_ecdsa_signature_parse_compact(ctx, &parsed, signature) == 1 &&
        secp256k1_ecdsa_signature_serialize_der(ctx, der, n, &parsed) == 1)
        return TALLY_OK;
    *n = 0;
    return TALLY_E_FORMAT;
}

enum tally_error tally_umbral_signature_from_der(const uint8_t *der, size_t n,
                                                 uint8_t signature[TALLY_UMBRAL_SIGNATURE_SIZE])
{
    uint8_t again[TALLY_UMBRAL_DER_MAX];
    size_t again_n;
    secp256k1_ecdsa_signature parsed;
    const secp256k1_context *ctx = umbral_context();
    memset(signature, 0, TALLY_UMBRAL_SIGNATURE_SIZE);
    if (n > TALLY_UMBRAL_DER_MAX || secp256k1_ecdsa_signature_parse_der(ctx, &parsed, der, n) != 1)
        return TALLY_E_FORMAT;
    secp256k1_ecdsa_signature_serialize_compact(ctx, signature, &parsed);
    /* One encoding only: the parser reads a few that are not DER. */
    if (tally_umbral_signature_to_der(signature, again, &again_n) == TALLY_OK && again_n == n &&
        memcmp(again, der, n) == 0)
        return TALLY_OK;
    memset(signature, 0, TALLY_UMBRAL_SIGNATURE_SIZE);
    return TALLY_E_FORMAT;
}
