/* The pledge platform: registrations, pk1 -> rk, and the order line's machine (P3-P5, P8-P14, P16). */
#ifndef TALLY_PLEDGE_PLATFORM_H
#define TALLY_PLEDGE_PLATFORM_H

#include "host/pledge/core/names.h"
#include "host/pledge/core/party.h"

#define PLEDGE_LINE_STATES(X)                                                                                \
    X(LINE_NEW, "new")                                                                                       \
    X(LINE_OPEN, "open")                                                                                     \
    X(LINE_PAID, "paid")                                                                                     \
    X(LINE_TICKETED, "ticketed")                                                                             \
    X(LINE_UNTICKETED, "unticketed")                                                                         \
    X(LINE_WAITING, "waiting")                                                                               \
    X(LINE_CAPTURING, "capturing")                                                                           \
    X(LINE_ISSUING, "issuing")                                                                               \
    X(LINE_DELIVERED, "delivered")                                                                           \
    X(LINE_UNDOING, "undoing")                                                                               \
    X(LINE_VOIDING, "voiding")                                                                               \
    X(LINE_RETURNING, "returning")                                                                           \
    X(LINE_FAILED, "failed")

#define PLEDGE_LINE_EVENTS(X)                                                                                \
    X(LINE_ON_START, "start")                                                                                \
    X(LINE_ON_HELD, "held")                                                                                  \
    X(LINE_ON_REFUSED, "refused")                                                                            \
    X(LINE_ON_CAPTURED, "captured")                                                                          \
    X(LINE_ON_VOIDED, "voided")                                                                              \
    X(LINE_ON_TICKET, "ticket")                                                                              \
    X(LINE_ON_NONE, "none")                                                                                  \
    X(LINE_ON_ISSUED, "issued")                                                                              \
    X(LINE_ON_RETURNED, "returned")                                                                          \
    X(LINE_ON_DUE, "due")                                                                                    \
    X(LINE_ON_DEADLINE, "deadline")                                                                          \
    X(LINE_ON_QUERY, "query")

#define PLEDGE_CHANNEL_STATES(X)                                                                             \
    X(CHANNEL_NEW, "new")                                                                                    \
    X(CHANNEL_APPLIED, "applied")                                                                            \
    X(CHANNEL_ACTIVE, "active")                                                                              \
    X(CHANNEL_REVOKED, "revoked")

enum pledge_line_state { PLEDGE_LINE_STATES(PLEDGE_X_ID) };
enum pledge_line_event { PLEDGE_LINE_EVENTS(PLEDGE_X_ID) };
enum pledge_channel_state { PLEDGE_CHANNEL_STATES(PLEDGE_X_ID) };

extern const struct pledge_machine pledge_line_machine, pledge_channel_machine;

/* Handlers of set-up (platform_setup.c). */
pledge_handler pledge_platform_enterprise, pledge_platform_application, pledge_platform_grant,
    pledge_platform_revoke, pledge_platform_allocation, pledge_platform_allocated, pledge_platform_dispose;

/* platform_line.c: what a line's machine works on. */
struct pledge_line_work {
    const struct pledge_party *party;
    const struct pledge_store *store;
    const struct pledge_message *message; /* what came; NULL when time did */
    struct pledge_r_order order;
    struct pledge_r_channel channel;
    struct pledge_r_line line;
};
/* Loads order, channel and line. TALLY_E_NOT_FOUND when there is no such line. */
enum tally_error pledge_line_load(struct pledge_line_work *work, const char *order, int64_t line);
/* Runs an event by its name's number in the machine and stores the line. TALLY_E_STATE: nothing done. */
enum tally_error pledge_line_run(struct pledge_line_work *work, unsigned event);

#endif
