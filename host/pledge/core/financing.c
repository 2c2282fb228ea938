/* Redemptions at the financing platform: the table of specs/pledge.md, "redemption". */
#include "host/pledge/core/financing.h"

#include <string.h>

struct redemption_work {
    const struct pledge_party *party;
    const struct pledge_store *store;
    struct pledge_r_redemption redemption;
    struct pledge_r_project project;
    bool found, payable;
};

static enum tally_error send_pay(void *arg)
{
    struct redemption_work *work = arg;
    struct pledge_r_redemption *row = &work->redemption;
    struct pledge_message m;
    enum tally_error e =
        pledge_begin(work->party, PLEDGE_K_PAY, NULL, row->redemption, 0, ++row->attempt, &m);
    if (e != TALLY_OK)
        return e;
    struct pledge_m_pay *b = &m.body.pay;
    PLEDGE_SET(b->redemption, row->redemption);
    b->project_state = row->project_state;
    b->document_type = row->document_type;
    PLEDGE_SET(b->document_number, row->document_number);
    PLEDGE_SET(b->project, row->project);
    b->total = row->amount;
    PLEDGE_SET(b->prepay_name, row->prepay_name);
    PLEDGE_SET(b->prepay, row->prepay);
    PLEDGE_SET(b->callback, work->party->callback);
    return pledge_send(work->store, &m);
}

static enum tally_error send_redemption(struct redemption_work *work, enum pledge_kind kind)
{
    struct pledge_message m;
    enum tally_error e =
        pledge_begin(work->party, kind, NULL, work->redemption.redemption, 0, ++work->redemption.attempt, &m);
    if (e != TALLY_OK)
        return e;
    PLEDGE_SET(m.body.redemption.redemption, work->redemption.redemption);
    return pledge_send(work->store, &m);
}

static enum tally_error send_capture(void *arg)
{
    return send_redemption(arg, PLEDGE_K_PAY_CAPTURE);
}

static enum tally_error send_void(void *arg)
{
    return send_redemption(arg, PLEDGE_K_PAY_VOID);
}

static enum tally_error tell(void *arg)
{
    static const int64_t statuses[] = {[PLEDGE_REDEMPTION_HELD] = PLEDGE_HELD,
                                       [PLEDGE_REDEMPTION_CAPTURED] = PLEDGE_CAPTURED,
                                       [PLEDGE_REDEMPTION_VOIDED] = PLEDGE_VOIDED,
                                       [PLEDGE_REDEMPTION_REFUSED] = PLEDGE_REFUSED};
    struct redemption_work *work = arg;
    struct pledge_r_redemption *row = &work->redemption;
    struct pledge_message m;
    enum tally_error e =
        pledge_begin(work->party, PLEDGE_K_REDEEM_RESULT, NULL, row->order, row->line, ++row->told, &m);
    if (e != TALLY_OK)
        return e;
    PLEDGE_SET(m.address, row->callback);
    PLEDGE_SET(m.body.redeem_result.order, row->order);
    PLEDGE_SET(m.body.redeem_result.redemption, row->redemption);
    m.body.redeem_result.line = row->line;
    m.body.redeem_result.status = statuses[row->state];
    return pledge_send(work->store, &m);
}

static enum tally_error project_update(struct redemption_work *work, int64_t under_way, int64_t repaid)
{
    memset(&work->project, 0, sizeof work->project);
    PLEDGE_SET(work->project.project, work->redemption.project);
    enum tally_error e = pledge_get(work->store, &pledge_t_project, &work->project);
    work->project.under_way += under_way;
    work->project.repaid += repaid;
    return e == TALLY_OK ? pledge_update(work->store, &pledge_t_project, &work->project) : e;
}

static enum tally_error begin(void *arg)
{
    return project_update(arg, 1, 0);
}

static enum tally_error end(void *arg)
{
    return project_update(arg, -1, 0);
}

static enum tally_error book(void *arg)
{
    return project_update(arg, -1, ((struct redemption_work *)arg)->redemption.amount);
}

static bool payable(void *arg)
{
    return ((struct redemption_work *)arg)->payable;
}

#define EVENTS(X)                                                                                            \
    X(ON_REDEEM, "redeem")                                                                                   \
    X(ON_CAPTURE, "capture")                                                                                 \
    X(ON_VOID, "void")                                                                                       \
    X(ON_BANK_HELD, "bank_held")                                                                             \
    X(ON_BANK_REFUSED, "bank_refused")                                                                       \
    X(ON_BANK_CAPTURED, "bank_captured")                                                                     \
    X(ON_BANK_VOIDED, "bank_voided")                                                                         \
    X(ON_DUE, "due")
#define GUARDS(X) X(G_ALWAYS, "", NULL) X(PAYABLE, "payable", payable)
#define EFFECTS(X)                                                                                           \
    X(F_NOTHING, "", NULL)                                                                                   \
    X(BEGIN, "begin", begin)                                                                                 \
    X(END, "end", end)                                                                                       \
    X(BOOK, "book", book)                                                                                    \
    X(PAY, "pay", send_pay)                                                                                  \
    X(CAPTURE, "capture", send_capture)                                                                      \
    X(VOID, "void", send_void)                                                                               \
    X(TELL, "tell", tell)

