/* Symmetric cryptography and randomness for the card, over BearSSL: constant time on secrets, no heap.
 *
 * Data goes in as a list of parts, so that a caller needs no buffer to join them: the functions work on the
 * concatenation. A list of 0 parts may be NULL. In and out may overlap only where "in place" is said.
 */
#ifndef TALLY_CARD_CRYPTO_SYM_H
#define TALLY_CARD_CRYPTO_SYM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bearssl.h>

#include "card/hal/hal.h"
#include "card/wire/protocol.h"

enum { AES_BLOCK_SIZE = 16, GCM_NONCE_SIZE = 12, SHA256_SIZE = 32 };

/* A piece of an input; p may be NULL when n is 0. */
struct bytes {
    const uint8_t *p;
    size_t n;
};

/* Overwrites n bytes with zero in a way the compiler may not remove. */
void wipe(void *p, size_t n);

/* True when the n bytes are equal; time depends on n alone. */
bool equal_ct(const void *a, const void *b, size_t n);

/* One AES-128 block (FIPS 197); out may equal in. */
void aes128_block(const uint8_t key[SYM_KEY_SIZE], const uint8_t in[AES_BLOCK_SIZE],
                  uint8_t out[AES_BLOCK_SIZE]);

/* AES-128-CMAC of the parts, 16 bytes (RFC 4493, SP 800-38B). */
void cmac(const uint8_t key[SYM_KEY_SIZE], const struct bytes *parts, size_t count,
          uint8_t mac[AES_BLOCK_SIZE]);

/* Fills out with n bytes (at most KDF_MAX) of KDF(key, label, context): SP 800-108 counter mode with CMAC,
 * laid out as in specs/formats.md. label is text; its NUL is not part of it. */
enum { KDF_MAX = 255 * AES_BLOCK_SIZE };
void kdf_cmac(const uint8_t key[SYM_KEY_SIZE], const char *label, const struct bytes *context, size_t count,
              uint8_t *out, size_t n);

/* AES-128-CBC without padding, in place; n is a multiple of 16. */
void cbc_encrypt(const uint8_t key[SYM_KEY_SIZE], const uint8_t iv[AES_BLOCK_SIZE], uint8_t *data, size_t n);
void cbc_decrypt(const uint8_t key[SYM_KEY_SIZE], const uint8_t iv[AES_BLOCK_SIZE], uint8_t *data, size_t n);

/* AES-128-CCM (SP 800-38C) with nonce 13 and tag 8: encrypts n < 65536 bytes of data in place. */
void ccm_seal(const uint8_t key[SYM_KEY_SIZE], const uint8_t nonce[SESSION_NONCE_SIZE],
              const struct bytes *aad, size_t count, uint8_t *data, size_t n, uint8_t tag[SESSION_TAG_SIZE]);

/* Decrypts n < 65536 bytes of data in place. False when the tag is wrong; data is all zero then. */
bool ccm_open(const uint8_t key[SYM_KEY_SIZE], const uint8_t nonce[SESSION_NONCE_SIZE],
              const struct bytes *aad, size_t count, uint8_t *data, size_t n,
              const uint8_t tag[SESSION_TAG_SIZE]);

/* AES-128-GCM (SP 800-38D) with nonce 12 and tag 16, in place; open as ccm_open. */
void gcm_seal(const uint8_t key[SYM_KEY_SIZE], const uint8_t nonce[GCM_NONCE_SIZE], const struct bytes *aad,
              size_t count, uint8_t *data, size_t n, uint8_t tag[AEAD_TAG_SIZE]);
bool gcm_open(const uint8_t key[SYM_KEY_SIZE], const uint8_t nonce[GCM_NONCE_SIZE], const struct bytes *aad,
              size_t count, uint8_t *data, size_t n, const uint8_t tag[AEAD_TAG_SIZE]);

/* SHA-256 (FIPS 180-4), piece by piece. sha256_final leaves the context to be initialised again. */
struct sha256 {
    br_sha256_context state;
};
void sha256_init(struct sha256 *h);
void sha256_add(struct sha256 *h, const void *p, size_t n);
void sha256_add_parts(struct sha256 *h, const struct bytes *parts, size_t count);
void sha256_final(struct sha256 *h, uint8_t digest[SHA256_SIZE]);

/* SHA-256 of label || parts. label is text, without its NUL; "" for none. */
void sha256_labelled(const char *label, const struct bytes *parts, size_t count, uint8_t digest[SHA256_SIZE]);

/* HMAC-SHA256 of the parts (RFC 2104). */
void hmac_sha256(struct bytes key, const struct bytes *parts, size_t count, uint8_t mac[SHA256_SIZE]);

/* RFC 5869 with SHA-256: the two steps, and both at once. n is at most HKDF_MAX. An absent salt has n = 0. */
enum { HKDF_MAX = 255 * SHA256_SIZE };
void hkdf_extract(struct bytes salt, const struct bytes *ikm, size_t count, uint8_t prk[SHA256_SIZE]);
void hkdf_expand(const uint8_t prk[SHA256_SIZE], const struct bytes *info, size_t count, uint8_t *out,
                 size_t n);
void hkdf(struct bytes salt, struct bytes ikm, const struct bytes *info, size_t count, uint8_t *out,
          size_t n);

/* HMAC-DRBG with SHA-256 (SP 800-90A 10.1.2), seeded once with 48 bytes of hal->random. */
struct rng {
    br_hmac_drbg_context drbg;
};

/* False when the source failed; *rng is zero then and must not be used. */
bool rng_init(struct rng *rng, const struct hal *hal);

/* Mixes 32 further bytes of hal->random in. False when the source failed; *rng is as before then. */
bool rng_reseed(struct rng *rng, const struct hal *hal);

/* Fills out with n bytes fit for keys; out may be secret or public. */
void rng_bytes(struct rng *rng, uint8_t *out, size_t n);

#endif
