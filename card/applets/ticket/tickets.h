/* The tickets on the card, by slot: finding them, and what one is made of. */
#ifndef TALLY_APPLETS_TICKET_TICKETS_H
#define TALLY_APPLETS_TICKET_TICKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card/wire/face.h"
#include "card/wire/usage.h"

struct card;

enum {
    NO_SLOT = -1,
    FACE_HEAD_SIZE = FACE_AT_MINUTE + 2 /* the bytes of a face by which tickets are found and ordered */
};

/* Bytes of TF_V, 0 for a suite that this card has not. */
size_t suite_code_size(uint8_t suite);

/* Steps to the next ticket in order of slot: begin with *slot = NO_SLOT. False after the last one. The bytes
 * are not checked against decay of the memory, for speed; those that are acted on are read again. */
bool tickets_next(struct card *card, int *slot, uint8_t head[FACE_HEAD_SIZE]);

/* True when the slot has the ticket of this operator with this TID. */
bool tickets_is(struct card *card, int slot, uint16_t operator_id, const uint8_t tid[TID_SIZE]);

/* The slot of a ticket of this operator, or NO_SLOT. */
int tickets_find(struct card *card, uint16_t operator_id, const uint8_t tid[TID_SIZE]);
int tickets_find_sequence(struct card *card, uint16_t operator_id, uint32_t sequence);

/* The ticket that a gate means by service date and service (zero: any): specs/session.md. */
int tickets_choose(struct card *card, uint16_t operator_id, uint16_t date,
                   const uint8_t service[SERVICE_SIZE]);

/* True when the service of the face matches, or service is all zero. */
bool tickets_serve(const uint8_t head[FACE_HEAD_SIZE], const uint8_t service[SERVICE_SIZE]);

/* The lowest slot without a ticket, or NO_SLOT. */
int tickets_free_slot(struct card *card);

/* Read TF_A and TF_B of a ticket. False, and *out zero, when the memory failed. */
bool ticket_face_read(struct card *card, int slot, uint8_t out[FACE_SIZE]);
bool ticket_usage_read(struct card *card, int slot, uint8_t out[USAGE_SIZE]);

/* Writes TF_A || TF_V || TF_B of the slot, or as many zero bytes for NO_SLOT. Returns the length, which
 * depends on the suite alone; 0 when the memory failed. */
size_t ticket_copy(struct card *card, int slot, uint8_t suite, uint8_t *out);

#endif
