/* What two operators decide together: loans (P7), re-encryption keys (P2, P5), disposals (P16, P17). The
 * tables of specs/pledge.md, "loan", "grant" and "disposal". */
#include <string.h>

#include "host/pledge/core/bank.h"

struct decision {
    const struct pledge_party *party;
    const struct pledge_store *store;
    const struct pledge_message *message;
    int64_t *state;
    char *first, *second; /* the operators, PLEDGE_PARTY bytes each */
    struct pledge_r_loan loan;
    struct pledge_r_grant grant;
    struct pledge_r_disposal disposal;
};

static bool other_operator(void *arg)
{
    const struct decision *d = arg;
    return strcmp(d->first, d->message->from) != 0;
}

static enum tally_error first(void *arg)
{
    struct decision *d = arg;
    pledge_text_set(d->first, PLEDGE_PARTY, d->message->from);
    return TALLY_OK;
}

static enum tally_error second(void *arg)
{
    struct decision *d = arg;
    pledge_text_set(d->second, PLEDGE_PARTY, d->message->from);
    return TALLY_OK;
}

static enum tally_error keep_loan(void *arg)
{
    struct decision *d = arg;
    const struct pledge_m_loan_request *b = &d->message->body.loan_request;
    if (b->entrusted_amount > b->principal)
        return TALLY_E_DENIED;
    d->loan.principal = b->principal;
    d->loan.entrusted_amount = b->entrusted_amount;
    PLEDGE_SET(d->loan.borrower_name, b->borrower_name);
    PLEDGE_SET(d->loan.borrower_document_number, b->borrower_document_number);
    PLEDGE_SET(d->loan.loan_account, b->loan_account);
    PLEDGE_SET(d->loan.entrusted_account, b->entrusted_account);
    PLEDGE_SET(d->loan.party, d->message->from);
    return TALLY_OK;
}

/* Pays the loan out to the borrower's loan account and from there, by entrusted payment, to the payee. */
static enum tally_error lend(void *arg)
{
    struct decision *d = arg;
    struct pledge_leg paid[2] = {{.amount = d->loan.principal}, {.amount = -d->loan.principal}};
    struct pledge_leg entrusted[2] = {{.amount = d->loan.entrusted_amount},
                                      {.amount = -d->loan.entrusted_amount}};
    pledge_ledger_name(PLEDGE_A_LOAN, d->loan.project, paid[0].account);
    pledge_ledger_name(PLEDGE_A_CURRENT, d->loan.loan_account, paid[1].account);
    entrusted[0] = paid[1];
    entrusted[0].amount = d->loan.entrusted_amount;
    pledge_ledger_name(PLEDGE_A_CURRENT, d->loan.entrusted_account, entrusted[1].account);
    char surplus[PLEDGE_LEDGER];
    pledge_ledger_name(PLEDGE_A_SURPLUS, d->loan.project, surplus);
    enum tally_error e = pledge_ledger_open(d->store, paid[0].account, d->loan.borrower_name, PLEDGE_ASSET);
    if (e == TALLY_OK)
        e = pledge_ledger_open(d->store, surplus, d->loan.borrower_name, PLEDGE_LIABILITY);
    if (e == TALLY_OK)
        e = pledge_ledger_open(d->store, paid[1].account, d->loan.borrower_name, PLEDGE_LIABILITY);
    if (e == TALLY_OK)
        e = pledge_ledger_open(d->store, entrusted[1].account, "", PLEDGE_LIABILITY);
    if (e == TALLY_OK)
        e = pledge_ledger_post(d->store, pledge_now(d->party), "loan", d->loan.project, paid, 2);
    if (e == TALLY_OK && d->loan.entrusted_amount > 0)
        e = pledge_ledger_post(d->store, pledge_now(d->party), "entrust", d->loan.project, entrusted, 2);
    return e;
}

