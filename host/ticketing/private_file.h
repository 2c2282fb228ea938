/* Files and folders that only their owner may read: the folder of keys, gate kits, the register of parties.
 */
#ifndef TALLY_TICKETING_PRIVATE_FILE_H
#define TALLY_TICKETING_PRIVATE_FILE_H

#include <stddef.h>

#include "host/base/error.h"

enum { TALLY_PATH_MAX = 1024 };

/* Makes a folder with mode 0700. TALLY_E_EXISTS when something is there. */
enum tally_error tally_private_folder_make(const char *path);

/* TALLY_OK for a folder of this user or root that is closed to group and others; TALLY_E_DENIED otherwise,
 * TALLY_E_NOT_FOUND when nothing is there. */
enum tally_error tally_private_folder_check(const char *path);

/* Writes a new file with mode 0600 and syncs it. TALLY_E_EXISTS when something is there: keys are never
 * overwritten. */
enum tally_error tally_private_file_create(const char *path, const void *data, size_t n);

/* Writes the file anew in one step: readers see the old or the new content. Mode 0600. */
enum tally_error tally_private_file_replace(const char *path, const void *data, size_t n);

/* Reads a whole private file (as tally_private_file_read) of at most max bytes into malloc'd memory with a
 * NUL after it; *data is NULL and *n 0 on failure. */
enum tally_error tally_private_file_load(const char *path, size_t max, char **data, size_t *n);

/* folder/name into out (TALLY_PATH_MAX bytes). TALLY_E_FULL when it does not fit; out is "" then. */
enum tally_error tally_path_join(const char *folder, const char *name, char out[TALLY_PATH_MAX]);

#endif
