/* Money held for a ticket: the table of specs/pledge.md, "hold". */
#include <stdio.h>
#include <string.h>

#include "host/pledge/core/bank.h"

struct hold_work {
    const struct pledge_party *party;
    const struct pledge_store *store;
    struct pledge_r_hold hold;
    bool found, payable;
};

static void reference_of(const struct pledge_r_hold *hold, char out[PLEDGE_ID])
{
    memset(out, 0, PLEDGE_ID);
    snprintf(out, PLEDGE_ID, "%c:%s", hold->order[0] != 0 ? 'u' : 'p', hold->number);
}

static enum tally_error move(struct hold_work *work, const char *reason, const struct pledge_leg *legs,
                             size_t n)
{
    char reference[PLEDGE_ID];
    reference_of(&work->hold, reference);
    return pledge_ledger_post(work->store, pledge_now(work->party), reason, reference, legs, n);
}

static enum tally_error between(struct hold_work *work, const char *reason, enum pledge_account_kind from,
                                enum pledge_account_kind to)
{
    struct pledge_leg legs[2] = {{.amount = work->hold.amount}, {.amount = -work->hold.amount}};
    pledge_ledger_name(from, work->hold.prepay, legs[0].account);
    pledge_ledger_name(to, work->hold.prepay, legs[1].account);
    return move(work, reason, legs, 2);
}

static enum tally_error hold_money(void *arg)
{
    struct hold_work *work = arg;
    work->hold.due = pledge_now(work->party) + work->party->terms.hold_ms;
    return between(work, "hold", PLEDGE_A_PREPAY, PLEDGE_A_HELD);
}

static enum tally_error release_money(void *arg)
{
    return between(arg, "release", PLEDGE_A_HELD, PLEDGE_A_PREPAY);
}

/* Repays the loan; what is beyond it is the borrower's. */
static enum tally_error capture_money(void *arg)
{
    struct hold_work *work = arg;
    struct pledge_leg legs[3] = {{.amount = work->hold.amount}};
    size_t n = 1;
    int64_t owed;
    char loan[PLEDGE_LEDGER];
    pledge_ledger_name(PLEDGE_A_HELD, work->hold.prepay, legs[0].account);
    pledge_ledger_name(PLEDGE_A_LOAN, work->hold.project, loan);
    enum tally_error e = pledge_ledger_balance(work->store, loan, &owed);
    if (e != TALLY_OK)
        return e;
    int64_t repaid = owed < work->hold.amount ? owed : work->hold.amount;
    if (repaid > 0) {
        PLEDGE_SET(legs[n].account, loan);
        legs[n++].amount = -repaid;
    }
    if (repaid < work->hold.amount) {
        pledge_ledger_name(PLEDGE_A_SURPLUS, work->hold.project, legs[n].account);
        legs[n++].amount = repaid - work->hold.amount;
    }
    return move(work, "capture", legs, n);
}

static enum tally_error tell(void *arg)
{
    static const int64_t statuses[] = {[PLEDGE_HOLD_HELD] = PLEDGE_HELD,
                                       [PLEDGE_HOLD_REFUSED] = PLEDGE_REFUSED,
                                       [PLEDGE_HOLD_CAPTURED] = PLEDGE_CAPTURED,
                                       [PLEDGE_HOLD_VOIDED] = PLEDGE_VOIDED};
    struct hold_work *work = arg;
    struct pledge_r_hold *hold = &work->hold;
    struct pledge_message m;
    bool simple = hold->order[0] != 0;
    enum tally_error e = pledge_begin(work->party, simple ? PLEDGE_K_UNPLEDGE_RESULT : PLEDGE_K_PAY_RESULT,
                                      hold->party, hold->number, 0, ++hold->told, &m);
    if (e != TALLY_OK)
        return e;
    PLEDGE_SET(m.address, hold->callback);
    if (simple) {
        PLEDGE_SET(m.body.unpledge_result.order, hold->order);
        m.body.unpledge_result.line = hold->line;
        m.body.unpledge_result.status = statuses[hold->state];
    } else {
        PLEDGE_SET(m.body.pay_result.redemption, hold->number);
        m.body.pay_result.status = statuses[hold->state];
    }
    return pledge_send(work->store, &m);
}

static bool covered(void *arg)
{
    struct hold_work *work = arg;
    char prepay[PLEDGE_LEDGER];
    int64_t balance;
    pledge_ledger_name(PLEDGE_A_PREPAY, work->hold.prepay, prepay);
    return work->payable && pledge_ledger_balance(work->store, prepay, &balance) == TALLY_OK &&
           balance >= work->hold.amount;
}

#define EVENTS(X) X(ON_PAY, "pay") X(ON_CAPTURE, "capture") X(ON_VOID, "void") X(ON_EXPIRE, "expire")
#define GUARDS(X) X(G_ALWAYS, "", NULL) X(COVERED, "covered", covered)
#define EFFECTS(X)                                                                                           \
    X(F_NOTHING, "", NULL)                                                                                   \
    X(HOLD_MONEY, "hold_money", hold_money)                                                                  \
    X(CAPTURE_MONEY, "capture_money", capture_money)                                                         \
    X(RELEASE_MONEY, "release_money", release_money)                                                         \
    X(TELL, "tell", tell)

