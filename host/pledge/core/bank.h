/* The bank: books, holds, loans, grants of re-encryption keys, disposals (P1, P2, P5, P7, P9, P14, P16, P17).
 */
#ifndef TALLY_PLEDGE_BANK_H
#define TALLY_PLEDGE_BANK_H

#include "host/pledge/core/ledger.h"
#include "host/pledge/core/names.h"
#include "host/pledge/core/party.h"

#define PLEDGE_HOLD_STATES(X)                                                                                \
    X(HOLD_NEW, "new")                                                                                       \
    X(HOLD_HELD, "held")                                                                                     \
    X(HOLD_REFUSED, "refused")                                                                               \
    X(HOLD_CAPTURED, "captured")                                                                             \
    X(HOLD_VOIDED, "voided")
/* One list for what two operators decide: loan, grant, disposal. */
#define PLEDGE_DECISION_STATES(X)                                                                            \
    X(DECISION_NEW, "new")                                                                                   \
    X(DECISION_ASKED, "asked")                                                                               \
    X(DECISION_ONCE, "approved_once")                                                                        \
    X(DECISION_DONE, "done")                                                                                 \
    X(DECISION_REVOKED, "revoked")
#define PLEDGE_DECISION_EVENTS(X)                                                                            \
    X(DECISION_ON_ASK, "ask")                                                                                \
    X(DECISION_ON_APPROVE, "approve")                                                                        \
    X(DECISION_ON_REVOKE, "revoke")

enum pledge_hold_state { PLEDGE_HOLD_STATES(PLEDGE_X_ID) };
enum pledge_decision_state { PLEDGE_DECISION_STATES(PLEDGE_X_ID) };
enum pledge_decision_event { PLEDGE_DECISION_EVENTS(PLEDGE_X_ID) };

extern const struct pledge_machine pledge_hold_machine, pledge_loan_machine, pledge_grant_machine,
    pledge_disposal_machine;

/* bank_hold.c */
pledge_handler pledge_bank_pay, pledge_bank_pay_capture, pledge_bank_pay_void, pledge_bank_unpledge,
    pledge_bank_unpledge_capture, pledge_bank_unpledge_void;
/* bank_decide.c */
pledge_handler pledge_bank_loan_request, pledge_bank_key_submission, pledge_bank_disposal_order,
    pledge_bank_approve, pledge_bank_revoke_order;
/* bank.c */
pledge_handler pledge_bank_account, pledge_bank_deposit, pledge_bank_terms, pledge_bank_channel_allocated,
    pledge_bank_close_order;

/* Whether the person who signed the message may instruct the bank to do this. The one place where proofs of
 * authority beyond the operator's own key (legal-person tokens) are asked for. */
enum tally_error pledge_bank_authorised(const struct pledge_party *party, const struct pledge_store *store,
                                        const struct pledge_message *message);

/* Gives the provider the channel's public key (P1). */
enum tally_error pledge_bank_send_channel_key(const struct pledge_party *party,
                                              const struct pledge_store *store,
                                              const struct pledge_r_loan *loan, int64_t epoch);

#endif
