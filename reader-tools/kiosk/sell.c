/* buy, exchange, refund, resume, load: the kiosk's commands with a card. */
#include <stdlib.h>
#include <string.h>

#include "host/base/bytes.h"
#include "host/ticketing/json_values.h"
#include "reader-tools/common/ticket_text.h"
#include "reader-tools/kiosk/kiosk.h"

enum { DOCUMENT_MAX = 64 };

/* "TYPE:NUMBER" as {document, number}; null when it is not given. NULL when it is malformed. */
static json_t *holder_of(const struct tool *tool)
{
    static const char *const names[] = {"id", "passport", "other"};
    const char *text = tally_config_string(tool->config, "holder");
    if (text == NULL)
        return json_null();
    const char *colon = strchr(text, ':');
    for (int i = 0; colon != NULL && colon[1] != '\0' && i < 3; i++) {
        const char digit[2] = {(char)('1' + i), '\0'};
        size_t n = (size_t)(colon - text);
        if ((strlen(names[i]) == n && memcmp(names[i], text, n) == 0) || (n == 1 && text[0] == digit[0]))
            return json_pack("{s:i, s:s}", "document", i + 1, "number", colon + 1);
    }
    (void)tool_fail(tool, TALLY_E_USAGE, "--holder: not TYPE:NUMBER (id, passport or other)");
    return NULL;
}

static enum tally_error need(const struct tool *tool, const char *option)
{
    return tool_fail(tool, TALLY_E_USAGE, "--%s is needed", option);
}

static uint16_t room_for(const struct kiosk *k, uint8_t suite)
{
    switch (suite) {
    case SUITE_RSA: return k->state.free_rsa;
    case SUITE_SM9: return k->state.free_sm9;
    default: return k->state.free_p256;
    }
}

/* Room for that many tickets of the operator's suite. */
static enum tally_error check_room(struct kiosk *k, uint16_t operator_id, int64_t quantity)
{
    struct tally_card_operator list[64];
    size_t count;
    enum tally_error e = tally_card_get_operators(&k->tc.card, list, sizeof list / sizeof *list, &count);
    if (e != TALLY_OK)
        return tool_card_fail(k->tool, &k->tc, e, "operators");
    for (size_t i = 0; i < count; i++) {
        if (list[i].operator_id != operator_id || list[i].state != 1)
            continue;
        uint16_t room = room_for(k, list[i].suite);
        return room >= quantity
                   ? TALLY_OK
                   : tool_fail(k->tool, TALLY_E_FULL, "the card has room for %u more tickets", room);
    }
    return tool_fail(k->tool, TALLY_E_NOT_FOUND, "the card does not know operator %u", operator_id);
}

/* old is the ticket to be replaced, or NULL. */
static enum tally_error run_new(struct kiosk *k, enum job_kind kind, const char *path,
                                const struct tally_card_ticket *old, json_t *request)
{
    char key[TOOL_KEY_SIZE];
    struct job job = {.root = NULL};
    enum tally_error e = tool_client_key(key);
    if (e == TALLY_OK)
        e = job_create(k->folder, kind, k->serial, key, path, request, &job);
    if (e == TALLY_OK && old != NULL) {
        (void)tally_json_set_hex(job.root, "old", old->face.tid, TID_SIZE);
        json_object_set_new(job.root, "currency", json_integer(old->face.currency));
        e = job_save(&job);
    }
    if (e != TALLY_OK)
        (void)tool_fail(k->tool, e, "%s: cannot be written", k->folder);
    else
        e = kiosk_run(k, &job);
    job_free(&job);
    return e;
}

static json_t *order_of(const struct kiosk *k, json_t *holder)
{
    const struct tally_config *c = k->tool->config;
    return json_pack("{s:I, s:I, s:s, s:s, s:I, s:I, s:I, s:s, s:O, s:I}", "operator",
                     tally_config_int(c, "operator"), "product", tally_config_int(c, "product"), "service",
                     tally_config_string(c, "service"), "date", tally_config_string(c, "date"), "class",
                     tally_config_int(c, "class"), "fare_type", tally_config_int(c, "fare-type"), "quantity",
                     tally_config_int(c, "quantity"), "serial", k->serial, "holder", holder, "point_of_sale",
                     tally_config_int(c, "point-of-sale"));
}

enum tally_error kiosk_buy(const struct tool *tool)
{
    struct kiosk k;
    const struct tally_config *c = tool->config;
    if (tally_config_string(c, "service") == NULL || tally_config_string(c, "date") == NULL)
        return need(tool, tally_config_string(c, "service") == NULL ? "service" : "date");
    if (tally_config_int(c, "operator") == 0 || tally_config_int(c, "product") < 0)
        return need(tool, tally_config_int(c, "operator") == 0 ? "operator" : "product");
    json_t *holder = holder_of(tool);
    if (holder == NULL)
        return TALLY_E_USAGE;
    enum tally_error e = kiosk_open(tool, true, &k);
    if (e == TALLY_OK)
        e = check_room(&k, (uint16_t)tally_config_int(c, "operator"), tally_config_int(c, "quantity"));
    if (e == TALLY_OK) {
        json_t *order = order_of(&k, holder);
        e = order != NULL ? run_new(&k, JOB_BUY, "/v1/orders", NULL, order) : TALLY_E_MEMORY;
        json_decref(order);
    }
    json_decref(holder);
    kiosk_close(&k);
    return e;
}

