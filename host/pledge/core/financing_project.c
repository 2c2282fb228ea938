/* A financing project: the table of specs/pledge.md, "project". */
#include <string.h>

#include "host/pledge/core/financing.h"

struct project_work {
    const struct pledge_party *party;
    const struct pledge_store *store;
    const struct pledge_message *message;
    struct pledge_r_project project;
    bool found;
};

static enum tally_error keep_application(void *arg)
{
    struct project_work *work = arg;
    const struct pledge_m_application *b = &work->message->body.application;
    struct pledge_r_project *row = &work->project;
    struct pledge_r_application application = {.project = ""};
    row->price_basis = b->price_basis;
    row->principal = b->principal;
    row->platform_fee = b->platform_fee;
    PLEDGE_SET(row->borrower_name, b->borrower_name);
    row->borrower_document_type = b->borrower_document_type;
    PLEDGE_SET(row->borrower_document_number, b->borrower_document_number);
    PLEDGE_SET(row->contract, b->contract);
    PLEDGE_SET(row->counterparty_name, b->counterparty_name);
    PLEDGE_SET(row->prepay_name, b->prepay_name);
    PLEDGE_SET(row->prepay, b->prepay);
    PLEDGE_SET(row->reference, b->reference);
    PLEDGE_SET(row->party, work->message->from);
    memcpy(application.seller_key, work->message->key, PLEDGE_KEY);
    PLEDGE_SET(application.reference, b->reference);
    PLEDGE_SET(application.project, row->project);
    enum tally_error e = pledge_insert(work->store, &pledge_t_application, &application);
    for (uint16_t i = 0; e == TALLY_OK && i < b->terms.n; i++) {
        const struct pledge_term_item *item = &b->terms.items[i];
        struct pledge_r_term term = {.quantity = item->quantity,
                                     .settlement_price = item->settlement_price,
                                     .suggested_price = item->suggested_price,
                                     .list_price = item->list_price};
        PLEDGE_SET(term.project, row->project);
        PLEDGE_SET(term.type, item->type);
        e = pledge_insert(work->store, &pledge_t_term, &term);
    }
    return e;
}

static enum tally_error ask_loan(void *arg)
{
    struct project_work *work = arg;
    const struct pledge_m_application *a = &work->message->body.application;
    struct pledge_message m;
    enum tally_error e =
        pledge_begin(work->party, PLEDGE_K_LOAN_REQUEST, NULL, work->project.project, 0, 1, &m);
    if (e != TALLY_OK)
        return e;
    struct pledge_m_loan_request *b = &m.body.loan_request;
    PLEDGE_SET(b->project, work->project.project);
    PLEDGE_SET(b->borrower_name, a->borrower_name);
    b->borrower_document_type = a->borrower_document_type;
    PLEDGE_SET(b->borrower_document_number, a->borrower_document_number);
    PLEDGE_SET(b->counterparty_name, a->counterparty_name);
    PLEDGE_SET(b->loan_account, a->loan_account);
    PLEDGE_SET(b->entrusted_account, a->entrusted_account);
    b->entrusted_amount = a->entrusted_amount;
    b->principal = a->principal;
    return pledge_send(work->store, &m);
}

static enum tally_error tell_applicant(void *arg)
{
    struct project_work *work = arg;
    const struct pledge_r_project *project = &work->project;
    struct pledge_message m;
    enum tally_error e = pledge_begin(work->party, PLEDGE_K_APPLICATION_RESULT, project->party,
                                      project->project, 0, project->state, &m);
    if (e != TALLY_OK)
        return e;
    PLEDGE_SET(m.body.application_result.reference, project->reference);
    PLEDGE_SET(m.body.application_result.project, project->project);
    m.body.application_result.project_state = project->state;
    e = pledge_send(work->store, &m);
    return e == TALLY_E_EXISTS ? TALLY_OK : e;
}

