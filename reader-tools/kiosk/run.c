/* The steps of a job: order, then for each ticket ciphertext, card, receipt. */
#include <string.h>
#include <time.h>

#include "host/base/bytes.h"
#include "host/ticketing/json_values.h"
#include "reader-tools/kiosk/kiosk.h"

enum { ASKS_A_SECOND = 5 };

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

static enum tally_error save(const struct kiosk *k, const struct job *job)
{
    enum tally_error e = job_save(job);
    return e == TALLY_OK ? e : tool_fail(k->tool, e, "%s: cannot be written", job->path);
}

static enum tally_error odd_answer(const struct kiosk *k)
{
    return tool_fail(k->tool, TALLY_E_SERVER, "the server's answer is not understood");
}

/* Keeps the answer's tickets: several of an order, one of an exchange or refund. The request goes: it may
 * name the holder. */
static enum tally_error keep_answer(struct kiosk *k, struct job *job, const json_t *answer)
{
    json_t *tickets = json_array();
    const json_t *list = json_object_get(answer, "tickets");
    const char *old = job_text(job, "old");
    size_t i;
    json_t *t;
    json_array_foreach((json_t *)(uintptr_t)list, i, t) json_array_append_new(
        tickets, json_pack("{s:s, s:s, s:O?, s:O?}", "tid", text_of(t, "tid"), "step", JOB_ORDERED, "seat",
                           json_object_get(t, "seat"), "coach", json_object_get(t, "coach")));
    if (job_kind_of(job) != JOB_BUY)
        json_array_append_new(tickets, json_pack("{s:s, s:s, s:s, s:O?, s:O?}", "tid", text_of(answer, "tid"),
                                                 "old", old != NULL ? old : "", "step", JOB_ORDERED, "seat",
                                                 json_object_get(answer, "seat"), "coach",
                                                 json_object_get(answer, "coach")));
    size_t count = json_array_size(tickets);
    json_object_set_new(job->root, "tickets", tickets);
    static const char *const kept[] = {"order", "total", "currency", "difference", "refund"};
    for (i = 0; i < sizeof kept / sizeof *kept; i++)
        if (json_object_get(answer, kept[i]) != NULL)
            json_object_set(job->root, kept[i], json_object_get(answer, kept[i]));
    json_object_del(job->root, "request");
    return count > 0 ? save(k, job) : odd_answer(k);
}

static enum tally_error place_order(struct kiosk *k, struct job *job)
{
    json_t *answer = NULL;
    if (json_object_get(job->root, "tickets") != NULL)
        return TALLY_OK;
    enum tally_error e =
        tool_client_call(k->tool, &k->ticketd, "POST", job_text(job, "path"), job_text(job, "key"),
                         json_object_get(job->root, "request"), &answer);
    if (e == TALLY_OK)
        e = keep_answer(k, job, answer);
    else if (e != TALLY_E_SERVER && e != TALLY_E_IO)
        job_remove(job); /* refused for good: nothing was begun */
    json_decref(answer);
    return e;
}

/* One look at a ticket's state, which also makes the ticket server have it issued, if it could not do so
 * before. */
static enum tally_error ask_issued(struct kiosk *k, const char *tid, bool *issued)
{
    char path[TOOL_PATH_MAX];
    json_t *answer = NULL;
    snprintf(path, sizeof path, "/v1/tickets/%s", tid);
    enum tally_error e = tool_client_call(k->tool, &k->ticketd, "GET", path, NULL, NULL, &answer);
    const char *state = text_of(answer, "state");
    *issued = e == TALLY_OK && strcmp(state, "ordered") != 0;
    if (e == TALLY_OK && strcmp(state, "cancelled") == 0)
        e = tool_fail(k->tool, TALLY_E_DENIED, "ticket %s was refused by the authentication server", tid);
    json_decref(answer);
    return e;
}

/* Asks again for --patience seconds. */
static enum tally_error await_issue(struct kiosk *k, const char *tid)
{
    const struct timespec pause = {.tv_nsec = 1000000000 / ASKS_A_SECOND};
    int64_t left = tally_config_int(k->tool->config, "patience") * ASKS_A_SECOND;
    bool issued;
    enum tally_error e = ask_issued(k, tid, &issued);
    for (; e == TALLY_OK && !issued && left > 0; left--) {
        (void)nanosleep(&pause, NULL);
        e = ask_issued(k, tid, &issued);
    }
    if (e == TALLY_OK && !issued)
        e = tool_fail(k->tool, TALLY_E_SERVER, "ticket %s is not issued yet", tid);
    return e;
}

static enum tally_error fetch(struct kiosk *k, const char *tid, uint8_t *ciphertext, size_t size, size_t *n)
{
    char path[TOOL_PATH_MAX];
    json_t *answer = NULL;
    *n = 0;
    snprintf(path, sizeof path, "/v1/tickets/%s/ciphertext", tid);
    enum tally_error e = tool_client_call(k->tool, &k->authd, "GET", path, NULL, NULL, &answer);
    if (e == TALLY_OK && tally_hex_decode(text_of(answer, "ciphertext"), ciphertext, size, n) != TALLY_OK)
        e = odd_answer(k);
    if (e == TALLY_OK && strcmp(text_of(answer, "serial"), k->serial) != 0)
        e = tool_fail(k->tool, TALLY_E_DENIED, "ticket %s is for another card", tid);
    json_decref(answer);
    return e;
}

static void set_usage(json_t *ticket, const char *name, const uint8_t usage[USAGE_SIZE])
{
    (void)tally_json_set_hex(ticket, name, usage, USAGE_SIZE);
}

/* LOAD. A ticket that is there already was loaded before the card was taken away: its usage record is the
 * receipt. */
