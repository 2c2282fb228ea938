/* LOAD and EXCHANGE: what the issuer orders through an untrusted kiosk. */
#ifndef TALLY_APPLETS_TICKET_LOAD_H
#define TALLY_APPLETS_TICKET_LOAD_H

#include <stdint.h>

struct card;
struct apdu_command;
struct apdu_response;

uint16_t ticket_load(struct card *card, const struct apdu_command *command, struct apdu_response *response);
uint16_t ticket_exchange(struct card *card, const struct apdu_command *command,
                         struct apdu_response *response);

#endif
