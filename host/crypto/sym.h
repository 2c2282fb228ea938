/* Symmetric cryptography for the host, over OpenSSL: AES-128, CMAC, CCM, GCM, SHA-256, HMAC.
 *
 * Inputs of several parts stand for their concatenation; a list of 0 parts may be NULL. All functions are
 * safe to call from any thread. Unless said otherwise the only errors are TALLY_E_MEMORY and, for a fault of
 * the library, TALLY_E_BUG; results are zero then.
 */
#ifndef TALLY_CRYPTO_SYM_H
#define TALLY_CRYPTO_SYM_H

#include <stddef.h>
#include <stdint.h>

#include "card/wire/protocol.h"
#include "host/base/bytes.h"
#include "host/base/error.h"

enum {
    TALLY_BLOCK_SIZE = 16,
    TALLY_SHA256_SIZE = 32,
    TALLY_GCM_NONCE_SIZE = 12,
    TALLY_AAD_MAX = 1024 /* bytes of additional data, all parts together */
};

/* A piece of an input; p may be NULL when n is 0. */
struct tally_bytes {
    const uint8_t *p;
    size_t n;
};

/* Random bytes fit for keys, from OpenSSL's generator. */
enum tally_error tally_random(uint8_t *out, size_t n);

/* One block of AES-128 (FIPS 197). */
enum tally_error tally_aes_encrypt(const uint8_t key[SYM_KEY_SIZE], const uint8_t in[TALLY_BLOCK_SIZE],
                                   uint8_t out[TALLY_BLOCK_SIZE]);
enum tally_error tally_aes_decrypt(const uint8_t key[SYM_KEY_SIZE], const uint8_t in[TALLY_BLOCK_SIZE],
                                   uint8_t out[TALLY_BLOCK_SIZE]);

/* AES-128-CBC without padding; out may equal in. TALLY_E_FORMAT when n is no multiple of 16. */
enum tally_error tally_cbc_encrypt(const uint8_t key[SYM_KEY_SIZE], const uint8_t iv[TALLY_BLOCK_SIZE],
                                   const uint8_t *in, size_t n, uint8_t *out);
enum tally_error tally_cbc_decrypt(const uint8_t key[SYM_KEY_SIZE], const uint8_t iv[TALLY_BLOCK_SIZE],
                                   const uint8_t *in, size_t n, uint8_t *out);

/* AES-128-CMAC of the parts (RFC 4493). */
enum tally_error tally_cmac(const uint8_t key[SYM_KEY_SIZE], const struct tally_bytes *parts, size_t count,
                            uint8_t mac[TALLY_BLOCK_SIZE]);

/* AES-128-CCM (SP 800-38C), nonce 13, tag 8. Seal writes n bytes of ciphertext and the tag behind them to out
 * (n + 8); out may equal in. TALLY_E_FULL: too much additional data, or n > 65535. */
enum tally_error tally_ccm_seal(const uint8_t key[SYM_KEY_SIZE], const uint8_t nonce[SESSION_NONCE_SIZE],
                                const struct tally_bytes *aad, size_t count, const uint8_t *in, size_t n,
                                uint8_t *out);

/* Opens n bytes, ciphertext and tag, into n - 8 bytes. TALLY_E_FORMAT when n < 8; TALLY_E_CRYPTO when the tag
 * is wrong, and out is zero. */
enum tally_error tally_ccm_open(const uint8_t key[SYM_KEY_SIZE], const uint8_t nonce[SESSION_NONCE_SIZE],
                                const struct tally_bytes *aad, size_t count, const uint8_t *in, size_t n,
                                uint8_t *out);

/* AES-128-GCM (SP 800-38D), nonce 12, tag 16; otherwise as CCM. */
enum tally_error tally_gcm_seal(const uint8_t key[SYM_KEY_SIZE], const uint8_t nonce[TALLY_GCM_NONCE_SIZE],
                                const struct tally_bytes *aad, size_t count, const uint8_t *in, size_t n,
                                uint8_t *out);
enum tally_error tally_gcm_open(const uint8_t key[SYM_KEY_SIZE], const uint8_t nonce[TALLY_GCM_NONCE_SIZE],
                                const struct tally_bytes *aad, size_t count, const uint8_t *in, size_t n,
                                uint8_t *out);

/* SHA-256 of label || parts; label is text, without its NUL ("" for none). */
enum tally_error tally_sha256_labelled(const char *label, const struct tally_bytes *parts, size_t count,
                                       uint8_t digest[TALLY_SHA256_SIZE]);

/* HMAC-SHA256 of the parts (RFC 2104). */
enum tally_error tally_hmac_sha256(struct tally_bytes key, const struct tally_bytes *parts, size_t count,
                                   uint8_t mac[TALLY_SHA256_SIZE]);

#endif
