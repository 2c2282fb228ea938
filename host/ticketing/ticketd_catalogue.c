/* Products and services: what can be sold. */
#include <string.h>

#include "host/ticketing/json_values.h"
#include "host/ticketing/ticketd.h"

enum { CURRENCY_MAX = 999 };

static bool path_number(struct tally_call *call, const char *name, uint32_t min, uint16_t *value)
{
    uint32_t number;
    bool good = tally_number_parse(tally_http_param(call->request, name), min, UINT16_MAX, &number);
    *value = (uint16_t)number;
    if (!good)
        (void)tally_call_problem(call, TALLY_PROBLEM(NO_SUCH_RESOURCE), NULL);
    return good;
}

enum tally_error ticketd_product_prepare(struct tally_call *call, void *state)
{
    struct tally_product *p = state;
    struct tally_json in;
    if (!path_number(call, "operator", 1, &p->operator_id) || !path_number(call, "product", 0, &p->id))
        return TALLY_E_DENIED;
    tally_json_begin(&in, call->body);
    tally_json_string_copy(&in, "name", 1, p->name, sizeof p->name);
    p->profile = (uint8_t)tally_json_int(&in, "profile", PROFILE_RAIL, PROFILE_ADMISSION);
    p->price = (uint32_t)tally_json_int(&in, "price", 0, UINT32_MAX);
    p->currency = (uint16_t)tally_json_int(&in, "currency", 1, CURRENCY_MAX);
    p->max_entries = (uint8_t)tally_json_int(&in, "max_entries", 1, UINT8_MAX);
    p->max_temporary_exits = (uint8_t)tally_json_int(&in, "max_temporary_exits", 0, UINT8_MAX);
    p->exchangeable = tally_json_bool(&in, "exchangeable");
    p->refundable = tally_json_bool(&in, "refundable");
    p->holder_required = tally_json_bool(&in, "holder_required");
    p->zone_map = (uint32_t)tally_json_int(&in, "zone_map", 0, UINT32_MAX);
    return tally_call_end_json(call, &in);
}

static json_t *product_json(const struct tally_product *p)
{
    return json_pack("{s:i, s:i, s:s, s:i, s:I, s:i, s:i, s:i, s:b, s:b, s:b, s:I}", "operator",
                     p->operator_id, "product", p->id, "name", p->name, "profile", p->profile, "price",
                     (json_int_t)p->price, "currency", p->currency, "max_entries", p->max_entries,
                     "max_temporary_exits", p->max_temporary_exits, "exchangeable", p->exchangeable,
                     "refundable", p->refundable, "holder_required", p->holder_required, "zone_map",
                     (json_int_t)p->zone_map);
}

enum tally_error ticketd_product_apply(struct tally_call *call, void *state, struct tally_tx *tx)
{
    enum tally_error e = ticketd_product_put(tx, state);
    return e == TALLY_OK ? tally_call_answer(call, 200, product_json(state)) : e;
}

static bool path_service(struct tally_call *call, struct tally_offer *s)
{
    const char *name = tally_http_param(call->request, "service");
    bool good = name[0] != '\0' && tally_padded_parse(name, s->name, SERVICE_SIZE, true) &&
                tally_date_parse(tally_http_param(call->request, "date"), &s->date);
    if (!good)
        (void)tally_call_problem(call, TALLY_PROBLEM(NO_SUCH_RESOURCE), NULL);
    return good;
}

enum tally_error ticketd_service_prepare(struct tally_call *call, void *state)
{
    struct tally_offer *s = state;
    struct tally_json in;
    if (!path_number(call, "operator", 1, &s->operator_id) || !path_service(call, s))
        return TALLY_E_DENIED;
    tally_json_begin(&in, call->body);
    s->minute = (uint16_t)tally_json_int(&in, "minute", 0, 24 * 60 - 1);
    s->from = (uint32_t)tally_json_int(&in, "from", 0, UINT32_MAX);
    s->to = (uint32_t)tally_json_int(&in, "to", 0, UINT32_MAX);
    s->coaches = (uint16_t)tally_json_int(&in, "coaches", 1, TALLY_COACHES_MAX);
    s->seats_per_coach = (uint16_t)tally_json_int(&in, "seats_per_coach", 1, TALLY_SEATS_MAX);
    return tally_call_end_json(call, &in);
}

static json_t *service_json(const struct tally_offer *s)
{
    char date[TALLY_DATE_TEXT];
    tally_date_format(s->date, date);
    json_t *json = json_pack("{s:i, s:s, s:i, s:I, s:I, s:i, s:i}", "operator", s->operator_id, "date", date,
                             "minute", s->minute, "from", (json_int_t)s->from, "to", (json_int_t)s->to,
                             "coaches", s->coaches, "seats_per_coach", s->seats_per_coach);
    tally_json_set_padded(json, "service", s->name, SERVICE_SIZE);
    return json;
}

