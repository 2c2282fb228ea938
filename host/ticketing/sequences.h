/* Hands out sequence numbers that workers of this process are busy with, so that two tickets made for one
 * card at the same moment do not sign under the same number. The table of tickets stays the authority: what
 * is lost here (a crash, an entry pushed out) costs at most a second attempt. specs/ticketing.md says why. */
#ifndef TALLY_TICKETING_SEQUENCES_H
#define TALLY_TICKETING_SEQUENCES_H

#include <stdbool.h>
#include <stdint.h>

#include "card/wire/protocol.h"
#include "host/base/error.h"

struct tally_sequences;

/* NULL when memory is out. */
struct tally_sequences *tally_sequences_new(void);
void tally_sequences_free(struct tally_sequences *sequences);

/* Takes the next number after the highest in the table and after those taken and not given back. TALLY_E_FULL
 * when too many cards are being worked on or the numbers are used up; *number is 0 then. */
enum tally_error tally_sequence_take(struct tally_sequences *sequences, const uint8_t serial[SERIAL_SIZE],
                                     uint16_t operator_id, uint32_t highest, uint32_t *number);

/* The work with a taken number is over; used: a ticket with it was stored. */
void tally_sequence_done(struct tally_sequences *sequences, const uint8_t serial[SERIAL_SIZE],
                         uint16_t operator_id, uint32_t number, bool used);

#endif
