#include "host/crypto/p256.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>

#include "host/crypto/key_internal.h"

enum { DER_MAX = 80, HALF = ECDSA_SIZE / 2 };

/* OpenSSL signs in DER; ours are r || s. */
static bool der_to_raw(const uint8_t *der, size_t n, uint8_t raw[ECDSA_SIZE])
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
    bool good = sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, HALF) == HALF &&
                BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + HALF, HALF) == HALF;
    ECDSA_SIG_free(sig);
    return good;
}

static int raw_to_der(const uint8_t raw[ECDSA_SIZE], uint8_t der[DER_MAX])
{
    int n = -1;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, HALF, NULL), *s = BN_bin2bn(raw + HALF, HALF, NULL);
    if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
        r = s = NULL; /* the signature owns them now */
        uint8_t *p = der;
        n = i2d_ECDSA_SIG(sig, NULL) <= DER_MAX ? i2d_ECDSA_SIG(sig, &p) : -1;
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return n;
}

enum tally_error tally_p256_sign(const struct tally_key *key, const char *label,
                                 const struct tally_bytes *parts, size_t count, uint8_t signature[ECDSA_SIZE])
{
    uint8_t digest[TALLY_SHA256_SIZE], der[DER_MAX];
    size_t n = sizeof der;
    EVP_PKEY_CTX *ctx = NULL;
    enum tally_error e = tally_key_usable(key, SUITE_P256, true)
                             ? tally_sha256_labelled(label, parts, count, digest)
                             : TALLY_E_USAGE;
    if (e != TALLY_OK)
        goto out;
    ctx = EVP_PKEY_CTX_dup(key->sign);
    if (ctx == NULL)
        e = TALLY_E_MEMORY;
    else if (EVP_PKEY_sign(ctx, der, &n, digest, sizeof digest) != 1 || !der_to_raw(der, n, signature))
        e = TALLY_E_BUG;
out:
    EVP_PKEY_CTX_free(ctx);
    if (e != TALLY_OK)
        memset(signature, 0, ECDSA_SIZE);
    return e;
}

enum tally_error tally_p256_verify(const struct tally_key *key, const char *label,
                                   const struct tally_bytes *parts, size_t count,
                                   const uint8_t signature[ECDSA_SIZE])
{
    uint8_t digest[TALLY_SHA256_SIZE], der[DER_MAX];
    if (!tally_key_usable(key, SUITE_P256, false))
        return TALLY_E_USAGE;
    enum tally_error e = tally_sha256_labelled(label, parts, count, digest);
    if (e != TALLY_OK)
        return e;
    int n = raw_to_der(signature, der);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_dup(key->verify);
    if (n < 0 || ctx == NULL)
        e = TALLY_E_MEMORY;
    else if (EVP_PKEY_verify(ctx, der, (size_t)n, digest, sizeof digest) != 1)
        e = TALLY_E_CRYPTO;
    EVP_PKEY_CTX_free(ctx);
    if (e != TALLY_OK)
        ERR_clear_error();
    return e;
}

enum tally_error tally_p256_agree(EVP_PKEY_CTX *derive, const uint8_t peer[P256_PUBLIC_SIZE],
                                  uint8_t secret[TALLY_P256_SECRET_SIZE])
{
    size_t n = TALLY_P256_SECRET_SIZE;
    EVP_PKEY *other = tally_p256_peer(peer);
    /* The peer is checked already, at a fifth of the cost of OpenSSL's own check. */
    bool good = other != NULL && EVP_PKEY_derive_set_peer_ex(derive, other, 0) == 1 &&
                EVP_PKEY_derive(derive, secret, &n) == 1 && n == TALLY_P256_SECRET_SIZE;
    EVP_PKEY_free(other);
    if (good)
        return TALLY_OK;
    ERR_clear_error();
    tally_wipe(secret, TALLY_P256_SECRET_SIZE);
    return TALLY_E_CRYPTO;
}

enum tally_error tally_p256_ecdh(const struct tally_key *key, const uint8_t peer[P256_PUBLIC_SIZE],
                                 uint8_t secret[TALLY_P256_SECRET_SIZE])
{
    tally_wipe(secret, TALLY_P256_SECRET_SIZE);
    if (!tally_key_usable(key, SUITE_P256, true))
        return TALLY_E_USAGE;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_dup(key->derive);
    enum tally_error e = ctx != NULL ? tally_p256_agree(ctx, peer, secret) : TALLY_E_MEMORY;
    EVP_PKEY_CTX_free(ctx);
    return e;
}
