/* Deny lists: specs/ticketing.md, "Deny list". */
#include <stdlib.h>
#include <string.h>

#include "host/crypto/p256.h"
#include "host/ticketing/authd.h"
#include "host/ticketing/json_values.h"

#define LABEL_DENY_LIST "tally/denylist/1"

/* A list is made anew after this part of its lifetime, so that gates that ask often never hold a stale one.
 */
enum { REFRESH_DIVISOR = 4 };

struct making {
    uint16_t operator_id;
    uint32_t since;
    int64_t now, lifetime_s;
    bool made; /* a new version was just made: its content may be newer than its number says, never older */
    bool due;  /* a new version must be made first */
    struct authd_deny_list list;
    json_t *lists[2][2]; /* by kind; removed and denied */
    json_t *json;
};

static enum tally_error collect(void *ctx, enum authd_deny_kind kind, bool denied, const uint8_t *value)
{
    struct making *making = ctx;
    char hex[2 * TID_SIZE + 1];
    enum tally_error e =
        tally_hex_encode(value, kind == DENY_SERIALS ? SERIAL_SIZE : TID_SIZE, hex, sizeof hex);
    if (e == TALLY_OK && json_array_append_new(making->lists[kind][denied], json_string(hex)) != 0)
        e = TALLY_E_MEMORY;
    return e;
}

/* The JSON object, in the order of its members; a change names the version it starts from. */
static json_t *build(const struct making *making, bool change)
{
    json_t *json = json_object();
    int bad = json_object_set_new(json, "operator", json_integer(making->operator_id)) |
              json_object_set_new(json, "version", json_integer(making->list.version));
    if (change)
        bad |= json_object_set_new(json, "since", json_integer(making->since));
    bad |= json_object_set_new(json, "issued", json_integer(making->list.issued)) |
           json_object_set_new(json, "expires", json_integer(making->list.expires)) |
           json_object_set(json, "serials", making->lists[DENY_SERIALS][true]) |
           json_object_set(json, "tids", making->lists[DENY_TIDS][true]);
    if (change)
        bad |= json_object_set(json, "removed_serials", making->lists[DENY_SERIALS][false]) |
               json_object_set(json, "removed_tids", making->lists[DENY_TIDS][false]);
    if (bad != 0) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static bool is_due(const struct making *making, int64_t last_change)
{
    return making->list.version == 0 || last_change > making->list.change ||
           making->now >= making->list.issued + making->lifetime_s / REFRESH_DIVISOR ||
           making->now < making->list.issued;
}

/* The snapshot may be taken again. */
static void clear(struct making *making)
{
    for (int kind = 0; kind < 2; kind++)
        for (int denied = 0; denied < 2; denied++)
            json_array_clear(making->lists[kind][denied]);
    json_decref(making->json);
    making->json = NULL;
}

/* One snapshot: the newest version and its content, or that it is due. */
static enum tally_error take_snapshot(struct tally_tx *tx, void *arg)
{
    struct making *making = arg;
    struct authd_deny_list from = {0};
    int64_t last_change = 0;
    clear(making);
    enum tally_error e = authd_deny_newest(tx, making->operator_id, &making->list);
    if (e == TALLY_OK || e == TALLY_E_NOT_FOUND)
        e = authd_deny_last_change(tx, &last_change);
    if (e != TALLY_OK)
        return e;
    making->due = !making->made && is_due(making, last_change);
    if (making->due)
        return TALLY_OK;
    e = making->since == 0 ? TALLY_E_NOT_FOUND
                           : authd_deny_version(tx, making->operator_id, making->since, &from);
    bool change = e == TALLY_OK;
    if (change)
        e = authd_deny_since(tx, making->operator_id, from.change, making->list.issued, collect, making);
    else if (e == TALLY_E_NOT_FOUND)
        e = authd_deny_all(tx, making->operator_id, making->list.issued, collect, making);
    if (e != TALLY_OK)
        return e;
    making->json = build(making, change);
    return making->json != NULL ? TALLY_OK : TALLY_E_MEMORY;
}

static enum tally_error next_version(struct tally_tx *tx, void *arg)
{
    const struct making *making = arg;
    struct authd_deny_list list = {.issued = making->now, .expires = making->now + making->lifetime_s};
    struct authd_deny_list newest;
    enum tally_error e = authd_deny_newest(tx, making->operator_id, &newest);
    if (e == TALLY_OK || e == TALLY_E_NOT_FOUND)
        e = authd_deny_last_change(tx, &list.change);
    if (e != TALLY_OK)
        return e;
    /* Another request may have made it in between: that one will do. */
    if (newest.version != making->list.version)
        return TALLY_OK;
    list.version = newest.version + 1;
    return authd_deny_insert(tx, making->operator_id, &list);
}

/* Two lines: the JSON text and its signature. */
static enum tally_error sign(const struct tally_operator_keys *keys, const json_t *json, char **text,
                             size_t *size)
{
    uint8_t signature[ECDSA_SIZE];
    char *line = json_dumps(json, JSON_COMPACT);
    size_t n = line == NULL ? 0 : strlen(line);
    char *grown = line == NULL ? NULL : realloc(line, n + 2 * ECDSA_SIZE + 3);
    if (grown == NULL) {
        free(line);
        return TALLY_E_MEMORY;
    }
    struct tally_bytes part = {(const uint8_t *)grown, n};
    enum tally_error e = tally_p256_sign(keys->authority, LABEL_DENY_LIST, &part, 1, signature);
    if (e != TALLY_OK) {
        free(grown);
        return e;
    }
    grown[n++] = '\n';
    (void)tally_hex_encode(signature, sizeof signature, grown + n, 2 * ECDSA_SIZE + 1);
    n += 2 * ECDSA_SIZE;
    grown[n++] = '\n';
    grown[n] = '\0';
    *text = grown;
    *size = n;
    return TALLY_OK;
}

enum tally_error authd_denylist_make(struct tally_db *db, const struct tally_operator_keys *keys,
                                     uint32_t since, int64_t now, int64_t lifetime_s, char **text,
                                     size_t *size)
{
    struct making making = {.operator_id = keys->id, .since = since, .now = now, .lifetime_s = lifetime_s};
    enum tally_error e = TALLY_OK;
    *text = NULL;
    *size = 0;
    for (int kind = 0; kind < 2; kind++)
        for (int denied = 0; denied < 2; denied++)
            if ((making.lists[kind][denied] = json_array()) == NULL)
                e = TALLY_E_MEMORY;
    if (e == TALLY_OK)
        e = tally_db_read(db, take_snapshot, &making);
    if (e == TALLY_OK && making.due) {
        e = tally_db_write(db, next_version, &making);
        making.made = true;
        if (e == TALLY_OK)
            e = tally_db_read(db, take_snapshot, &making);
    }
    if (e == TALLY_OK)
        e = sign(keys, making.json, text, size);
    json_decref(making.json);
    for (int kind = 0; kind < 2; kind++)
        for (int denied = 0; denied < 2; denied++)
            json_decref(making.lists[kind][denied]);
    return e;
}
