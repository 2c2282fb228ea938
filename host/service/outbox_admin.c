#include "host/service/outbox_admin.h"

struct listing {
    char after[TALLY_OUTBOX_NAME_MAX + 1];
    json_t *messages;
};

static enum tally_error add(void *ctx, const struct tally_outbox_item *item, int64_t died_ms,
                            const char *reason)
{
    struct listing *listing = ctx;
    json_t *message =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:s}", "id", item->id, "destination", item->destination,
                  "kind", item->kind, "created_ms", (json_int_t)item->created_ms, "died_ms",
                  (json_int_t)died_ms, "attempts", (json_int_t)item->attempts, "reason", reason);
    return json_array_append_new(listing->messages, message) == 0 ? TALLY_OK : TALLY_E_MEMORY;
}

static enum tally_error list(struct tally_tx *tx, void *arg)
{
    struct listing *listing = arg;
    json_array_clear(listing->messages);
    return tally_outbox_dead(tx, listing->after, TALLY_OUTBOX_DEAD_MAX, add, listing);
}

enum tally_error tally_outbox_dead_read(struct tally_call *call)
{
    struct listing listing = {.messages = json_array()};
    enum tally_error e = tally_http_query(call->request, "after", listing.after, sizeof listing.after);
    if (e == TALLY_OK || e == TALLY_E_NOT_FOUND)
        e = tally_db_read(call->db, list, &listing);
    if (e == TALLY_OK)
        return tally_call_answer(call, 200, json_pack("{s:o}", "messages", listing.messages));
    json_decref(listing.messages);
    return e;
}

enum tally_error tally_outbox_resend_apply(struct tally_call *call, void *state, struct tally_tx *tx)
{
    (void)state;
    const char *id = tally_http_param(call->request, "id");
    enum tally_error e = tally_outbox_resend(tx, id, tally_clock_wall_ms(call->clock));
    return e == TALLY_OK ? tally_call_answer(call, 200, json_pack("{s:s}", "id", id)) : e;
}
