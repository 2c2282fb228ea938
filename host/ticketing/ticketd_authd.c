/* Calls to the authentication server. */
#include <stdio.h>
#include <string.h>

#include "host/base/bytes.h"
#include "host/base/log.h"
#include "host/ticketing/face_json.h"
#include "host/ticketing/ticketd.h"

/* After a failure to reach it, requests do not wait for it again for so long. */
enum { DOWN_MS = 1000, KEY_MAX = 64, BACKOFF_FACTOR = 4 };

int64_t ticketd_backoff_ms(const struct ticketd *ticketd, uint32_t attempts)
{
    int64_t wait = ticketd->retry_first_ms;
    while (attempts-- > 0 && wait < ticketd->retry_max_ms)
        wait *= BACKOFF_FACTOR;
    return wait < ticketd->retry_max_ms ? wait : ticketd->retry_max_ms;
}

static void note_reach(struct ticketd *ticketd, enum tally_error e)
{
    if (e == TALLY_E_SERVER)
        ticketd->authd_down_until_ms = tally_clock_wall_ms(ticketd->clock) + DOWN_MS;
}

static bool is_down(struct ticketd *ticketd)
{
    return tally_clock_wall_ms(ticketd->clock) < ticketd->authd_down_until_ms;
}

/* Receipts. */

static json_t *receipts_json(const struct ticketd_receipt *receipts, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *item = json_object();
        tally_json_set_hex(item, "tid", receipts[i].tid, TID_SIZE);
        tally_json_set_hex(item, "usage", receipts[i].usage, USAGE_SIZE);
        json_array_append_new(array, item);
    }
    return json_pack("{s:o}", "receipts", array);
}

/* The answer must be about what was asked, one for one. */
static enum tally_error read_receipts(const json_t *answer, struct ticketd_receipt *receipts, size_t count)
{
    const json_t *array = json_object_get(answer, "receipts");
    if (json_array_size(array) != count)
        return TALLY_E_SERVER;
    for (size_t i = 0; i < count; i++) {
        struct tally_json in;
        uint8_t tid[TID_SIZE];
        tally_json_begin(&in, json_array_get(array, i));
        tally_json_bytes(&in, "tid", tid, TID_SIZE);
        receipts[i].valid = tally_json_bool(&in, "valid");
        if (receipts[i].valid)
            receipts[i].highest_use_counter =
                (uint16_t)tally_json_int(&in, "highest_use_counter", 0, UINT16_MAX);
        if (in.reason != NULL || memcmp(tid, receipts[i].tid, TID_SIZE) != 0 ||
            (receipts[i].valid && !usage_decode(receipts[i].usage, &receipts[i].record)))
            return TALLY_E_SERVER;
    }
    return TALLY_OK;
}

enum tally_error ticketd_check_receipts(struct ticketd *ticketd, struct ticketd_receipt *receipts,
                                        size_t count)
{
    char key[TALLY_IDEMPOTENCY_KEY_SIZE];
    json_t *body = NULL, *answer = NULL;
    if (is_down(ticketd))
        return TALLY_E_SERVER;
    enum tally_error e = tally_idempotency_key_make(ticketd->clock, ticketd->random, key);
    if (e == TALLY_OK)
        e = (body = receipts_json(receipts, count)) == NULL ? TALLY_E_MEMORY : TALLY_OK;
    if (e == TALLY_OK)
        e = tally_http_client_json(ticketd->authd, "POST", "/v1/receipts", key, body, &answer, NULL);
    note_reach(ticketd, e);
    if (e == TALLY_OK)
        e = read_receipts(answer, receipts, count);
    json_decref(body);
    json_decref(answer);
    return e == TALLY_OK || e == TALLY_E_MEMORY ? e : TALLY_E_SERVER;
}

/* Tickets. */

