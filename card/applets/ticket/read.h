/* READ: the holder's tickets of a date and later, one a command. */
#ifndef TALLY_APPLETS_TICKET_READ_H
#define TALLY_APPLETS_TICKET_READ_H

#include <stdint.h>

struct card;
struct apdu_command;
struct apdu_response;

enum { READ_CRITERION_SIZE = 2 + 8 /* date, service */ };

uint16_t ticket_read_first(struct card *card, const struct apdu_command *command,
                           struct apdu_response *response);
uint16_t ticket_read_next(struct card *card, const struct apdu_command *command,
                          struct apdu_response *response);

#endif