enum tally_error ticketd_service_apply(struct tally_call *call, void *state, struct tally_tx *tx)
{
    enum tally_error e = ticketd_service_put(tx, state);
    if (e == TALLY_E_STATE)
        return tally_call_problem(call, TICKETING_PROBLEM(SEATS_SOLD), NULL);
    return e == TALLY_OK ? tally_call_answer(call, 200, service_json(state)) : e;
}

/* A page of a list: where it begins, what it holds, where the next one begins. */
struct page {
    struct tally_product after_product;
    struct tally_offer after_service;
    json_t *items;
    size_t count;
    char next[24];
};

/* The read may run again. */
static void start(struct page *page)
{
    json_array_clear(page->items);
    page->count = 0;
}

static enum tally_error add(struct page *page, json_t *item)
{
    page->count++;
    return json_array_append_new(page->items, item) == 0 ? TALLY_OK : TALLY_E_MEMORY;
}

static enum tally_error visit_product(void *ctx, const struct tally_product *product)
{
    struct page *page = ctx;
    snprintf(page->next, sizeof page->next, "%u-%u", product->operator_id, product->id);
    return add(page, product_json(product));
}

static enum tally_error list_products(struct tally_tx *tx, void *arg)
{
    struct page *page = arg;
    start(page);
    return ticketd_products(tx, page->after_product.operator_id, page->after_product.id, TICKETD_PAGE,
                            visit_product, page);
}

static enum tally_error visit_service(void *ctx, const struct tally_offer *service, uint32_t free_seats)
{
    struct page *page = ctx;
    json_t *json = service_json(service);
    json_object_set_new(json, "free", json_integer(free_seats));
    snprintf(page->next, sizeof page->next, "%s", json_string_value(json_object_get(json, "service")));
    return add(page, json);
}

static enum tally_error list_services(struct tally_tx *tx, void *arg)
{
    struct page *page = arg;
    const struct tally_offer *after = &page->after_service;
    start(page);
    return ticketd_services(tx, after->operator_id, after->date, after->name, TICKETD_PAGE, visit_service,
                            page);
}

static enum tally_error answer_page(struct tally_call *call, struct page *page, const char *name,
                                    tally_db_op *op)
{
    page->items = json_array();
    enum tally_error e = page->items == NULL ? TALLY_E_MEMORY : tally_db_read(call->db, op, page);
    if (e != TALLY_OK) {
        json_decref(page->items);
        return e;
    }
    json_t *answer = json_pack("{s:o}", name, page->items);
    if (page->count == TICKETD_PAGE)
        json_object_set_new(answer, "next", json_string(page->next));
    return tally_call_answer(call, 200, answer);
}

/* "operator-product" into the page's beginning. */
static bool parse_after_product(char *text, struct tally_product *after)
{
    uint32_t operator_id, id;
    char *dash = strchr(text, '-');
    if (dash == NULL)
        return false;
    *dash = '\0';
    if (!tally_number_parse(text, 0, UINT16_MAX, &operator_id) ||
        !tally_number_parse(dash + 1, 0, UINT16_MAX, &id))
        return false;
    after->operator_id = (uint16_t)operator_id;
    after->id = (uint16_t)id;
    return true;
}

enum tally_error ticketd_products_read(struct tally_call *call)
{
    struct page page = {0};
    char after[24];
    enum tally_error e = tally_http_query(call->request, "after", after, sizeof after);
    if (e != TALLY_E_NOT_FOUND && (e != TALLY_OK || !parse_after_product(after, &page.after_product)))
        return tally_call_invalid(call, "after", "must come from the page before");
    return answer_page(call, &page, "products", list_products);
}

enum tally_error ticketd_services_read(struct tally_call *call)
{
    struct page page = {0};
    struct tally_offer *after = &page.after_service;
    char text[16];
    uint32_t operator_id;
    if (tally_http_query(call->request, "operator", text, sizeof text) != TALLY_OK ||
        !tally_number_parse(text, 1, UINT16_MAX, &operator_id))
        return tally_call_invalid(call, "operator", "must be an operator's number");
    after->operator_id = (uint16_t)operator_id;
    if (tally_http_query(call->request, "date", text, sizeof text) != TALLY_OK ||
        !tally_date_parse(text, &after->date))
        return tally_call_invalid(call, "date", "must be a date as YYYY-MM-DD");
    enum tally_error e = tally_http_query(call->request, "after", text, sizeof text);
    if (e == TALLY_E_NOT_FOUND)
        text[0] = '\0';
    if ((e != TALLY_OK && e != TALLY_E_NOT_FOUND) ||
        !tally_padded_parse(text, after->name, SERVICE_SIZE, true))
        return tally_call_invalid(call, "after", "must come from the page before");
    return answer_page(call, &page, "services", list_services);
}
