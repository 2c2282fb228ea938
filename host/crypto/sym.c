#include "host/crypto/sym.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/rand.h>

#include "host/crypto/ossl.h"

enum { CCM_LENGTH_MAX = 65535, GCM_LENGTH_MAX = 1 << 24 };

enum tally_error tally_random(uint8_t *out, size_t n)
{
    if (n <= INT32_MAX && RAND_priv_bytes(out, (int)n) == 1)
        return TALLY_OK;
    tally_wipe(out, n);
    return TALLY_E_BUG;
}

/* One pass of a block cipher without padding. */
static enum tally_error blocks(const EVP_CIPHER *cipher, int encrypt, const uint8_t *key, const uint8_t *iv,
                               const uint8_t *in, size_t n, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len = 0;
    enum tally_error e = TALLY_OK;
    if (ctx == NULL)
        e = TALLY_E_MEMORY;
    else if (n > INT32_MAX || EVP_CipherInit_ex2(ctx, cipher, key, iv, encrypt, NULL) != 1 ||
             EVP_CIPHER_CTX_set_padding(ctx, 0) != 1 || EVP_CipherUpdate(ctx, out, &len, in, (int)n) != 1 ||
             (size_t)len != n)
        e = TALLY_E_BUG;
    EVP_CIPHER_CTX_free(ctx);
    if (e != TALLY_OK)
        tally_wipe(out, n);
    return e;
}

enum tally_error tally_aes_encrypt(const uint8_t key[SYM_KEY_SIZE], const uint8_t in[TALLY_BLOCK_SIZE],
                                   uint8_t out[TALLY_BLOCK_SIZE])
{
    const struct tally_ossl *o = tally_ossl();
    return blocks(o != NULL ? o->ecb : NULL, 1, key, NULL, in, TALLY_BLOCK_SIZE, out);
}

enum tally_error tally_aes_decrypt(const uint8_t key[SYM_KEY_SIZE], const uint8_t in[TALLY_BLOCK_SIZE],
                                   uint8_t out[TALLY_BLOCK_SIZE])
{
    const struct tally_ossl *o = tally_ossl();
    return blocks(o != NULL ? o->ecb : NULL, 0, key, NULL, in, TALLY_BLOCK_SIZE, out);
}

static enum tally_error cbc(int encrypt, const uint8_t *key, const uint8_t *iv, const uint8_t *in, size_t n,
                            uint8_t *out)
{
    const struct tally_ossl *o = tally_ossl();
    if (n % TALLY_BLOCK_SIZE != 0) {
        tally_wipe(out, n);
        return TALLY_E_FORMAT;
    }
    if (n == 0)
        return TALLY_OK;
    return blocks(o != NULL ? o->cbc : NULL, encrypt, key, iv, in, n, out);
}

enum tally_error tally_cbc_encrypt(const uint8_t key[SYM_KEY_SIZE], const uint8_t iv[TALLY_BLOCK_SIZE],
                                   const uint8_t *in, size_t n, uint8_t *out)
{
    return cbc(1, key, iv, in, n, out);
}

enum tally_error tally_cbc_decrypt(const uint8_t key[SYM_KEY_SIZE], const uint8_t iv[TALLY_BLOCK_SIZE],
                                   const uint8_t *in, size_t n, uint8_t *out)
{
    return cbc(0, key, iv, in, n, out);
}

/* Duplicates the template, keys it, and runs it over the parts. */
static enum tally_error mac(const EVP_MAC_CTX *template, struct tally_bytes key,
                            const struct tally_bytes *parts, size_t count, uint8_t *out, size_t size)
{
    EVP_MAC_CTX *ctx = template != NULL ? EVP_MAC_CTX_dup(template) : NULL;
    size_t len = 0;
    bool good = ctx != NULL && EVP_MAC_init(ctx, key.p, key.n, NULL) == 1;
    for (size_t i = 0; i < count; i++)
        good = good && (parts[i].n == 0 || EVP_MAC_update(ctx, parts[i].p, parts[i].n) == 1);
    good = good && EVP_MAC_final(ctx, out, &len, size) == 1 && len == size;
    EVP_MAC_CTX_free(ctx);
    if (good)
        return TALLY_OK;
    tally_wipe(out, size);
    return ctx == NULL ? TALLY_E_MEMORY : TALLY_E_BUG;
}

