/* Exchange and refund: the old ticket's usage record decides what it is worth, the card's receipt will end
 * it. */
#include <string.h>

#include "host/crypto/sym.h"
#include "host/ticketing/json_values.h"
#include "host/ticketing/ticketd.h"

/* Of what a repeated request must have in common: the usage record, and the choice of an exchange. */
static enum tally_error digest_request(struct ticketd_changing *changing)
{
    const struct ticketd_choice *choice = &changing->choice;
    uint8_t kind = changing->exchange;
    uint8_t numbers[] = {(uint8_t)(choice->product >> 8), (uint8_t)choice->product,
                         (uint8_t)(choice->date >> 8), (uint8_t)choice->date, choice->fare_class};
    const struct tally_bytes parts[] = {{&kind, 1},
                                        {changing->usage, USAGE_SIZE},
                                        {numbers, sizeof numbers},
                                        {(const uint8_t *)choice->service, SERVICE_SIZE}};
    return tally_sha256_labelled("tally/ticketd-change/1", parts, sizeof parts / sizeof *parts,
                                 changing->digest);
}

/* Has the usage record checked: what a card did not sign moves no money. */
static enum tally_error check_usage(struct tally_call *call, struct ticketd_changing *changing)
{
    struct ticketd_receipt receipt = {.tid = changing->tid, .usage = changing->usage};
    enum tally_error e = ticketd_check_receipts(call->wing, &receipt, 1);
    if (e == TALLY_E_SERVER)
        return tally_call_problem(call, TALLY_PROBLEM(UPSTREAM), "the authentication server was not reached");
    if (e != TALLY_OK)
        return e;
    if (!receipt.valid || receipt.record.event == EVENT_DELETED)
        return tally_call_problem(call, TICKETING_PROBLEM(RECEIPT_INVALID), NULL);
    if (receipt.record.use_counter < receipt.highest_use_counter)
        return tally_call_problem(call, TICKETING_PROBLEM(RECEIPT_STALE), NULL);
    changing->record = receipt.record;
    return TALLY_OK;
}

static enum tally_error prepare(struct tally_call *call, struct ticketd_changing *changing)
{
    const struct ticketd *ticketd = call->wing;
    struct ticketd_ticket old;
    struct tally_json in;
    if (!ticketd_param_tid(call, changing->tid))
        return TALLY_E_DENIED;
    enum tally_error e = tally_random_fill(ticketd->random, changing->new_tid, TID_SIZE);
    if (e != TALLY_OK)
        return e;
    tally_json_begin(&in, call->body);
    tally_json_bytes(&in, "usage", changing->usage, USAGE_SIZE);
    if (changing->exchange) {
        const uint8_t *tids[] = {changing->tid, changing->new_tid};
        uint8_t *hashes[] = {changing->old_holder_hash, changing->new_holder_hash};
        ticketd_choice_read(&in, &changing->choice, false);
        changing->holder_document = ticketd_holder_read(&in, tids, hashes, 2);
    }
    e = tally_call_end_json(call, &in);
    if (e == TALLY_OK)
        e = ticketd_find(call, changing->tid, &old);
    if (e == TALLY_OK)
        e = digest_request(changing);
    return e == TALLY_OK ? check_usage(call, changing) : e;
}

enum tally_error ticketd_exchange_prepare(struct tally_call *call, void *state)
{
    struct ticketd_changing *changing = state;
    changing->exchange = true;
    return prepare(call, changing);
}

enum tally_error ticketd_refund_prepare(struct tally_call *call, void *state)
{
    return prepare(call, state);
}

static enum tally_error answer(struct tally_call *call, const struct ticketd_ticket *replacement,
                               bool exchange, int status)
{
    json_t *json = ticketd_ticket_json(replacement);
    json_object_set_new(json, exchange ? "difference" : "refund", json_integer(replacement->amount));
    return tally_call_answer(call, status, json);
}

static enum tally_error refuse(struct tally_call *call, enum tally_sale_verdict verdict)
{
    return tally_call_problem(
        call, verdict == SALE_NOT_ALLOWED ? TICKETING_PROBLEM(NOT_ALLOWED) : TICKETING_PROBLEM(TICKET_USED),
        tally_sale_verdict_text(verdict));
}

static enum tally_error make_exchange(struct tally_call *call, const struct ticketd_changing *changing,
                                      const struct ticketd_ticket *old, struct tally_tx *tx,
                                      struct ticketd_ticket *fresh)
{
    const struct ticketd *ticketd = call->wing;
    struct tally_product product;
    struct tally_offer service;
    struct ticketd_choice choice = changing->choice;
    choice.operator_id = old->face.operator_id;
    enum tally_error e = ticketd_choice_find(call, tx, &choice, &product, &service);
    if (e != TALLY_OK)
        return e;
    enum tally_sale_verdict verdict =
        tally_exchange(&old->face, &changing->record, product.price, &fresh->amount);
    if (verdict == SALE_OK && product.currency != old->face.currency)
        verdict = SALE_NOT_ALLOWED;
    if (verdict != SALE_OK)
        return refuse(call, verdict);
    struct tally_sale sale = {.product = &product,
                              .service = &service,
                              .tid = changing->new_tid,
                              .serial = old->face.serial,
                              .fare_class = choice.fare_class,
                              .fare_type = old->face.fare_type,
                              .point_of_sale = old->face.point_of_sale,
                              .holder_document = changing->holder_document,
                              .now = tally_clock_wall_s(call->clock),
                              .utc_offset_minutes = ticketd->utc_offset_minutes};
    memcpy(sale.holder_hash, changing->new_holder_hash, HOLDER_HASH_SIZE);
    e = ticketd_seat_take(tx, &service, &sale.seat);
    if (e == TALLY_E_FULL)
        return tally_call_problem(call, TICKETING_PROBLEM(SOLD_OUT), NULL);
    tally_sale_face(&sale, &fresh->face);
    fresh->has_seat = true;
    fresh->seat = sale.seat;
    return e;
}

