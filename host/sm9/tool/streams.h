/* What goes in and out of tally-sm9: files, standard input and output, passphrases. */
#ifndef TALLY_SM9_TOOL_STREAMS_H
#define TALLY_SM9_TOOL_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/base/error.h"
#include "host/crypto/keyfile.h"

enum {
    SM9_FILE_MAX = 1 << 28, /* bytes of a file that is signed or verified */
    SM9_PASSPHRASE_SIZE = TALLY_PASSPHRASE_MAX + 1
};

/* Messages for people, "tally-sm9: what: why"; returns e. */
enum tally_error complain(const char *what, enum tally_error e, const char *why);

/* Bytes of the caller's to give back with buffer_free, which wipes them. */
struct buffer {
    uint8_t *data; /* with a NUL behind */
    size_t size;
};
void buffer_free(struct buffer *b);

/* All of a file, or of standard input when path is NULL or "-", at most max bytes. Complains. */
enum tally_error read_input(const char *path, size_t max, struct buffer *b);

/* To a file, which it replaces, or standard output. Complains. */
enum tally_error write_output(const char *path, const void *data, size_t n);

/* As a private file (keyfile.h): mode 0600, never in another's place. Or standard output. Complains. */
enum tally_error write_private(const char *path, const char *data, size_t n);

/* The passphrase that an argument of -passin or -passout tells, or the terminal when it is NULL, twice when
 * it is a new one. TALLY_E_USAGE with a message. The caller wipes. */
enum tally_error read_passphrase(const char *argument, const char *question, bool twice,
                                 char passphrase[SM9_PASSPHRASE_SIZE]);

#endif
