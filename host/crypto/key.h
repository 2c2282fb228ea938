/* Asymmetric keys: P-256, RSA-2048 (e = 65537) and the SM9 identity of an authentication server, public or
 * with the private half.
 *
 * A key is immutable once made; any number of threads may use it at the same time.
 */
#ifndef TALLY_CRYPTO_KEY_H
#define TALLY_CRYPTO_KEY_H

#include <stdbool.h>

#include "host/crypto/sym.h"

struct tally_key;
struct tally_sm9_key;
struct tally_sm9_holder;

enum {
    TALLY_PUBLIC_MAX = RSA_SIZE, /* raw public key: 64 (x || y), 256 (modulus) or 196 */
    TALLY_SM9_PUBLIC_SIZE =
        2 + SM9_EPOCH_SIZE + SM9_G2_SIZE + SM9_G1_SIZE, /* operator, epoch, Ppub-s, Ppub-e */
    TALLY_RSA_PRIVATE_SIZE = 5 * 128                    /* p || q || dp || dq || iq */
};

/* Makes a key pair of SUITE_P256 or SUITE_RSA (otherwise TALLY_E_USAGE). *key is NULL on failure. */
enum tally_error tally_key_generate(uint8_t suite, struct tally_key **key);

/* A public key from its raw form: 64 bytes x || y, 65 bytes 04 || x || y, 256 bytes of modulus, or 196 bytes
 * of an SM9 identity authd:OPERATOR:EPOCH and its master keys. TALLY_E_FORMAT: other lengths; TALLY_E_CRYPTO:
 * not a point of the curve, or a modulus that is even or short. */
enum tally_error tally_key_from_public(const uint8_t *raw, size_t n, struct tally_key **key);

/* A P-256 key pair from its 32-byte private key. TALLY_E_CRYPTO when it is not in 1..n-1. */
enum tally_error tally_key_from_private(const uint8_t raw[P256_PRIVATE_SIZE], struct tally_key **key);

/* The key pair of an authentication server. TALLY_E_USAGE: the holder is none; TALLY_E_CRYPTO: its keys do
 * not belong together. The caller wipes the holder. */
enum tally_error tally_key_from_holder(const struct tally_sm9_holder *holder, struct tally_key **key);

/* NULL is allowed. The private half is wiped. */
void tally_key_free(struct tally_key *key);

/* SUITE_P256, SUITE_RSA or SUITE_SM9. */
uint8_t tally_key_suite(const struct tally_key *key);
bool tally_key_is_private(const struct tally_key *key);

/* The raw public key, 64 (x || y), 256 or 196 bytes, owned by key; *n is its size. */
const uint8_t *tally_key_public(const struct tally_key *key, size_t *n);

/* What is inside of a key of SUITE_SM9, owned by key; NULL of another suite. */
const struct tally_sm9_key *tally_key_sm9(const struct tally_key *key);

/* The private half: P-256, 32 bytes; RSA, the CRT parts as the card stores them. The caller wipes.
 * TALLY_E_USAGE when the key is public or of the other kind. */
enum tally_error tally_key_p256_private(const struct tally_key *key, uint8_t out[P256_PRIVATE_SIZE]);
enum tally_error tally_key_rsa_private(const struct tally_key *key, uint8_t out[TALLY_RSA_PRIVATE_SIZE]);

#endif
