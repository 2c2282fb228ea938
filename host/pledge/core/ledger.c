#include "host/pledge/core/ledger.h"

#include <stdio.h>
#include <string.h>

void pledge_ledger_name(enum pledge_account_kind kind, const char *whose, char out[PLEDGE_LEDGER])
{
    memset(out, 0, PLEDGE_LEDGER);
    snprintf(out, PLEDGE_LEDGER, "%c:%s", (char)kind, whose);
}

enum tally_error pledge_ledger_open(const struct pledge_store *store, const char *account, const char *name,
                                    enum pledge_side side)
{
    struct pledge_r_account row = {.side = 0};
    PLEDGE_SET(row.account, account);
    enum tally_error e = pledge_get(store, &pledge_t_account, &row);
    if (e == TALLY_OK)
        return row.side == (int64_t)side ? TALLY_OK : TALLY_E_EXISTS;
    if (e != TALLY_E_NOT_FOUND)
        return e;
    PLEDGE_SET(row.name, name);
    row.side = side;
    return pledge_insert(store, &pledge_t_account, &row);
}

enum tally_error pledge_ledger_balance(const struct pledge_store *store, const char *account,
                                       int64_t *balance)
{
    struct pledge_r_account row = {.side = 0};
    *balance = 0;
    PLEDGE_SET(row.account, account);
    enum tally_error e = pledge_get(store, &pledge_t_account, &row);
    if (e == TALLY_OK)
        *balance = row.side == PLEDGE_ASSET ? row.balance : -row.balance;
    return e;
}

static enum tally_error legs_check(const struct pledge_leg *legs, size_t n)
{
    int64_t sum = 0;
    if (n < 2 || n > PLEDGE_LEGS_MAX)
        return TALLY_E_BUG;
    for (size_t i = 0; i < n; i++) {
        if (legs[i].amount == 0 || legs[i].amount > PLEDGE_MONEY_MAX || legs[i].amount < -PLEDGE_MONEY_MAX)
            return TALLY_E_BUG;
        sum += legs[i].amount;
    }
    return sum == 0 ? TALLY_OK : TALLY_E_BUG;
}

static enum tally_error post_leg(const struct pledge_store *store, const struct pledge_r_entry *entry,
                                 const struct pledge_leg *leg, int64_t position)
{
    struct pledge_r_account account = {.side = 0};
    struct pledge_r_posting posting = {.position = position, .amount = leg->amount};
    PLEDGE_SET(account.account, leg->account);
    enum tally_error e = pledge_get(store, &pledge_t_account, &account);
    if (e != TALLY_OK)
        return e;
    if (__builtin_add_overflow(account.balance, leg->amount, &account.balance) ||
        (account.side == PLEDGE_ASSET ? account.balance < 0 : account.balance > 0))
        return TALLY_E_DENIED;
    PLEDGE_SET(posting.reason, entry->reason);
    PLEDGE_SET(posting.reference, entry->reference);
    PLEDGE_SET(posting.account, leg->account);
    e = pledge_update(store, &pledge_t_account, &account);
    return e == TALLY_OK ? pledge_insert(store, &pledge_t_posting, &posting) : e;
}

enum tally_error pledge_ledger_post(const struct pledge_store *store, int64_t at, const char *reason,
                                    const char *reference, const struct pledge_leg *legs, size_t n)
{
    struct pledge_r_entry entry = {.at = at, .postings = (int64_t)n};
    PLEDGE_SET(entry.reason, reason);
    PLEDGE_SET(entry.reference, reference);
    enum tally_error e = legs_check(legs, n);
    if (e == TALLY_OK)
        e = pledge_insert(store, &pledge_t_entry, &entry);
    for (size_t i = 0; e == TALLY_OK && i < n; i++)
        e = post_leg(store, &entry, &legs[i], (int64_t)i + 1);
    return e;
}
