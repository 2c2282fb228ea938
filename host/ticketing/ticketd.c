#include "host/ticketing/ticketd.h"

#include <string.h>

#include "host/crypto/ticket_crypto.h"
#include "host/ticketing/json_values.h"

enum { DOCUMENT_TYPES = 3 };

const struct tally_metric_family ticketd_metrics[] = {
    {.name = "ticketd_orders", .type = TALLY_COUNTER, .help = "Orders taken"},
    {.name = "ticketd_issued", .type = TALLY_COUNTER, .help = "Tickets the authentication server confirmed"},
    {.name = "ticketd_cancelled", .type = TALLY_COUNTER, .help = "Tickets the authentication server refused"},
    {.name = "ticketd_retried", .type = TALLY_COUNTER, .help = "Attempts that must be repeated"},
    {.name = NULL}};

#define CHANGE(verb, where, state, step, ...)                                                                \
    {                                                                                                        \
        .method = verb, .path = where, .roles = {__VA_ARGS__}, .state_size = sizeof(state),                  \
        .prepare = ticketd_##step##_prepare, .apply = ticketd_##step##_apply                                 \
    }
#define READ(where, step, ...)                                                                               \
    {                                                                                                        \
        .method = "GET", .path = where, .roles = {__VA_ARGS__}, .read = ticketd_##step##_read                \
    }

#define WAKING_CHANGE(verb, where, state, step, ...)                                                         \
    {                                                                                                        \
        .method = verb, .path = where, .roles = {__VA_ARGS__}, .state_size = sizeof(state),                  \
        .prepare = ticketd_##step##_prepare, .apply = ticketd_##step##_apply, .release = ticketd_release     \
    }

/* Exchange and refund differ in what they read and share what they do. */
#define ticketd_exchange_apply ticketd_change_apply
#define ticketd_refund_apply   ticketd_change_apply

const struct tally_endpoint ticketd_endpoints[] = {
    CHANGE("PUT", "/v1/products/{operator}/{product}", struct tally_product, product, "admin"),
    CHANGE("PUT", "/v1/services/{operator}/{service}/{date}", struct tally_offer, service, "admin"),
    READ("/v1/products", products, "*"),
    READ("/v1/services", services, "*"),
    WAKING_CHANGE("POST", "/v1/orders", struct ticketd_ordering, order, "kiosk"),
    READ("/v1/orders/{order}", order, "kiosk", "admin"),
    READ("/v1/tickets/{tid}", ticket, "kiosk", "admin"),
    WAKING_CHANGE("POST", "/v1/tickets/{tid}/loaded", struct ticketd_proof, loaded, "kiosk"),
    WAKING_CHANGE("POST", "/v1/tickets/{tid}/exchange", struct ticketd_changing, exchange, "kiosk"),
    WAKING_CHANGE("POST", "/v1/tickets/{tid}/refund", struct ticketd_changing, refund, "kiosk"),
    WAKING_CHANGE("POST", "/v1/tickets/{tid}/deleted", struct ticketd_proof, deleted, "kiosk"),
    WAKING_CHANGE("POST", "/v1/tickets/{tid}/cancel", struct ticketd_proof, cancel, "admin"),
    WAKING_CHANGE("POST", "/v1/journal", struct ticketd_journal, journal, "gate"),
    {.method = NULL}};

void ticketd_release(void *state)
{
    struct ticketd *ticketd = *(struct ticketd **)state;
    if (ticketd != NULL)
        ticketd_pass_wake(ticketd);
}

bool ticketd_param_tid(struct tally_call *call, uint8_t tid[TID_SIZE])
{
    if (tally_hex_parse(tally_http_param(call->request, "tid"), tid, TID_SIZE))
        return true;
    (void)tally_call_problem(call, TALLY_PROBLEM(NO_SUCH_RESOURCE), NULL);
    return false;
}

static enum tally_error get(struct tally_tx *tx, void *arg)
{
    struct ticketd_ticket *ticket = arg;
    uint8_t tid[TID_SIZE];
    memcpy(tid, ticket->tid, TID_SIZE);
    return ticketd_ticket_get(tx, tid, ticket);
}

