/* The ticket provider: issuing channels, stock, tickets under the channel's key (P1, P7, P10, P12). */
#ifndef TALLY_PLEDGE_PROVIDER_H
#define TALLY_PLEDGE_PROVIDER_H

#include "host/pledge/core/names.h"
#include "host/pledge/core/party.h"

#define PLEDGE_TICKET_STATES(X)                                                                              \
    X(TICKET_NEW, "new")                                                                                     \
    X(TICKET_NONE, "none")                                                                                   \
    X(TICKET_RESERVED, "reserved")                                                                           \
    X(TICKET_ISSUED, "issued")                                                                               \
    X(TICKET_RETURNED, "returned")
#define PLEDGE_ISSUING_STATES(X)                                                                             \
    X(ISSUING_NEW, "new")                                                                                    \
    X(ISSUING_ALLOCATED, "allocated")                                                                        \
    X(ISSUING_KEYED, "keyed")                                                                                \
    X(ISSUING_PAID, "paid")                                                                                  \
    X(ISSUING_OPEN, "open")

enum pledge_ticket_state { PLEDGE_TICKET_STATES(PLEDGE_X_ID) };
enum pledge_issuing_state { PLEDGE_ISSUING_STATES(PLEDGE_X_ID) };

extern const struct pledge_machine pledge_ticket_machine, pledge_issuing_machine;

/* provider_channel.c */
pledge_handler pledge_provider_allocate, pledge_provider_channel_key, pledge_provider_payment_confirmed;

#endif
