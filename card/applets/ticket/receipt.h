/* Usage records as receipts: what the card adds to what a gate wrote (specs/formats.md, usage record). */
#ifndef TALLY_APPLETS_TICKET_RECEIPT_H
#define TALLY_APPLETS_TICKET_RECEIPT_H

#include <stdint.h>

#include "card/applets/ticket/operators.h"
#include "card/wire/face.h"
#include "card/wire/usage.h"

/* Fills bytes 26-39 of the usage record of the ticket with this face: key version, authority (enum
 * usage_authority), card transaction counter and receipt MAC. */
void receipt_make(const struct sub_key *key, const uint8_t face[FACE_SIZE], uint8_t authority,
                  uint32_t counter, uint8_t usage[USAGE_SIZE]);

/* The record of a ticket that is deleted by this gate (0: by the issuer), without the card's part. */
void receipt_of_deletion(const uint8_t stored[USAGE_SIZE], uint32_t gate, uint8_t usage[USAGE_SIZE]);

#endif