enum tally_error tally_cmac(const uint8_t key[SYM_KEY_SIZE], const struct tally_bytes *parts, size_t count,
                            uint8_t out[TALLY_BLOCK_SIZE])
{
    const struct tally_ossl *o = tally_ossl();
    return mac(o != NULL ? o->cmac : NULL, (struct tally_bytes){key, SYM_KEY_SIZE}, parts, count, out,
               TALLY_BLOCK_SIZE);
}

enum tally_error tally_hmac_sha256(struct tally_bytes key, const struct tally_bytes *parts, size_t count,
                                   uint8_t out[TALLY_SHA256_SIZE])
{
    const struct tally_ossl *o = tally_ossl();
    /* An empty key must still be a key: with NULL, OpenSSL would look for an earlier one. */
    static const uint8_t empty[1] = {0};
    if (key.n == 0)
        key.p = empty;
    return mac(o != NULL ? o->hmac : NULL, key, parts, count, out, TALLY_SHA256_SIZE);
}

enum tally_error tally_sha256_labelled(const char *label, const struct tally_bytes *parts, size_t count,
                                       uint8_t digest[TALLY_SHA256_SIZE])
{
    const struct tally_ossl *o = tally_ossl();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = o != NULL && ctx != NULL && EVP_DigestInit_ex2(ctx, o->sha256, NULL) == 1 &&
                EVP_DigestUpdate(ctx, label, strlen(label)) == 1;
    for (size_t i = 0; i < count; i++)
        good = good && (parts[i].n == 0 || EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1);
    good = good && EVP_DigestFinal_ex(ctx, digest, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    if (good)
        return TALLY_OK;
    tally_wipe(digest, TALLY_SHA256_SIZE);
    return ctx == NULL ? TALLY_E_MEMORY : TALLY_E_BUG;
}

/* What CCM and GCM have in common. */
struct aead {
    const EVP_CIPHER *cipher;
    const uint8_t *key, *nonce;
    size_t nonce_size, tag_size, length_max;
    bool ccm; /* wants its lengths, and the tag, first, and its additional data in one piece */
};

static enum tally_error join(const struct tally_bytes *parts, size_t count, uint8_t out[TALLY_AAD_MAX],
                             size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].n > TALLY_AAD_MAX - *n)
            return TALLY_E_FULL;
        if (parts[i].n > 0)
            memcpy(out + *n, parts[i].p, parts[i].n);
        *n += parts[i].n;
    }
    return TALLY_OK;
}

static bool aead_start(EVP_CIPHER_CTX *ctx, const struct aead *a, int encrypt, void *tag)
{
    return EVP_CipherInit_ex2(ctx, a->cipher, NULL, NULL, encrypt, NULL) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)a->nonce_size, NULL) == 1 &&
           (!(a->ccm || !encrypt) ||
            EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)a->tag_size, tag) == 1) &&
           EVP_CipherInit_ex2(ctx, NULL, a->key, a->nonce, encrypt, NULL) == 1;
}

static bool aead_add(EVP_CIPHER_CTX *ctx, const struct aead *a, const uint8_t *aad, size_t aad_n, size_t n)
{
    int len;
    return (!a->ccm || EVP_CipherUpdate(ctx, NULL, &len, NULL, (int)n) == 1) &&
           (aad_n == 0 || EVP_CipherUpdate(ctx, NULL, &len, aad, (int)aad_n) == 1);
}

/* CCM must see the data even when there is none, and does all at the update; GCM ends in the final. */
static bool aead_run(EVP_CIPHER_CTX *ctx, const struct aead *a, const uint8_t *in, size_t n, uint8_t *out)
{
    static const uint8_t nothing[1] = {0};
    uint8_t none[TALLY_BLOCK_SIZE];
    int len;
    if ((n > 0 || a->ccm) &&
        EVP_CipherUpdate(ctx, n > 0 ? out : none, &len, n > 0 ? in : nothing, (int)n) != 1)
        return false;
    return a->ccm || EVP_CipherFinal_ex(ctx, none, &len) == 1;
}

