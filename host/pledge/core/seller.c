#include "host/pledge/core/seller.h"

#include <string.h>

struct sold_work {
    const struct pledge_party *party;
    const struct pledge_store *store;
    const struct pledge_message *message;
    struct pledge_r_sold sold;
    struct pledge_r_sale sale;
};

static enum tally_error send_order(void *arg)
{
    struct sold_work *work = arg;
    struct pledge_message m;
    enum tally_error e =
        pledge_begin(work->party, PLEDGE_K_ORDER, NULL, work->sale.reference, 0, ++work->sale.attempt, &m);
    if (e != TALLY_OK)
        return e;
    struct pledge_m_order *b = &m.body.order;
    PLEDGE_SET(b->reference, work->sale.reference);
    PLEDGE_SET(b->channel, work->sale.channel);
    PLEDGE_SET(b->type, work->sale.type);
    b->price = work->sale.price;
    b->quantity = work->sale.quantity;
    PLEDGE_SET(b->callback, work->party->callback);
    return pledge_send(work->store, &m);
}

static enum tally_error open_late(void *arg)
{
    struct sold_work *work = arg;
    const struct pledge_crypto *crypto = work->party->crypto;
    struct pledge_plain plain;
    memset(&plain, 0, sizeof plain);
    enum tally_error e = crypto->open(crypto->ctx, &work->message->body.order_result.ticket, &plain);
    memcpy(&work->sold.ticket, &plain, sizeof plain);
    return e;
}

static enum tally_error open_ticket(void *arg)
{
    ((struct sold_work *)arg)->sale.open--;
    return open_late(arg);
}

static enum tally_error settle(void *arg)
{
    ((struct sold_work *)arg)->sale.open--;
    return TALLY_OK;
}

#define EVENTS(X) X(ON_SELL, "sell") X(ON_DELIVERED, "delivered") X(ON_FAILED, "failed")
#define EFFECTS(X)                                                                                           \
    X(F_NOTHING, "", NULL)                                                                                   \
    X(OPEN_TICKET, "open_ticket", open_ticket)                                                               \
    X(OPEN_LATE, "open_late", open_late)                                                                     \
    X(SETTLE, "settle", settle)

enum { EVENTS(PLEDGE_X_ENUM2) };
enum { EFFECTS(PLEDGE_X_ENUM3) };
static const char *const states[] = {PLEDGE_SOLD_STATES(PLEDGE_X_NAME) NULL};
static const char *const events[] = {EVENTS(PLEDGE_X_NAME) NULL};
static const char *const guards[] = {"", NULL};
static const char *const effects[] = {EFFECTS(PLEDGE_X_NAME3) NULL};
static pledge_effect *const effect_functions[] = {EFFECTS(PLEDGE_X_FUNCTION3)};

#define R(state, event, next, ...) PLEDGE_RULE(PLEDGE_SOLD_, state, event, 0, next, __VA_ARGS__)
static const struct pledge_rule rules[] = {
    R(NEW, SELL, ASKED, 0),
    R(ASKED, DELIVERED, DELIVERED, OPEN_TICKET),
    R(ASKED, FAILED, FAILED, SETTLE),
    R(FAILED, DELIVERED, DELIVERED, OPEN_LATE),
};
#undef R

const struct pledge_machine pledge_sold_machine = {.name = "sold",
                                                   .states = states,
                                                   .events = events,
                                                   .guards = guards,
                                                   .effects = effects,
                                                   .rules = rules,
                                                   .rule_count = PLEDGE_COUNT(rules),
                                                   .effect_functions = effect_functions};

enum tally_error pledge_seller_sell(const struct pledge_party *party, const struct pledge_store *store,
                                    const struct pledge_m_order *order)
{
    struct sold_work work = {.party = party, .store = store};
    struct pledge_r_sale *sale = &work.sale;
    PLEDGE_SET(sale->reference, order->reference);
    PLEDGE_SET(sale->channel, order->channel);
    PLEDGE_SET(sale->type, order->type);
    sale->price = order->price;
    sale->quantity = sale->open = order->quantity;
    sale->due = pledge_again_at(party, 0);
    enum tally_error e = send_order(&work);
    if (e == TALLY_OK)
        e = pledge_insert(store, &pledge_t_sale, sale);
    for (int64_t line = 1; e == TALLY_OK && line <= sale->quantity; line++) {
        memset(&work.sold, 0, sizeof work.sold);
        PLEDGE_SET(work.sold.reference, sale->reference);
        work.sold.line = line;
        e = pledge_machine_run(party->machines->sold, &work.sold.state, ON_SELL, &work);
        if (e == TALLY_OK)
            e = pledge_insert(store, &pledge_t_sold, &work.sold);
    }
    return e;
}

