/* One ticket of an order at the platform: the table of specs/pledge.md, "line". */
#include <string.h>

#include "host/pledge/core/platform.h"

static enum tally_error next_message(struct pledge_line_work *work, enum pledge_kind kind, const char *to,
                                     struct pledge_message *message)
{
    return pledge_begin(work->party, kind, to, work->line.order, work->line.line, ++work->line.attempt,
                        message);
}

/* Kinds whose body is the line alone. */
static enum tally_error send_line(struct pledge_line_work *work, enum pledge_kind kind)
{
    struct pledge_message m;
    enum tally_error e = next_message(work, kind, NULL, &m);
    if (e != TALLY_OK)
        return e;
    PLEDGE_SET(m.body.line.order, work->line.order);
    m.body.line.line = work->line.line;
    return pledge_send(work->store, &m);
}

static bool full_form(const struct pledge_line_work *work)
{
    return work->channel.project[0] != 0;
}

static enum tally_error ask_redemption(struct pledge_line_work *work)
{
    struct pledge_message m;
    enum tally_error e = next_message(work, PLEDGE_K_REDEEM, NULL, &m);
    if (e != TALLY_OK)
        return e;
    struct pledge_m_redeem *b = &m.body.redeem;
    PLEDGE_SET(b->order, work->line.order);
    b->line = work->line.line;
    b->document_type = work->channel.document_type;
    PLEDGE_SET(b->document_number, work->channel.document_number);
    PLEDGE_SET(b->project, work->channel.project);
    PLEDGE_SET(b->type, work->order.type);
    b->price = work->order.price;
    b->quantity = 1;
    PLEDGE_SET(b->callback, work->party->callback);
    return pledge_send(work->store, &m);
}

static enum tally_error ask_unpledge(struct pledge_line_work *work)
{
    struct pledge_message m;
    enum tally_error e = next_message(work, PLEDGE_K_UNPLEDGE, NULL, &m);
    if (e != TALLY_OK)
        return e;
    struct pledge_m_unpledge *b = &m.body.unpledge;
    PLEDGE_SET(b->order, work->line.order);
    b->line = work->line.line;
    PLEDGE_SET(b->channel, work->order.channel);
    PLEDGE_SET(b->type, work->order.type);
    PLEDGE_SET(b->prepay, work->channel.prepay);
    PLEDGE_SET(b->callback, work->party->callback);
    return pledge_send(work->store, &m);
}

static enum tally_error ask_money(void *arg)
{
    struct pledge_line_work *work = arg;
    return full_form(work) ? ask_redemption(work) : ask_unpledge(work);
}

static enum tally_error ask_ticket(void *arg)
{
    struct pledge_line_work *work = arg;
    struct pledge_message m;
    enum tally_error e = next_message(work, PLEDGE_K_TICKET_REQUEST, NULL, &m);
    if (e != TALLY_OK)
        return e;
    struct pledge_m_ticket_request *b = &m.body.ticket_request;
    PLEDGE_SET(b->order, work->line.order);
    b->line = work->line.line;
    PLEDGE_SET(b->channel, work->order.channel);
    PLEDGE_SET(b->type, work->order.type);
    b->price = work->order.price;
    b->quantity = 1;
    PLEDGE_SET(b->callback, work->party->callback);
    return pledge_send(work->store, &m);
}

static enum tally_error keep_ticket(void *arg)
{
    struct pledge_line_work *work = arg;
    work->line.ticket = work->message->body.ticket_result.ticket;
    work->line.grant_number = work->channel.grant_number;
    return TALLY_OK;
}

static enum tally_error capture_money(void *arg)
{
    return send_line(arg, full_form(arg) ? PLEDGE_K_REDEEM_CAPTURE : PLEDGE_K_UNPLEDGE_CAPTURE);
}

static enum tally_error void_money(void *arg)
{
    return send_line(arg, full_form(arg) ? PLEDGE_K_REDEEM_VOID : PLEDGE_K_UNPLEDGE_VOID);
}

static enum tally_error issue_ticket(void *arg)
{
    return send_line(arg, PLEDGE_K_TICKET_ISSUE);
}

static enum tally_error return_ticket(void *arg)
{
    return send_line(arg, PLEDGE_K_TICKET_RETURN);
}

