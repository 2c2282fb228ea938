/* Hybrid public key encryption, RFC 9180, single shot, base mode, of one suite: DHKEM(P-256, HKDF-SHA256)
 * 0x0010, HKDF-SHA256 0x0001, AES-128-GCM 0x0001.
 *
 * On the wire: enc (65 bytes, 04 || x || y) || ciphertext || tag (16).
 */
#ifndef TALLY_CARD_CRYPTO_HPKE_H
#define TALLY_CARD_CRYPTO_HPKE_H

#include "card/crypto/p256.h"

enum { HPKE_ENC_SIZE = P256_POINT_SIZE, HPKE_OVERHEAD = HPKE_ENC_SIZE + AEAD_TAG_SIZE };

/* The receiver's key pair, borrowed. */
struct hpke_key {
    const uint8_t *private_key; /* 32 */
    const uint8_t *public_key;  /* 64, of private_key */
};

/* Decrypts data, n bytes = ciphertext || tag, in place to n - 16 bytes of plaintext. info is text, without
 * its NUL. False when n < 16, enc is not a point, or the tag is wrong; the n bytes of data are zero then
 * (when n < 16, unchanged). */
bool hpke_open(const struct hpke_key *key, const char *info, const struct bytes *aad, size_t count,
               const uint8_t enc[HPKE_ENC_SIZE], uint8_t *data, size_t n);

/* Encrypts n bytes of data in place for the receiver and writes the tag behind them: data has room for n
 * + 16. False (data and enc zero) when the peer's key is not a point of the curve. */
bool hpke_seal(struct rng *rng, const uint8_t peer[P256_PUBLIC_SIZE], const char *info,
               const struct bytes *aad, size_t count, uint8_t enc[HPKE_ENC_SIZE], uint8_t *data, size_t n);

/* hpke_seal with an ephemeral private key that the caller drew, uses for this one call, and wipes. */
bool hpke_seal_ephemeral(const uint8_t ephemeral[P256_PRIVATE_SIZE], const uint8_t peer[P256_PUBLIC_SIZE],
                         const char *info, const struct bytes *aad, size_t count, uint8_t enc[HPKE_ENC_SIZE],
                         uint8_t *data, size_t n);

#endif
