#include "host/crypto/rsa.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "host/crypto/key_internal.h"

enum tally_error tally_pss_sign(const struct tally_key *key, const char *label,
                                const struct tally_bytes *parts, size_t count, uint8_t signature[RSA_SIZE])
{
    uint8_t digest[TALLY_SHA256_SIZE];
    size_t n = RSA_SIZE;
    EVP_PKEY_CTX *ctx = NULL;
    enum tally_error e = tally_key_usable(key, SUITE_RSA, true)
                             ? tally_sha256_labelled(label, parts, count, digest)
                             : TALLY_E_USAGE;
    if (e != TALLY_OK)
        goto out;
    ctx = EVP_PKEY_CTX_dup(key->sign);
    if (ctx == NULL)
        e = TALLY_E_MEMORY;
    else if (EVP_PKEY_sign(ctx, signature, &n, digest, sizeof digest) != 1 || n != RSA_SIZE)
        e = TALLY_E_BUG;
out:
    EVP_PKEY_CTX_free(ctx);
    if (e != TALLY_OK)
        memset(signature, 0, RSA_SIZE);
    return e;
}

enum tally_error tally_pss_verify(const struct tally_key *key, const char *label,
                                  const struct tally_bytes *parts, size_t count,
                                  const uint8_t signature[RSA_SIZE])
{
    uint8_t digest[TALLY_SHA256_SIZE];
    if (!tally_key_usable(key, SUITE_RSA, false))
        return TALLY_E_USAGE;
    enum tally_error e = tally_sha256_labelled(label, parts, count, digest);
    if (e != TALLY_OK)
        return e;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_dup(key->verify);
    if (ctx == NULL)
        e = TALLY_E_MEMORY;
    else if (EVP_PKEY_verify(ctx, signature, RSA_SIZE, digest, sizeof digest) != 1)
        e = TALLY_E_CRYPTO;
    EVP_PKEY_CTX_free(ctx);
    if (e != TALLY_OK)
        ERR_clear_error();
    return e;
}

static bool oaep_scheme(EVP_PKEY_CTX *ctx, const char *label)
{
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, (char[]){"oaep"}, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_octet_string(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, (char *)label, strlen(label)),
        OSSL_PARAM_construct_end()};
    return EVP_PKEY_CTX_set_params(ctx, params) == 1;
}

enum tally_error tally_oaep_to(EVP_PKEY *pkey, const char *label, const uint8_t *message, size_t n,
                               uint8_t block[RSA_SIZE])
{
    size_t len = RSA_SIZE;
    EVP_PKEY_CTX *ctx = NULL;
    enum tally_error e = n <= TALLY_OAEP_MAX ? TALLY_OK : TALLY_E_FULL;
    if (e != TALLY_OK)
        goto out;
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    if (ctx == NULL)
        e = TALLY_E_MEMORY;
    else if (EVP_PKEY_encrypt_init(ctx) != 1 || !oaep_scheme(ctx, label) ||
             EVP_PKEY_encrypt(ctx, block, &len, message, n) != 1 || len != RSA_SIZE)
        e = TALLY_E_BUG;
out:
    EVP_PKEY_CTX_free(ctx);
    if (e != TALLY_OK)
        memset(block, 0, RSA_SIZE);
    return e;
}

enum tally_error tally_oaep_encrypt(const struct tally_key *key, const char *label, const uint8_t *message,
                                    size_t n, uint8_t block[RSA_SIZE])
{
    if (tally_key_usable(key, SUITE_RSA, false))
        return tally_oaep_to(key->pkey, label, message, n, block);
    memset(block, 0, RSA_SIZE);
    return TALLY_E_USAGE;
}

enum tally_error tally_oaep_decrypt(const struct tally_key *key, const char *label,
                                    const uint8_t block[RSA_SIZE], uint8_t message[TALLY_OAEP_MAX], size_t *n)
{
    uint8_t padded[RSA_SIZE]; /* OpenSSL asks for room for the whole block */
    size_t len = sizeof padded;
    memset(message, 0, TALLY_OAEP_MAX);
    *n = 0;
    if (!tally_key_usable(key, SUITE_RSA, true))
        return TALLY_E_USAGE;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    enum tally_error e = TALLY_OK;
    if (ctx == NULL)
        e = TALLY_E_MEMORY;
    else if (EVP_PKEY_decrypt_init(ctx) != 1 || !oaep_scheme(ctx, label))
        e = TALLY_E_BUG;
    else if (EVP_PKEY_decrypt(ctx, padded, &len, block, RSA_SIZE) != 1 || len > TALLY_OAEP_MAX)
        e = TALLY_E_CRYPTO;
    if (e == TALLY_OK) {
        memcpy(message, padded, len);
        *n = len;
    }
    tally_wipe(padded, sizeof padded);
    EVP_PKEY_CTX_free(ctx);
    if (e != TALLY_OK)
        ERR_clear_error();
    return e;
}
