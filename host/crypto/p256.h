/* ECDSA and ECDH on P-256. Signatures are r || s, 64 bytes, SHA-256, over label || parts; label is text,
 * without its NUL. TALLY_E_USAGE: the key is not P-256 or lacks its private half. */
#ifndef TALLY_CRYPTO_P256_H
#define TALLY_CRYPTO_P256_H

#include "host/crypto/key.h"

enum { TALLY_P256_SECRET_SIZE = 32 };

/* signature is zero on failure. */
enum tally_error tally_p256_sign(const struct tally_key *key, const char *label,
                                 const struct tally_bytes *parts, size_t count,
                                 uint8_t signature[ECDSA_SIZE]);

/* TALLY_E_CRYPTO when the signature is wrong. */
enum tally_error tally_p256_verify(const struct tally_key *key, const char *label,
                                   const struct tally_bytes *parts, size_t count,
                                   const uint8_t signature[ECDSA_SIZE]);

/* The x coordinate of the shared point; zero on failure. peer is x || y; TALLY_E_CRYPTO when it is not a
 * point of the curve. */
enum tally_error tally_p256_ecdh(const struct tally_key *key, const uint8_t peer[P256_PUBLIC_SIZE],
                                 uint8_t secret[TALLY_P256_SECRET_SIZE]);

#endif
