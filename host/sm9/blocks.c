/* GB/T 38635.2, clause 9, with SM4 as the block cipher. */
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "card/sm9/wipe.h"
#include "host/sm9/internal.h"

enum { BLOCK = 16, KEY = 16, DERIVED = KEY + SM9_TAG_BYTES };

static bool all_zero(const uint8_t *p, size_t n)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++)
        any |= p[i];
    return any == 0;
}

/* One call with padding: *out_len bytes, at most in_len + BLOCK. The padding of what was decrypted may be
 * wrong. */
static enum tsm9_result sm4(bool encrypt, const uint8_t key[KEY], const uint8_t *in, size_t in_len,
                            uint8_t *out, size_t *out_len)
{
    int n = 0, last = 0;
    enum tsm9_result r = TSM9_E_CIPHER;
    *out_len = 0;
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "SM4-ECB", NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (ctx == NULL)
        r = TSM9_E_MEMORY;
    if (cipher == NULL || ctx == NULL || EVP_CipherInit_ex2(ctx, cipher, key, NULL, encrypt, NULL) != 1 ||
        EVP_CipherUpdate(ctx, out, &n, in, (int)in_len) != 1)
        goto out;
    r = TSM9_E_MISMATCH;
    if (EVP_CipherFinal_ex(ctx, out + n, &last) == 1) {
        *out_len = (size_t)(n + last);
        r = TSM9_OK;
    }
out:
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(cipher);
    return r;
}

enum tsm9_result sm9lib_encrypt_blocks(uint8_t *out, const struct sm9_encrypt_public *key,
                                       const struct sm9_id *id, const uint8_t *message, size_t len,
                                       const struct sm9_random *random)
{
    uint8_t k[DERIVED], *c3 = out + G1_BYTES, *c2 = c3 + SM9_TAG_BYTES;
    size_t n = 0;
    enum tsm9_result r;
    do {
        r = (enum tsm9_result)sm9_encapsulate(k, sizeof k, out, key, id, random);
    } while (r == TSM9_OK && all_zero(k, KEY));
    if (r == TSM9_OK)
        r = sm4(true, k, message, len, c2, &n);
    if (r == TSM9_OK)
        sm9_tag(c3, c2, n, k + KEY, SM9_TAG_BYTES);
    else
        memset(out, 0, tsm9_ciphertext_size(TSM9_SM4_ECB, len));
    sm9_wipe(k, sizeof k);
    return r;
}

enum tsm9_result sm9lib_decrypt_blocks(uint8_t *message, size_t *message_len, const uint8_t *in, size_t len,
                                       const struct sm9_decrypt_key *own, const struct sm9_id *id)
{
    uint8_t k[DERIVED], tag[SM9_TAG_BYTES];
    const uint8_t *c2 = in + TSM9_OVERHEAD;
    size_t n = len - TSM9_OVERHEAD;
    *message_len = 0;
    if (n % BLOCK != 0)
        return TSM9_E_LENGTH;
    enum tsm9_result r = (enum tsm9_result)sm9_decapsulate(k, sizeof k, in, own, id);
    if (r == TSM9_OK) {
        sm9_tag(tag, c2, n, k + KEY, SM9_TAG_BYTES);
        if (all_zero(k, KEY) || CRYPTO_memcmp(tag, in + G1_BYTES, sizeof tag) != 0)
            r = TSM9_E_MISMATCH;
    }
    if (r == TSM9_OK)
        r = sm4(false, k, c2, n, message, message_len);
    if (r == TSM9_OK && *message_len == 0)
        r = TSM9_E_MISMATCH;
    if (r != TSM9_OK) {
        sm9_wipe(message, n);
        *message_len = 0;
    }
    sm9_wipe(k, sizeof k);
    return r;
}
