/* Selling: an order takes seats and makes faces in one transaction; the authentication server is asked after.
 */
#include <string.h>

#include "host/ticketing/face_json.h"
#include "host/ticketing/ticketd.h"

enum { FARE_TYPES = 6 };

enum tally_error ticketd_order_prepare(struct tally_call *call, void *state)
{
    struct ticketd_ordering *ordering = state;
    const struct ticketd *ticketd = call->wing;
    const uint8_t *tids[TALLY_QUANTITY_MAX];
    uint8_t *hashes[TALLY_QUANTITY_MAX];
    struct tally_json in;
    enum tally_error e = tally_random_fill(ticketd->random, ordering->order.id, TICKETD_ORDER_ID);
    if (e == TALLY_OK)
        e = tally_random_fill(ticketd->random, ordering->tids[0], sizeof ordering->tids);
    if (e != TALLY_OK)
        return e;
    tally_json_begin(&in, call->body);
    ticketd_choice_read(&in, &ordering->choice, true);
    ordering->fare_type = (uint8_t)tally_json_int(&in, "fare_type", 1, FARE_TYPES);
    ordering->quantity = (uint8_t)tally_json_int(&in, "quantity", 1, TALLY_QUANTITY_MAX);
    tally_json_bytes(&in, "serial", ordering->serial, SERIAL_SIZE);
    ordering->point_of_sale = (uint32_t)tally_json_int(&in, "point_of_sale", 0, UINT32_MAX);
    for (size_t i = 0; i < TALLY_QUANTITY_MAX; i++) {
        tids[i] = ordering->tids[i];
        hashes[i] = ordering->holder_hash[i];
    }
    ordering->holder_document = ticketd_holder_read(&in, tids, hashes, ordering->quantity);
    return tally_call_end_json(call, &in);
}

static enum tally_error sell_one(struct tally_call *call, const struct ticketd_ordering *ordering, size_t i,
                                 const struct tally_product *product, const struct tally_offer *service,
                                 struct tally_tx *tx, json_t *tickets)
{
    const struct ticketd *ticketd = call->wing;
    int64_t now_ms = tally_clock_wall_ms(call->clock);
    struct ticketd_ticket ticket = {.state = TICKET_ORDERED,
                                    .has_seat = true,
                                    .next_attempt_ms = now_ms + ticketd_backoff_ms(ticketd, 0)};
    struct tally_sale sale = {.product = product,
                              .service = service,
                              .tid = ordering->tids[i],
                              .serial = ordering->serial,
                              .fare_class = ordering->choice.fare_class,
                              .fare_type = ordering->fare_type,
                              .point_of_sale = ordering->point_of_sale,
                              .holder_document = ordering->holder_document,
                              .now = now_ms / 1000,
                              .utc_offset_minutes = ticketd->utc_offset_minutes};
    memcpy(sale.holder_hash, ordering->holder_hash[i], HOLDER_HASH_SIZE);
    enum tally_error e = ticketd_seat_take(tx, service, &sale.seat);
    if (e == TALLY_E_FULL)
        return tally_call_problem(call, TICKETING_PROBLEM(SOLD_OUT), NULL);
    if (e != TALLY_OK)
        return e;
    tally_sale_face(&sale, &ticket.face);
    memcpy(ticket.tid, ordering->tids[i], TID_SIZE);
    memcpy(ticket.order, ordering->order.id, TICKETD_ORDER_ID);
    ticket.seat = sale.seat;
    e = ticketd_ticket_insert(tx, &ticket);
    if (e == TALLY_OK && json_array_append_new(tickets, ticketd_ticket_json(&ticket)) != 0)
        e = TALLY_E_MEMORY;
    return e;
}

static json_t *order_json(const struct ticketd_order *order, json_t *tickets)
{
    json_t *json = json_pack("{s:I, s:i, s:O}", "total", (json_int_t)order->total, "currency",
                             order->currency, "tickets", tickets);
    tally_json_set_hex(json, "order", order->id, TICKETD_ORDER_ID);
    return json;
}