static enum tally_error tell_loan(void *arg)
{
    struct decision *d = arg;
    struct pledge_message m;
    enum tally_error e =
        pledge_begin(d->party, PLEDGE_K_LOAN_RESULT, d->loan.party, d->loan.project, 0, ++d->loan.sent, &m);
    if (e != TALLY_OK)
        return e;
    PLEDGE_SET(m.body.loan_result.project, d->loan.project);
    m.body.loan_result.status = PLEDGE_LENT;
    m.body.loan_result.principal = d->loan.principal;
    return pledge_send(d->store, &m);
}

static enum tally_error keep_grant(void *arg)
{
    struct decision *d = arg;
    const struct pledge_m_key_submission *b = &d->message->body.key_submission;
    PLEDGE_SET(d->grant.uscc, b->uscc);
    PLEDGE_SET(d->grant.name, b->name);
    PLEDGE_SET(d->grant.project, b->project);
    PLEDGE_SET(d->grant.party, d->message->from);
    d->grant.grant_number++;
    return TALLY_OK;
}

/* P2: the bank's checks: the project's loan is paid out and the channel is the one allocated for it. */
static bool financed(void *arg)
{
    struct decision *d = arg;
    struct pledge_r_loan loan = {.state = 0};
    PLEDGE_SET(loan.project, d->message->kind == PLEDGE_K_KEY_SUBMISSION
                                 ? d->message->body.key_submission.project
                                 : d->message->body.disposal.project);
    return pledge_get(d->store, &pledge_t_loan, &loan) == TALLY_OK && loan.state == PLEDGE_DECISION_DONE &&
           (d->message->kind != PLEDGE_K_KEY_SUBMISSION ||
            strcmp(loan.channel, d->message->body.key_submission.channel) == 0);
}

/* Part of a public key as a number, for message ids. */
static int64_t key_number(const uint8_t key[PLEDGE_KEY])
{
    int64_t number = 0;
    for (int i = 1; i < 8; i++)
        number = number << 8 | key[i];
    return number;
}

/* Computes rk = ReKey(channel's private key, pk1) and submits it (P5). */
static enum tally_error send_grant(void *arg)
{
    struct decision *d = arg;
    const struct pledge_crypto *crypto = d->party->crypto;
    struct pledge_message m;
    enum tally_error e = pledge_begin(d->party, PLEDGE_K_GRANT, NULL, d->grant.channel,
                                      key_number(d->grant.seller_key), d->grant.grant_number, &m);
    if (e != TALLY_OK)
        return e;
    struct pledge_m_grant *b = &m.body.grant;
    PLEDGE_SET(b->uscc, d->grant.uscc);
    PLEDGE_SET(b->channel, d->grant.channel);
    PLEDGE_SET(b->project, d->grant.project);
    b->number = d->grant.grant_number;
    b->epoch = 1;
    memcpy(b->seller_key, d->grant.seller_key, PLEDGE_KEY);
    e = crypto->channel_key(crypto->ctx, b->channel, b->project, b->epoch, b->channel_key,
                            b->channel_signature);
    if (e == TALLY_OK)
        e = crypto->rekey(crypto->ctx, b->channel, b->project, b->epoch, b->seller_key, &b->rk);
    return e == TALLY_OK ? pledge_send(d->store, &m) : e;
}

static enum tally_error send_revoke(void *arg)
{
    struct decision *d = arg;
    struct pledge_message m;
    enum tally_error e = pledge_begin(d->party, PLEDGE_K_REVOKE, NULL, d->grant.channel,
                                      key_number(d->grant.seller_key), d->grant.grant_number, &m);
    if (e != TALLY_OK)
        return e;
    PLEDGE_SET(m.body.revoke.channel, d->grant.channel);
    m.body.revoke.number = d->grant.grant_number;
    memcpy(m.body.revoke.seller_key, d->grant.seller_key, PLEDGE_KEY);
    return pledge_send(d->store, &m);
}

