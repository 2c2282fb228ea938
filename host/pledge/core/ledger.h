/* The bank's books: double entry, whole minor units, append-only.
 *
 * Every entry's postings add up to zero; an account's balance is debits minus credits: an asset's is never
 * below zero, a liability's never above. Reason and reference of an entry happen once.
 */
#ifndef TALLY_PLEDGE_LEDGER_H
#define TALLY_PLEDGE_LEDGER_H

#include "host/pledge/core/rows.h"

/* Account names: one letter for the kind, then whose. "cash" is the bank's money elsewhere. */
#define PLEDGE_CASH "cash"
enum pledge_account_kind {
    PLEDGE_A_PREPAY = 'P',  /* liability: a seller's prepay account */
    PLEDGE_A_HELD = 'H',    /* liability: what is held of it */
    PLEDGE_A_CURRENT = 'C', /* liability: any other account at this bank */
    PLEDGE_A_LOAN = 'L',    /* asset: what a project still owes */
    PLEDGE_A_SURPLUS = 'S'  /* liability: repaid beyond what was owed; the borrower's */
};
void pledge_ledger_name(enum pledge_account_kind kind, const char *whose, char out[PLEDGE_LEDGER]);

struct pledge_leg {
    char account[PLEDGE_LEDGER];
    int64_t amount; /* debit above zero, credit below */
};
#define PLEDGE_LEGS_MAX 4

/* Opens an account that is not there yet; TALLY_OK when it is there with that side. */
enum tally_error pledge_ledger_open(const struct pledge_store *store, const char *account, const char *name,
                                    enum pledge_side side);
/* Balance in the account's own direction (never below zero). TALLY_E_NOT_FOUND when there is no account. */
enum tally_error pledge_ledger_balance(const struct pledge_store *store, const char *account,
                                       int64_t *balance);
/* Posts one entry. TALLY_E_EXISTS when reason and reference were posted before, TALLY_E_DENIED when an
 * account would fall below zero, TALLY_E_BUG unless the legs add up to zero; the transaction must then be
 * undone. */
enum tally_error pledge_ledger_post(const struct pledge_store *store, int64_t at, const char *reason,
                                    const char *reference, const struct pledge_leg *legs, size_t n);

#endif
