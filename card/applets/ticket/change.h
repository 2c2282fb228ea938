/* Reading records, and gathering one command's change into one commit of the store. */
#ifndef TALLY_APPLETS_TICKET_CHANGE_H
#define TALLY_APPLETS_TICKET_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card/store/store.h"

struct card;

/* The id of the record of this type and slot. */
#define RECORD(type, slot) ((uint16_t)((type) | (unsigned)(slot)))

enum { CHANGES_MAX = 16, COUNTER_SIZE = 4 };

/* Reads exactly n bytes from offset. False, and the n bytes zero, when the record is absent or shorter, or
 * the memory failed. */
bool record_read(struct card *card, uint16_t id, size_t offset, void *out, size_t n);

/* Reads the first n bytes without checking the record: for finding one among many. */
bool record_peek(struct card *card, uint16_t id, void *out, size_t n);

/* True when there is such a record, readable or not. */
bool record_exists(struct card *card, uint16_t id);

/* The lowest slot above `slot` (-1: from the beginning) that has a record of this type, or -1. */
int record_next(struct card *card, uint16_t type, int slot);

/* A commit in the making. It borrows the data until changes_commit. */
struct changes {
    struct store_change list[CHANGES_MAX];
    size_t count;
    uint8_t counter[COUNTER_SIZE];
};

void changes_begin(struct changes *changes);
void changes_put(struct changes *changes, uint16_t id, const void *data, size_t n);
void changes_delete(struct changes *changes, uint16_t id);

/* Adds 1 to the card transaction counter as part of the commit, and returns the new value in *counter. False,
 * and *counter 0, when the counter cannot be read or is used up. */
bool changes_count(struct card *card, struct changes *changes, uint32_t *counter);

/* Makes it durable: 9000, 6A84 no room, 6581 the memory failed, 6F00 more than CHANGES_MAX. Nothing is
 * changed unless 9000, except that after 6581 the next reset decides. */
uint16_t changes_commit(struct card *card, const struct changes *changes);

#endif