static enum tally_error seal(const struct aead *a, const struct tally_bytes *parts, size_t count,
                             const uint8_t *in, size_t n, uint8_t *out)
{
    uint8_t aad[TALLY_AAD_MAX];
    size_t aad_n;
    EVP_CIPHER_CTX *ctx = NULL;
    enum tally_error e = n > a->length_max ? TALLY_E_FULL : join(parts, count, aad, &aad_n);
    if (e != TALLY_OK)
        return e;
    ctx = EVP_CIPHER_CTX_new();
    if (ctx == NULL)
        e = TALLY_E_MEMORY;
    else if (!aead_start(ctx, a, 1, NULL) || !aead_add(ctx, a, aad, aad_n, n) ||
             !aead_run(ctx, a, in, n, out) ||
             EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)a->tag_size, out + n) != 1)
        e = TALLY_E_BUG;
    EVP_CIPHER_CTX_free(ctx);
    if (e != TALLY_OK)
        tally_wipe(out, n + a->tag_size);
    return e;
}

static enum tally_error open(const struct aead *a, const struct tally_bytes *parts, size_t count,
                             const uint8_t *in, size_t n, uint8_t *out)
{
    uint8_t aad[TALLY_AAD_MAX], tag[AEAD_TAG_SIZE];
    size_t aad_n;
    if (n < a->tag_size)
        return TALLY_E_FORMAT;
    n -= a->tag_size;
    enum tally_error e = n > a->length_max ? TALLY_E_FULL : join(parts, count, aad, &aad_n);
    if (e != TALLY_OK)
        return e;
    memcpy(tag, in + n, a->tag_size);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (ctx == NULL)
        e = TALLY_E_MEMORY;
    else if (!aead_start(ctx, a, 0, tag) || !aead_add(ctx, a, aad, aad_n, n))
        e = TALLY_E_BUG;
    else if (!aead_run(ctx, a, in, n, out))
        e = TALLY_E_CRYPTO;
    EVP_CIPHER_CTX_free(ctx);
    if (e != TALLY_OK) {
        ERR_clear_error(); /* a refusal is an answer, and must not look like a later caller's fault */
        tally_wipe(out, n);
    }
    return e;
}

static struct aead ccm(const uint8_t *key, const uint8_t *nonce)
{
    const struct tally_ossl *o = tally_ossl();
    return (struct aead){
        o != NULL ? o->ccm : NULL, key, nonce, SESSION_NONCE_SIZE, SESSION_TAG_SIZE, CCM_LENGTH_MAX, true};
}

static struct aead gcm(const uint8_t *key, const uint8_t *nonce)
{
    const struct tally_ossl *o = tally_ossl();
    return (struct aead){
        o != NULL ? o->gcm : NULL, key, nonce, TALLY_GCM_NONCE_SIZE, AEAD_TAG_SIZE, GCM_LENGTH_MAX, false};
}

enum tally_error tally_ccm_seal(const uint8_t key[SYM_KEY_SIZE], const uint8_t nonce[SESSION_NONCE_SIZE],
                                const struct tally_bytes *aad, size_t count, const uint8_t *in, size_t n,
                                uint8_t *out)
{
    struct aead a = ccm(key, nonce);
    return seal(&a, aad, count, in, n, out);
}

enum tally_error tally_ccm_open(const uint8_t key[SYM_KEY_SIZE], const uint8_t nonce[SESSION_NONCE_SIZE],
                                const struct tally_bytes *aad, size_t count, const uint8_t *in, size_t n,
                                uint8_t *out)
{
    struct aead a = ccm(key, nonce);
    return open(&a, aad, count, in, n, out);
}

enum tally_error tally_gcm_seal(const uint8_t key[SYM_KEY_SIZE], const uint8_t nonce[TALLY_GCM_NONCE_SIZE],
                                const struct tally_bytes *aad, size_t count, const uint8_t *in, size_t n,
                                uint8_t *out)
{
    struct aead a = gcm(key, nonce);
    return seal(&a, aad, count, in, n, out);
}

enum tally_error tally_gcm_open(const uint8_t key[SYM_KEY_SIZE], const uint8_t nonce[TALLY_GCM_NONCE_SIZE],
                                const struct tally_bytes *aad, size_t count, const uint8_t *in, size_t n,
                                uint8_t *out)
{
    struct aead a = gcm(key, nonce);
    return open(&a, aad, count, in, n, out);
}
