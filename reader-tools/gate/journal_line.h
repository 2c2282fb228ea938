/* One line of a gate's journal: specs/tools.md.
 *
 *     n time kind tid serial data hash
 *
 * Fields are separated by one space; "-" stands for nothing. hash = SHA-256, in hex, of the hash before, a
 * space, and the line up to the space before the hash.
 */
#ifndef TALLY_GATE_JOURNAL_LINE_H
#define TALLY_GATE_JOURNAL_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card/wire/usage.h"
#include "host/base/error.h"

enum {
    JOURNAL_LINE_MAX = 512, /* bytes, the newline and a NUL included */
    JOURNAL_HASH_HEX = 64,
    JOURNAL_DATA_MAX = 128
};

enum journal_kind {
    JOURNAL_BEGIN,   /* a file begins; data: operator.gate.transaction.hash before */
    JOURNAL_INTENT,  /* before a write; data: the gate's part of the usage record */
    JOURNAL_DONE,    /* the receipt; data: the usage record as the card keeps it */
    JOURNAL_VOID,    /* an intent turned out not to have been carried out; data: its gate transaction */
    JOURNAL_REFUSED, /* data: reason number */
    JOURNAL_KINDS
};

struct journal_line {
    uint64_t n;
    uint32_t time; /* UTC seconds */
    enum journal_kind kind;
    bool has_tid, has_serial;
    uint8_t tid[TID_SIZE], serial[SERIAL_SIZE];
    char data[JOURNAL_DATA_MAX + 1];
};

/* The hash before the very first line. */
void journal_first_hash(char hash[JOURNAL_HASH_HEX + 1]);

/* Writes the line with its newline and a NUL to out, and replaces hash, the one before, by the line's own.
 * TALLY_E_CRYPTO when no digest can be computed; hash is unchanged then. */
enum tally_error journal_line_format(const struct journal_line *line, char hash[JOURNAL_HASH_HEX + 1],
                                     char out[JOURNAL_LINE_MAX], size_t *n);

/* Reads a line (NUL-terminated, without its newline). check_hash compares with what follows from hash, and
 * hash becomes the line's own. TALLY_E_FORMAT: malformed. TALLY_E_CRYPTO: the hash is another. *line is zero
 * on failure. */
enum tally_error journal_line_parse(const char *text, bool check_hash, char hash[JOURNAL_HASH_HEX + 1],
                                    struct journal_line *line);

#endif
