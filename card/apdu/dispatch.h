/* From a complete command to its row, through the checks in the order of specs/apdu.md. */
#ifndef TALLY_APDU_DISPATCH_H
#define TALLY_APDU_DISPATCH_H

#include "card/apdu/card.h"

/* Checks what a header alone tells: CLA, INS, life cycle, P1 P2, whether the secure channel is used as it
 * must be. Returns 9000 and the row, or what is wrong and NULL. */
uint16_t dispatch_find(struct card *card, const uint8_t header[APDU_HEADER_SIZE],
                       const struct command_row **row);

/* Undoes secure messaging, checks the length of the data, runs the command and protects its answer. */
uint16_t dispatch_run(struct card *card, const struct command_row *row, struct apdu_command *command,
                      struct answer *answer);

/* The commands of both applets. */
enum { SELECT_NO_FCI = 0x0C /* P2 */ };
uint16_t select_run(struct card *, const struct apdu_command *, struct apdu_response *);
uint16_t pin_verify_run(struct card *, const struct apdu_command *, struct apdu_response *);
uint16_t pin_change_run(struct card *, const struct apdu_command *, struct apdu_response *);
uint16_t get_status_run(struct card *, const struct apdu_command *, struct apdu_response *);
uint16_t get_data_run(struct card *, const struct apdu_command *, struct apdu_response *);

#endif