static enum tally_error keep_disposal(void *arg)
{
    struct decision *d = arg;
    const struct pledge_m_disposal *b = &d->message->body.disposal;
    enum tally_error e = first(d);
    d->disposal.document_type = b->document_type;
    PLEDGE_SET(d->disposal.prepay_name, b->prepay_name);
    PLEDGE_SET(d->disposal.prepay, b->prepay);
    for (uint16_t i = 0; e == TALLY_OK && i < b->amounts.n; i++) {
        struct pledge_r_amount amount = {.amount = b->amounts.items[i].amount};
        PLEDGE_SET(amount.project, b->project);
        PLEDGE_SET(amount.document_number, b->document_number);
        PLEDGE_SET(amount.type, b->amounts.items[i].type);
        e = pledge_insert(d->store, &pledge_t_amount, &amount);
    }
    return e;
}

/* P17: creates the disposal project at the financing platform, which moves the project to disposal; P16:
 * tells the pledge platform. */
static enum tally_error send_disposal(void *arg)
{
    struct decision *d = arg;
    struct pledge_r_amount like = {.amount = 0}, rows[PLEDGE_TYPES_MAX];
    struct pledge_message m;
    size_t n;
    PLEDGE_SET(like.project, d->disposal.project);
    PLEDGE_SET(like.document_number, d->disposal.document_number);
    enum tally_error e =
        d->store->list(d->store->ctx, &pledge_t_amount, 2, &like, NULL, rows, PLEDGE_TYPES_MAX, &n);
    if (e == TALLY_OK)
        e = pledge_begin(d->party, PLEDGE_K_DISPOSAL, NULL, d->disposal.document_number, 0, 1, &m);
    if (e != TALLY_OK)
        return e;
    struct pledge_m_disposal *b = &m.body.disposal;
    PLEDGE_SET(b->project, d->disposal.project);
    b->document_type = d->disposal.document_type;
    PLEDGE_SET(b->document_number, d->disposal.document_number);
    PLEDGE_SET(b->prepay_name, d->disposal.prepay_name);
    PLEDGE_SET(b->prepay, d->disposal.prepay);
    b->amounts.n = (uint16_t)n;
    for (size_t i = 0; i < n; i++) {
        PLEDGE_SET(b->amounts.items[i].type, rows[i].type);
        b->amounts.items[i].amount = rows[i].amount;
    }
    e = pledge_send(d->store, &m);
    if (e == TALLY_OK)
        e = pledge_begin(d->party, PLEDGE_K_DISPOSE, NULL, d->disposal.document_number, 0, 1, &m);
    if (e != TALLY_OK)
        return e;
    PLEDGE_SET(m.body.project.project, d->disposal.project);
    return pledge_send(d->store, &m);
}

#define GUARDS(X)                                                                                            \
    X(G_ALWAYS, "", NULL)                                                                                    \
    X(OTHER_OPERATOR, "other_operator", other_operator)                                                      \
    X(FINANCED, "financed", financed)
#define EFFECTS(X)                                                                                           \
    X(F_NOTHING, "", NULL)                                                                                   \
    X(FIRST, "first", first)                                                                                 \
    X(SECOND, "second", second)                                                                              \
    X(KEEP_LOAN, "keep_loan", keep_loan)                                                                     \
    X(LEND, "lend", lend)                                                                                    \
    X(TELL_LOAN, "tell_loan", tell_loan)                                                                     \
    X(KEEP_GRANT, "keep_grant", keep_grant)                                                                  \
    X(SEND_GRANT, "send_grant", send_grant)                                                                  \
    X(SEND_REVOKE, "send_revoke", send_revoke)                                                               \
    X(KEEP_DISPOSAL, "keep_disposal", keep_disposal)                                                         \
    X(SEND_DISPOSAL, "send_disposal", send_disposal)