/* P7: the core enterprise is to allocate an issuing channel for this contract. */
static enum tally_error ask_allocation(void *arg)
{
    struct project_work *work = arg;
    struct pledge_r_term like = {.quantity = 0}, terms[PLEDGE_TYPES_MAX];
    struct pledge_message m;
    size_t n;
    PLEDGE_SET(like.project, work->project.project);
    enum tally_error e =
        work->store->list(work->store->ctx, &pledge_t_term, 1, &like, NULL, terms, PLEDGE_TYPES_MAX, &n);
    if (e == TALLY_OK)
        e = pledge_begin(work->party, PLEDGE_K_ALLOCATION, NULL, work->project.project, 0, 1, &m);
    if (e != TALLY_OK)
        return e;
    struct pledge_m_allocation *b = &m.body.allocation;
    PLEDGE_SET(b->project, work->project.project);
    PLEDGE_SET(b->contract, work->project.contract);
    PLEDGE_SET(b->counterparty_name, work->project.counterparty_name);
    b->terms.n = (uint16_t)n;
    for (size_t i = 0; i < n; i++) {
        struct pledge_term_item *item = &b->terms.items[i];
        PLEDGE_SET(item->type, terms[i].type);
        item->quantity = terms[i].quantity;
        item->settlement_price = terms[i].settlement_price;
        item->suggested_price = terms[i].suggested_price;
        item->list_price = terms[i].list_price;
    }
    return pledge_send(work->store, &m);
}

static enum tally_error keep_disposal(void *arg)
{
    struct project_work *work = arg;
    const struct pledge_m_disposal *b = &work->message->body.disposal;
    struct pledge_r_disposal_project row = {.document_type = b->document_type};
    PLEDGE_SET(row.project, b->project);
    PLEDGE_SET(row.document_number, b->document_number);
    PLEDGE_SET(row.prepay_name, b->prepay_name);
    PLEDGE_SET(row.prepay, b->prepay);
    work->project.disposals++;
    enum tally_error e = pledge_insert(work->store, &pledge_t_disposal_project, &row);
    for (uint16_t i = 0; e == TALLY_OK && i < b->amounts.n; i++) {
        struct pledge_r_amount amount = {.amount = b->amounts.items[i].amount};
        PLEDGE_SET(amount.project, b->project);
        PLEDGE_SET(amount.document_number, b->document_number);
        PLEDGE_SET(amount.type, b->amounts.items[i].type);
        e = pledge_insert(work->store, &pledge_t_amount, &amount);
    }
    return e;
}

/* Everything is repaid and nothing is being redeemed. */
static bool settled(void *arg)
{
    const struct project_work *work = arg;
    return work->project.under_way == 0 && work->project.repaid >= work->project.principal;
}

#define EVENTS(X) X(ON_APPLY, "apply") X(ON_LENT, "lent") X(ON_DISPOSE, "dispose") X(ON_CLOSE, "close")
#define GUARDS(X) X(G_ALWAYS, "", NULL) X(SETTLED, "settled", settled)
#define EFFECTS(X)                                                                                           \
    X(F_NOTHING, "", NULL)                                                                                   \
    X(KEEP_APPLICATION, "keep_application", keep_application)                                                \
    X(ASK_LOAN, "ask_loan", ask_loan)                                                                        \
    X(TELL_APPLICANT, "tell_applicant", tell_applicant)                                                      \
    X(ASK_ALLOCATION, "ask_allocation", ask_allocation)                                                      \
    X(KEEP_DISPOSAL, "keep_disposal", keep_disposal)

enum { EVENTS(PLEDGE_X_ENUM2) };
enum { GUARDS(PLEDGE_X_ENUM3) };
enum { EFFECTS(PLEDGE_X_ENUM3) };
static const char *const events[] = {EVENTS(PLEDGE_X_NAME) NULL};
static const char *const guards[] = {GUARDS(PLEDGE_X_NAME3) NULL};
static const char *const effects[] = {EFFECTS(PLEDGE_X_NAME3) NULL};
static pledge_guard *const guard_functions[] = {GUARDS(PLEDGE_X_FUNCTION3)};
static pledge_effect *const effect_functions[] = {EFFECTS(PLEDGE_X_FUNCTION3)};

