/* One ticket at the provider: the table of specs/pledge.md, "ticket". */
#include "host/pledge/core/provider.h"

#include <string.h>

struct ticket_work {
    const struct pledge_party *party;
    const struct pledge_store *store;
    struct pledge_r_ticket ticket;
    struct pledge_r_stock stock;
    bool found;
};

static enum tally_error stock_load(struct ticket_work *work)
{
    PLEDGE_SET(work->stock.channel, work->ticket.channel);
    PLEDGE_SET(work->stock.type, work->ticket.type);
    return pledge_get(work->store, &pledge_t_stock, &work->stock);
}

/* There is one left in an open channel. */
static bool in_stock(void *arg)
{
    struct ticket_work *work = arg;
    struct pledge_r_issuing_channel channel = {.state = 0};
    PLEDGE_SET(channel.channel, work->ticket.channel);
    return pledge_get(work->store, &pledge_t_issuing_channel, &channel) == TALLY_OK &&
           channel.state == PLEDGE_ISSUING_OPEN && stock_load(work) == TALLY_OK &&
           work->stock.taken < work->stock.total;
}

/* Takes one of the stock and makes the ticket, under the channel's key. */
static enum tally_error reserve(void *arg)
{
    struct ticket_work *work = arg;
    const struct pledge_crypto *crypto = work->party->crypto;
    struct pledge_r_ticket *ticket = &work->ticket;
    struct pledge_r_issuing_channel channel = {.state = 0};
    struct pledge_ticket_context context = {.line = ticket->line, .price = ticket->price};
    PLEDGE_SET(channel.channel, ticket->channel);
    enum tally_error e = pledge_get(work->store, &pledge_t_issuing_channel, &channel);
    if (e == TALLY_OK)
        e = stock_load(work);
    if (e == TALLY_OK)
        e = pledge_number_make(work->party, 'T', ticket->serial);
    if (e != TALLY_OK)
        return e;
    PLEDGE_SET(context.order, ticket->order);
    PLEDGE_SET(context.channel, ticket->channel);
    PLEDGE_SET(context.type, ticket->type);
    PLEDGE_SET(context.serial, ticket->serial);
    PLEDGE_SET(context.project, channel.project);
    context.epoch = channel.epoch;
    e = crypto->seal(crypto->ctx, &context, channel.channel_key, &ticket->ticket);
    work->stock.taken++;
    return e == TALLY_OK ? pledge_update(work->store, &pledge_t_stock, &work->stock) : e;
}

/* The place in the stock is free again; the serial is not used again. */
static enum tally_error release(void *arg)
{
    struct ticket_work *work = arg;
    enum tally_error e = stock_load(work);
    work->stock.taken--;
    return e == TALLY_OK ? pledge_update(work->store, &pledge_t_stock, &work->stock) : e;
}

static enum tally_error tell(void *arg)
{
    static const int64_t statuses[] = {[PLEDGE_TICKET_NONE] = PLEDGE_NONE,
                                       [PLEDGE_TICKET_RESERVED] = PLEDGE_RESERVED,
                                       [PLEDGE_TICKET_ISSUED] = PLEDGE_ISSUED,
                                       [PLEDGE_TICKET_RETURNED] = PLEDGE_RETURNED};
    struct ticket_work *work = arg;
    struct pledge_r_ticket *ticket = &work->ticket;
    struct pledge_message m;
    enum tally_error e = pledge_begin(work->party, PLEDGE_K_TICKET_RESULT, NULL, ticket->order, ticket->line,
                                      ++ticket->told, &m);
    if (e != TALLY_OK)
        return e;
    PLEDGE_SET(m.address, ticket->callback);
    PLEDGE_SET(m.body.ticket_result.order, ticket->order);
    m.body.ticket_result.line = ticket->line;
    m.body.ticket_result.status = statuses[ticket->state];
    if (ticket->state == PLEDGE_TICKET_RESERVED)
        m.body.ticket_result.ticket = ticket->ticket;
    return pledge_send(work->store, &m);
}

#define EVENTS(X) X(ON_REQUEST, "request") X(ON_ISSUE, "issue") X(ON_RETURN, "return")
#define GUARDS(X) X(G_ALWAYS, "", NULL) X(IN_STOCK, "in_stock", in_stock)
#define EFFECTS(X)                                                                                           \
    X(F_NOTHING, "", NULL)                                                                                   \
    X(RESERVE, "reserve", reserve)                                                                           \
    X(RELEASE, "release", release)                                                                           \
    X(TELL, "tell", tell)

enum { EVENTS(PLEDGE_X_ENUM2) };
enum { GUARDS(PLEDGE_X_ENUM3) };
enum { EFFECTS(PLEDGE_X_ENUM3) };
static const char *const states[] = {PLEDGE_TICKET_STATES(PLEDGE_X_NAME) NULL};
static const char *const events[] = {EVENTS(PLEDGE_X_NAME) NULL};
static const char *const guards[] = {GUARDS(PLEDGE_X_NAME3) NULL};
static const char *const effects[] = {EFFECTS(PLEDGE_X_NAME3) NULL};
static pledge_guard *const guard_functions[] = {GUARDS(PLEDGE_X_FUNCTION3)};
static pledge_effect *const effect_functions[] = {EFFECTS(PLEDGE_X_FUNCTION3)};