enum { EVENTS(PLEDGE_X_ENUM2) };
enum { GUARDS(PLEDGE_X_ENUM3) };
enum { EFFECTS(PLEDGE_X_ENUM3) };
static const char *const states[] = {PLEDGE_REDEMPTION_STATES(PLEDGE_X_NAME) NULL};
static const char *const events[] = {EVENTS(PLEDGE_X_NAME) NULL};
static const char *const guards[] = {GUARDS(PLEDGE_X_NAME3) NULL};
static const char *const effects[] = {EFFECTS(PLEDGE_X_NAME3) NULL};
static pledge_guard *const guard_functions[] = {GUARDS(PLEDGE_X_FUNCTION3)};
static pledge_effect *const effect_functions[] = {EFFECTS(PLEDGE_X_FUNCTION3)};

#define R(state, event, guard, next, ...)                                                                    \
    PLEDGE_RULE(PLEDGE_REDEMPTION_, state, event, guard, next, __VA_ARGS__)
static const struct pledge_rule rules[] = {
    R(NEW, REDEEM, PAYABLE, PAYING, BEGIN, PAY),
    R(NEW, REDEEM, 0, REFUSED, TELL),
    R(NEW, VOID, 0, VOIDED, TELL),
    R(PAYING, BANK_HELD, 0, HELD, TELL),
    R(PAYING, BANK_REFUSED, 0, REFUSED, END, TELL),
    R(PAYING, BANK_VOIDED, 0, VOIDED, END, TELL),
    R(PAYING, VOID, 0, VOIDING, VOID),
    R(PAYING, DUE, 0, PAYING, PAY),
    R(HELD, REDEEM, 0, HELD, TELL),
    R(HELD, CAPTURE, 0, CAPTURING, CAPTURE),
    R(HELD, VOID, 0, VOIDING, VOID),
    R(HELD, BANK_VOIDED, 0, VOIDED, END, TELL),
    R(CAPTURING, BANK_CAPTURED, 0, CAPTURED, BOOK, TELL),
    R(CAPTURING, BANK_VOIDED, 0, VOIDED, END, TELL),
    R(CAPTURING, DUE, 0, CAPTURING, CAPTURE),
    R(VOIDING, BANK_VOIDED, 0, VOIDED, END, TELL),
    R(VOIDING, BANK_REFUSED, 0, REFUSED, END, TELL),
    R(VOIDING, DUE, 0, VOIDING, VOID),
    R(CAPTURED, REDEEM, 0, CAPTURED, TELL),
    R(CAPTURED, CAPTURE, 0, CAPTURED, TELL),
    R(CAPTURED, VOID, 0, CAPTURED, TELL),
    R(VOIDED, REDEEM, 0, VOIDED, TELL),
    R(VOIDED, CAPTURE, 0, VOIDED, TELL),
    R(VOIDED, VOID, 0, VOIDED, TELL),
    R(REFUSED, REDEEM, 0, REFUSED, TELL),
    R(REFUSED, VOID, 0, REFUSED, TELL),
};
#undef R

const struct pledge_machine pledge_redemption_machine = {.name = "redemption",
                                                         .states = states,
                                                         .events = events,
                                                         .guards = guards,
                                                         .effects = effects,
                                                         .rules = rules,
                                                         .rule_count = PLEDGE_COUNT(rules),
                                                         .guard_functions = guard_functions,
                                                         .effect_functions = effect_functions};

static enum tally_error redemption_load(struct redemption_work *work, const char *order, int64_t line)
{
    PLEDGE_SET(work->redemption.order, order);
    work->redemption.line = line;
    return pledge_look(work->store, &pledge_t_redemption, &work->redemption, &work->found);
}

static bool waits_for_bank(int64_t state)
{
    return state == PLEDGE_REDEMPTION_PAYING || state == PLEDGE_REDEMPTION_CAPTURING ||
           state == PLEDGE_REDEMPTION_VOIDING;
}

static enum tally_error redemption_run(struct redemption_work *work, unsigned event)
{
    struct pledge_r_redemption *row = &work->redemption;
    enum tally_error e = pledge_machine_run(work->party->machines->redemption, &row->state, event, work);
    if (e != TALLY_OK)
        return work->found ? pledge_tolerate(e) : e == TALLY_E_STATE ? TALLY_E_NOT_FOUND : e;
    row->due = waits_for_bank(row->state) ? pledge_again_at(work->party, row->attempt) : PLEDGE_NEVER;
    return work->found ? pledge_update(work->store, &pledge_t_redemption, row)
                       : pledge_insert(work->store, &pledge_t_redemption, row);
}

