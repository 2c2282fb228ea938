/* The bank's registers and its operators' instructions. */
#include "host/pledge/core/bank.h"

#include <string.h>

enum tally_error pledge_bank_authorised(const struct pledge_party *party, const struct pledge_store *store,
                                        const struct pledge_message *message)
{
    (void)store;
    const struct pledge_peer *peer = party->directory->find(party->directory->ctx, message->from);
    return peer != NULL && peer->role == PLEDGE_OPERATOR && peer->has_key ? TALLY_OK : TALLY_E_DENIED;
}

/* Opens a prepay account, with what is held of it. */
enum tally_error pledge_bank_account(const struct pledge_party *party, const struct pledge_store *store,
                                     const struct pledge_message *message)
{
    const struct pledge_m_account *b = &message->body.account;
    char prepay[PLEDGE_LEDGER], held[PLEDGE_LEDGER];
    pledge_ledger_name(PLEDGE_A_PREPAY, b->account, prepay);
    pledge_ledger_name(PLEDGE_A_HELD, b->account, held);
    enum tally_error e = pledge_bank_authorised(party, store, message);
    if (e == TALLY_OK)
        e = pledge_ledger_open(store, prepay, b->name, PLEDGE_LIABILITY);
    if (e == TALLY_OK)
        e = pledge_ledger_open(store, held, b->name, PLEDGE_LIABILITY);
    return e == TALLY_OK ? pledge_ledger_open(store, PLEDGE_CASH, "cash", PLEDGE_ASSET) : e;
}

/* Money that came in from outside onto a prepay account; once a reference. */
enum tally_error pledge_bank_deposit(const struct pledge_party *party, const struct pledge_store *store,
                                     const struct pledge_message *message)
{
    const struct pledge_m_deposit *b = &message->body.deposit;
    struct pledge_leg legs[2] = {{.account = PLEDGE_CASH, .amount = b->amount}, {.amount = -b->amount}};
    struct pledge_r_entry entry = {.at = 0};
    PLEDGE_SET(entry.reason, "deposit");
    PLEDGE_SET(entry.reference, b->reference);
    enum tally_error e = pledge_bank_authorised(party, store, message);
    if (e == TALLY_OK && pledge_get(store, &pledge_t_entry, &entry) == TALLY_OK)
        return TALLY_OK;
    pledge_ledger_name(PLEDGE_A_PREPAY, b->account, legs[1].account);
    return e == TALLY_OK ? pledge_ledger_post(store, pledge_now(party), "deposit", b->reference, legs, 2) : e;
}

/* What releases one ticket of a channel in the simple form (P9). */
enum tally_error pledge_bank_terms(const struct pledge_party *party, const struct pledge_store *store,
                                   const struct pledge_message *message)
{
    const struct pledge_m_unpledge_terms *b = &message->body.unpledge_terms;
    struct pledge_r_unpledge_terms row = {.amount = b->amount};
    PLEDGE_SET(row.channel, b->channel);
    PLEDGE_SET(row.type, b->type);
    PLEDGE_SET(row.project, b->project);
    enum tally_error e = pledge_bank_authorised(party, store, message);
    if (e == TALLY_OK)
        e = pledge_insert(store, &pledge_t_unpledge_terms, &row);
    return e == TALLY_E_EXISTS ? pledge_update(store, &pledge_t_unpledge_terms, &row) : e;
}

enum tally_error pledge_bank_send_channel_key(const struct pledge_party *party,
                                              const struct pledge_store *store,
                                              const struct pledge_r_loan *loan, int64_t epoch)
{
    const struct pledge_crypto *crypto = party->crypto;
    struct pledge_message m;
    enum tally_error e = pledge_begin(party, PLEDGE_K_CHANNEL_KEY, NULL, loan->channel, 0, epoch, &m);
    if (e != TALLY_OK)
        return e;
    struct pledge_m_channel_key *b = &m.body.channel_key;
    PLEDGE_SET(b->channel, loan->channel);
    PLEDGE_SET(b->project, loan->project);
    b->epoch = epoch;
    e = crypto->channel_key(crypto->ctx, b->channel, b->project, epoch, b->channel_key, b->channel_signature);
    return e == TALLY_OK ? pledge_send(store, &m) : e;
}