static enum tally_error begin_result(struct pledge_line_work *work, enum pledge_status status,
                                     struct pledge_message *m)
{
    enum tally_error e = next_message(work, PLEDGE_K_ORDER_RESULT, work->order.party, m);
    if (e != TALLY_OK)
        return e;
    PLEDGE_SET(m->address, work->order.callback);
    PLEDGE_SET(m->body.order_result.order, work->line.order);
    PLEDGE_SET(m->body.order_result.reference, work->order.reference);
    m->body.order_result.line = work->line.line;
    m->body.order_result.status = status;
    return TALLY_OK;
}

/* P12, both done: the ticket goes to the seller under the seller's key. */
static enum tally_error deliver(void *arg)
{
    struct pledge_line_work *work = arg;
    struct pledge_message m;
    struct pledge_r_delegation delegation = {.grant_number = work->line.grant_number};
    PLEDGE_SET(delegation.channel, work->order.channel);
    memcpy(delegation.seller_key, work->order.seller_key, PLEDGE_KEY);
    enum tally_error e = pledge_get(work->store, &pledge_t_delegation, &delegation);
    if (e == TALLY_OK)
        e = begin_result(work, PLEDGE_DELIVERED, &m);
    if (e != TALLY_OK)
        return e;
    e = work->party->crypto->reencrypt(work->party->crypto->ctx, &delegation.rk, &work->line.ticket,
                                       delegation.channel_key, work->order.seller_key,
                                       &m.body.order_result.ticket);
    return e == TALLY_OK ? pledge_send(work->store, &m) : e;
}

static enum tally_error tell_failed(void *arg)
{
    struct pledge_message m;
    enum tally_error e = begin_result(arg, PLEDGE_FAILED, &m);
    return e == TALLY_OK ? pledge_send(((struct pledge_line_work *)arg)->store, &m) : e;
}

#define EFFECTS(X)                                                                                           \
    X(F_NOTHING, "", NULL)                                                                                   \
    X(ASK_MONEY, "ask_money", ask_money)                                                                     \
    X(ASK_TICKET, "ask_ticket", ask_ticket)                                                                  \
    X(KEEP_TICKET, "keep_ticket", keep_ticket)                                                               \
    X(CAPTURE_MONEY, "capture_money", capture_money)                                                         \
    X(VOID_MONEY, "void_money", void_money)                                                                  \
    X(ISSUE_TICKET, "issue_ticket", issue_ticket)                                                            \
    X(RETURN_TICKET, "return_ticket", return_ticket)                                                         \
    X(DELIVER, "deliver", deliver)                                                                           \
    X(TELL_FAILED, "tell_failed", tell_failed)

enum { EFFECTS(PLEDGE_X_ENUM3) };
static const char *const states[] = {PLEDGE_LINE_STATES(PLEDGE_X_NAME) NULL};
static const char *const events[] = {PLEDGE_LINE_EVENTS(PLEDGE_X_NAME) NULL};
static const char *const guards[] = {"", NULL};
static const char *const effects[] = {EFFECTS(PLEDGE_X_NAME3) NULL};
static pledge_effect *const effect_functions[] = {EFFECTS(PLEDGE_X_FUNCTION3)};

#define R(state, event, next, ...)                                                                           \
    {                                                                                                        \
        PLEDGE_LINE_##state, PLEDGE_LINE_ON_##event, 0, PLEDGE_LINE_##next,                                  \
        {                                                                                                    \
            __VA_ARGS__                                                                                      \
        }                                                                                                    \
    }
