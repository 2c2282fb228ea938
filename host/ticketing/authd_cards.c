/* The register of cards. */
#include <string.h>

#include "host/ticketing/authd.h"
#include "host/ticketing/json_values.h"

enum { POINT_UNCOMPRESSED = 4, THUMBPRINT_SIZE = 32 };

/* A P-256 key in 65 bytes, kept as x || y; a point that is not on the curve is refused. */
static void read_point(struct tally_json *in, const char *name, uint8_t out[P256_PUBLIC_SIZE])
{
    uint8_t point[P256_POINT_SIZE];
    struct tally_key *key = NULL;
    tally_json_bytes(in, name, point, sizeof point);
    if (in->reason == NULL &&
        (point[0] != POINT_UNCOMPRESSED || tally_key_from_public(point, sizeof point, &key) != TALLY_OK))
        tally_json_fault(in, name, "is not a P-256 public key");
    tally_key_free(key);
    memcpy(out, point + 1, P256_PUBLIC_SIZE);
}

static void read_modulus(struct tally_json *in, struct authd_card *card)
{
    struct tally_key *key = NULL;
    card->has_rsa = tally_json_has(in, "rsa_modulus");
    if (!card->has_rsa)
        return;
    tally_json_bytes(in, "rsa_modulus", card->rsa_modulus, RSA_SIZE);
    if (in->reason == NULL && tally_key_from_public(card->rsa_modulus, RSA_SIZE, &key) != TALLY_OK)
        tally_json_fault(in, "rsa_modulus", "is not an RSA-2048 modulus");
    tally_key_free(key);
}

enum tally_error authd_card_prepare(struct tally_call *call, void *state)
{
    struct authd_card *card = state;
    struct tally_json in;
    tally_json_begin(&in, call->body);
    tally_json_bytes(&in, "serial", card->serial, SERIAL_SIZE);
    tally_json_bytes(&in, "chip_id", card->chip_id, CHIP_ID_SIZE);
    read_point(&in, "kem_key", card->kem_key);
    read_point(&in, "auth_key", card->auth_key);
    read_modulus(&in, card);
    card->key_version = (uint8_t)tally_json_int(&in, "card_key_version", 1, UINT8_MAX);
    return tally_call_end_json(call, &in);
}

static bool same_card(const struct authd_card *a, const struct authd_card *b)
{
    return memcmp(a->chip_id, b->chip_id, CHIP_ID_SIZE) == 0 &&
           memcmp(a->kem_key, b->kem_key, P256_PUBLIC_SIZE) == 0 &&
           memcmp(a->auth_key, b->auth_key, P256_PUBLIC_SIZE) == 0 && a->has_rsa == b->has_rsa &&
           memcmp(a->rsa_modulus, b->rsa_modulus, RSA_SIZE) == 0 && a->key_version == b->key_version;
}

enum tally_error authd_card_apply(struct tally_call *call, void *state, struct tally_tx *tx)
{
    const struct authd_card *card = state;
    struct authd_card known;
    int status = 201;
    enum tally_error e = authd_card_insert(tx, card, tally_clock_wall_s(call->clock));
    if (e == TALLY_E_EXISTS) {
        e = authd_card_get(tx, card->serial, &known);
        if (e == TALLY_E_NOT_FOUND || (e == TALLY_OK && !same_card(card, &known)))
            return tally_call_problem(call, TICKETING_PROBLEM(CARD_CONFLICT), NULL);
        status = 200;
    }
    if (e != TALLY_OK)
        return e;
    json_t *answer = json_object();
    tally_json_set_hex(answer, "serial", card->serial, SERIAL_SIZE);
    return tally_call_answer(call, status, answer);
}

struct card_view {
    uint8_t serial[SERIAL_SIZE];
    struct authd_card card;
    struct authd_card_operator operators[AUTHD_CARD_OPERATORS_MAX];
    size_t operator_count;
    int64_t tickets;
};

static enum tally_error look(struct tally_tx *tx, void *arg)
{
    struct card_view *view = arg;
    enum tally_error e = authd_card_get(tx, view->serial, &view->card);
    if (e == TALLY_OK)
        e = authd_card_operators(tx, view->serial, view->operators, AUTHD_CARD_OPERATORS_MAX,
                                 &view->operator_count);
    return e == TALLY_OK ? authd_card_ticket_count(tx, view->serial, &view->tickets) : e;
}

static void set_thumbprint(json_t *json, const char *name, const uint8_t key[P256_PUBLIC_SIZE])
{
    uint8_t digest[THUMBPRINT_SIZE];
    struct tally_bytes part = {key, P256_PUBLIC_SIZE};
    (void)tally_sha256_labelled("", &part, 1, digest);
    tally_json_set_hex(json, name, digest, sizeof digest);
}