/* The ticket of --tid on the card. */
static enum tally_error find_chosen(struct kiosk *k, struct tally_card_ticket *ticket, const char **tid_text)
{
    uint8_t tid[TID_SIZE];
    size_t n;
    *tid_text = tally_config_string(k->tool->config, "tid");
    if (*tid_text == NULL)
        return need(k->tool, "tid");
    if (tally_hex_decode(*tid_text, tid, TID_SIZE, &n) != TALLY_OK || n != TID_SIZE)
        return tool_fail(k->tool, TALLY_E_USAGE, "--tid: not %d hex digits", 2 * TID_SIZE);
    enum tally_error e = kiosk_find(k, tid, ticket);
    return e == TALLY_E_NOT_FOUND ? tool_fail(k->tool, e, "no such ticket on the card") : e;
}

/* What the exchange is for: the options, or else as the old ticket. */
static json_t *exchange_of(const struct kiosk *k, const struct tally_card_ticket *t)
{
    const struct tally_config *c = k->tool->config;
    const char *date = tally_config_string(c, "date"), *service = tally_config_string(c, "service");
    char day[TALLY_DATE_TEXT];
    int64_t product = tally_config_int(c, "product");
    json_t *o = json_pack("{s:I, s:I}", "product", product >= 0 ? product : t->face.product, "class",
                          tally_config_int(c, "class"));
    tally_date_format(t->face.service_date, day);
    json_object_set_new(o, "date", json_string(date != NULL ? date : day));
    if (service != NULL)
        json_object_set_new(o, "service", json_string(service));
    else
        (void)tally_json_set_padded(o, "service", t->face.service, SERVICE_SIZE);
    return o;
}

static enum tally_error replace(const struct tool *tool, enum job_kind kind)
{
    struct kiosk k;
    json_t *holder = holder_of(tool);
    struct tally_card_ticket ticket;
    const char *tid;
    char path[TOOL_PATH_MAX], old[2 * TID_SIZE + 1];
    if (holder == NULL)
        return TALLY_E_USAGE;
    enum tally_error e = kiosk_open(tool, true, &k);
    if (e == TALLY_OK)
        e = find_chosen(&k, &ticket, &tid);
    if (e == TALLY_OK) {
        json_t *body = kind == JOB_EXCHANGE ? exchange_of(&k, &ticket) : json_object();
        if (kind == JOB_EXCHANGE && !json_is_null(holder))
            json_object_set(body, "holder", holder);
        (void)tally_json_set_hex(body, "usage", ticket.usage_bytes, USAGE_SIZE);
        (void)tally_hex_encode(ticket.face.tid, TID_SIZE, old, sizeof old);
        snprintf(path, sizeof path, "/v1/tickets/%s/%s", old, job_kind_name(kind));
        e = run_new(&k, kind, path, &ticket, body);
        json_decref(body);
    }
    json_decref(holder);
    kiosk_close(&k);
    return e;
}

enum tally_error kiosk_exchange(const struct tool *tool)
{
    return replace(tool, JOB_EXCHANGE);
}

enum tally_error kiosk_refund(const struct tool *tool)
{
    return replace(tool, JOB_REFUND);
}

struct resumption {
    struct kiosk *kiosk;
    unsigned done, others;
};

static enum tally_error resume_one(void *context, struct job *job)
{
    struct resumption *r = context;
    if (strcmp(job_text(job, "serial"), r->kiosk->serial) != 0) {
        r->others++;
        return TALLY_OK;
    }
    enum tally_error e = kiosk_run(r->kiosk, job);
    r->done += e == TALLY_OK;
    return e;
}

enum tally_error kiosk_resume(const struct tool *tool)
{
    struct kiosk k;
    struct resumption r = {.kiosk = &k};
    unsigned seen = 0;
    enum tally_error e = kiosk_open(tool, true, &k);
    if (e == TALLY_OK) {
        e = job_each(k.folder, resume_one, &r, &seen);
        if (e == TALLY_E_FORMAT)
            (void)tool_fail(tool, e, "%s: a file of unfinished work is malformed", k.folder);
        if (!tool->json)
            fprintf(stderr, "%u finished, %u for other cards\n", r.done, r.others);
    }
    kiosk_close(&k);
    return e;
}

/* Ciphertext 1 in hex from a file, relayed to the card: no server is asked or told. */
enum tally_error kiosk_load(const struct tool *tool)
{
    struct tool_card tc = {.pcsc = NULL};
    char hex[2 * CIPHERTEXT_1_MAX + 2], receipt[2 * USAGE_SIZE + 1];
    uint8_t ciphertext[CIPHERTEXT_1_MAX], usage[USAGE_SIZE], loaded[USAGE_SIZE];
    size_t n;
    bool both;
    const char *path = tally_config_string(tool->config, "ciphertext");
    if (path == NULL)
        return need(tool, "ciphertext");
    if (tool_read_line(path, hex, sizeof hex) != TALLY_OK ||
        tally_hex_decode(hex, ciphertext, sizeof ciphertext, &n) != TALLY_OK)
        return tool_fail(tool, TALLY_E_USAGE, "%s: not a ciphertext in hex", path);
    enum tally_error e = tool_card_open(tool, &tc);
    if (e == TALLY_OK)
        e = tool_card_login(tool, &tc, false);
    if (e == TALLY_OK) {
        e = tally_config_bool(tool->config, "replace")
                ? tally_card_exchange_ticket(&tc.card, ciphertext, n, usage, loaded, &both)
                : tally_card_load(&tc.card, ciphertext, n, usage);
        if (e != TALLY_OK)
            e = tool_card_fail(tool, &tc, e, "load");
    }
    if (e == TALLY_OK) {
        (void)tally_hex_encode(usage, USAGE_SIZE, receipt, sizeof receipt);
        printf("%s\n", receipt);
    }
    tool_card_close(&tc);
    return e;
}
