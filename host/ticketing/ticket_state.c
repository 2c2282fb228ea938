#include "host/ticketing/ticket_state.h"

#define NEVER ((signed char)-1)

/* Rows: state. Columns: confirm, load, exchange, refund, delete, abandon, cancel. */
static const signed char table[TICKET_STATE_COUNT][TICKET_EVENT_COUNT] = {
    [TICKET_ORDERED] = {TICKET_ISSUED, NEVER, NEVER, NEVER, NEVER, NEVER, TICKET_CANCELLED},
    [TICKET_ISSUED] = {NEVER, TICKET_LOADED, NEVER, NEVER, NEVER, NEVER, TICKET_CANCELLED},
    [TICKET_LOADED] = {NEVER, NEVER, TICKET_EXCHANGING, TICKET_REFUNDING, NEVER, NEVER, NEVER},
    [TICKET_EXCHANGING] = {NEVER, NEVER, NEVER, NEVER, TICKET_EXCHANGED, TICKET_LOADED, NEVER},
    [TICKET_EXCHANGED] = {NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER},
    [TICKET_REFUNDING] = {NEVER, NEVER, NEVER, NEVER, TICKET_REFUNDED, TICKET_LOADED, NEVER},
    [TICKET_REFUNDED] = {NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER},
    [TICKET_CANCELLED] = {NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER},
};

bool tally_ticket_next(enum tally_ticket_state state, enum tally_ticket_event event,
                       enum tally_ticket_state *next)
{
    *next = state;
    if ((unsigned)state >= TICKET_STATE_COUNT || (unsigned)event >= TICKET_EVENT_COUNT ||
        table[state][event] == NEVER)
        return false;
    *next = (enum tally_ticket_state)table[state][event];
    return true;
}

bool tally_ticket_holds_seat(enum tally_ticket_state state)
{
    return state != TICKET_EXCHANGED && state != TICKET_REFUNDED && state != TICKET_CANCELLED;
}

const char *tally_ticket_state_name(enum tally_ticket_state state)
{
    static const char *const names[TICKET_STATE_COUNT] = {"ordered",   "issued",    "loaded",   "exchanging",
                                                          "exchanged", "refunding", "refunded", "cancelled"};
    return (unsigned)state < TICKET_STATE_COUNT ? names[state] : "unknown";
}
