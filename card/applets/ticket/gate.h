/* The gate's commands: VERIFY in its modes, WRITE USAGE, DELETE (specs/session.md). */
#ifndef TALLY_APPLETS_TICKET_GATE_H
#define TALLY_APPLETS_TICKET_GATE_H

#include <stdint.h>

#include "card/applets/ticket/operators.h"
#include "card/applets/ticket/tickets.h"

enum {
    CRITERION_TID_SIZE = TID_SIZE,
    CRITERION_DATE_SIZE = 2 + SERVICE_SIZE,
    GATE_OPENING_SIZE = 2 + 4 + GATE_NONCE_SIZE, /* operator, gate, Ng */
    ANSWER_HEAD_SIZE = 1 + 4,                    /* status, CTC */
    USAGE_COMMAND_SIZE = TID_SIZE + USAGE_GATE_PART,
    ANSWER_FOUND = 0,
    ANSWER_NOT_FOUND = 1
};

struct apdu_command;
struct apdu_response;

uint16_t gate_verify_sub_key(struct card *card, const struct apdu_command *command,
                             struct apdu_response *response);
uint16_t gate_verify_pair(struct card *card, const struct apdu_command *command,
                          struct apdu_response *response);
uint16_t gate_write_usage(struct card *card, const struct apdu_command *command,
                          struct apdu_response *response);
uint16_t gate_delete(struct card *card, const struct apdu_command *command, struct apdu_response *response);

/* The slot of the ticket that the criterion names (TID, or date and service), or NO_SLOT. */
int gate_select(struct card *card, uint16_t operator_id, const uint8_t *criterion, size_t n);

#endif
