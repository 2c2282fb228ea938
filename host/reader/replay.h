/* A transport that answers from a trace, for looking into a field report without the card, and for tests.
 *
 * Every command has to be the one recorded at that place; bytes the trace hides match anything, and hidden
 * bytes of an answer are played as zero. The first difference is final: all later calls fail with
 * TALLY_E_STATE and tally_replay_reason says at which line of the trace it was.
 */
#ifndef TALLY_READER_REPLAY_H
#define TALLY_READER_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "host/reader/transport.h"

enum {
    TALLY_REPLAY_MAX_ENTRIES = 1 << 20,
    TALLY_REPLAY_MAX_BYTES = 64 << 20, /* of all APDUs of a trace together */
};

/* Reads the whole trace from in, which stays the caller's. The caller closes *out (NULL on failure) by
 * tally_card_close. TALLY_E_FORMAT: a malformed line, named in *line (from 1; 0 on other outcomes).
 * TALLY_E_FULL: beyond the limits above. TALLY_E_IO, TALLY_E_MEMORY. */
enum tally_error tally_replay_open(FILE *in, struct card_transport **out, size_t *line);

/* The first difference in words, "" while there is none. t comes from tally_replay_open. */
const char *tally_replay_reason(const struct card_transport *t);

/* True when everything recorded was played and nothing differed. */
bool tally_replay_finished(const struct card_transport *t);

#endif
