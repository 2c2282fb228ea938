/* RSA-2048 for the card, over BearSSL (i31): e = 65537, SHA-256 throughout, constant time on private keys. */
#ifndef TALLY_CARD_CRYPTO_RSA_H
#define TALLY_CARD_CRYPTO_RSA_H

#include "card/crypto/sym.h"

enum {
    RSA_FACTOR_SIZE = 128,
    RSA_PRIVATE_SIZE = 5 * RSA_FACTOR_SIZE,        /* p || q || dp || dq || iq, 128 bytes each */
    RSA_OAEP_MAX = RSA_SIZE - 2 * SHA256_SIZE - 2, /* 190: what one block holds */
    RSA_PSS_SALT_SIZE = 32
};

/* Makes a key. Slow: seconds on a microcontroller. False, and both zero, when the library failed. */
bool rsa_generate(struct rng *rng, uint8_t private_key[RSA_PRIVATE_SIZE], uint8_t modulus[RSA_SIZE]);

/* Computes p * q. False, and the result zero, unless it has exactly 2048 bits. */
bool rsa_modulus(const uint8_t private_key[RSA_PRIVATE_SIZE], uint8_t modulus[RSA_SIZE]);

/* True when the parts of an injected key belong together: factors odd and of 1024 bits, modulus p * q, and a
 * random value encrypted with e = 65537 decrypts to itself. */
bool rsa_consistent(struct rng *rng, const uint8_t private_key[RSA_PRIVATE_SIZE],
                    const uint8_t modulus[RSA_SIZE]);

/* RSAES-OAEP (RFC 8017 7.1), label text without its NUL. Decrypts block in place: *n bytes of message end up
 * at its start. False (block zero, *n = 0) on any failure; which one is not visible, in time neither. */
bool rsa_oaep_decrypt(const uint8_t private_key[RSA_PRIVATE_SIZE], const char *label, uint8_t block[RSA_SIZE],
                      size_t *n);

/* False, and block zero, when n > RSA_OAEP_MAX or the modulus is not of 2048 bits. */
bool rsa_oaep_encrypt(struct rng *rng, const uint8_t modulus[RSA_SIZE], const char *label,
                      const uint8_t *message, size_t n, uint8_t block[RSA_SIZE]);

/* RSASSA-PSS verification (RFC 8017 8.1.2): SHA-256, MGF1 with SHA-256, salt of exactly 32 bytes, over
 * label || parts. */
bool rsa_pss_verify(const uint8_t modulus[RSA_SIZE], const char *label, const struct bytes *parts,
                    size_t count, const uint8_t signature[RSA_SIZE]);

#endif
