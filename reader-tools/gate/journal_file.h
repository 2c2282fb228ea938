/* What journal.c and journal_verify.c share: reading the files of a journal in order. */
#ifndef TALLY_GATE_JOURNAL_FILE_H
#define TALLY_GATE_JOURNAL_FILE_H

#include <stdio.h>

#include "reader-tools/gate/journal_line.h"

enum { JOURNAL_PATH_MAX = 1024 };

/* folder/journal.NNNNNN. False when it does not fit. */
bool journal_path(const char *folder, unsigned file, char out[JOURNAL_PATH_MAX]);

/* The numbers of the first and last file; 0 when there are none. They follow one another without gaps, or
 * TALLY_E_FORMAT. */
enum tally_error journal_files(const char *folder, unsigned *first, unsigned *last);

/* Called for every whole line; what it returns other than TALLY_OK ends the reading. */
typedef enum tally_error journal_visitor(void *context, const struct journal_line *line);

struct journal_scan {
    char hash[JOURNAL_HASH_HEX + 1]; /* in and out: the chain */
    bool chained;                    /* hash is known; otherwise the file's first line sets it */
    uint64_t lines;                  /* whole lines read from this file */
    long end;                        /* bytes up to the end of the last whole line */
    bool torn;                       /* something without a newline follows */
};

/* Reads one file. */
enum tally_error journal_scan_file(const char *path, struct journal_scan *scan, journal_visitor *visit,
                                   void *context);

/* Takes the data of a begin line apart. */
bool journal_begin_parse(const char *data, uint16_t *operator_id, uint32_t *gate, uint32_t *transaction,
                         char hash[JOURNAL_HASH_HEX + 1]);

#endif
