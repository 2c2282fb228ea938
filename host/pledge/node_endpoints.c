/* What a party answers over HTTP. */
#include <stdlib.h>
#include <string.h>

#include "host/pledge/core/seller.h"
#include "host/pledge/node.h"
#include "host/pledge/wire.h"

/* ---- POST /v1/messages ---- */

struct taking {
    struct pledge_node *node; /* set once something was taken: there may be answers to send */
    struct pledge_message message;
};

static enum tally_error message_prepare(struct tally_call *call, void *state)
{
    struct pledge_node *node = call->wing;
    struct taking *taking = state;
    char field[PLEDGE_FIELD_NAME_MAX];
    if (pledge_message_read(call->body, &taking->message, field) != TALLY_OK)
        return tally_call_invalid(call, field, "is missing, malformed or outside its limits");
    /* Whoever brings a message is who wrote it: nobody acts for another. */
    if (strcmp(call->caller.party->name, taking->message.from) != 0)
        return tally_call_problem(call, TALLY_PROBLEM(REFUSED), "the caller is not the message's sender");
    enum tally_error e = pledge_message_check(&node->party, &taking->message);
    if (e == TALLY_E_FORMAT)
        return tally_call_invalid(call, "/body", "is outside its limits");
    if (e == TALLY_E_CRYPTO)
        return tally_call_problem(call, TALLY_PROBLEM(REFUSED), "the message's signature does not verify");
    if (e == TALLY_E_DENIED)
        return tally_call_problem(call, TALLY_PROBLEM(REFUSED), "sender, recipient or key is not right");
    return e;
}

static enum tally_error message_apply(struct tally_call *call, void *state, struct tally_tx *tx)
{
    struct pledge_node *node = call->wing;
    struct taking *taking = state;
    struct pledge_sql_store store;
    pledge_sql_store_init(&store, node->sql, &node->party, tx);
    enum tally_error e = pledge_handle(&node->party, &store.store, &taking->message);
    if (e == TALLY_E_CRYPTO)
        return tally_call_problem(call, TALLY_PROBLEM(REFUSED), "what the message carries does not verify");
    taking->node = node;
    return e == TALLY_OK ? tally_call_answer(call, 200, json_pack("{s:b}", "taken", 1)) : e;
}

static void message_release(void *state)
{
    struct taking *taking = state;
    if (taking->node != NULL)
        tally_outbox_pump_wake(taking->node->pump);
}

/* ---- GET /v1/records/{table} ---- */

enum { RECORDS_MAX = 100 };

struct records {
    struct pledge_node *node;
    const struct pledge_table *table;
    uint8_t *rows;
    size_t count;
};

static enum tally_error records_look(struct tally_tx *tx, void *arg)
{
    struct records *records = arg;
    struct pledge_sql_store store;
    pledge_sql_store_init(&store, records->node->sql, NULL, tx);
    return store.store.list(&store, records->table, 0, records->rows, NULL, records->rows, RECORDS_MAX,
                            &records->count);
}

static const struct pledge_table *table_find(enum pledge_role role, const char *name)
{
    const struct pledge_table *const *tables = pledge_tables_of(role);
    while (*tables != NULL && strcmp((*tables)->name, name) != 0)
        tables++;
    return *tables;
}

static enum tally_error records_read(struct tally_call *call)
{
    struct pledge_node *node = call->wing;
    struct records records = {.node = node};
    records.table = table_find(node->party.role, tally_http_param(call->request, "table"));
    if (records.table == NULL)
        return tally_call_problem(call, TALLY_PROBLEM(NO_SUCH_RESOURCE), NULL);
    records.rows = calloc(RECORDS_MAX, records.table->row_size);
    json_t *array = json_array();
    enum tally_error e = records.rows == NULL || array == NULL
                             ? TALLY_E_MEMORY
                             : tally_db_read(call->db, records_look, &records);
    for (size_t i = 0; e == TALLY_OK && i < records.count; i++)
        json_array_append_new(array, pledge_object_write(records.table->fields,
                                                         records.rows + i * records.table->row_size, true));
    if (e == TALLY_OK)
        e = tally_call_answer(call, 200, json_pack("{s:O}", "records", array));
    json_decref(array);
    free(records.rows);
    return e;
}

/* ---- A seller's shop ---- */

struct selling {
    struct pledge_node *node;
    struct pledge_m_order order;
};