static enum tally_error make_refund(struct tally_call *call, const struct ticketd_changing *changing,
                                    const struct ticketd_ticket *old, struct ticketd_ticket *fresh)
{
    uint32_t amount;
    enum tally_sale_verdict verdict = tally_refund(&old->face, &changing->record, &amount);
    if (verdict != SALE_OK)
        return refuse(call, verdict);
    fresh->amount = amount;
    tally_void_face(&old->face, changing->new_tid, amount, tally_clock_wall_s(call->clock), &fresh->face);
    return TALLY_OK;
}

static enum tally_error replace(struct tally_call *call, const struct ticketd_changing *changing,
                                struct ticketd_ticket *old, struct tally_tx *tx)
{
    const struct ticketd *ticketd = call->wing;
    struct ticketd_ticket fresh = {.state = TICKET_ORDERED,
                                   .replaces = true,
                                   .next_attempt_ms =
                                       tally_clock_wall_ms(call->clock) + ticketd_backoff_ms(ticketd, 0)};
    memcpy(fresh.tid, changing->new_tid, TID_SIZE);
    memcpy(fresh.order, old->order, TICKETD_ORDER_ID);
    memcpy(fresh.replaces_tid, old->tid, TID_SIZE);
    memcpy(fresh.usage, changing->usage, USAGE_SIZE);
    memcpy(fresh.request, changing->digest, TICKETD_DIGEST);
    enum tally_error e = changing->exchange ? make_exchange(call, changing, old, tx, &fresh)
                                            : make_refund(call, changing, old, &fresh);
    if (e == TALLY_OK)
        e = ticketd_step(tx, old, changing->exchange ? TICKET_EXCHANGE : TICKET_REFUND);
    if (e == TALLY_OK)
        e = ticketd_ticket_insert(tx, &fresh);
    return e == TALLY_OK ? answer(call, &fresh, changing->exchange, 201) : e;
}

/* A named ticket stays its holder's: the document must be shown again and be the one it was sold to, because
 * the hash is salted with the TID and the number is not stored. NULL when it is so. */
static const char *holder_refusal(const struct ticketd_changing *changing, const struct ticket_face *old)
{
    bool bound = (old->flags & FACE_HOLDER_BOUND) != 0;
    if (!bound)
        return changing->holder_document == 0 ? NULL : "the ticket has no holder";
    bool same = changing->holder_document == old->holder_document &&
                tally_equal_ct(changing->old_holder_hash, old->holder_hash, HOLDER_HASH_SIZE);
    return same ? NULL : "the holder's document is not that of the ticket";
}

enum tally_error ticketd_change_apply(struct tally_call *call, void *state, struct tally_tx *tx)
{
    struct ticketd_changing *changing = state;
    struct ticketd_ticket old, replacement;
    struct usage_record before;
    enum tally_error e = ticketd_ticket_get(tx, changing->tid, &old);
    if (e != TALLY_OK)
        return e;
    const char *holder = changing->exchange ? holder_refusal(changing, &old.face) : NULL;
    if (holder != NULL)
        return tally_call_problem(call, TICKETING_PROBLEM(HOLDER_NEEDED), holder);
    e = ticketd_ticket_replacement(tx, changing->tid, &replacement);
    if (e != TALLY_OK && e != TALLY_E_NOT_FOUND)
        return e;
    if (e == TALLY_OK) {
        if (memcmp(replacement.request, changing->digest, TICKETD_DIGEST) == 0)
            return answer(call, &replacement, changing->exchange, 200);
        /* The card moved on since: the earlier replacement names a use counter that will not come back. */
        if (!usage_decode(replacement.usage, &before) || changing->record.use_counter <= before.use_counter ||
            !tally_ticket_next(old.state, TICKET_ABANDON, &(enum tally_ticket_state){0}))
            return tally_call_problem(call, TICKETING_PROBLEM(TICKET_STATE),
                                      tally_ticket_state_name(old.state));
        e = ticketd_abandon(tx, &old, &replacement);
        if (e != TALLY_OK)
            return e;
    }
    if (old.state != TICKET_LOADED)
        return tally_call_problem(call, TICKETING_PROBLEM(TICKET_STATE), tally_ticket_state_name(old.state));
    changing->wake = call->wing;
    return replace(call, changing, &old, tx);
}