enum { EVENTS(PLEDGE_X_ENUM2) };
enum { GUARDS(PLEDGE_X_ENUM3) };
enum { EFFECTS(PLEDGE_X_ENUM3) };
static const char *const states[] = {PLEDGE_HOLD_STATES(PLEDGE_X_NAME) NULL};
static const char *const events[] = {EVENTS(PLEDGE_X_NAME) NULL};
static const char *const guards[] = {GUARDS(PLEDGE_X_NAME3) NULL};
static const char *const effects[] = {EFFECTS(PLEDGE_X_NAME3) NULL};
static pledge_guard *const guard_functions[] = {GUARDS(PLEDGE_X_FUNCTION3)};
static pledge_effect *const effect_functions[] = {EFFECTS(PLEDGE_X_FUNCTION3)};

#define R(state, event, guard, next, ...) PLEDGE_RULE(PLEDGE_HOLD_, state, event, guard, next, __VA_ARGS__)
static const struct pledge_rule rules[] = {
    R(NEW, PAY, COVERED, HELD, HOLD_MONEY, TELL),
    R(NEW, PAY, 0, REFUSED, TELL),
    R(NEW, VOID, 0, VOIDED, TELL),
    R(HELD, PAY, 0, HELD, TELL),
    R(HELD, CAPTURE, 0, CAPTURED, CAPTURE_MONEY, TELL),
    R(HELD, VOID, 0, VOIDED, RELEASE_MONEY, TELL),
    R(HELD, EXPIRE, 0, VOIDED, RELEASE_MONEY, TELL),
    R(REFUSED, PAY, 0, REFUSED, TELL),
    R(REFUSED, VOID, 0, REFUSED, TELL),
    R(CAPTURED, PAY, 0, CAPTURED, TELL),
    R(CAPTURED, CAPTURE, 0, CAPTURED, TELL),
    R(CAPTURED, VOID, 0, CAPTURED, TELL),
    R(VOIDED, PAY, 0, VOIDED, TELL),
    R(VOIDED, CAPTURE, 0, VOIDED, TELL),
    R(VOIDED, VOID, 0, VOIDED, TELL),
};
#undef R

const struct pledge_machine pledge_hold_machine = {.name = "hold",
                                                   .states = states,
                                                   .events = events,
                                                   .guards = guards,
                                                   .effects = effects,
                                                   .rules = rules,
                                                   .rule_count = PLEDGE_COUNT(rules),
                                                   .guard_functions = guard_functions,
                                                   .effect_functions = effect_functions};

static enum tally_error hold_load(struct hold_work *work, const char *party, const char *number)
{
    PLEDGE_SET(work->hold.party, party);
    PLEDGE_SET(work->hold.number, number);
    return pledge_look(work->store, &pledge_t_hold, &work->hold, &work->found);
}

static enum tally_error hold_run(struct hold_work *work, unsigned event)
{
    work->hold.due = work->found ? work->hold.due : PLEDGE_NEVER;
    enum tally_error e = pledge_machine_run(work->party->machines->hold, &work->hold.state, event, work);
    if (e != TALLY_OK)
        return work->found ? pledge_tolerate(e) : e == TALLY_E_STATE ? TALLY_E_NOT_FOUND : e;
    if (work->hold.state != PLEDGE_HOLD_HELD)
        work->hold.due = PLEDGE_NEVER;
    return work->found ? pledge_update(work->store, &pledge_t_hold, &work->hold)
                       : pledge_insert(work->store, &pledge_t_hold, &work->hold);
}

/* The same number must mean the same request, for ever. */
static enum tally_error same_request(struct hold_work *work, const struct pledge_message *message,
                                     bool *first)
{
    static const uint8_t none[PLEDGE_DIGEST];
    uint8_t digest[PLEDGE_DIGEST];
    enum tally_error e = pledge_body_digest(work->party, message, digest);
    *first = memcmp(work->hold.digest, none, PLEDGE_DIGEST) == 0;
    if (e == TALLY_OK && !*first && memcmp(work->hold.digest, digest, PLEDGE_DIGEST) != 0)
        e = TALLY_E_EXISTS;
    if (e == TALLY_OK)
        memcpy(work->hold.digest, digest, PLEDGE_DIGEST);
    return e;
}

/* Whether the loan was paid out and the account is a prepay account of that name ("" for any). */
static enum tally_error payable(struct hold_work *work, const char *prepay_name)
{
    struct pledge_r_loan loan = {.state = 0};
    struct pledge_r_account account = {.side = 0};
    PLEDGE_SET(loan.project, work->hold.project);
    pledge_ledger_name(PLEDGE_A_PREPAY, work->hold.prepay, account.account);
    enum tally_error e = pledge_get(work->store, &pledge_t_loan, &loan);
    if (e == TALLY_OK)
        e = pledge_get(work->store, &pledge_t_account, &account);
    work->payable = e == TALLY_OK && loan.state == PLEDGE_DECISION_DONE &&
                    (prepay_name[0] == 0 || strcmp(prepay_name, account.name) == 0);
    return e == TALLY_E_NOT_FOUND ? TALLY_OK : e;
}

