/* The life of a sold ticket as the ticket server sees it: specs/ticketing.md, "Ticket states". */
#ifndef TALLY_TICKETING_TICKET_STATE_H
#define TALLY_TICKETING_TICKET_STATE_H

#include <stdbool.h>

enum tally_ticket_state {
    TICKET_ORDERED,    /* sold; the authentication server has not confirmed the face */
    TICKET_ISSUED,     /* signed and encrypted to the card */
    TICKET_LOADED,     /* the card's receipt says it is there */
    TICKET_EXCHANGING, /* a replacement was made; the card has not deleted this one yet */
    TICKET_EXCHANGED,
    TICKET_REFUNDING, /* a void order was made; the card has not obeyed yet */
    TICKET_REFUNDED,
    TICKET_CANCELLED,
    TICKET_STATE_COUNT
};

enum tally_ticket_event {
    TICKET_CONFIRM,  /* the authentication server issued it */
    TICKET_LOAD,     /* receipt: loaded */
    TICKET_EXCHANGE, /* the holder wants another one */
    TICKET_REFUND,   /* the holder wants the money back */
    TICKET_DELETE,   /* receipt: deleted by the replacement or the void order */
    TICKET_ABANDON,  /* the card moved on: its replacement or void order can never be obeyed */
    TICKET_CANCEL,   /* refused by the authentication server, or withdrawn before it was loaded */
    TICKET_EVENT_COUNT
};

/* The state after the event; false when the event is not allowed in this state (*next equals state then). */
bool tally_ticket_next(enum tally_ticket_state state, enum tally_ticket_event event,
                       enum tally_ticket_state *next);

/* True while the ticket holds its seat. */
bool tally_ticket_holds_seat(enum tally_ticket_state state);

/* The state's name in JSON; "unknown" outside the enum. */
const char *tally_ticket_state_name(enum tally_ticket_state state);

#endif
