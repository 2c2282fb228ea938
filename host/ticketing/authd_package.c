/* Operator packages: an operator's keys for one card. */
#include <string.h>

#include "host/crypto/certificate.h"
#include "host/crypto/kdf.h"
#include "host/ticketing/authd.h"
#include "host/ticketing/json_values.h"
#include "host/ticketing/keystore_sm9.h"

/* Offsets in a raw key 6 of suite SM9. */
enum { AT_SM9_EPOCH = 2, AT_SM9_MASTERS = AT_SM9_EPOCH + SM9_EPOCH_SIZE };

static enum tally_error look(struct tally_tx *tx, void *arg)
{
    struct authd_package *state = arg;
    uint16_t operator_id = state->op.operator_id;
    enum tally_error e = authd_card_get(tx, state->card.serial, &state->card);
    if (e != TALLY_OK)
        return e;
    e = authd_card_operator_get(tx, state->card.serial, operator_id, &state->op);
    state->op.operator_id = operator_id;
    return e == TALLY_E_NOT_FOUND ? TALLY_OK : e;
}

/* Of suite SM9 the card keeps one set of master keys, the newest, and of each key 6 the epoch. */
static bool same_masters(const struct tally_key *a, const struct tally_key *b)
{
    size_t n;
    const uint8_t *x = tally_key_public(a, &n), *y = tally_key_public(b, &n);
    return memcmp(x + AT_SM9_MASTERS, y + AT_SM9_MASTERS, TALLY_SM9_PUBLIC_SIZE - AT_SM9_MASTERS) == 0;
}

/* The two newest versions of key 6. */
static void put_key6(const struct tally_operator_keys *keys, struct tally_package *package)
{
    bool sm9 = keys->suite == SUITE_SM9;
    size_t last = keys->key1.count - 1, n;
    for (size_t i = last < KEY6_MAX ? 0 : last - KEY6_MAX + 1; i <= last; i++) {
        const struct tally_key *key = keys->key1.at[i].key;
        if (sm9 && !same_masters(key, keys->key1.at[last].key))
            continue;
        struct tally_package_key6 *key6 = &package->key6[package->key6_count++];
        const uint8_t *raw = tally_key_public(key, &n);
        key6->version = keys->key1.at[i].version;
        memcpy(key6->key, sm9 ? raw + AT_SM9_EPOCH : raw, sm9 ? SM9_EPOCH_SIZE : n);
    }
}

/* What speaks for the card and its gates: a certificate and the gate anchor, or the card's identity. */
static enum tally_error put_authority(const struct tally_operator_keys *keys, struct authd_package *state,
                                      struct tally_package *package)
{
    size_t n;
    if (keys->suite == SUITE_SM9) {
        struct identity card = {.scheme = IDENTITY_CARD, .epoch = keys->card_epoch};
        memcpy(card.serial, state->card.serial, SERIAL_SIZE);
        state->op.card_epoch = keys->card_epoch;
        return tally_keystore_holder(keys, &card, &package->holder);
    }
    memcpy(package->gate_anchor, tally_key_public(keys->gate_anchor, &n), P256_PUBLIC_SIZE);
    return tally_card_certificate_make(keys->authority, keys->id, state->card.serial, state->card.auth_key,
                                       package->card_certificate);
}

/* The newest sub-keys that are not below the floor. */
static enum tally_error put_sub_keys(const struct tally_operator_keys *keys, struct tally_package *package)
{
    enum tally_error e = TALLY_OK;
    size_t first = keys->vmk.count > SUB_KEYS_MAX ? keys->vmk.count - SUB_KEYS_MAX : 0;
    for (size_t i = first; e == TALLY_OK && i < keys->vmk.count; i++) {
        uint8_t version = keys->vmk.at[i].version;
        if (version < keys->sub_key_floor)
            continue;
        struct tally_package_sub_key *sub = &package->sub_keys[package->sub_key_count++];
        sub->version = version;
        e = tally_derive_sub_key(keys->vmk.at[i].secret, version, keys->id, package->serial, sub->sub_key);
        if (e == TALLY_OK)
            e = tally_derive_id_key(keys->vmk.at[i].secret, version, keys->id, sub->id_key);
    }
    return e;
}

static enum tally_error fill(const struct tally_operator_keys *keys, struct authd_package *state,
                             struct tally_package *package)
{
    *package = (struct tally_package){.operator_id = keys->id,
                                      .card_key_version = state->card.key_version,
                                      .action = state->op.set ? TALLY_PACKAGE_SET : TALLY_PACKAGE_REMOVE,
                                      .version = state->op.package_version,
                                      .sub_key_floor = keys->sub_key_floor,
                                      .epoch_floor = keys->gate_epoch_floor,
                                      .suite = keys->suite};
    memcpy(package->serial, state->card.serial, SERIAL_SIZE);
    if (!state->op.set)
        return TALLY_OK;
    put_key6(keys, package);
    enum tally_error e = put_sub_keys(keys, package);
    return e == TALLY_OK ? put_authority(keys, state, package) : e;
}