static json_t *card_json(const struct card_view *view)
{
    const struct authd_card *card = &view->card;
    json_t *operators = json_array();
    for (size_t i = 0; i < view->operator_count; i++) {
        const struct authd_card_operator *op = &view->operators[i];
        json_array_append_new(operators,
                              json_pack("{s:i, s:s, s:I, s:i}", "operator", op->operator_id, "state",
                                        op->set ? "set" : "removed", "package_version",
                                        (json_int_t)op->package_version, "key6_version", op->key6_high));
    }
    json_t *json = json_pack("{s:i, s:b, s:b, s:I, s:o}", "card_key_version", card->key_version, "blocked",
                             card->blocked, "rsa", card->has_rsa, "tickets", (json_int_t)view->tickets,
                             "operators", operators);
    if (json == NULL)
        return NULL;
    tally_json_set_hex(json, "serial", card->serial, SERIAL_SIZE);
    tally_json_set_hex(json, "chip_id", card->chip_id, CHIP_ID_SIZE);
    set_thumbprint(json, "kem_thumbprint", card->kem_key);
    set_thumbprint(json, "auth_thumbprint", card->auth_key);
    json_object_set_new(json, "reason", card->reason[0] != '\0' ? json_string(card->reason) : json_null());
    return json;
}

enum tally_error authd_card_read(struct tally_call *call)
{
    struct card_view view;
    if (!authd_param_serial(call, view.serial))
        return TALLY_E_DENIED;
    enum tally_error e = tally_db_read(call->db, look, &view);
    if (e == TALLY_E_NOT_FOUND)
        return tally_call_problem(call, TICKETING_PROBLEM(CARD_UNKNOWN), NULL);
    return e == TALLY_OK ? tally_call_answer(call, 200, card_json(&view)) : e;
}

static enum tally_error read_reason(struct tally_call *call, struct authd_block *block, bool blocked)
{
    struct tally_json in;
    block->blocked = blocked;
    tally_json_begin(&in, call->body);
    tally_json_string_copy(&in, "reason", 1, block->reason, sizeof block->reason);
    return tally_call_end_json(call, &in);
}

enum tally_error authd_card_block_prepare(struct tally_call *call, void *state)
{
    struct authd_block *block = state;
    return authd_param_serial(call, block->id) ? read_reason(call, block, true) : TALLY_E_DENIED;
}

enum tally_error authd_card_unblock_prepare(struct tally_call *call, void *state)
{
    struct authd_block *block = state;
    return authd_param_serial(call, block->id) ? read_reason(call, block, false) : TALLY_E_DENIED;
}

enum tally_error authd_ticket_block_prepare(struct tally_call *call, void *state)
{
    struct authd_block *block = state;
    return authd_param_tid(call, block->id) ? read_reason(call, block, true) : TALLY_E_DENIED;
}

enum tally_error authd_ticket_unblock_prepare(struct tally_call *call, void *state)
{
    struct authd_block *block = state;
    return authd_param_tid(call, block->id) ? read_reason(call, block, false) : TALLY_E_DENIED;
}

static enum tally_error answer_block(struct tally_call *call, const struct authd_block *block,
                                     const char *name, size_t n)
{
    json_t *answer = json_pack("{s:b}", "blocked", block->blocked);
    tally_json_set_hex(answer, name, block->id, n);
    return tally_call_answer(call, 200, answer);
}

enum tally_error authd_card_block_apply(struct tally_call *call, void *state, struct tally_tx *tx)
{
    const struct authd_block *block = state;
    enum tally_error e =
        authd_card_block(tx, block->id, block->blocked, block->reason, tally_clock_wall_s(call->clock));
    if (e == TALLY_E_NOT_FOUND)
        return tally_call_problem(call, TICKETING_PROBLEM(CARD_UNKNOWN), NULL);
    return e == TALLY_OK ? answer_block(call, block, "serial", SERIAL_SIZE) : e;
}

enum tally_error authd_ticket_block_apply(struct tally_call *call, void *state, struct tally_tx *tx)
{
    const struct authd_block *block = state;
    enum tally_error e =
        authd_ticket_block(tx, block->id, block->blocked, block->reason, tally_clock_wall_s(call->clock));
    if (e == TALLY_E_NOT_FOUND)
        return tally_call_problem(call, TICKETING_PROBLEM(TICKET_UNKNOWN), NULL);
    return e == TALLY_OK ? answer_block(call, block, "tid", TID_SIZE) : e;
}
