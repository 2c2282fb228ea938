/* Why a gate opened or did not: fixed numbers for operators, fixed sentences for passengers (specs/tools.md).
 */
#ifndef TALLY_GATE_REASON_H
#define TALLY_GATE_REASON_H

#include "card/wire/usage.h"
#include "host/base/error.h"

/* name, number, text for the passenger. Numbers never change once released.
 * 0-9 opened, 10-19 which ticket, 20-39 its use so far, 40-49 its holder, 50-59 lists and rules, 60-69 not
 * genuine, 70-79 the technique failed. */
#define GATE_REASONS(X)                                                                                      \
    X(ACCEPTED, 0, "accepted", "Please go through")                                                          \
    X(RATIFIED, 1, "ratified", "Please go through")                                                          \
    X(NO_TICKET, 10, "no-ticket", "No ticket for this service on your card")                                 \
    X(NOT_YET_VALID, 11, "not-yet-valid", "Your ticket is not valid yet")                                    \
    X(EXPIRED, 12, "expired", "Your ticket has expired")                                                     \
    X(WRONG_SERVICE, 13, "wrong-service", "Your ticket is for another service")                              \
    X(WRONG_DATE, 14, "wrong-date", "Your ticket is for another day")                                        \
    X(WRONG_STATION, 15, "wrong-station", "Your ticket is for another station")                              \
    X(WRONG_ZONE, 16, "wrong-zone", "Your ticket does not cover this zone")                                  \
    X(WRONG_GATE, 17, "wrong-gate", "Your ticket is for another entrance")                                   \
    X(TOO_EARLY, 18, "too-early", "Entry to your service is not open yet")                                   \
    X(TOO_LATE, 19, "too-late", "Entry to your service is closed")                                           \
    X(ALREADY_INSIDE, 20, "already-inside", "This ticket is already in use inside")                          \
    X(NOT_INSIDE, 21, "not-inside", "This ticket has not been used to enter")                                \
    X(NOT_TEMPORARILY_OUTSIDE, 22, "not-temporarily-outside", "This ticket is not out for a while")          \
    X(ENTRIES_USED_UP, 23, "entries-used-up", "All entries of this ticket are used")                         \
    X(TEMPORARY_EXITS_USED_UP, 24, "temporary-exits-used-up", "You cannot leave for a while again")          \
    X(HAS_EXITED, 25, "has-exited", "This ticket is used up")                                                \
    X(CLIPPED, 26, "clipped", "This ticket was invalidated")                                                 \
    X(PRINTED, 27, "printed", "This ticket was printed already")                                             \
    X(NOTHING_TO_UNDO, 28, "nothing-to-undo", "There is nothing to undo here")                               \
    X(COUNTER_EXHAUSTED, 29, "counter-exhausted", "This ticket is worn out; please ask the staff")           \
    X(NO_SUCH_EVENT, 30, "no-such-event", "This gate cannot do that")                                        \
    X(DOCUMENT_NEEDED, 40, "document-needed", "Please show your identity document")                          \
    X(WRONG_DOCUMENT, 41, "wrong-document", "This ticket belongs to another person")                         \
    X(CARD_DENIED, 50, "card-denied", "This card is blocked; please ask the staff")                          \
    X(TICKET_DENIED, 51, "ticket-denied", "This ticket is blocked; please ask the staff")                    \
    X(LIST_STALE, 52, "list-stale", "This gate is out of service; please use another")                       \
    X(TOO_SOON, 53, "too-soon", "This ticket was used a moment ago")                                         \
    X(OVERSTAYED, 54, "overstayed", "You stayed too long; please ask the staff")                             \
    X(FORGED_TICKET, 60, "forged-ticket", "This ticket is not genuine")                                      \
    X(NOT_AUTHENTIC, 62, "not-authentic", "This card could not be verified")                                 \
    X(GATE_REFUSED, 63, "gate-refused", "Your card does not know this gate")                                 \
    X(REPLAYED, 64, "replayed", "This card could not be verified")                                           \
    X(RECEIPT_INVALID, 65, "receipt-invalid", "This card could not be verified")                             \
    X(UNKNOWN_KEY, 66, "unknown-key", "This ticket needs a gate with newer keys")                            \
    X(CARD_LOST, 70, "card-lost", "Please hold your card on the reader again")                               \
    X(NOT_A_TALLY_CARD, 71, "not-a-tally-card", "This is not a ticket card")                                 \
    X(CARD_STATE, 72, "card-state", "This card cannot be used; please ask the staff")                        \
    X(JOURNAL_FAILED, 73, "journal-failed", "This gate is out of service; please use another")               \
    X(CARD_REFUSED, 74, "card-refused", "Your card refused; please ask the staff")

#define GATE_REASON_ENUM(id, number, name, text) GATE_##id = number,
enum gate_reason { GATE_REASONS(GATE_REASON_ENUM) };
#undef GATE_REASON_ENUM

/* "unknown" and a neutral sentence for numbers that are not in the table. */
const char *gate_reason_name(enum gate_reason reason);
const char *gate_reason_text(enum gate_reason reason);

/* The rows of the table in order, for listings and metrics. False beyond the last; *reason is GATE_ACCEPTED
 * then. */
bool gate_reason_at(unsigned index, enum gate_reason *reason);

/* Why usage_apply refused. */
enum gate_reason gate_reason_of_usage(enum usage_verdict verdict);

/* The exit code's error: accepted and ratified TALLY_OK, lost TALLY_E_CARD_LOST, 60-69 TALLY_E_CRYPTO, ... */
enum tally_error gate_reason_error(enum gate_reason reason);

#endif