static enum tally_error sold_run(struct sold_work *work, unsigned event)
{
    enum tally_error e = pledge_get(work->store, &pledge_t_sold, &work->sold);
    if (e != TALLY_OK)
        return e;
    e = pledge_machine_run(work->party->machines->sold, &work->sold.state, event, work);
    if (e != TALLY_OK)
        return pledge_tolerate(e);
    if (work->sale.open == 0)
        work->sale.due = PLEDGE_NEVER;
    e = pledge_update(work->store, &pledge_t_sold, &work->sold);
    return e == TALLY_OK ? pledge_update(work->store, &pledge_t_sale, &work->sale) : e;
}

static enum tally_error handle_result(const struct pledge_party *party, const struct pledge_store *store,
                                      const struct pledge_message *message)
{
    const struct pledge_m_order_result *b = &message->body.order_result;
    struct sold_work work = {.party = party, .store = store, .message = message};
    PLEDGE_SET(work.sale.reference, b->reference);
    PLEDGE_SET(work.sold.reference, b->reference);
    work.sold.line = b->line;
    enum tally_error e = pledge_get(store, &pledge_t_sale, &work.sale);
    if (e != TALLY_OK)
        return e;
    if (work.sale.order[0] != 0 && strcmp(work.sale.order, b->order) != 0)
        return TALLY_E_EXISTS;
    PLEDGE_SET(work.sale.order, b->order);
    return sold_run(&work, b->status == PLEDGE_DELIVERED ? ON_DELIVERED : ON_FAILED);
}

static enum tally_error handle_application_result(const struct pledge_party *party,
                                                  const struct pledge_store *store,
                                                  const struct pledge_message *message)
{
    const struct pledge_m_application_result *b = &message->body.application_result;
    struct pledge_r_project_seen row = {.project_state = 0};
    (void)party;
    PLEDGE_SET(row.reference, b->reference);
    bool found;
    enum tally_error e = pledge_look(store, &pledge_t_project_seen, &row, &found);
    if (e != TALLY_OK)
        return e;
    if (found && row.project_state >= b->project_state)
        return TALLY_OK;
    PLEDGE_SET(row.project, b->project);
    row.project_state = b->project_state;
    return found ? pledge_update(store, &pledge_t_project_seen, &row)
                 : pledge_insert(store, &pledge_t_project_seen, &row);
}

const struct pledge_route pledge_seller_routes[] = {{PLEDGE_K_ORDER_RESULT, handle_result},
                                                    {PLEDGE_K_APPLICATION_RESULT, handle_application_result},
                                                    {PLEDGE_K_NO_KIND, NULL}};

enum tally_error pledge_seller_refused(const struct pledge_party *party, const struct pledge_store *store,
                                       const char *reference)
{
    struct sold_work work = {.party = party, .store = store};
    PLEDGE_SET(work.sale.reference, reference);
    enum tally_error e = pledge_get(store, &pledge_t_sale, &work.sale);
    if (e == TALLY_OK && work.sale.order[0] != 0)
        return TALLY_OK; /* the platform took an earlier sending of it: its lines have outcomes of their own
                          */
    for (int64_t line = 1; e == TALLY_OK && line <= work.sale.quantity; line++) {
        memset(&work.sold, 0, sizeof work.sold);
        PLEDGE_SET(work.sold.reference, reference);
        work.sold.line = line;
        e = sold_run(&work, ON_FAILED);
    }
    return e;
}

enum tally_error pledge_seller_pass(const struct pledge_party *party, const struct pledge_store *store,
                                    size_t max, size_t *count)
{
    enum { BATCH = 16 };
    struct pledge_r_sale rows[BATCH];
    enum tally_error e =
        store->due(store->ctx, &pledge_t_sale, pledge_now(party), rows, max < BATCH ? max : BATCH, count);
    for (size_t i = 0; e == TALLY_OK && i < *count; i++) {
        struct sold_work work = {.party = party, .store = store, .sale = rows[i]};
        e = send_order(&work);
        work.sale.due = pledge_again_at(party, work.sale.attempt);
        if (e == TALLY_OK)
            e = pledge_update(store, &pledge_t_sale, &work.sale);
    }
    return e;
}
