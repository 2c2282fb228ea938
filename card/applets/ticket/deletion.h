/* An operator's last deletion, kept so that an answer that was lost can be given again. */
#ifndef TALLY_APPLETS_TICKET_DELETION_H
#define TALLY_APPLETS_TICKET_DELETION_H

#include <stdbool.h>
#include <stdint.h>

#include "card/wire/usage.h"

struct card;

enum { LAST_DELETION_SIZE = 4 + TID_SIZE + USAGE_SIZE };

/* sequence: of the face that ordered it; 0 when a gate did. */
void deletion_encode(uint32_t sequence, const uint8_t tid[TID_SIZE], const uint8_t usage[USAGE_SIZE],
                     uint8_t out[LAST_DELETION_SIZE]);

/* The record of the operator's last deletion, if a gate deleted this ticket; if the face of this sequence
 * ordered it. False, and usage zero, if not. */
bool deletion_by_gate(struct card *card, int operator_slot, const uint8_t tid[TID_SIZE],
                      uint8_t usage[USAGE_SIZE]);
bool deletion_by_face(struct card *card, int operator_slot, uint32_t sequence, uint8_t usage[USAGE_SIZE]);

#endif
