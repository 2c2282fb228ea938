/* The holder's PIN: how it is kept, and how tries are counted. Its commands are in dispatch.h. */
#ifndef TALLY_APDU_PIN_H
#define TALLY_APDU_PIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card/wire/protocol.h"

struct card;

enum { PIN_REFERENCE = 0x81, PIN_SALT_SIZE = 16, PIN_VERIFIER_SIZE = 16, PIN_RECORD_SIZE = 32 };

/* True for 4 to 12 digits '0'..'9'. */
bool pin_valid(const uint8_t *pin, size_t n);

/* Tries left, 0..PIN_TRIES: 0 when blocked or unreadable, PIN_TRIES when none was counted. */
uint8_t pin_tries(struct card *card);

/* Makes pin the card's PIN, with all tries. 9000, 6A80 when it is not valid, or 6581. */
uint16_t pin_set(struct card *card, const uint8_t *pin, size_t n);

#endif
