/* A seller: what it asked for and what came back (P8, P13). */
#ifndef TALLY_PLEDGE_SELLER_H
#define TALLY_PLEDGE_SELLER_H

#include "host/pledge/core/names.h"
#include "host/pledge/core/party.h"

#define PLEDGE_SOLD_STATES(X)                                                                                \
    X(SOLD_NEW, "new")                                                                                       \
    X(SOLD_ASKED, "asked")                                                                                   \
    X(SOLD_DELIVERED, "delivered")                                                                           \
    X(SOLD_FAILED, "failed")
enum pledge_sold_state { PLEDGE_SOLD_STATES(PLEDGE_X_ID) };

extern const struct pledge_machine pledge_sold_machine;

/* Asks the platform for tickets. TALLY_E_EXISTS when the reference was used. callback and price as in P8. */
enum tally_error pledge_seller_sell(const struct pledge_party *party, const struct pledge_store *store,
                                    const struct pledge_m_order *order);

/* The platform refused the order for good: its lines have failed. */
enum tally_error pledge_seller_refused(const struct pledge_party *party, const struct pledge_store *store,
                                       const char *reference);

#endif
