/* The operator's deny list: blocked cards and tickets, signed, numbered, with an expiry (specs/ticketing.md).
 *
 * A text of it is pairs of lines, JSON and signature: one whole list, then any number of changes ("since"),
 * each of which names the version it follows.
 */
#ifndef TALLY_GATE_DENYLIST_H
#define TALLY_GATE_DENYLIST_H

#include <stdbool.h>

#include "host/crypto/key.h"

enum {
    DENYLIST_ENTRIES_MAX = 1 << 18, /* serials, and as many TIDs */
    DENYLIST_TEXT_MAX = 32 << 20    /* bytes of a file or answer */
};

struct denylist_set {
    uint8_t *at; /* count entries of `size` bytes, ascending */
    size_t count, size;
};

struct gate_denylist {
    uint32_t version; /* 0: there is none */
    uint32_t issued, expires;
    struct denylist_set serials, tids;
};

void gate_denylist_init(struct gate_denylist *list);
void gate_denylist_free(struct gate_denylist *list);

/* Takes the n bytes of text over when every pair in it is signed by the authority for this operator, and what
 * results is newer than what is there. TALLY_E_CRYPTO: a signature. TALLY_E_FORMAT: malformed, another
 * operator's, or a change to another version. TALLY_E_EXISTS: not newer. TALLY_E_FULL. *list is unchanged on
 * failure. */
enum tally_error gate_denylist_update(struct gate_denylist *list, uint16_t operator_id,
                                      const struct tally_key *authority, const char *text, size_t n,
                                      bool *change);

bool gate_denylist_has_serial(const struct gate_denylist *list, const uint8_t serial[SERIAL_SIZE]);
bool gate_denylist_has_tid(const struct gate_denylist *list, const uint8_t tid[TID_SIZE]);

/* True when there is no list or it has expired. */
bool gate_denylist_stale(const struct gate_denylist *list, uint32_t now);

/* Reads a file and updates the list from it; TALLY_E_NOT_FOUND when there is none. */
enum tally_error gate_denylist_read_file(struct gate_denylist *list, uint16_t operator_id,
                                         const struct tally_key *authority, const char *path);

#endif