/* P1, P7: the channel for the contract is there: the provider gets the key it is to encrypt under. */
enum tally_error pledge_bank_channel_allocated(const struct pledge_party *party,
                                               const struct pledge_store *store,
                                               const struct pledge_message *message)
{
    const struct pledge_m_allocated *b = &message->body.allocated;
    struct pledge_r_loan loan = {.state = 0};
    PLEDGE_SET(loan.project, b->project);
    enum tally_error e = pledge_get(store, &pledge_t_loan, &loan);
    if (e != TALLY_OK)
        return e;
    if (loan.channel[0] != 0)
        return strcmp(loan.channel, b->channel) == 0 ? TALLY_OK : TALLY_E_EXISTS;
    if (loan.state != PLEDGE_DECISION_DONE)
        return TALLY_E_DENIED;
    PLEDGE_SET(loan.channel, b->channel);
    e = pledge_update(store, &pledge_t_loan, &loan);
    return e == TALLY_OK ? pledge_bank_send_channel_key(party, store, &loan, 1) : e;
}

/* A project may be closed once nothing is owed. */
enum tally_error pledge_bank_close_order(const struct pledge_party *party, const struct pledge_store *store,
                                         const struct pledge_message *message)
{
    const char *project = message->body.project.project;
    char account[PLEDGE_LEDGER];
    int64_t owed;
    struct pledge_message m;
    pledge_ledger_name(PLEDGE_A_LOAN, project, account);
    enum tally_error e = pledge_bank_authorised(party, store, message);
    if (e == TALLY_OK)
        e = pledge_ledger_balance(store, account, &owed);
    if (e == TALLY_OK && owed > 0)
        e = TALLY_E_DENIED;
    if (e == TALLY_OK)
        e = pledge_begin(party, PLEDGE_K_CLOSE, NULL, project, 0, 1, &m);
    if (e != TALLY_OK)
        return e;
    PLEDGE_SET(m.body.project.project, project);
    e = pledge_send(store, &m);
    return e == TALLY_E_EXISTS ? TALLY_OK : e;
}

const struct pledge_route pledge_bank_routes[] = {{PLEDGE_K_KEY_SUBMISSION, pledge_bank_key_submission},
                                                  {PLEDGE_K_LOAN_REQUEST, pledge_bank_loan_request},
                                                  {PLEDGE_K_CHANNEL_ALLOCATED, pledge_bank_channel_allocated},
                                                  {PLEDGE_K_UNPLEDGE, pledge_bank_unpledge},
                                                  {PLEDGE_K_UNPLEDGE_CAPTURE, pledge_bank_unpledge_capture},
                                                  {PLEDGE_K_UNPLEDGE_VOID, pledge_bank_unpledge_void},
                                                  {PLEDGE_K_PAY, pledge_bank_pay},
                                                  {PLEDGE_K_PAY_CAPTURE, pledge_bank_pay_capture},
                                                  {PLEDGE_K_PAY_VOID, pledge_bank_pay_void},
                                                  {PLEDGE_K_DISPOSAL_ORDER, pledge_bank_disposal_order},
                                                  {PLEDGE_K_CLOSE_ORDER, pledge_bank_close_order},
                                                  {PLEDGE_K_REVOKE_ORDER, pledge_bank_revoke_order},
                                                  {PLEDGE_K_APPROVE, pledge_bank_approve},
                                                  {PLEDGE_K_ACCOUNT, pledge_bank_account},
                                                  {PLEDGE_K_DEPOSIT, pledge_bank_deposit},
                                                  {PLEDGE_K_UNPLEDGE_TERMS, pledge_bank_terms},
                                                  {PLEDGE_K_NO_KIND, NULL}};