enum tally_error pledge_bank_pay(const struct pledge_party *party, const struct pledge_store *store,
                                 const struct pledge_message *message)
{
    const struct pledge_m_pay *b = &message->body.pay;
    struct hold_work work = {.party = party, .store = store};
    bool first = false;
    enum tally_error e = hold_load(&work, message->from, b->redemption);
    if (e == TALLY_OK)
        e = same_request(&work, message, &first);
    if (e != TALLY_OK)
        return e;
    if (!pledge_callback_right(party, message->from, b->callback))
        return TALLY_E_DENIED;
    if (first) {
        PLEDGE_SET(work.hold.project, b->project);
        PLEDGE_SET(work.hold.prepay, b->prepay);
        PLEDGE_SET(work.hold.callback, b->callback);
        work.hold.amount = b->total;
        e = payable(&work, b->prepay_name);
    }
    return e == TALLY_OK ? hold_run(&work, ON_PAY) : e;
}

static enum tally_error pay_event(const struct pledge_party *party, const struct pledge_store *store,
                                  const struct pledge_message *message, unsigned event)
{
    struct hold_work work = {.party = party, .store = store};
    enum tally_error e = hold_load(&work, message->from, message->body.redemption.redemption);
    return e == TALLY_OK ? hold_run(&work, event) : e;
}

enum tally_error pledge_bank_pay_capture(const struct pledge_party *party, const struct pledge_store *store,
                                         const struct pledge_message *message)
{
    return pay_event(party, store, message, ON_CAPTURE);
}

enum tally_error pledge_bank_pay_void(const struct pledge_party *party, const struct pledge_store *store,
                                      const struct pledge_message *message)
{
    return pay_event(party, store, message, ON_VOID);
}

static enum tally_error line_load(struct hold_work *work, const char *party, const char *order, int64_t line)
{
    char number[PLEDGE_HOLD_NUMBER];
    snprintf(number, sizeof number, "%s.%d", order, (int)line);
    enum tally_error e = hold_load(work, party, number);
    PLEDGE_SET(work->hold.order, order);
    work->hold.line = line;
    return e;
}

enum tally_error pledge_bank_unpledge(const struct pledge_party *party, const struct pledge_store *store,
                                      const struct pledge_message *message)
{
    const struct pledge_m_unpledge *b = &message->body.unpledge;
    struct hold_work work = {.party = party, .store = store};
    struct pledge_r_unpledge_terms terms = {.amount = 0};
    bool first = false;
    enum tally_error e = line_load(&work, message->from, b->order, b->line);
    if (e == TALLY_OK)
        e = same_request(&work, message, &first);
    if (e != TALLY_OK)
        return e;
    if (!pledge_callback_right(party, message->from, b->callback))
        return TALLY_E_DENIED;
    if (first) {
        PLEDGE_SET(terms.channel, b->channel);
        PLEDGE_SET(terms.type, b->type);
        e = pledge_get(store, &pledge_t_unpledge_terms, &terms);
        bool agreed = e == TALLY_OK;
        PLEDGE_SET(work.hold.project, terms.project);
        PLEDGE_SET(work.hold.prepay, b->prepay);
        PLEDGE_SET(work.hold.callback, b->callback);
        work.hold.amount = terms.amount;
        e = agreed ? payable(&work, "") : pledge_tolerate(e == TALLY_E_NOT_FOUND ? TALLY_E_STATE : e);
    }
    return e == TALLY_OK ? hold_run(&work, ON_PAY) : e;
}

static enum tally_error unpledge_event(const struct pledge_party *party, const struct pledge_store *store,
                                       const struct pledge_message *message, unsigned event)
{
    struct hold_work work = {.party = party, .store = store};
    enum tally_error e = line_load(&work, message->from, message->body.line.order, message->body.line.line);
    return e == TALLY_OK ? hold_run(&work, event) : e;
}

enum tally_error pledge_bank_unpledge_capture(const struct pledge_party *party,
                                              const struct pledge_store *store,
                                              const struct pledge_message *message)
{
    return unpledge_event(party, store, message, ON_CAPTURE);
}

enum tally_error pledge_bank_unpledge_void(const struct pledge_party *party, const struct pledge_store *store,
                                           const struct pledge_message *message)
{
    return unpledge_event(party, store, message, ON_VOID);
}

/* Money that was held too long goes back: the hold can not be captured any more. */
enum tally_error pledge_bank_pass(const struct pledge_party *party, const struct pledge_store *store,
                                  size_t max, size_t *count)
{
    enum { BATCH = 16 };
    struct pledge_r_hold holds[BATCH];
    enum tally_error e =
        store->due(store->ctx, &pledge_t_hold, pledge_now(party), holds, max < BATCH ? max : BATCH, count);
    for (size_t i = 0; e == TALLY_OK && i < *count; i++) {
        struct hold_work work = {.party = party, .store = store, .hold = holds[i], .found = true};
        e = hold_run(&work, ON_EXPIRE);
    }
    return e;
}
