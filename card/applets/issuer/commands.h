/* The issuer applet's commands, one file for each group. Status words and data: specs/apdu.md. */
#ifndef TALLY_ISSUER_COMMANDS_H
#define TALLY_ISSUER_COMMANDS_H

#include "card/apdu/card.h"

/* channel.c */
enum { ADMIN_FAILURES_MAX = 5 };
uint16_t initialize_update_run(struct card *, const struct apdu_command *, struct apdu_response *);
uint16_t external_authenticate_run(struct card *, const struct apdu_command *, struct apdu_response *);

/* data.c */
uint16_t put_serial_run(struct card *, const struct apdu_command *, struct apdu_response *);
uint16_t put_enrolment_key_run(struct card *, const struct apdu_command *, struct apdu_response *);
uint16_t put_pin_run(struct card *, const struct apdu_command *, struct apdu_response *);

/* keys.c */
enum { PUT_KEY_SIZE = 5 * (1 + 2 + 128) /* five factors of 128 bytes, each with tag and length 81 80 */ };
uint16_t generate_p256_run(struct card *, const struct apdu_command *, struct apdu_response *);
uint16_t generate_rsa_run(struct card *, const struct apdu_command *, struct apdu_response *);
uint16_t put_key_run(struct card *, const struct apdu_command *, struct apdu_response *);

/* life.c */
uint16_t finish_run(struct card *, const struct apdu_command *, struct apdu_response *);
uint16_t set_life_run(struct card *, const struct apdu_command *, struct apdu_response *);

#endif
