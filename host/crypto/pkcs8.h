/* PKCS #8 structures in PEM, plain or under a passphrase: what all private key files are made of. */
#ifndef TALLY_CRYPTO_PKCS8_H
#define TALLY_CRYPTO_PKCS8_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/x509.h>

#include "host/base/error.h"

/* The structure in n characters of a PEM file, decrypted when it is encrypted; passphrase may be NULL.
 * TALLY_E_FORMAT when there is none; TALLY_E_CRYPTO when the passphrase is wrong or missing. *p8 is NULL
 * then; otherwise the caller's. */
enum tally_error tally_pkcs8_read(const char *text, size_t n, const char *passphrase,
                                  PKCS8_PRIV_KEY_INFO **p8);

/* Writes PEM to bio, under the passphrase (at most TALLY_PASSPHRASE_MAX characters) when it is not NULL:
 * PBES2 with scrypt and AES-256-CBC. Takes over neither. */
bool tally_pkcs8_write(BIO *bio, PKCS8_PRIV_KEY_INFO *p8, const char *passphrase);

#endif