enum tally_error ticketd_find(struct tally_call *call, const uint8_t tid[TID_SIZE],
                              struct ticketd_ticket *ticket)
{
    memcpy(ticket->tid, tid, TID_SIZE);
    enum tally_error e = tally_db_read(call->db, get, ticket);
    return e == TALLY_E_NOT_FOUND ? tally_call_problem(call, TICKETING_PROBLEM(TICKET_UNKNOWN), NULL) : e;
}

void ticketd_choice_read(struct tally_json *in, struct ticketd_choice *choice, bool with_operator)
{
    if (with_operator)
        choice->operator_id = (uint16_t)tally_json_int(in, "operator", 1, UINT16_MAX);
    choice->product = (uint16_t)tally_json_int(in, "product", 0, UINT16_MAX);
    tally_json_padded(in, "service", 1, choice->service, SERVICE_SIZE, true);
    choice->date = tally_json_date(in, "date");
    choice->fare_class = (uint8_t)tally_json_int(in, "class", 0, UINT8_MAX);
}

uint8_t ticketd_holder_read(struct tally_json *in, const uint8_t *const *tids, uint8_t *const *hashes,
                            size_t count)
{
    struct tally_json holder;
    if (!tally_json_has(in, "holder"))
        return 0;
    tally_json_begin(&holder, tally_json_object(in, "holder"));
    uint8_t document = (uint8_t)tally_json_int(&holder, "document", 1, DOCUMENT_TYPES);
    const char *number = tally_json_string(&holder, "number", 1, TALLY_DOCUMENT_NUMBER_MAX);
    if (tally_json_end(&holder) != TALLY_OK) {
        tally_json_fault(in, "holder", holder.reason);
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        if (tally_holder_hash(tids[i], document, number, hashes[i]) != TALLY_OK)
            tally_json_fault(in, "holder/number", "is not a document number");
    return document;
}

enum tally_error ticketd_choice_find(struct tally_call *call, struct tally_tx *tx,
                                     const struct ticketd_choice *choice, struct tally_product *product,
                                     struct tally_offer *service)
{
    enum tally_error e = ticketd_product_get(tx, choice->operator_id, choice->product, product);
    if (e == TALLY_E_NOT_FOUND)
        return tally_call_problem(call, TICKETING_PROBLEM(PRODUCT_UNKNOWN), NULL);
    if (e == TALLY_OK)
        e = ticketd_service_get(tx, choice->operator_id, choice->service, choice->date, service);
    if (e == TALLY_E_NOT_FOUND)
        return tally_call_problem(call, TICKETING_PROBLEM(SERVICE_UNKNOWN), NULL);
    return e;
}

json_t *ticketd_ticket_json(const struct ticketd_ticket *ticket)
{
    json_t *json = json_pack("{s:s}", "state", tally_ticket_state_name(ticket->state));
    tally_json_set_hex(json, "tid", ticket->tid, TID_SIZE);
    if (ticket->has_seat) {
        tally_json_set_padded(json, "seat", ticket->face.seat, SEAT_SIZE);
        json_object_set_new(json, "coach", json_integer(ticket->face.coach));
    }
    if (ticket->problem[0] != '\0')
        json_object_set_new(json, "problem", json_string(ticket->problem));
    return json;
}

enum tally_error ticketd_step(struct tally_tx *tx, struct ticketd_ticket *ticket,
                              enum tally_ticket_event event)
{
    if (!tally_ticket_next(ticket->state, event, &ticket->state))
        return TALLY_E_STATE;
    return ticketd_ticket_update(tx, ticket);
}

enum tally_error ticketd_abandon(struct tally_tx *tx, struct ticketd_ticket *old,
                                 struct ticketd_ticket *replacement)
{
    enum tally_error e = ticketd_step(tx, replacement, TICKET_CANCEL);
    return e == TALLY_OK ? ticketd_step(tx, old, TICKET_ABANDON) : e;
}