#define R(state, event, guard, next, ...) PLEDGE_RULE(PLEDGE_PROJECT_, state, event, guard, next, __VA_ARGS__)
static const struct pledge_rule rules[] = {
    R(NEW, APPLY, 0, FINANCING, KEEP_APPLICATION, ASK_LOAN, TELL_APPLICANT),
    R(FINANCING, LENT, 0, REPAYMENT, ASK_ALLOCATION, TELL_APPLICANT),
    R(FINANCING, DISPOSE, 0, DISPOSAL, KEEP_DISPOSAL),
    R(REPAYMENT, DISPOSE, 0, DISPOSAL, KEEP_DISPOSAL, TELL_APPLICANT),
    R(REPAYMENT, CLOSE, SETTLED, CLOSED, TELL_APPLICANT),
    R(DISPOSAL, LENT, 0, DISPOSAL, ASK_ALLOCATION),
    R(DISPOSAL, DISPOSE, 0, DISPOSAL, KEEP_DISPOSAL),
    R(DISPOSAL, CLOSE, SETTLED, CLOSED, TELL_APPLICANT),
};
#undef R

const struct pledge_machine pledge_project_machine = {.name = "project",
                                                      .states = pledge_project_state_names,
                                                      .events = events,
                                                      .guards = guards,
                                                      .effects = effects,
                                                      .rules = rules,
                                                      .rule_count = PLEDGE_COUNT(rules),
                                                      .guard_functions = guard_functions,
                                                      .effect_functions = effect_functions};

static enum tally_error project_run(struct project_work *work, unsigned event)
{
    enum tally_error e =
        pledge_machine_run(work->party->machines->project, &work->project.state, event, work);
    if (e != TALLY_OK)
        return e;
    return work->found ? pledge_update(work->store, &pledge_t_project, &work->project)
                       : pledge_insert(work->store, &pledge_t_project, &work->project);
}

static enum tally_error project_load(struct project_work *work, const char *project)
{
    PLEDGE_SET(work->project.project, project);
    enum tally_error e = pledge_get(work->store, &pledge_t_project, &work->project);
    work->found = e == TALLY_OK;
    return e;
}

enum tally_error pledge_financing_application(const struct pledge_party *party,
                                              const struct pledge_store *store,
                                              const struct pledge_message *message)
{
    const struct pledge_m_application *b = &message->body.application;
    struct project_work work = {.party = party, .store = store, .message = message};
    struct pledge_r_application known = {.project = ""};
    memcpy(known.seller_key, message->key, PLEDGE_KEY);
    PLEDGE_SET(known.reference, b->reference);
    enum tally_error e = pledge_get(store, &pledge_t_application, &known);
    if (e == TALLY_OK)
        return TALLY_OK;
    if (e != TALLY_E_NOT_FOUND)
        return e;
    if (b->entrusted_amount > b->principal || b->principal > b->total)
        return TALLY_E_DENIED;
    e = pledge_number_make(party, 'F', work.project.project);
    return e == TALLY_OK ? project_run(&work, ON_APPLY) : e;
}

enum tally_error pledge_financing_loan_result(const struct pledge_party *party,
                                              const struct pledge_store *store,
                                              const struct pledge_message *message)
{
    struct project_work work = {.party = party, .store = store, .message = message};
    enum tally_error e = project_load(&work, message->body.loan_result.project);
    if (e != TALLY_OK || message->body.loan_result.status != PLEDGE_LENT)
        return e;
    return pledge_tolerate(project_run(&work, ON_LENT));
}

enum tally_error pledge_financing_disposal(const struct pledge_party *party, const struct pledge_store *store,
                                           const struct pledge_message *message)
{
    const struct pledge_m_disposal *b = &message->body.disposal;
    struct project_work work = {.party = party, .store = store, .message = message};
    struct pledge_r_disposal_project known = {.document_type = 0};
    PLEDGE_SET(known.project, b->project);
    PLEDGE_SET(known.document_number, b->document_number);
    enum tally_error e = pledge_get(store, &pledge_t_disposal_project, &known);
    if (e != TALLY_E_NOT_FOUND)
        return e; /* it is there already */
    e = project_load(&work, b->project);
    return e == TALLY_OK ? project_run(&work, ON_DISPOSE) : e;
}

