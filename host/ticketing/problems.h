/* What the ticketing services refuse, by number: the wing's part of the registry of host/service/problem.h.
 * 1000-1049 tally-authd, 1050-1099 tally-ticketd. Numbers and names never change. */
#ifndef TALLY_TICKETING_PROBLEMS_H
#define TALLY_TICKETING_PROBLEMS_H

#include "host/service/problem.h"

#define TICKETING_PROBLEM_LIST(X)                                                                            \
    X(CARD_UNKNOWN, 1000, 404, "card-unknown", "No such card is registered")                                 \
    X(CARD_BLOCKED, 1001, 403, "card-blocked", "The card is blocked")                                        \
    X(OPERATOR_NOT_ON_CARD, 1002, 409, "operator-not-on-card", "The card does not have this operator")       \
    X(PACKAGE_NEEDED, 1003, 409, "package-needed", "The card needs a new operator package first")            \
    X(CARD_LACKS_KEY, 1004, 409, "card-lacks-key", "The card has no key for the operator's suite")           \
    X(RECEIPT_INVALID, 1005, 403, "receipt-invalid", "The usage record is not the card's")                   \
    X(RECEIPT_STALE, 1006, 409, "receipt-stale", "A later use of the ticket is known")                       \
    X(ALREADY_REPLACED, 1007, 409, "already-replaced", "Another ticket replaces this one")                   \
    X(TICKET_CONFLICT, 1008, 409, "ticket-conflict", "The TID was used for another card or content")         \
    X(SEQUENCE_TAKEN, 1009, 503, "sequence-taken", "The sequence number was taken meanwhile; try again")     \
    X(TICKET_BLOCKED, 1010, 403, "ticket-blocked", "The ticket is blocked")                                  \
    X(OPERATOR_UNKNOWN, 1011, 404, "operator-unknown", "There are no keys of this operator here")            \
    X(TICKET_UNKNOWN, 1012, 404, "ticket-unknown", "There is no such ticket")                                \
    X(CARD_CONFLICT, 1013, 409, "card-conflict", "The serial, chip or a key is registered otherwise")        \
    X(PRODUCT_UNKNOWN, 1050, 404, "product-unknown", "There is no such product")                             \
    X(SERVICE_UNKNOWN, 1051, 404, "service-unknown", "There is no such service on that day")                 \
    X(SOLD_OUT, 1052, 409, "sold-out", "There are not enough seats")                                         \
    X(HOLDER_NEEDED, 1053, 422, "holder-needed", "The product is sold to a named holder only")               \
    X(TICKET_STATE, 1054, 409, "ticket-state", "The ticket's state does not allow this")                     \
    X(NOT_ALLOWED, 1055, 403, "not-allowed", "The product does not allow this")                              \
    X(TICKET_USED, 1056, 409, "ticket-used", "The ticket was used")                                          \
    X(ORDER_UNKNOWN, 1057, 404, "order-unknown", "There is no such order")                                   \
    X(SEATS_SOLD, 1058, 409, "seats-sold", "More seats were sold than would be left")

#define TICKETING_PROBLEM_ENUM(id, code, status, name, title) TICKETING_##id,
enum ticketing_problem_id { TICKETING_PROBLEM_LIST(TICKETING_PROBLEM_ENUM) TICKETING_PROBLEM_COUNT };
#undef TICKETING_PROBLEM_ENUM

extern const struct tally_problem ticketing_problems[TICKETING_PROBLEM_COUNT];
#define TICKETING_PROBLEM(id) (&ticketing_problems[TICKETING_##id])

#endif