static enum tally_error load(struct kiosk *k, json_t *ticket, const uint8_t *ciphertext, size_t n)
{
    uint8_t usage[USAGE_SIZE], tid[TID_SIZE];
    struct tally_card_ticket there;
    enum tally_error e = tally_card_load(&k->tc.card, ciphertext, n, usage);
    if (e == TALLY_E_EXISTS && tally_hex_parse(text_of(ticket, "tid"), tid, TID_SIZE)) {
        e = kiosk_find(k, tid, &there);
        memcpy(usage, there.usage_bytes, USAGE_SIZE);
    } else if (e != TALLY_OK) {
        e = tool_card_fail(k->tool, &k->tc, e, "load");
    }
    if (e == TALLY_OK)
        set_usage(ticket, "usage", usage);
    return e;
}

/* EXCHANGE. The card answers its last one again with the same receipts. */
static enum tally_error exchange(struct kiosk *k, json_t *ticket, const uint8_t *ciphertext, size_t n)
{
    uint8_t deleted[USAGE_SIZE], loaded[USAGE_SIZE];
    bool has_loaded;
    enum tally_error e = tally_card_exchange_ticket(&k->tc.card, ciphertext, n, deleted, loaded, &has_loaded);
    if (e != TALLY_OK)
        return tool_card_fail(k->tool, &k->tc, e, "exchange");
    set_usage(ticket, "usage", deleted);
    if (has_loaded)
        set_usage(ticket, "new_usage", loaded);
    return TALLY_OK;
}

static enum tally_error to_card(struct kiosk *k, struct job *job, json_t *ticket)
{
    uint8_t ciphertext[CIPHERTEXT_1_MAX];
    size_t n;
    enum tally_error e = await_issue(k, text_of(ticket, "tid"));
    if (e == TALLY_OK)
        e = fetch(k, text_of(ticket, "tid"), ciphertext, sizeof ciphertext, &n);
    if (e == TALLY_OK)
        e = job_kind_of(job) == JOB_BUY ? load(k, ticket, ciphertext, n) : exchange(k, ticket, ciphertext, n);
    if (e != TALLY_OK)
        return e;
    json_object_set_new(ticket, "step", json_string(JOB_ON_CARD));
    return save(k, job);
}

/* The idempotency key of a receipt: what it is about, and which change of the card it proves. */
static void receipt_key(const json_t *ticket, char *key, size_t size)
{
    snprintf(key, size, "r-%.32s-%.8s", text_of(ticket, "tid"), text_of(ticket, "usage") + 2 * 28);
}

static enum tally_error tell(struct kiosk *k, struct job *job, json_t *ticket)
{
    char path[TOOL_PATH_MAX], key[64];
    bool buy = job_kind_of(job) == JOB_BUY;
    if (strlen(text_of(ticket, "usage")) != 2 * USAGE_SIZE)
        return tool_fail(k->tool, TALLY_E_FORMAT, "%s: malformed", job->path);
    snprintf(path, sizeof path, "/v1/tickets/%s/%s", text_of(ticket, buy ? "tid" : "old"),
             buy ? "loaded" : "deleted");
    receipt_key(ticket, key, sizeof key);
    json_t *body = json_pack("{s:s}", "usage", text_of(ticket, "usage"));
    if (json_object_get(ticket, "new_usage") != NULL)
        json_object_set(body, "new_usage", json_object_get(ticket, "new_usage"));
    enum tally_error e = tool_client_call(k->tool, &k->ticketd, "POST", path, key, body, NULL);
    json_decref(body);
    if (e != TALLY_OK)
        return e;
    json_object_set_new(ticket, "step", json_string(JOB_TOLD));
    return save(k, job);
}

static enum tally_error run_tickets(struct kiosk *k, struct job *job)
{
    const json_t *tickets = json_object_get(job->root, "tickets");
    unsigned count = (unsigned)json_array_size(tickets), steps = 1 + 2 * count;
    enum tally_error e = TALLY_OK;
    for (unsigned i = 0; e == TALLY_OK && i < count; i++) {
        json_t *ticket = json_array_get(tickets, i);
        kiosk_step(k, 2 + 2 * i, steps, "writing to the card");
        if (strcmp(text_of(ticket, "step"), JOB_ORDERED) == 0)
            e = to_card(k, job, ticket);
        kiosk_step(k, 3 + 2 * i, steps, "confirming");
        if (e == TALLY_OK && strcmp(text_of(ticket, "step"), JOB_ON_CARD) == 0)
            e = tell(k, job, ticket);
    }
    return e;
}

/* Errors after which trying again is of no use. A ticket that was bought is kept for the staff all the same;
 * an exchange or refund is begun anew, with the ticket as it is by then. */
static bool is_final(const struct job *job, enum tally_error e)
{
    if (job_kind_of(job) == JOB_BUY)
        return e == TALLY_E_DENIED;
    return e == TALLY_E_DENIED || e == TALLY_E_STATE || e == TALLY_E_NOT_FOUND;
}

enum tally_error kiosk_run(struct kiosk *k, struct job *job)
{
    kiosk_step(k, 1, 2, "ordering");
    enum tally_error e = place_order(k, job);
    if (e == TALLY_OK)
        e = run_tickets(k, job);
    kiosk_step_end(k);
    if (e == TALLY_OK) {
        e = kiosk_print_receipt(k, job);
        job_remove(job);
    } else if (is_final(job, e)) {
        job_remove(job);
    } else if (e == TALLY_E_CARD_LOST || e == TALLY_E_SERVER) {
        (void)tool_fail(k->tool, e, "not finished; put the card on the reader and run: tally-kiosk resume");
    }
    return e;
}
