/* Receipts: usage records whose MAC shows that the card made them. */
#include <string.h>

#include "host/crypto/kdf.h"
#include "host/crypto/ticket_crypto.h"
#include "host/ticketing/authd.h"
#include "host/ticketing/json_values.h"

enum { USAGE_AT_KEY_VERSION = 26 };

enum tally_error authd_receipt_check(const struct tally_operator_keys *keys,
                                     const uint8_t serial[SERIAL_SIZE], const uint8_t tid[TID_SIZE],
                                     const uint8_t usage[USAGE_SIZE], struct usage_record *record)
{
    uint8_t sub_key[SYM_KEY_SIZE], receipt_key[SYM_KEY_SIZE];
    if (!usage_decode(usage, record))
        return TALLY_E_FORMAT;
    uint8_t version = usage[USAGE_AT_KEY_VERSION];
    const uint8_t *vmk = tally_secret_ring_find(&keys->vmk, version);
    if (vmk == NULL)
        return TALLY_E_CRYPTO;
    enum tally_error e = tally_derive_sub_key(vmk, version, keys->id, serial, sub_key);
    if (e == TALLY_OK)
        e = tally_derive_receipt_key(sub_key, receipt_key);
    if (e == TALLY_OK)
        e = tally_receipt_verify(receipt_key, serial, keys->id, tid, usage);
    tally_wipe(sub_key, sizeof sub_key);
    tally_wipe(receipt_key, sizeof receipt_key);
    return e;
}

static enum tally_error look(struct tally_tx *tx, void *arg)
{
    struct authd_receipts *state = arg;
    struct authd_ticket ticket;
    for (size_t i = 0; i < state->count; i++) {
        enum tally_error e = authd_ticket_get(tx, state->at[i].tid, &ticket);
        if (e != TALLY_OK && e != TALLY_E_NOT_FOUND)
            return e;
        state->at[i].known = e == TALLY_OK;
        state->at[i].operator_id = ticket.operator_id;
        memcpy(state->at[i].serial, ticket.serial, SERIAL_SIZE);
    }
    return TALLY_OK;
}

/* All receipts of a request; TALLY_OK or the answered problem. */
static enum tally_error read_receipts(struct tally_call *call, struct authd_receipts *state)
{
    struct tally_json in, item;
    tally_json_begin(&in, call->body);
    const json_t *array = tally_json_array(&in, "receipts", 1, AUTHD_RECEIPTS_MAX);
    enum tally_error e = tally_call_end_json(call, &in);
    for (size_t i = 0; e == TALLY_OK && i < json_array_size(array); i++) {
        tally_json_begin(&item, json_array_get(array, i));
        tally_json_bytes(&item, "tid", state->at[i].tid, TID_SIZE);
        tally_json_bytes(&item, "usage", state->at[i].usage, USAGE_SIZE);
        e = tally_call_end_json(call, &item);
    }
    state->count = json_array_size(array);
    return e;
}

enum tally_error authd_receipts_prepare(struct tally_call *call, void *arg)
{
    struct authd_receipts *state = arg;
    enum tally_error e = read_receipts(call, state);
    if (e == TALLY_OK)
        e = tally_db_read(call->db, look, state);
    if (e != TALLY_OK)
        return e;
    struct tally_keystore *keystore = authd_keys(call->wing);
    for (size_t i = 0; i < state->count; i++) {
        const struct tally_operator_keys *keys = tally_keystore_operator(keystore, state->at[i].operator_id);
        state->at[i].valid = state->at[i].known && keys != NULL &&
                             authd_receipt_check(keys, state->at[i].serial, state->at[i].tid,
                                                 state->at[i].usage, &state->at[i].record) == TALLY_OK;
    }
    tally_keystore_release(keystore);
    return TALLY_OK;
}

static enum tally_error record_one(struct tally_tx *tx, const struct authd_receipts *state, size_t i,
                                   int64_t now, json_t *item)
{
    const struct usage_record *record = &state->at[i].record;
    uint16_t highest = 0;
    enum tally_error e = authd_receipt_put(tx, state->at[i].tid, state->at[i].usage, now);
    if (e == TALLY_OK)
        e = authd_receipt_highest(tx, state->at[i].tid, &highest);
    json_object_set_new(item, "event", json_integer(record->event));
    json_object_set_new(item, "use_counter", json_integer(record->use_counter));
    json_object_set_new(item, "card_transaction_counter", json_integer(record->card_transaction_counter));
    json_object_set_new(item, "highest_use_counter", json_integer(highest));
    return e;
}

enum tally_error authd_receipts_apply(struct tally_call *call, void *arg, struct tally_tx *tx)
{
    const struct authd_receipts *state = arg;
    int64_t now = tally_clock_wall_s(call->clock);
    enum tally_error e = TALLY_OK;
    json_t *array = json_array();
    for (size_t i = 0; e == TALLY_OK && i < state->count; i++) {
        json_t *item = json_pack("{s:b}", "valid", state->at[i].valid);
        tally_json_set_hex(item, "tid", state->at[i].tid, TID_SIZE);
        if (state->at[i].valid)
            e = record_one(tx, state, i, now, item);
        json_array_append_new(array, item);
    }
    if (e != TALLY_OK) {
        json_decref(array);
        return e;
    }
    return tally_call_answer(call, 200, json_pack("{s:o}", "receipts", array));
}
