/* Files and folders that only their owner may read or enter. */
#ifndef TALLY_CRYPTO_PRIVATE_FILE_H
#define TALLY_CRYPTO_PRIVATE_FILE_H

#include "host/crypto/keyfile.h"

/* Reads a whole file of less than TALLY_KEYFILE_MAX bytes and puts a NUL behind it. Errors as in keyfile.h;
 * data is zero then, and *n 0. The caller wipes. */
enum tally_error tally_key_bytes_read(const char *path, char data[TALLY_KEYFILE_MAX], size_t *n);

/* Writes a new file with mode 0600: whole and on the disk, or not at all. TALLY_E_EXISTS when there is one.
 */
enum tally_error tally_key_bytes_write(const char *path, const char *data, size_t n);

/* TALLY_E_DENIED unless the folder is of this user or root and closed to group and others. */
enum tally_error tally_key_folder_check(const char *dir);

#endif