static enum tally_error seal(const struct tally_operator_keys *keys, struct authd_package *state)
{
    struct tally_package package;
    enum tally_error e = fill(keys, state, &package);
    if (e == TALLY_OK)
        e = tally_package_seal(&package, keys->enrolment, keys->authority, state->card.kem_key, state->bytes,
                               &state->size);
    if (state->op.set) {
        state->op.key6_low = package.key6[0].version;
        state->op.key6_high = package.key6[package.key6_count - 1].version;
    }
    tally_wipe(&package, sizeof package);
    return e;
}

/* Who may have what: NULL when it is allowed. */
static const struct tally_problem *refusal(const struct tally_call *call, const struct authd_package *state,
                                           const struct tally_operator_keys *keys, bool set)
{
    bool kiosk = strcmp(call->caller.party->role, "kiosk") == 0;
    if (keys == NULL)
        return TICKETING_PROBLEM(OPERATOR_UNKNOWN);
    if (kiosk && !set)
        return TALLY_PROBLEM(ROLE_NOT_ALLOWED);
    if ((kiosk || !set) && !state->op.set)
        return TICKETING_PROBLEM(OPERATOR_NOT_ON_CARD);
    if (set && state->card.blocked)
        return TICKETING_PROBLEM(CARD_BLOCKED);
    if (set && keys->suite == SUITE_RSA && !state->card.has_rsa)
        return TICKETING_PROBLEM(CARD_LACKS_KEY);
    return state->op.package_version == UINT32_MAX ? TALLY_PROBLEM(LIMIT) : NULL;
}

static enum tally_error make(struct tally_call *call, struct authd_package *state, bool set)
{
    struct tally_keystore *keystore = authd_keys(call->wing);
    const struct tally_operator_keys *keys = tally_keystore_operator(keystore, state->op.operator_id);
    const struct tally_problem *problem = refusal(call, state, keys, set);
    enum tally_error e = TALLY_OK;
    if (problem != NULL) {
        e = tally_call_problem(call, problem, NULL);
    } else {
        state->op.set = set;
        state->op.package_version++;
        e = seal(keys, state);
        if (e == TALLY_E_NOT_FOUND) /* the key centre's file of this card */
            e = tally_call_problem(call, TICKETING_PROBLEM(CARD_LACKS_KEY), NULL);
    }
    tally_keystore_release(keystore);
    return e;
}

enum tally_error authd_package_prepare(struct tally_call *call, void *arg)
{
    struct authd_package *state = arg;
    struct tally_json in;
    if (!authd_param_serial(call, state->card.serial) || !authd_param_operator(call, &state->op.operator_id))
        return TALLY_E_DENIED;
    tally_json_begin(&in, call->body);
    const char *action = tally_json_string(&in, "action", 1, 8);
    bool set = strcmp(action, "set") == 0;
    if (in.reason == NULL && !set && strcmp(action, "remove") != 0)
        tally_json_fault(&in, "action", "must be \"set\" or \"remove\"");
    enum tally_error e = tally_call_end_json(call, &in);
    if (e != TALLY_OK)
        return e;
    e = tally_db_read(call->db, look, state);
    if (e == TALLY_E_NOT_FOUND)
        return tally_call_problem(call, TICKETING_PROBLEM(CARD_UNKNOWN), NULL);
    return e == TALLY_OK ? make(call, state, set) : e;
}

enum tally_error authd_package_apply(struct tally_call *call, void *arg, struct tally_tx *tx)
{
    const struct authd_package *state = arg;
    struct authd_card now;
    enum tally_error e = authd_card_get(tx, state->card.serial, &now);
    if (e == TALLY_OK && state->op.set && now.blocked)
        return tally_call_problem(call, TICKETING_PROBLEM(CARD_BLOCKED), NULL);
    if (e == TALLY_OK)
        e = authd_card_operator_put(tx, state->card.serial, &state->op);
    if (e != TALLY_OK)
        return e;
    json_t *answer = json_pack("{s:I}", "package_version", (json_int_t)state->op.package_version);
    if (tally_json_set_hex(answer, "package", state->bytes, state->size) != 0) {
        json_decref(answer);
        return TALLY_E_MEMORY;
    }
    return tally_call_answer(call, 200, answer);
}
