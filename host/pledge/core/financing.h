/* The financing platform: projects and redemptions (P6, P7, P14, P15, P17). */
#ifndef TALLY_PLEDGE_FINANCING_H
#define TALLY_PLEDGE_FINANCING_H

#include "host/pledge/core/names.h"
#include "host/pledge/core/party.h"

#define PLEDGE_PROJECT_STATES(X)                                                                             \
    X(PROJECT_NEW, "new")                                                                                    \
    X(PROJECT_FINANCING, "financing")                                                                        \
    X(PROJECT_REPAYMENT, "repayment")                                                                        \
    X(PROJECT_DISPOSAL, "disposal")                                                                          \
    X(PROJECT_CLOSED, "closed")
#define PLEDGE_REDEMPTION_STATES(X)                                                                          \
    X(REDEMPTION_NEW, "new")                                                                                 \
    X(REDEMPTION_PAYING, "paying")                                                                           \
    X(REDEMPTION_HELD, "held")                                                                               \
    X(REDEMPTION_CAPTURING, "capturing")                                                                     \
    X(REDEMPTION_VOIDING, "voiding")                                                                         \
    X(REDEMPTION_CAPTURED, "captured")                                                                       \
    X(REDEMPTION_VOIDED, "voided")                                                                           \
    X(REDEMPTION_REFUSED, "refused")

enum pledge_redemption_state { PLEDGE_REDEMPTION_STATES(PLEDGE_X_ID) };

extern const struct pledge_machine pledge_project_machine, pledge_redemption_machine;

/* financing_project.c */
pledge_handler pledge_financing_application, pledge_financing_loan_result, pledge_financing_disposal,
    pledge_financing_close;
/* What one ticket repays when this seller redeems it now (P15, P17). TALLY_E_DENIED when the project's state
 * does not let it. *project is set on success. */
enum tally_error pledge_financing_price(const struct pledge_store *store,
                                        const struct pledge_m_redeem *redeem,
                                        struct pledge_r_project *project,
                                        struct pledge_r_redemption *redemption);

#endif