static enum tally_error sale_prepare(struct tally_call *call, void *state)
{
    struct pledge_node *node = call->wing;
    struct selling *selling = state;
    struct pledge_m_order *o = &selling->order;
    struct tally_json in;
    tally_json_begin(&in, call->body);
    tally_json_string_copy(&in, "reference", 1, o->reference, sizeof o->reference);
    tally_json_string_copy(&in, "channel", 1, o->channel, sizeof o->channel);
    tally_json_string_copy(&in, "type", 1, o->type, sizeof o->type);
    o->price = tally_json_int(&in, "price", 1, PLEDGE_MONEY_MAX);
    o->quantity = tally_json_int(&in, "quantity", 1, PLEDGE_QUANTITY_MAX);
    PLEDGE_SET(o->callback, node->party.callback);
    return tally_call_end_json(call, &in);
}

static enum tally_error sale_apply(struct tally_call *call, void *state, struct tally_tx *tx)
{
    struct selling *selling = state;
    struct pledge_node *node = call->wing;
    struct pledge_sql_store store;
    pledge_sql_store_init(&store, node->sql, &node->party, tx);
    enum tally_error e = pledge_seller_sell(&node->party, &store.store, &selling->order);
    selling->node = node;
    return e == TALLY_OK
               ? tally_call_answer(call, 201, json_pack("{s:s}", "reference", selling->order.reference))
               : e;
}

static void sale_release(void *state)
{
    struct selling *selling = state;
    if (selling->node != NULL)
        tally_outbox_pump_wake(selling->node->pump);
}

struct sale_view {
    struct pledge_node *node;
    struct pledge_r_sale sale;
    struct pledge_r_sold lines[PLEDGE_QUANTITY_MAX];
    size_t count;
};

static enum tally_error sale_look(struct tally_tx *tx, void *arg)
{
    struct sale_view *view = arg;
    struct pledge_sql_store store;
    pledge_sql_store_init(&store, view->node->sql, NULL, tx);
    memcpy(view->lines[0].reference, view->sale.reference, sizeof view->sale.reference);
    enum tally_error e = pledge_get(&store.store, &pledge_t_sale, &view->sale);
    struct pledge_r_sold like = view->lines[0];
    return e == TALLY_OK ? store.store.list(&store, &pledge_t_sold, 1, &like, NULL, view->lines,
                                            PLEDGE_QUANTITY_MAX, &view->count)
                         : e;
}

static enum tally_error sale_read(struct tally_call *call)
{
    struct sale_view *view = calloc(1, sizeof *view);
    json_t *lines = json_array();
    enum tally_error e = view == NULL || lines == NULL ? TALLY_E_MEMORY : TALLY_OK;
    if (e == TALLY_OK) {
        view->node = call->wing;
        PLEDGE_SET(view->sale.reference, tally_http_param(call->request, "reference"));
        e = tally_db_read(call->db, sale_look, view);
    }
    for (size_t i = 0; e == TALLY_OK && i < view->count; i++) {
        const struct pledge_r_sold *line = &view->lines[i];
        json_array_append_new(lines, json_pack("{s:I, s:s, s:s%}", "line", (json_int_t)line->line, "state",
                                               pledge_sold_machine.states[line->state], "ticket",
                                               (const char *)line->ticket.data, (size_t)line->ticket.n));
    }
    if (e == TALLY_OK)
        e = tally_call_answer(call, 200,
                              json_pack("{s:s, s:s, s:O}", "reference", view->sale.reference, "order",
                                        view->sale.order, "lines", lines));
    json_decref(lines);
    free(view);
    return e;
}

#define MESSAGES                                                                                             \
    {                                                                                                        \
        .method = "POST", .path = PLEDGE_MESSAGES_PATH, .roles = {"party"},                                  \
        .state_size = sizeof(struct taking), .prepare = message_prepare, .apply = message_apply,             \
        .release = message_release                                                                           \
    }
#define RECORDS                                                                                              \
    {                                                                                                        \
        .method = "GET", .path = "/v1/records/{table}", .roles = {"admin"}, .read = records_read             \
    }
#define END                                                                                                  \
    {                                                                                                        \
        .method = NULL                                                                                       \
    }

const struct tally_endpoint pledge_node_endpoints[] = {MESSAGES, RECORDS, END};

const struct tally_endpoint pledge_seller_endpoints[] = {
    MESSAGES,
    RECORDS,
    {.method = "POST",
     .path = "/v1/sales",
     .roles = {"shop"},
     .state_size = sizeof(struct selling),
     .prepare = sale_prepare,
     .apply = sale_apply,
     .release = sale_release},
    {.method = "GET", .path = "/v1/sales/{reference}", .roles = {"shop"}, .read = sale_read},
    END};
