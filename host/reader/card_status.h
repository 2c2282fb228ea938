/* What a card's status words mean: the one place where they become an error and a sentence (specs/apdu.md).
 */
#ifndef TALLY_READER_CARD_STATUS_H
#define TALLY_READER_CARD_STATUS_H

#include <stdint.h>

#include "host/base/error.h"

/* What a card said to one command. sw is 0 when no status word came or the answer was malformed. */
struct tally_card_error {
    uint16_t sw;
    enum tally_error error;
    const char *text; /* a sentence for people, never NULL, never freed */
};

/* Explains the status word that the command with this instruction byte was answered with. Every value has an
 * explanation; TALLY_OK only for 9000. */
struct tally_card_error tally_card_explain(uint8_t ins, uint16_t sw);

/* The explanation of a failure without a status word: card lost, malformed answer, and so on. */
struct tally_card_error tally_card_explain_error(enum tally_error error);

#endif
