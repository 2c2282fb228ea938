/* Public parameters, revocations, the audit log. */
#include <string.h>

#include "host/base/bytes.h"
#include "host/ticketing/json_values.h"
#include "host/ticketing/keycentre/keycentre.h"

enum { NUMBER_TEXT = 24 };

static json_t *epochs_json(const struct keycentre_epochs *epochs, int64_t now)
{
    json_t *in_force =
        json_pack("{s:i, s:i, s:i}", "authd", (int)keycentre_epoch_now(epochs, IDENTITY_AUTHD, now), "card",
                  (int)keycentre_epoch_now(epochs, IDENTITY_CARD, now), "gate",
                  (int)keycentre_epoch_now(epochs, IDENTITY_GATE, now));
    return json_pack("{s:I, s:I, s:I, s:I, s:o}", "start", (json_int_t)epochs->start, "length",
                     (json_int_t)epochs->length, "card_length", (json_int_t)epochs->card_length, "lead",
                     (json_int_t)epochs->lead, "now", in_force);
}

static void set_group(json_t *json, const struct keycentre_state *state)
{
    json_t *sign = json_array(), *encrypt = json_array(), *holder = json_object();
    const struct keycentre_group_public *keys = &state->settings.keys;
    for (unsigned i = 0; i < keys->size.centres; i++) {
        tally_json_set_hex(holder, "s", keys->shares[i].sign, G2_BYTES);
        tally_json_set_hex(holder, "e", keys->shares[i].encrypt, G1_BYTES);
        json_array_append(sign, json_object_get(holder, "s"));
        json_array_append(encrypt, json_object_get(holder, "e"));
    }
    json_decref(holder);
    json_object_set_new(json, "index", json_integer(state->index));
    json_object_set_new(json, "threshold", json_integer(keys->size.threshold));
    json_object_set_new(json, "centres", json_integer(keys->size.centres));
    json_object_set_new(json, "sign_shares", sign);
    json_object_set_new(json, "encrypt_shares", encrypt);
}

enum tally_error keycentre_parameters_read(struct tally_call *call)
{
    struct keycentre_state state;
    keycentre_state_copy(call->wing, &state);
    const struct keycentre_settings *settings = &state.settings;
    if (!settings->set_up)
        return tally_call_problem(call, KEYCENTRE_PROBLEM(NOT_SET_UP), NULL);
    json_t *json = json_pack("{s:s, s:o}", "kind", settings->threshold ? "threshold" : "single", "epochs",
                             epochs_json(&settings->group.epochs, tally_clock_wall_s(call->clock)));
    tally_json_set_hex(json, "master", state.master, sizeof state.master);
    tally_json_set_hex(json, "sign_master", settings->keys.masters.sign, G2_BYTES);
    tally_json_set_hex(json, "encrypt_master", settings->keys.masters.encrypt, G1_BYTES);
    if (settings->threshold)
        set_group(json, &state);
    tally_wipe(&state, sizeof state);
    return tally_call_answer(call, 200, json);
}

enum tally_error keycentre_revocation_prepare(struct tally_call *call, void *state)
{
    struct keycentre_revocation *r = state;
    struct tally_json in;
    tally_json_begin(&in, call->body);
    tally_json_string_copy(&in, "holder", 1, r->holder, sizeof r->holder);
    if (in.reason == NULL && !keycentre_holder_valid(r->holder))
        tally_json_fault(&in, "holder", "is not an identity without its epoch");
    r->revoked = tally_json_bool(&in, "revoked");
    tally_json_string_copy(&in, "reason", 1, r->reason, sizeof r->reason);
    return tally_call_end_json(call, &in);
}

enum tally_error keycentre_revocation_apply(struct tally_call *call, void *state, struct tally_tx *tx)
{
    const struct keycentre_revocation *r = state;
    struct keycentre_record record;
    bool changed;
    enum tally_error e =
        keycentre_revoke(tx, r->holder, r->revoked, r->reason, tally_clock_wall_s(call->clock), &changed);
    if (e == TALLY_OK && changed)
        e = keycentre_log(call, tx, r->revoked ? "revoke" : "restore", r->holder, &record);
    if (e != TALLY_OK)
        return e;
    return tally_call_answer(call, 200, json_pack("{s:s, s:b}", "holder", r->holder, "revoked", r->revoked));
}

struct page {
    int64_t after, last;
    json_t *records;
};

static enum tally_error add_record(void *ctx, const struct keycentre_record *r)
{
    struct page *page = ctx;
    json_t *json = json_pack("{s:I, s:I, s:s, s:s, s:s, s:s}", "number", (json_int_t)r->number, "time",
                             (json_int_t)r->time, "event", r->event, "party", r->party, "subject", r->subject,
                             "request", r->request);
    tally_json_set_hex(json, "hash", r->hash, sizeof r->hash);
    page->last = r->number;
    return json_array_append_new(page->records, json) == 0 ? TALLY_OK : TALLY_E_MEMORY;
}

static enum tally_error read_page(struct tally_tx *tx, void *arg)
{
    struct page *page = arg;
    json_array_clear(page->records);
    return keycentre_audit_page(tx, page->after, add_record, page);
}

enum tally_error keycentre_audit_read(struct tally_call *call)
{
    struct page page = {.after = 0};
    char text[NUMBER_TEXT];
    uint32_t after = 0;
    enum tally_error e = tally_http_query(call->request, "after", text, sizeof text);
    if (e != TALLY_E_NOT_FOUND && (e != TALLY_OK || !tally_number_parse(text, 0, UINT32_MAX, &after)))
        return tally_call_invalid(call, "after", "must be a number");
    page.after = page.last = after;
    page.records = json_array();
    e = tally_db_read(call->db, read_page, &page);
    if (e != TALLY_OK) {
        json_decref(page.records);
        return e;
    }
    return tally_call_answer(call, 200,
                             json_pack("{s:o, s:I}", "records", page.records, "next", (json_int_t)page.last));
}