/* What a request for a ticket came to. */
struct outcome {
    uint8_t tid[TID_SIZE];
    bool issued, refused;
    char problem[TICKETD_PROBLEM_MAX];
    const struct ticketd *ticketd;
    enum tally_ticket_state state; /* after it was stored */
};

/* Refusals that asking again does not change; what else went wrong may be mended. */
static const struct tally_problem *final_problem(int code)
{
    for (size_t i = 0; i < TICKETING_PROBLEM_COUNT; i++)
        if (ticketing_problems[i].code == code && code < 1050 && i != TICKETING_SEQUENCE_TAKEN)
            return &ticketing_problems[i];
    return NULL;
}

static json_t *ticket_request(const struct ticketd_ticket *ticket)
{
    static const char *const not_ours[] = {"sequence", "replaces", "replaces_use_counter", "suite",
                                           "key_version"};
    json_t *face = tally_face_to_json(&ticket->face);
    for (size_t i = 0; i < sizeof not_ours / sizeof *not_ours; i++)
        json_object_del(face, not_ours[i]);
    json_t *body = json_pack("{s:o}", "face", face);
    if (ticket->replaces) {
        tally_json_set_hex(body, "replaces_tid", ticket->replaces_tid, TID_SIZE);
        tally_json_set_hex(body, "usage", ticket->usage, USAGE_SIZE);
    }
    return body;
}

/* The key is the ticket's own: whoever asks again, and after whatever crash, asks for the same. */
static void request_key(const char *verb, const uint8_t tid[TID_SIZE], char key[KEY_MAX])
{
    char hex[2 * TID_SIZE + 1];
    (void)tally_hex_encode(tid, TID_SIZE, hex, sizeof hex);
    snprintf(key, KEY_MAX, "%s-%s", verb, hex);
}

static enum tally_error ask(struct ticketd *ticketd, const struct ticketd_ticket *ticket,
                            struct outcome *outcome)
{
    char key[KEY_MAX];
    int code = 0;
    json_t *body = ticket_request(ticket), *answer = NULL;
    if (body == NULL)
        return TALLY_E_MEMORY;
    request_key("issue", ticket->tid, key);
    enum tally_error e =
        tally_http_client_json(ticketd->authd, "POST", "/v1/tickets", key, body, &answer, &code);
    note_reach(ticketd, e);
    const struct tally_problem *problem = e == TALLY_OK ? NULL : final_problem(code);
    outcome->issued = e == TALLY_OK;
    outcome->refused = problem != NULL;
    snprintf(outcome->problem, sizeof outcome->problem, "%s",
             e == TALLY_OK     ? ""
             : problem != NULL ? problem->name
                               : tally_error_text(e));
    json_decref(body);
    json_decref(answer);
    return e;
}

/* A replacement that was refused gives the old ticket back. */
static enum tally_error store_refusal(struct tally_tx *tx, struct ticketd_ticket *ticket)
{
    struct ticketd_ticket old;
    if (!ticket->replaces)
        return ticketd_step(tx, ticket, TICKET_CANCEL);
    enum tally_error e = ticketd_ticket_get(tx, ticket->replaces_tid, &old);
    return e == TALLY_OK ? ticketd_abandon(tx, &old, ticket) : e;
}

static enum tally_error store_outcome(struct tally_tx *tx, void *arg)
{
    struct outcome *outcome = arg;
    struct ticketd_ticket ticket;
    enum tally_error e = ticketd_ticket_get(tx, outcome->tid, &ticket);
    if (e != TALLY_OK)
        return e;
    if (ticket.state == TICKET_CANCELLED && outcome->issued) {
        /* Withdrawn while the request was under way. */
        ticket.block_pending = true;
        return ticketd_ticket_update(tx, &ticket);
    }
    if (ticket.state == TICKET_ORDERED) {
        memcpy(ticket.problem, outcome->problem, sizeof ticket.problem);
        if (outcome->issued) {
            e = ticketd_step(tx, &ticket, TICKET_CONFIRM);
        } else if (outcome->refused) {
            e = store_refusal(tx, &ticket);
        } else {
            ticket.next_attempt_ms = tally_clock_wall_ms(outcome->ticketd->clock) +
                                     ticketd_backoff_ms(outcome->ticketd, ++ticket.attempts);
            e = ticketd_ticket_update(tx, &ticket);
        }
    }
    outcome->state = ticket.state;
    return e;
}

