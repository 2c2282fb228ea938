/* What anybody may know of an operator: public keys, and its signed deny list. */
#include <stdlib.h>
#include <string.h>

#include "host/ticketing/authd.h"
#include "host/ticketing/json_values.h"

static json_t *key6_json(const struct tally_operator_keys *keys)
{
    json_t *array = json_array();
    for (size_t i = 0; i < keys->key1.count; i++) {
        size_t n;
        const uint8_t *raw = tally_key_public(keys->key1.at[i].key, &n);
        json_t *entry = json_pack("{s:i}", "version", keys->key1.at[i].version);
        tally_json_set_hex(entry, "key", raw, n);
        json_array_append_new(array, entry);
    }
    return array;
}

static json_t *sub_key_versions_json(const struct tally_operator_keys *keys)
{
    json_t *array = json_array();
    for (size_t i = 0; i < keys->vmk.count; i++)
        json_array_append_new(array, json_integer(keys->vmk.at[i].version));
    return array;
}

static json_t *operator_json(const struct tally_keystore *keystore, const struct tally_operator_keys *keys)
{
    size_t n;
    json_t *json =
        json_pack("{s:i, s:i, s:o, s:o, s:i, s:i}", "operator", keys->id, "suite", keys->suite, "key6",
                  key6_json(keys), "sub_key_versions", sub_key_versions_json(keys), "sub_key_floor",
                  keys->sub_key_floor, "gate_epoch_floor", keys->gate_epoch_floor);
    tally_json_set_hex(json, "authority_key", tally_key_public(keys->authority, &n), P256_PUBLIC_SIZE);
    if (keys->gate_anchor != NULL)
        tally_json_set_hex(json, "gate_anchor", tally_key_public(keys->gate_anchor, &n), P256_PUBLIC_SIZE);
    tally_json_set_hex(json, "enrolment", keys->enrolment, ENROLMENT_SIZE);
    tally_json_set_hex(json, "enrolment_key", tally_key_public(keystore->enrolment, &n), P256_PUBLIC_SIZE);
    return json;
}

enum tally_error authd_operator_read(struct tally_call *call)
{
    uint16_t id;
    if (!authd_param_operator(call, &id))
        return TALLY_E_DENIED;
    struct tally_keystore *keystore = authd_keys(call->wing);
    const struct tally_operator_keys *keys = tally_keystore_operator(keystore, id);
    enum tally_error e = keys == NULL ? tally_call_problem(call, TICKETING_PROBLEM(OPERATOR_UNKNOWN), NULL)
                                      : tally_call_answer(call, 200, operator_json(keystore, keys));
    tally_keystore_release(keystore);
    return e;
}

static enum tally_error answer_list(struct tally_call *call, const struct tally_operator_keys *keys,
                                    uint32_t since)
{
    const struct authd *authd = call->wing;
    char *text;
    size_t size;
    if (keys == NULL)
        return tally_call_problem(call, TICKETING_PROBLEM(OPERATOR_UNKNOWN), NULL);
    enum tally_error e = authd_denylist_make(call->db, keys, since, tally_clock_wall_s(call->clock),
                                             authd->deny_list_lifetime_s, &text, &size);
    if (e == TALLY_OK)
        tally_http_respond(call->response, 200, "text/plain", text, size);
    return e;
}

enum tally_error authd_denylist_read(struct tally_call *call)
{
    char text[16];
    uint16_t id;
    uint32_t since = 0;
    if (!authd_param_operator(call, &id))
        return TALLY_E_DENIED;
    enum tally_error e = tally_http_query(call->request, "since", text, sizeof text);
    if (e != TALLY_E_NOT_FOUND && (e != TALLY_OK || !tally_number_parse(text, 0, UINT32_MAX, &since)))
        return tally_call_invalid(call, "since", "must be the version of a list");
    struct tally_keystore *keystore = authd_keys(call->wing);
    e = answer_list(call, tally_keystore_operator(keystore, id), since);
    tally_keystore_release(keystore);
    return e;
}
