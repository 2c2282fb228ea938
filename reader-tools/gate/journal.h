/* A gate's journal: what it meant to do, did, and refused, in a chain of hashes that shows every later
 * change.
 *
 * It is also the gate's memory: the gate transaction counter and the writes without a receipt are read back
 * from it, so an intent is on disk before the card is told, and a receipt before the gate opens. A folder
 * holds files journal.000001, journal.000002, ... of which the last is written to, and "uploaded", the number
 * of the last line that the ticket server has. One process at a time has the folder.
 */
#ifndef TALLY_GATE_JOURNAL_H
#define TALLY_GATE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "card/wire/usage.h"
#include "host/base/error.h"
#include "reader-tools/gate/journal_line.h"

enum {
    JOURNAL_PENDING_MAX = 1024, /* writes without a receipt; the oldest is forgotten beyond */
    JOURNAL_FILES_MAX = 999999,
    JOURNAL_FILE_BYTES = 64 << 20 /* a longer file is followed by a new one */
};

struct gate_journal;

/* Opens or makes the journal of this operator's gate in folder, which exists. A line cut off by a crash at
 * the end is removed: nothing depended on it. The caller closes *out (NULL on failure). TALLY_E_STATE:
 * another process has it. TALLY_E_CRYPTO: the chain is broken. TALLY_E_FORMAT: malformed, or another gate's.
 * TALLY_E_IO, TALLY_E_MEMORY. */
enum tally_error gate_journal_open(const char *folder, uint16_t operator_id, uint32_t gate, uint32_t now,
                                   struct gate_journal **out);
void gate_journal_close(struct gate_journal *journal);

/* The number for the next new write: one above all that were ever used. */
uint32_t gate_journal_next_transaction(const struct gate_journal *journal);

/* True when a write for this ticket has no receipt yet; *transaction is its number and *event the event it
 * meant (enum usage_event), else 0. */
bool gate_journal_pending(const struct gate_journal *journal, const uint8_t tid[TID_SIZE],
                          uint32_t *transaction, uint8_t *event);

/* The time of the last line, to see a clock that went back. */
uint32_t gate_journal_last_time(const struct gate_journal *journal);

/* Lines with receipts that the ticket server does not have yet. */
uint64_t gate_journal_backlog(const struct gate_journal *journal);

/* Durable when it returns: call before WRITE USAGE or DELETE. part is the record's first 26 bytes. */
enum tally_error gate_journal_intent(struct gate_journal *journal, uint32_t now, const uint8_t tid[TID_SIZE],
                                     const uint8_t serial[SERIAL_SIZE], const uint8_t part[USAGE_GATE_PART]);

/* Durable when it returns: call before the gate opens. Ends the pending write of this ticket. */
enum tally_error gate_journal_done(struct gate_journal *journal, uint32_t now, const uint8_t tid[TID_SIZE],
                                   const uint8_t serial[SERIAL_SIZE], const uint8_t usage[USAGE_SIZE]);

/* The card shows that the pending write of this ticket was not carried out and will not be repeated. */
enum tally_error gate_journal_void(struct gate_journal *journal, uint32_t now, const uint8_t tid[TID_SIZE],
                                   const uint8_t serial[SERIAL_SIZE]);

/* A refusal; tid and serial may be NULL. Not forced to disk. */
enum tally_error gate_journal_refused(struct gate_journal *journal, uint32_t now, const uint8_t *tid,
                                      const uint8_t *serial, unsigned reason);

/* Receipts after the last uploaded line: at most size, in order. *count is 0 on failure. */
enum tally_error gate_journal_unsent(struct gate_journal *journal, struct journal_line *lines, size_t size,
                                     size_t *count);

/* Remembers that all receipts up to line n, count more than before, are at the ticket server. */
enum tally_error gate_journal_sent(struct gate_journal *journal, uint64_t n, size_t count);

struct journal_report {
    uint64_t lines, intents, receipts, voids, refusals, files;
    uint64_t first, last;            /* line numbers */
    char hash[JOURNAL_HASH_HEX + 1]; /* of the last line: an auditor who wrote it down sees a cut-off end */
    unsigned bad_file;               /* where it is broken: file and line in it, from 1; 0 when it is whole */
    uint64_t bad_line;
    bool torn; /* the last line is incomplete, as after a crash */
};

/* Checks a folder's journal without changing or locking it. TALLY_E_CRYPTO or TALLY_E_FORMAT: broken, at the
 * place in *report. TALLY_E_NOT_FOUND: no journal there. */
enum tally_error gate_journal_verify(const char *folder, struct journal_report *report);

#endif
