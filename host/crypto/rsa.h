/* RSA-2048: PSS signatures and OAEP, SHA-256 and MGF1 with SHA-256 throughout (RFC 8017). Labels are text,
 * without their NUL. TALLY_E_USAGE: the key is not RSA or lacks its private half. */
#ifndef TALLY_CRYPTO_RSA_H
#define TALLY_CRYPTO_RSA_H

#include "host/crypto/key.h"

enum { TALLY_OAEP_MAX = RSA_SIZE - 2 * TALLY_SHA256_SIZE - 2, TALLY_PSS_SALT_SIZE = 32 };

/* RSASSA-PSS with 32 bytes of salt, over label || parts; signature is zero on failure. */
enum tally_error tally_pss_sign(const struct tally_key *key, const char *label,
                                const struct tally_bytes *parts, size_t count, uint8_t signature[RSA_SIZE]);

/* TALLY_E_CRYPTO when the signature is wrong. */
enum tally_error tally_pss_verify(const struct tally_key *key, const char *label,
                                  const struct tally_bytes *parts, size_t count,
                                  const uint8_t signature[RSA_SIZE]);

/* RSAES-OAEP. TALLY_E_FULL when n > TALLY_OAEP_MAX; block is zero on failure. */
enum tally_error tally_oaep_encrypt(const struct tally_key *key, const char *label, const uint8_t *message,
                                    size_t n, uint8_t block[RSA_SIZE]);

/* TALLY_E_CRYPTO, without a reason, when the block does not open; message is zero and *n = 0 then. */
enum tally_error tally_oaep_decrypt(const struct tally_key *key, const char *label,
                                    const uint8_t block[RSA_SIZE], uint8_t message[TALLY_OAEP_MAX],
                                    size_t *n);

#endif
