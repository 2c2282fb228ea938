/* The inside of struct tally_key, for the files of this folder. */
#ifndef TALLY_CRYPTO_KEY_INTERNAL_H
#define TALLY_CRYPTO_KEY_INTERNAL_H

#include <openssl/evp.h>

#include "host/crypto/key.h"

/* Operations set up once per key and duplicated for each use, which is cheaper and leaves the key unchanged.
 * Those that need the private half are NULL in a public key. */
struct tally_key {
    EVP_PKEY *pkey;              /* NULL of suite SM9, as what follows */
    EVP_PKEY_CTX *sign, *verify; /* ECDSA over a digest, or PSS over a digest */
    EVP_PKEY_CTX *derive;        /* ECDH */
    struct tally_sm9_key *sm9;   /* NULL of other suites */
    uint8_t suite;
    bool is_private;
    uint8_t public[TALLY_PUBLIC_MAX];
    size_t public_size;
};

/* Takes over pkey, also on failure, and checks that it is P-256 or RSA-2048 with e = 65537, else
 * TALLY_E_CRYPTO. */
enum tally_error tally_key_wrap(EVP_PKEY *pkey, struct tally_key **key);

/* True when key is of that suite and, if wanted, has its private half. */
bool tally_key_usable(const struct tally_key *key, uint8_t suite, bool with_private);

/* A P-256 public key, x || y, for one use; NULL when it is not a point of the curve. */
EVP_PKEY *tally_p256_peer(const uint8_t public_key[P256_PUBLIC_SIZE]);

/* An RSA-2048 public key for one use; NULL when the modulus is even or short. */
EVP_PKEY *tally_rsa_peer(const uint8_t modulus[RSA_SIZE]);

/* A fresh P-256 pair for one use, without the overhead of a struct tally_key; NULL on failure. */
EVP_PKEY *tally_p256_fresh(void);

/* x || y of a P-256 key. */
bool tally_p256_coordinates(EVP_PKEY *pkey, uint8_t public_key[P256_PUBLIC_SIZE]);

/* ECDH by an initialised derivation context, which the caller owns. */
enum tally_error tally_p256_agree(EVP_PKEY_CTX *derive, const uint8_t peer[P256_PUBLIC_SIZE],
                                  uint8_t secret[32]);

/* OAEP to a public key. */
enum tally_error tally_oaep_to(EVP_PKEY *pkey, const char *label, const uint8_t *message, size_t n,
                               uint8_t block[RSA_SIZE]);

#endif
