/* Orders and callbacks at the platform. */
#include "host/pledge/core/platform.h"

#include <string.h>

static enum tally_error line_event(const struct pledge_party *party, const struct pledge_store *store,
                                   const struct pledge_message *message, const char *order, int64_t line,
                                   unsigned event)
{
    struct pledge_line_work work = {.party = party, .store = store, .message = message};
    enum tally_error e = pledge_line_load(&work, order, line);
    return e == TALLY_OK ? pledge_tolerate(pledge_line_run(&work, event)) : e;
}

/* The same reference again: every line that has an outcome tells it again. */
static enum tally_error order_again(const struct pledge_party *party, const struct pledge_store *store,
                                    const struct pledge_message *message, const struct pledge_r_order *order)
{
    const struct pledge_m_order *b = &message->body.order;
    if (strcmp(order->channel, b->channel) != 0 || strcmp(order->type, b->type) != 0 ||
        order->price != b->price || order->quantity != b->quantity ||
        strcmp(order->callback, b->callback) != 0)
        return TALLY_E_EXISTS;
    enum tally_error e = TALLY_OK;
    for (int64_t line = 1; e == TALLY_OK && line <= order->quantity; line++)
        e = line_event(party, store, message, order->order, line, PLEDGE_LINE_ON_QUERY);
    return e;
}

/* P9: only a seller whose key has a re-encryption key for this channel may order, and only what it
 * registered. */
static enum tally_error order_allowed(const struct pledge_party *party, const struct pledge_store *store,
                                      const struct pledge_message *message, struct pledge_r_channel *channel)
{
    const struct pledge_m_order *b = &message->body.order;
    struct pledge_r_channel_type type = {.allowed = 0};
    memset(channel, 0, sizeof *channel);
    PLEDGE_SET(channel->channel, b->channel);
    memcpy(channel->seller_key, message->key, PLEDGE_KEY);
    PLEDGE_SET(type.channel, b->channel);
    memcpy(type.seller_key, message->key, PLEDGE_KEY);
    PLEDGE_SET(type.type, b->type);
    enum tally_error e = pledge_get(store, &pledge_t_channel, channel);
    if (e == TALLY_OK)
        e = pledge_get(store, &pledge_t_channel_type, &type);
    if (e != TALLY_OK)
        return e == TALLY_E_NOT_FOUND ? TALLY_E_DENIED : e;
    bool right = channel->state == PLEDGE_CHANNEL_ACTIVE && strcmp(channel->party, message->from) == 0 &&
                 pledge_callback_right(party, message->from, b->callback);
    return right ? TALLY_OK : TALLY_E_DENIED;
}

static enum tally_error order_lines(const struct pledge_party *party, const struct pledge_store *store,
                                    const struct pledge_r_order *order,
                                    const struct pledge_r_channel *channel)
{
    enum tally_error e = TALLY_OK;
    for (int64_t i = 1; e == TALLY_OK && i <= order->quantity; i++) {
        struct pledge_line_work work = {.party = party, .store = store, .order = *order, .channel = *channel};
        PLEDGE_SET(work.line.order, order->order);
        work.line.line = i;
        work.line.state = PLEDGE_LINE_NEW;
        work.line.deadline = order->created + party->terms.issue_ms;
        e = pledge_insert(store, &pledge_t_line, &work.line);
        if (e == TALLY_OK)
            e = pledge_line_run(&work, PLEDGE_LINE_ON_START);
    }
    return e;
}

static enum tally_error order_new(const struct pledge_party *party, const struct pledge_store *store,
                                  const struct pledge_message *message, struct pledge_r_reference *reference)
{
    const struct pledge_m_order *b = &message->body.order;
    struct pledge_r_channel channel;
    struct pledge_r_order order = {.price = b->price, .quantity = b->quantity, .created = pledge_now(party)};
    enum tally_error e = order_allowed(party, store, message, &channel);
    if (e == TALLY_OK)
        e = pledge_number_make(party, 'O', order.order);
    if (e != TALLY_OK)
        return e;
    memcpy(order.seller_key, message->key, PLEDGE_KEY);
    PLEDGE_SET(order.reference, b->reference);
    PLEDGE_SET(order.party, message->from);
    PLEDGE_SET(order.channel, b->channel);
    PLEDGE_SET(order.type, b->type);
    PLEDGE_SET(order.callback, b->callback);
    PLEDGE_SET(reference->order, order.order);
    e = pledge_insert(store, &pledge_t_order, &order);
    if (e == TALLY_OK)
        e = pledge_insert(store, &pledge_t_reference, reference);
    return e == TALLY_OK ? order_lines(party, store, &order, &channel) : e;
}

static enum tally_error handle_order(const struct pledge_party *party, const struct pledge_store *store,
                                     const struct pledge_message *message)
{
    struct pledge_r_reference reference = {.order = ""};
    struct pledge_r_order order = {.order = ""};
    memcpy(reference.seller_key, message->key, PLEDGE_KEY);
    PLEDGE_SET(reference.reference, message->body.order.reference);
    enum tally_error e = pledge_get(store, &pledge_t_reference, &reference);
    if (e == TALLY_E_NOT_FOUND)
        return order_new(party, store, message, &reference);
    if (e == TALLY_OK) {
        PLEDGE_SET(order.order, reference.order);
        e = pledge_get(store, &pledge_t_order, &order);
    }
    return e == TALLY_OK ? order_again(party, store, message, &order) : e;
}