enum tally_error ticketd_order_apply(struct tally_call *call, void *state, struct tally_tx *tx)
{
    struct ticketd_ordering *ordering = state;
    const struct ticketd *ticketd = call->wing;
    struct tally_product product;
    struct tally_offer service;
    enum tally_error e = ticketd_choice_find(call, tx, &ordering->choice, &product, &service);
    if (e != TALLY_OK)
        return e;
    if (product.holder_required && ordering->holder_document == 0)
        return tally_call_problem(call, TICKETING_PROBLEM(HOLDER_NEEDED), NULL);
    ordering->wake = call->wing;
    ordering->order.currency = product.currency;
    ordering->order.total = (int64_t)product.price * ordering->quantity;
    ordering->order.created = tally_clock_wall_s(call->clock);
    json_t *tickets = json_array();
    e = tickets == NULL ? TALLY_E_MEMORY
                        : ticketd_order_insert(tx, &ordering->order, call->caller.party->name);
    for (size_t i = 0; e == TALLY_OK && i < ordering->quantity; i++)
        e = sell_one(call, ordering, i, &product, &service, tx, tickets);
    if (e == TALLY_OK) {
        tally_metric_add(ticketd->orders, 1);
        e = tally_call_answer(call, 201, order_json(&ordering->order, tickets));
    }
    json_decref(tickets);
    return e;
}

/* Reading: what is still ordered is asked for first. */

struct view {
    struct ticketd_order order;
    json_t *tickets;
    size_t pending_count;
    uint8_t pending[TALLY_QUANTITY_MAX][TID_SIZE];
};

static enum tally_error visit(void *ctx, const struct ticketd_ticket *ticket)
{
    struct view *view = ctx;
    if (ticket->state == TICKET_ORDERED && view->pending_count < TALLY_QUANTITY_MAX)
        memcpy(view->pending[view->pending_count++], ticket->tid, TID_SIZE);
    return json_array_append_new(view->tickets, ticketd_ticket_json(ticket)) == 0 ? TALLY_OK : TALLY_E_MEMORY;
}

static enum tally_error look(struct tally_tx *tx, void *arg)
{
    struct view *view = arg;
    uint8_t id[TICKETD_ORDER_ID];
    memcpy(id, view->order.id, sizeof id);
    view->pending_count = 0;
    json_array_clear(view->tickets);
    enum tally_error e = ticketd_order_get(tx, id, &view->order);
    return e == TALLY_OK ? ticketd_order_tickets(tx, id, visit, view) : e;
}

enum tally_error ticketd_order_read(struct tally_call *call)
{
    struct view view = {.tickets = json_array()};
    enum tally_error e = TALLY_OK;
    if (!tally_hex_parse(tally_http_param(call->request, "order"), view.order.id, TICKETD_ORDER_ID))
        e = tally_call_problem(call, TALLY_PROBLEM(NO_SUCH_RESOURCE), NULL);
    if (e == TALLY_OK)
        e = tally_db_read(call->db, look, &view);
    if (e == TALLY_E_NOT_FOUND)
        e = tally_call_problem(call, TICKETING_PROBLEM(ORDER_UNKNOWN), NULL);
    if (e == TALLY_OK && view.pending_count > 0) {
        for (size_t i = 0; i < view.pending_count; i++)
            (void)ticketd_issue(call->wing, view.pending[i], false);
        e = tally_db_read(call->db, look, &view);
    }
    if (e == TALLY_OK)
        e = tally_call_answer(call, 200, order_json(&view.order, view.tickets));
    json_decref(view.tickets);
    return e;
}

enum tally_error ticketd_ticket_read(struct tally_call *call)
{
    struct ticketd_ticket ticket;
    uint8_t tid[TID_SIZE];
    if (!ticketd_param_tid(call, tid))
        return TALLY_E_DENIED;
    enum tally_error e = ticketd_find(call, tid, &ticket);
    if (e == TALLY_OK && ticket.state == TICKET_ORDERED) {
        (void)ticketd_issue(call->wing, tid, false);
        e = ticketd_find(call, tid, &ticket);
    }
    if (e != TALLY_OK)
        return e;
    json_t *json = ticketd_ticket_json(&ticket);
    tally_json_set_hex(json, "order", ticket.order, TICKETD_ORDER_ID);
    json_object_set_new(json, "price", json_integer(ticket.face.price));
    json_object_set_new(json, "face", tally_face_to_json(&ticket.face));
    if (ticket.replaces) {
        tally_json_set_hex(json, "replaces", ticket.replaces_tid, TID_SIZE);
        json_object_set_new(json, ticket.face.profile == PROFILE_VOID ? "refund" : "difference",
                            json_integer(ticket.amount));
    }
    return tally_call_answer(call, 200, json);
}