#define R(state, event, guard, next, ...) PLEDGE_RULE(PLEDGE_TICKET_, state, event, guard, next, __VA_ARGS__)
static const struct pledge_rule rules[] = {
    R(NEW, REQUEST, IN_STOCK, RESERVED, RESERVE, TELL),
    R(NEW, REQUEST, 0, NONE, TELL),
    R(NEW, RETURN, 0, RETURNED, TELL),
    R(NONE, REQUEST, IN_STOCK, RESERVED, RESERVE, TELL),
    R(NONE, REQUEST, 0, NONE, TELL),
    R(NONE, RETURN, 0, RETURNED, TELL),
    R(RESERVED, REQUEST, 0, RESERVED, TELL),
    R(RESERVED, ISSUE, 0, ISSUED, TELL),
    R(RESERVED, RETURN, 0, RETURNED, RELEASE, TELL),
    R(ISSUED, REQUEST, 0, ISSUED, TELL),
    R(ISSUED, ISSUE, 0, ISSUED, TELL),
    R(ISSUED, RETURN, 0, ISSUED, TELL),
    R(RETURNED, REQUEST, 0, RETURNED, TELL),
    R(RETURNED, RETURN, 0, RETURNED, TELL),
};
#undef R

const struct pledge_machine pledge_ticket_machine = {.name = "ticket",
                                                     .states = states,
                                                     .events = events,
                                                     .guards = guards,
                                                     .effects = effects,
                                                     .rules = rules,
                                                     .rule_count = PLEDGE_COUNT(rules),
                                                     .guard_functions = guard_functions,
                                                     .effect_functions = effect_functions};

static enum tally_error ticket_load(struct ticket_work *work, const char *order, int64_t line)
{
    PLEDGE_SET(work->ticket.order, order);
    work->ticket.line = line;
    return pledge_look(work->store, &pledge_t_ticket, &work->ticket, &work->found);
}

static enum tally_error ticket_run(struct ticket_work *work, unsigned event)
{
    enum tally_error e = pledge_machine_run(work->party->machines->ticket, &work->ticket.state, event, work);
    if (e != TALLY_OK)
        return work->found ? pledge_tolerate(e) : e == TALLY_E_STATE ? TALLY_E_NOT_FOUND : e;
    return work->found ? pledge_update(work->store, &pledge_t_ticket, &work->ticket)
                       : pledge_insert(work->store, &pledge_t_ticket, &work->ticket);
}

static enum tally_error handle_request(const struct pledge_party *party, const struct pledge_store *store,
                                       const struct pledge_message *message)
{
    const struct pledge_m_ticket_request *b = &message->body.ticket_request;
    struct ticket_work work = {.party = party, .store = store};
    enum tally_error e = ticket_load(&work, b->order, b->line);
    if (e != TALLY_OK)
        return e;
    if (!pledge_callback_right(party, message->from, b->callback))
        return TALLY_E_DENIED;
    struct pledge_r_ticket *ticket = &work.ticket;
    if (ticket->channel[0] == 0) { /* new, or returned before it was asked for */
        PLEDGE_SET(ticket->channel, b->channel);
        PLEDGE_SET(ticket->type, b->type);
        PLEDGE_SET(ticket->callback, b->callback);
        ticket->price = b->price;
    } else if (strcmp(ticket->channel, b->channel) != 0 || strcmp(ticket->type, b->type) != 0 ||
               ticket->price != b->price || strcmp(ticket->callback, b->callback) != 0) {
        return TALLY_E_EXISTS;
    }
    return ticket_run(&work, ON_REQUEST);
}

static enum tally_error line_event(const struct pledge_party *party, const struct pledge_store *store,
                                   const struct pledge_message *message, unsigned event)
{
    struct ticket_work work = {.party = party, .store = store};
    enum tally_error e = ticket_load(&work, message->body.line.order, message->body.line.line);
    return e == TALLY_OK ? ticket_run(&work, event) : e;
}

static enum tally_error handle_issue(const struct pledge_party *party, const struct pledge_store *store,
                                     const struct pledge_message *message)
{
    return line_event(party, store, message, ON_ISSUE);
}

static enum tally_error handle_return(const struct pledge_party *party, const struct pledge_store *store,
                                      const struct pledge_message *message)
{
    return line_event(party, store, message, ON_RETURN);
}

const struct pledge_route pledge_provider_routes[] = {
    {PLEDGE_K_ALLOCATE, pledge_provider_allocate},
    {PLEDGE_K_CHANNEL_KEY, pledge_provider_channel_key},
    {PLEDGE_K_PAYMENT_CONFIRMED, pledge_provider_payment_confirmed},
    {PLEDGE_K_TICKET_REQUEST, handle_request},
    {PLEDGE_K_TICKET_ISSUE, handle_issue},
    {PLEDGE_K_TICKET_RETURN, handle_return},
    {PLEDGE_K_NO_KIND, NULL}};