enum { GUARDS(PLEDGE_X_ENUM3) };
enum { EFFECTS(PLEDGE_X_ENUM3) };
static const char *const states[] = {PLEDGE_DECISION_STATES(PLEDGE_X_NAME) NULL};
static const char *const events[] = {PLEDGE_DECISION_EVENTS(PLEDGE_X_NAME) NULL};
static const char *const guards[] = {GUARDS(PLEDGE_X_NAME3) NULL};
static const char *const effects[] = {EFFECTS(PLEDGE_X_NAME3) NULL};
static pledge_guard *const guard_functions[] = {GUARDS(PLEDGE_X_FUNCTION3)};
static pledge_effect *const effect_functions[] = {EFFECTS(PLEDGE_X_FUNCTION3)};

#define R(state, event, guard, next, ...)                                                                    \
    {                                                                                                        \
        PLEDGE_DECISION_##state, PLEDGE_DECISION_ON_##event, guard, PLEDGE_DECISION_##next,                  \
        {                                                                                                    \
            __VA_ARGS__                                                                                      \
        }                                                                                                    \
    }
static const struct pledge_rule loan_rules[] = {
    R(NEW, ASK, 0, ASKED, KEEP_LOAN),
    R(ASKED, APPROVE, 0, ONCE, FIRST),
    R(ONCE, APPROVE, OTHER_OPERATOR, DONE, SECOND, LEND, TELL_LOAN),
    R(DONE, ASK, 0, DONE, TELL_LOAN),
};
static const struct pledge_rule grant_rules[] = {
    R(NEW, ASK, FINANCED, ASKED, KEEP_GRANT),
    R(ASKED, APPROVE, 0, ONCE, FIRST),
    R(ONCE, APPROVE, OTHER_OPERATOR, DONE, SECOND, SEND_GRANT),
    R(DONE, REVOKE, 0, REVOKED, SEND_REVOKE),
    R(REVOKED, ASK, FINANCED, ASKED, KEEP_GRANT),
};
static const struct pledge_rule disposal_rules[] = {
    R(NEW, ASK, FINANCED, ONCE, KEEP_DISPOSAL),
    R(ONCE, APPROVE, OTHER_OPERATOR, DONE, SECOND, SEND_DISPOSAL),
};
#undef R

#define MACHINE(which)                                                                                       \
    const struct pledge_machine pledge_##which##_machine = {.name = #which,                                  \
                                                            .states = states,                                \
                                                            .events = events,                                \
                                                            .guards = guards,                                \
                                                            .effects = effects,                              \
                                                            .rules = which##_rules,                          \
                                                            .rule_count = PLEDGE_COUNT(which##_rules),       \
                                                            .guard_functions = guard_functions,              \
                                                            .effect_functions = effect_functions}
MACHINE(loan);
MACHINE(grant);
MACHINE(disposal);

/* Loads the row, runs the event, stores the row. What the table does not have is the caller's `otherwise`. */
static enum tally_error decide(struct decision *d, const struct pledge_table *table, void *row,
                               const struct pledge_machine *machine, unsigned event)
{
    bool found;
    enum tally_error e = pledge_look(d->store, table, row, &found);
    if (e != TALLY_OK)
        return e;
    e = pledge_machine_run(machine, d->state, event, d);
    if (e != TALLY_OK)
        return e;
    return found ? pledge_update(d->store, table, row) : pledge_insert(d->store, table, row);
}

static enum tally_error decide_loan(struct decision *d, const char *project, unsigned event)
{
    PLEDGE_SET(d->loan.project, project);
    d->state = &d->loan.state;
    d->first = d->loan.first_operator;
    d->second = d->loan.second_operator;
    return decide(d, &pledge_t_loan, &d->loan, d->party->machines->loan, event);
}