static enum tally_error money_event(const struct pledge_party *party, const struct pledge_store *store,
                                    const struct pledge_message *message, const char *order, int64_t line,
                                    int64_t status)
{
    static const unsigned events[] = {[PLEDGE_HELD] = PLEDGE_LINE_ON_HELD,
                                      [PLEDGE_REFUSED] = PLEDGE_LINE_ON_REFUSED,
                                      [PLEDGE_CAPTURED] = PLEDGE_LINE_ON_CAPTURED,
                                      [PLEDGE_VOIDED] = PLEDGE_LINE_ON_VOIDED};
    struct pledge_line_work work = {.party = party, .store = store, .message = message};
    enum tally_error e = pledge_line_load(&work, order, line);
    /* A callback counts only from the side that was asked. */
    bool asked_financing = work.channel.project[0] != 0;
    if (e == TALLY_OK && asked_financing != (message->kind == PLEDGE_K_REDEEM_RESULT))
        return TALLY_E_DENIED;
    return e == TALLY_OK ? pledge_tolerate(pledge_line_run(&work, events[status])) : e;
}

static enum tally_error handle_redeem_result(const struct pledge_party *party,
                                             const struct pledge_store *store,
                                             const struct pledge_message *message)
{
    const struct pledge_m_redeem_result *b = &message->body.redeem_result;
    return money_event(party, store, message, b->order, b->line, b->status);
}

static enum tally_error handle_unpledge_result(const struct pledge_party *party,
                                               const struct pledge_store *store,
                                               const struct pledge_message *message)
{
    const struct pledge_m_unpledge_result *b = &message->body.unpledge_result;
    return money_event(party, store, message, b->order, b->line, b->status);
}

/* A ticket that is not what it must be is no ticket: refused, and the provider is asked again. */
static bool ticket_right(const struct pledge_line_work *work)
{
    const struct pledge_crypto *crypto = work->party->crypto;
    struct pledge_r_delegation delegation = {.grant_number = work->channel.grant_number};
    struct pledge_ticket_context context = {.line = work->line.line, .price = work->order.price};
    PLEDGE_SET(context.order, work->order.order);
    PLEDGE_SET(context.channel, work->order.channel);
    PLEDGE_SET(context.type, work->order.type);
    PLEDGE_SET(delegation.channel, work->order.channel);
    memcpy(delegation.seller_key, work->order.seller_key, PLEDGE_KEY);
    return pledge_get(work->store, &pledge_t_delegation, &delegation) == TALLY_OK &&
           crypto->sealed_right(crypto->ctx, &context, delegation.channel_key,
                                &work->message->body.ticket_result.ticket);
}

static enum tally_error handle_ticket_result(const struct pledge_party *party,
                                             const struct pledge_store *store,
                                             const struct pledge_message *message)
{
    static const unsigned events[] = {[PLEDGE_RESERVED] = PLEDGE_LINE_ON_TICKET,
                                      [PLEDGE_NONE] = PLEDGE_LINE_ON_NONE,
                                      [PLEDGE_ISSUED] = PLEDGE_LINE_ON_ISSUED,
                                      [PLEDGE_RETURNED] = PLEDGE_LINE_ON_RETURNED};
    const struct pledge_m_ticket_result *b = &message->body.ticket_result;
    struct pledge_line_work work = {.party = party, .store = store, .message = message};
    enum tally_error e = pledge_line_load(&work, b->order, b->line);
    if (e == TALLY_OK && b->status == PLEDGE_RESERVED && !ticket_right(&work))
        return TALLY_E_CRYPTO;
    return e == TALLY_OK ? pledge_tolerate(pledge_line_run(&work, events[b->status])) : e;
}

const struct pledge_route pledge_platform_routes[] = {
    {PLEDGE_K_ENTERPRISE, pledge_platform_enterprise},
    {PLEDGE_K_CHANNEL_APPLICATION, pledge_platform_application},
    {PLEDGE_K_GRANT, pledge_platform_grant},
    {PLEDGE_K_REVOKE, pledge_platform_revoke},
    {PLEDGE_K_ALLOCATION, pledge_platform_allocation},
    {PLEDGE_K_ALLOCATED, pledge_platform_allocated},
    {PLEDGE_K_DISPOSE, pledge_platform_dispose},
    {PLEDGE_K_ORDER, handle_order},
    {PLEDGE_K_REDEEM_RESULT, handle_redeem_result},
    {PLEDGE_K_UNPLEDGE_RESULT, handle_unpledge_result},
    {PLEDGE_K_TICKET_RESULT, handle_ticket_result},
    {PLEDGE_K_NO_KIND, NULL}};

static enum tally_error line_due(const struct pledge_party *party, const struct pledge_store *store,
                                 const struct pledge_r_line *line)
{
    struct pledge_line_work work = {.party = party, .store = store};
    enum tally_error e = pledge_line_load(&work, line->order, line->line);
    if (e != TALLY_OK)
        return e;
    e = pledge_now(party) >= line->deadline ? pledge_line_run(&work, PLEDGE_LINE_ON_DEADLINE) : TALLY_E_STATE;
    return e == TALLY_E_STATE ? pledge_line_run(&work, PLEDGE_LINE_ON_DUE) : e;
}

enum tally_error pledge_platform_pass(const struct pledge_party *party, const struct pledge_store *store,
                                      size_t max, size_t *count)
{
    enum { BATCH = 8 };
    struct pledge_r_line lines[BATCH];
    enum tally_error e =
        store->due(store->ctx, &pledge_t_line, pledge_now(party), lines, max < BATCH ? max : BATCH, count);
    for (size_t i = 0; e == TALLY_OK && i < *count; i++)
        e = line_due(party, store, &lines[i]);
    return e;
}