/* Not settled yet: the bank's message may have overtaken the last callbacks, so it is to be sent again. */
enum tally_error pledge_financing_close(const struct pledge_party *party, const struct pledge_store *store,
                                        const struct pledge_message *message)
{
    struct project_work work = {.party = party, .store = store, .message = message};
    enum tally_error e = project_load(&work, message->body.project.project);
    if (e == TALLY_OK && work.project.state != PLEDGE_PROJECT_CLOSED)
        e = project_run(&work, ON_CLOSE);
    return e;
}

static int64_t price_by(int64_t basis, const struct pledge_r_term *term)
{
    switch (basis) {
    case PLEDGE_SETTLEMENT: return term->settlement_price;
    case PLEDGE_SUGGESTED: return term->suggested_price;
    default: return term->list_price;
    }
}

static enum tally_error agreed_price(const struct pledge_store *store, const struct pledge_m_redeem *redeem,
                                     const struct pledge_r_project *project,
                                     struct pledge_r_redemption *redemption)
{
    struct pledge_r_term term = {.quantity = 0};
    if (strcmp(project->borrower_document_number, redeem->document_number) != 0 ||
        project->borrower_document_type != redeem->document_type)
        return TALLY_E_DENIED;
    PLEDGE_SET(term.project, redeem->project);
    PLEDGE_SET(term.type, redeem->type);
    enum tally_error e = pledge_get(store, &pledge_t_term, &term);
    if (e != TALLY_OK)
        return e;
    redemption->amount = price_by(project->price_basis, &term);
    PLEDGE_SET(redemption->prepay_name, project->prepay_name);
    PLEDGE_SET(redemption->prepay, project->prepay);
    return TALLY_OK;
}

static enum tally_error disposal_price(const struct pledge_store *store, const struct pledge_m_redeem *redeem,
                                       struct pledge_r_redemption *redemption)
{
    struct pledge_r_disposal_project disposal = {.document_type = 0};
    struct pledge_r_amount amount = {.amount = 0};
    PLEDGE_SET(disposal.project, redeem->project);
    PLEDGE_SET(disposal.document_number, redeem->document_number);
    PLEDGE_SET(amount.project, redeem->project);
    PLEDGE_SET(amount.document_number, redeem->document_number);
    PLEDGE_SET(amount.type, redeem->type);
    enum tally_error e = pledge_get(store, &pledge_t_disposal_project, &disposal);
    if (e == TALLY_OK)
        e = pledge_get(store, &pledge_t_amount, &amount);
    if (e == TALLY_OK && disposal.document_type != redeem->document_type)
        e = TALLY_E_DENIED;
    redemption->amount = amount.amount;
    PLEDGE_SET(redemption->prepay_name, disposal.prepay_name);
    PLEDGE_SET(redemption->prepay, disposal.prepay);
    return e;
}

enum tally_error pledge_financing_price(const struct pledge_store *store,
                                        const struct pledge_m_redeem *redeem,
                                        struct pledge_r_project *project,
                                        struct pledge_r_redemption *redemption)
{
    memset(project, 0, sizeof *project);
    PLEDGE_SET(project->project, redeem->project);
    enum tally_error e = pledge_get(store, &pledge_t_project, project);
    if (e == TALLY_OK) {
        redemption->project_state = project->state;
        if (project->state == PLEDGE_PROJECT_REPAYMENT)
            e = agreed_price(store, redeem, project, redemption);
        else if (project->state == PLEDGE_PROJECT_DISPOSAL)
            e = disposal_price(store, redeem, redemption);
        else
            e = TALLY_E_DENIED;
    }
    return e == TALLY_E_NOT_FOUND ? TALLY_E_DENIED : e;
}
