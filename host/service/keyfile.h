/* Private keys at rest: PEM files (P-256 or Ed25519, no passphrase) that only their owner may read. */
#ifndef TALLY_SERVICE_KEYFILE_H
#define TALLY_SERVICE_KEYFILE_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

#include "host/base/error.h"

#define TALLY_KEY_FILE_MAX   16384 /* bytes of a key file */
#define TALLY_PUBLIC_PEM_MAX 512

/* Reads a whole file that must be a regular one (no symbolic link) of this user or root and closed to group
 * and others, at most size - 1 bytes, into data with a NUL after it. *n is set on every path.
 * TALLY_E_NOT_FOUND when it is not there, TALLY_E_DENIED when its mode or owner is wrong, TALLY_E_FULL when
 * it is too long. The caller wipes. */
enum tally_error tally_private_file_read(const char *path, char *data, size_t size, size_t *n);

/* Loads the key; with generate, a file that is not there is made first (P-256, mode 0600). *key is NULL on
 * failure, whose reason is logged without anything of the content; errors as above and TALLY_E_CRYPTO for
 * what is not such a key. The caller frees it with EVP_PKEY_free. */
enum tally_error tally_key_file_load(const char *path, bool generate, EVP_PKEY **key);

/* Reads a public key in PEM. *key is NULL on failure: TALLY_E_CRYPTO unless it is P-256 or Ed25519. */
enum tally_error tally_public_key_parse(const char *pem, EVP_PKEY **key);

/* Writes the public half in PEM, or "" on failure. */
enum tally_error tally_public_key_write(EVP_PKEY *key, char out[TALLY_PUBLIC_PEM_MAX]);

#endif