static enum tally_error decide_grant(struct decision *d, const char *channel, const uint8_t key[PLEDGE_KEY],
                                     unsigned event)
{
    PLEDGE_SET(d->grant.channel, channel);
    memcpy(d->grant.seller_key, key, PLEDGE_KEY);
    d->state = &d->grant.state;
    d->first = d->grant.first_operator;
    d->second = d->grant.second_operator;
    return decide(d, &pledge_t_grant, &d->grant, d->party->machines->grant, event);
}

static enum tally_error decide_disposal(struct decision *d, const char *project, const char *document,
                                        unsigned event)
{
    PLEDGE_SET(d->disposal.project, project);
    PLEDGE_SET(d->disposal.document_number, document);
    d->state = &d->disposal.state;
    d->first = d->disposal.first_operator;
    d->second = d->disposal.second_operator;
    return decide(d, &pledge_t_disposal, &d->disposal, d->party->machines->disposal, event);
}

enum tally_error pledge_bank_loan_request(const struct pledge_party *party, const struct pledge_store *store,
                                          const struct pledge_message *message)
{
    struct decision d = {.party = party, .store = store, .message = message};
    return pledge_tolerate(decide_loan(&d, message->body.loan_request.project, PLEDGE_DECISION_ON_ASK));
}

/* Not financed yet is not for good: the loan or the channel may still come, so the sender asks again. */
enum tally_error pledge_bank_key_submission(const struct pledge_party *party,
                                            const struct pledge_store *store,
                                            const struct pledge_message *message)
{
    struct decision d = {.party = party, .store = store, .message = message};
    enum tally_error e =
        decide_grant(&d, message->body.key_submission.channel, message->key, PLEDGE_DECISION_ON_ASK);
    return e == TALLY_E_STATE && d.grant.state == PLEDGE_DECISION_NEW ? TALLY_E_NOT_FOUND
                                                                      : pledge_tolerate(e);
}

enum tally_error pledge_bank_disposal_order(const struct pledge_party *party,
                                            const struct pledge_store *store,
                                            const struct pledge_message *message)
{
    const struct pledge_m_disposal *b = &message->body.disposal;
    struct decision d = {.party = party, .store = store, .message = message};
    enum tally_error e = pledge_bank_authorised(party, store, message);
    if (e == TALLY_OK)
        e = pledge_tolerate(decide_disposal(&d, b->project, b->document_number, PLEDGE_DECISION_ON_ASK));
    return e;
}

enum tally_error pledge_bank_approve(const struct pledge_party *party, const struct pledge_store *store,
                                     const struct pledge_message *message)
{
    const struct pledge_m_approve *b = &message->body.approve;
    struct decision d = {.party = party, .store = store, .message = message};
    enum tally_error e = pledge_bank_authorised(party, store, message);
    if (e != TALLY_OK)
        return e;
    switch (b->subject) {
    case PLEDGE_SUBJECT_LOAN: e = decide_loan(&d, b->project, PLEDGE_DECISION_ON_APPROVE); break;
    case PLEDGE_SUBJECT_GRANT:
        e = decide_grant(&d, b->channel, b->seller_key, PLEDGE_DECISION_ON_APPROVE);
        break;
    default: e = decide_disposal(&d, b->project, b->document_number, PLEDGE_DECISION_ON_APPROVE); break;
    }
    /* Approved already, or once more by the same person: nothing changes. Nothing to approve yet: later. */
    return e == TALLY_E_STATE && *d.state == PLEDGE_DECISION_NEW ? TALLY_E_NOT_FOUND : pledge_tolerate(e);
}

enum tally_error pledge_bank_revoke_order(const struct pledge_party *party, const struct pledge_store *store,
                                          const struct pledge_message *message)
{
    const struct pledge_m_revoke *b = &message->body.revoke;
    struct decision d = {.party = party, .store = store, .message = message};
    enum tally_error e = pledge_bank_authorised(party, store, message);
    return e == TALLY_OK
               ? pledge_tolerate(decide_grant(&d, b->channel, b->seller_key, PLEDGE_DECISION_ON_REVOKE))
               : e;
}
