/* NIST P-256 for the card, over BearSSL (i31 arithmetic, br_ec_p256_m31): constant time on private keys.
 *
 * Public keys are x || y, 64 bytes; private keys 32 bytes, big-endian, in 1..n-1; signatures r || s, 64
 * bytes.
 */
#ifndef TALLY_CARD_CRYPTO_P256_H
#define TALLY_CARD_CRYPTO_P256_H

#include "card/crypto/sym.h"

enum { P256_SECRET_SIZE = 32 /* ECDH result */ };

/* Draws a private key alone. False, and the key zero, only when the library failed. */
bool p256_draw(struct rng *rng, uint8_t private_key[P256_PRIVATE_SIZE]);

/* Makes a key pair. False (both zero) only when the library failed. */
bool p256_generate(struct rng *rng, uint8_t private_key[P256_PRIVATE_SIZE],
                   uint8_t public_key[P256_PUBLIC_SIZE]);

/* Computes the public key. False, and the result zero, when the private key is not in 1..n-1. */
bool p256_public(const uint8_t private_key[P256_PRIVATE_SIZE], uint8_t public_key[P256_PUBLIC_SIZE]);

/* True when x || y is a point of the curve. P-256 has cofactor 1: such a point is a valid key. */
bool p256_valid(const uint8_t public_key[P256_PUBLIC_SIZE]);

/* ECDH: the x coordinate, 32 bytes (SP 800-56A 5.7.1.2). False, and x zero, when the peer's key is not a
 * point of the curve or the private key is out of range. */
bool p256_ecdh(const uint8_t private_key[P256_PRIVATE_SIZE], const uint8_t peer[P256_PUBLIC_SIZE],
               uint8_t x[P256_SECRET_SIZE]);

/* ECDSA with SHA-256 over label || parts, deterministic (RFC 6979). label is text, without its NUL. False,
 * and the signature zero, when the private key is out of range. */
bool p256_sign(const uint8_t private_key[P256_PRIVATE_SIZE], const char *label, const struct bytes *parts,
               size_t count, uint8_t signature[ECDSA_SIZE]);

/* True when the signature over label || parts is right and the key a point of the curve. */
bool p256_verify(const uint8_t public_key[P256_PUBLIC_SIZE], const char *label, const struct bytes *parts,
                 size_t count, const uint8_t signature[ECDSA_SIZE]);

/* The same over a SHA-256 digest that the caller made. */
bool p256_sign_digest(const uint8_t private_key[P256_PRIVATE_SIZE], const uint8_t digest[SHA256_SIZE],
                      uint8_t signature[ECDSA_SIZE]);
bool p256_verify_digest(const uint8_t public_key[P256_PUBLIC_SIZE], const uint8_t digest[SHA256_SIZE],
                        const uint8_t signature[ECDSA_SIZE]);

#endif