static const struct pledge_rule rules[] = {
    R(NEW, START, OPEN, ASK_MONEY, ASK_TICKET),
    R(OPEN, HELD, PAID, 0),
    R(OPEN, REFUSED, RETURNING, RETURN_TICKET, TELL_FAILED),
    R(OPEN, VOIDED, RETURNING, RETURN_TICKET, TELL_FAILED),
    R(OPEN, TICKET, TICKETED, KEEP_TICKET),
    R(OPEN, NONE, UNTICKETED, 0),
    R(OPEN, DUE, OPEN, ASK_MONEY, ASK_TICKET),
    R(OPEN, DEADLINE, UNDOING, VOID_MONEY, RETURN_TICKET, TELL_FAILED),
    R(PAID, TICKET, CAPTURING, KEEP_TICKET, CAPTURE_MONEY),
    R(PAID, NONE, WAITING, 0),
    R(PAID, VOIDED, RETURNING, RETURN_TICKET, TELL_FAILED),
    R(PAID, DUE, PAID, ASK_TICKET),
    R(PAID, DEADLINE, UNDOING, VOID_MONEY, RETURN_TICKET, TELL_FAILED),
    R(TICKETED, HELD, CAPTURING, CAPTURE_MONEY),
    R(TICKETED, REFUSED, RETURNING, RETURN_TICKET, TELL_FAILED),
    R(TICKETED, VOIDED, RETURNING, RETURN_TICKET, TELL_FAILED),
    R(TICKETED, DUE, TICKETED, ASK_MONEY),
    R(TICKETED, DEADLINE, UNDOING, VOID_MONEY, RETURN_TICKET, TELL_FAILED),
    R(UNTICKETED, HELD, WAITING, ASK_TICKET),
    R(UNTICKETED, REFUSED, FAILED, TELL_FAILED),
    R(UNTICKETED, VOIDED, RETURNING, RETURN_TICKET, TELL_FAILED),
    R(UNTICKETED, TICKET, TICKETED, KEEP_TICKET),
    R(UNTICKETED, DUE, UNTICKETED, ASK_MONEY),
    R(UNTICKETED, DEADLINE, UNDOING, VOID_MONEY, RETURN_TICKET, TELL_FAILED),
    R(WAITING, TICKET, CAPTURING, KEEP_TICKET, CAPTURE_MONEY),
    R(WAITING, VOIDED, RETURNING, RETURN_TICKET, TELL_FAILED),
    R(WAITING, DUE, WAITING, ASK_TICKET),
    R(WAITING, DEADLINE, UNDOING, VOID_MONEY, RETURN_TICKET, TELL_FAILED),
    R(CAPTURING, CAPTURED, ISSUING, ISSUE_TICKET, DELIVER),
    R(CAPTURING, VOIDED, RETURNING, RETURN_TICKET, TELL_FAILED),
    R(CAPTURING, DUE, CAPTURING, CAPTURE_MONEY),
    R(ISSUING, ISSUED, DELIVERED, 0),
    R(ISSUING, DUE, ISSUING, ISSUE_TICKET),
    R(ISSUING, QUERY, ISSUING, DELIVER),
    R(DELIVERED, QUERY, DELIVERED, DELIVER),
    R(UNDOING, VOIDED, RETURNING, 0),
    R(UNDOING, REFUSED, RETURNING, 0),
    R(UNDOING, RETURNED, VOIDING, 0),
    R(UNDOING, DUE, UNDOING, VOID_MONEY, RETURN_TICKET),
    R(UNDOING, QUERY, UNDOING, TELL_FAILED),
    R(VOIDING, VOIDED, FAILED, 0),
    R(VOIDING, REFUSED, FAILED, 0),
    R(VOIDING, DUE, VOIDING, VOID_MONEY),
    R(VOIDING, QUERY, VOIDING, TELL_FAILED),
    R(RETURNING, RETURNED, FAILED, 0),
    R(RETURNING, DUE, RETURNING, RETURN_TICKET),
    R(RETURNING, QUERY, RETURNING, TELL_FAILED),
    R(FAILED, TICKET, RETURNING, RETURN_TICKET),
    R(FAILED, QUERY, FAILED, TELL_FAILED),
};
#undef R

const struct pledge_machine pledge_line_machine = {.name = "line",
                                                   .states = states,
                                                   .events = events,
                                                   .guards = guards,
                                                   .effects = effects,
                                                   .rules = rules,
                                                   .rule_count = PLEDGE_COUNT(rules),
                                                   .effect_functions = effect_functions};

enum tally_error pledge_line_load(struct pledge_line_work *work, const char *order, int64_t line)
{
    PLEDGE_SET(work->order.order, order);
    PLEDGE_SET(work->line.order, order);
    work->line.line = line;
    enum tally_error e = pledge_get(work->store, &pledge_t_line, &work->line);
    if (e == TALLY_OK)
        e = pledge_get(work->store, &pledge_t_order, &work->order);
    if (e != TALLY_OK)
        return e;
    PLEDGE_SET(work->channel.channel, work->order.channel);
    memcpy(work->channel.seller_key, work->order.seller_key, PLEDGE_KEY);
    return pledge_get(work->store, &pledge_t_channel, &work->channel);
}

enum tally_error pledge_line_run(struct pledge_line_work *work, unsigned event)
{
    struct pledge_r_line *line = &work->line;
    enum tally_error e = pledge_machine_run(work->party->machines->line, &line->state, event, work);
    if (e != TALLY_OK)
        return e;
    bool final = line->state == PLEDGE_LINE_DELIVERED || line->state == PLEDGE_LINE_FAILED;
    line->due = final ? PLEDGE_NEVER : pledge_again_at(work->party, line->attempt / 2);
    return pledge_update(work->store, &pledge_t_line, line);
}