/* P14: a unique redemption number, and what this ticket repays. */
static enum tally_error redemption_make(struct redemption_work *work, const struct pledge_m_redeem *b)
{
    struct pledge_r_redemption *row = &work->redemption;
    struct pledge_r_redemption_number number = {.line = b->line};
    PLEDGE_SET(row->project, b->project);
    PLEDGE_SET(row->type, b->type);
    row->document_type = b->document_type;
    PLEDGE_SET(row->document_number, b->document_number);
    PLEDGE_SET(row->callback, b->callback);
    enum tally_error e = pledge_financing_price(work->store, b, &work->project, row);
    work->payable = e == TALLY_OK;
    if (e == TALLY_E_DENIED)
        return TALLY_OK;
    if (e == TALLY_OK)
        e = pledge_number_make(work->party, 'R', row->redemption);
    PLEDGE_SET(number.redemption, row->redemption);
    PLEDGE_SET(number.order, b->order);
    return e == TALLY_OK ? pledge_insert(work->store, &pledge_t_redemption_number, &number) : e;
}

static enum tally_error handle_redeem(const struct pledge_party *party, const struct pledge_store *store,
                                      const struct pledge_message *message)
{
    const struct pledge_m_redeem *b = &message->body.redeem;
    struct redemption_work work = {.party = party, .store = store};
    enum tally_error e = redemption_load(&work, b->order, b->line);
    if (e != TALLY_OK)
        return e;
    if (!pledge_callback_right(party, message->from, b->callback))
        return TALLY_E_DENIED;
    const struct pledge_r_redemption *row = &work.redemption;
    if (!work.found)
        e = redemption_make(&work, b);
    else if (row->project[0] != 0 &&
             (strcmp(row->project, b->project) != 0 || strcmp(row->type, b->type) != 0 ||
              row->document_type != b->document_type ||
              strcmp(row->document_number, b->document_number) != 0 ||
              strcmp(row->callback, b->callback) != 0))
        e = TALLY_E_EXISTS;
    return e == TALLY_OK ? redemption_run(&work, ON_REDEEM) : e;
}

static enum tally_error line_event(const struct pledge_party *party, const struct pledge_store *store,
                                   const struct pledge_message *message, unsigned event)
{
    struct redemption_work work = {.party = party, .store = store};
    enum tally_error e = redemption_load(&work, message->body.line.order, message->body.line.line);
    return e == TALLY_OK ? redemption_run(&work, event) : e;
}

static enum tally_error handle_capture(const struct pledge_party *party, const struct pledge_store *store,
                                       const struct pledge_message *message)
{
    return line_event(party, store, message, ON_CAPTURE);
}

static enum tally_error handle_void(const struct pledge_party *party, const struct pledge_store *store,
                                    const struct pledge_message *message)
{
    return line_event(party, store, message, ON_VOID);
}

static enum tally_error handle_pay_result(const struct pledge_party *party, const struct pledge_store *store,
                                          const struct pledge_message *message)
{
    static const unsigned bank_events[] = {[PLEDGE_HELD] = ON_BANK_HELD,
                                           [PLEDGE_REFUSED] = ON_BANK_REFUSED,
                                           [PLEDGE_CAPTURED] = ON_BANK_CAPTURED,
                                           [PLEDGE_VOIDED] = ON_BANK_VOIDED};
    const struct pledge_m_pay_result *b = &message->body.pay_result;
    struct redemption_work work = {.party = party, .store = store};
    struct pledge_r_redemption_number number = {.line = 0};
    PLEDGE_SET(number.redemption, b->redemption);
    enum tally_error e = pledge_get(store, &pledge_t_redemption_number, &number);
    if (e == TALLY_OK)
        e = redemption_load(&work, number.order, number.line);
    return e == TALLY_OK ? redemption_run(&work, bank_events[b->status]) : e;
}

const struct pledge_route pledge_financing_routes[] = {{PLEDGE_K_APPLICATION, pledge_financing_application},
                                                       {PLEDGE_K_LOAN_RESULT, pledge_financing_loan_result},
                                                       {PLEDGE_K_DISPOSAL, pledge_financing_disposal},
                                                       {PLEDGE_K_CLOSE, pledge_financing_close},
                                                       {PLEDGE_K_REDEEM, handle_redeem},
                                                       {PLEDGE_K_REDEEM_CAPTURE, handle_capture},
                                                       {PLEDGE_K_REDEEM_VOID, handle_void},
                                                       {PLEDGE_K_PAY_RESULT, handle_pay_result},
                                                       {PLEDGE_K_NO_KIND, NULL}};

enum tally_error pledge_financing_pass(const struct pledge_party *party, const struct pledge_store *store,
                                       size_t max, size_t *count)
{
    enum { BATCH = 16 };
    struct pledge_r_redemption rows[BATCH];
    enum tally_error e = store->due(store->ctx, &pledge_t_redemption, pledge_now(party), rows,
                                    max < BATCH ? max : BATCH, count);
    for (size_t i = 0; e == TALLY_OK && i < *count; i++) {
        struct redemption_work work = {.party = party, .store = store, .redemption = rows[i], .found = true};
        e = redemption_run(&work, ON_DUE);
    }
    return e;
}