struct lookup {
    uint8_t tid[TID_SIZE];
    struct ticketd_ticket ticket;
};

static enum tally_error look(struct tally_tx *tx, void *arg)
{
    struct lookup *lookup = arg;
    return ticketd_ticket_get(tx, lookup->tid, &lookup->ticket);
}

enum tally_error ticketd_issue(struct ticketd *ticketd, const uint8_t tid[TID_SIZE], bool patient)
{
    struct lookup lookup;
    struct outcome outcome = {.ticketd = ticketd};
    memcpy(lookup.tid, tid, TID_SIZE);
    memcpy(outcome.tid, tid, TID_SIZE);
    enum tally_error e = tally_db_read(ticketd->db, look, &lookup);
    if (e != TALLY_OK || lookup.ticket.state != TICKET_ORDERED)
        return e;
    if (!patient && is_down(ticketd))
        return TALLY_E_SERVER;
    enum tally_error asked = ask(ticketd, &lookup.ticket, &outcome);
    if (asked == TALLY_E_MEMORY)
        return asked;
    e = tally_db_write(ticketd->db, store_outcome, &outcome);
    tally_metric_add(outcome.issued    ? ticketd->issued
                     : outcome.refused ? ticketd->cancelled
                                       : ticketd->retried,
                     1);
    if (!outcome.issued)
        tally_log(TALLY_LOG_WARN, "authd", NULL, "a ticket was not issued",
                  TALLY_STR("reason", outcome.problem), TALLY_BOOL("final", outcome.refused));
    if (e != TALLY_OK)
        return e;
    return outcome.issued || outcome.refused ? TALLY_OK : asked;
}

/* Blocking. */

static enum tally_error store_blocked(struct tally_tx *tx, void *arg)
{
    struct outcome *outcome = arg;
    struct ticketd_ticket ticket;
    enum tally_error e = ticketd_ticket_get(tx, outcome->tid, &ticket);
    if (e != TALLY_OK)
        return e;
    ticket.block_pending = !outcome->issued;
    if (ticket.block_pending)
        ticket.next_attempt_ms = tally_clock_wall_ms(outcome->ticketd->clock) +
                                 ticketd_backoff_ms(outcome->ticketd, ++ticket.attempts);
    return ticketd_ticket_update(tx, &ticket);
}

enum tally_error ticketd_block(struct ticketd *ticketd, const uint8_t tid[TID_SIZE])
{
    char key[KEY_MAX], path[KEY_MAX + 24], hex[2 * TID_SIZE + 1];
    struct outcome outcome = {.ticketd = ticketd};
    int code = 0;
    json_t *answer = NULL, *body = json_pack("{s:s}", "reason", "cancelled by the ticket server");
    memcpy(outcome.tid, tid, TID_SIZE);
    request_key("block", tid, key);
    (void)tally_hex_encode(tid, TID_SIZE, hex, sizeof hex);
    snprintf(path, sizeof path, "/v1/tickets/%s/block", hex);
    enum tally_error e = tally_http_client_json(ticketd->authd, "POST", path, key, body, &answer, &code);
    note_reach(ticketd, e);
    /* It was never issued: nothing to block. Should a request still be under way, its outcome asks again. */
    outcome.issued = e == TALLY_OK || code == TICKETING_PROBLEM(TICKET_UNKNOWN)->code;
    json_decref(body);
    json_decref(answer);
    enum tally_error stored = tally_db_write(ticketd->db, store_blocked, &outcome);
    return outcome.issued ? stored : e;
}
