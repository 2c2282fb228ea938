/* The part of the store that deny lists are made from. */
#include <string.h>

#include "host/ticketing/authd_store.h"

static enum tally_error read_list(struct tally_stmt *s, struct authd_deny_list *list)
{
    memset(list, 0, sizeof *list);
    enum tally_error e = tally_first(s);
    if (e == TALLY_OK)
        *list = (struct authd_deny_list){.version = (uint32_t)tally_column_int(s, 0),
                                         .change = tally_column_int(s, 1),
                                         .issued = tally_column_int(s, 2),
                                         .expires = tally_column_int(s, 3)};
    return e;
}

enum tally_error authd_deny_newest(struct tally_tx *tx, uint16_t operator_id, struct authd_deny_list *list)
{
    struct tally_stmt *s = tally_db_prepare(tx, "SELECT version, change, issued, expires FROM deny_lists"
                                                " WHERE operator = ? ORDER BY version DESC LIMIT 1");
    tally_bind_int(s, 1, operator_id);
    return read_list(s, list);
}

enum tally_error authd_deny_version(struct tally_tx *tx, uint16_t operator_id, uint32_t version,
                                    struct authd_deny_list *list)
{
    struct tally_stmt *s = tally_db_prepare(tx, "SELECT version, change, issued, expires FROM deny_lists"
                                                " WHERE operator = ? AND version = ?");
    tally_bind_int(s, 1, operator_id);
    tally_bind_int(s, 2, version);
    return read_list(s, list);
}

enum tally_error authd_deny_insert(struct tally_tx *tx, uint16_t operator_id,
                                   const struct authd_deny_list *list)
{
    struct tally_stmt *s = tally_db_prepare(
        tx, "INSERT INTO deny_lists (operator, version, change, issued, expires) VALUES (?, ?, ?, ?, ?)");
    tally_bind_int(s, 1, operator_id);
    tally_bind_int(s, 2, list->version);
    tally_bind_int(s, 3, list->change);
    tally_bind_int(s, 4, list->issued);
    tally_bind_int(s, 5, list->expires);
    return tally_run(s);
}

enum tally_error authd_deny_last_change(struct tally_tx *tx, int64_t *change)
{
    struct tally_stmt *s = tally_db_prepare(tx, "SELECT max(id) FROM denials");
    enum tally_error e = tally_first(s);
    *change = e == TALLY_OK ? tally_column_int(s, 0) : 0;
    return e;
}

/* Column 0: the serial or TID; column 1: whether it is denied. */
static enum tally_error walk(struct tally_stmt *s, enum authd_deny_kind kind, authd_deny_visit *visit,
                             void *ctx)
{
    uint8_t value[TID_SIZE];
    bool row = false;
    enum tally_error e;
    while ((e = tally_step(s, &row)) == TALLY_OK && row) {
        if (!tally_column_blob_copy(s, 0, value, kind == DENY_SERIALS ? SERIAL_SIZE : TID_SIZE))
            return TALLY_E_IO;
        e = visit(ctx, kind, tally_column_int(s, 1) != 0, value);
        if (e != TALLY_OK)
            return e;
    }
    return e;
}

enum tally_error authd_deny_all(struct tally_tx *tx, uint16_t operator_id, int64_t now,
                                authd_deny_visit *visit, void *ctx)
{
    struct tally_stmt *s =
        tally_db_prepare(tx, "SELECT c.serial, 1 FROM cards c JOIN card_operators o ON o.serial = c.serial"
                             " WHERE c.blocked = 1 AND o.operator = ? ORDER BY c.serial");
    tally_bind_int(s, 1, operator_id);
    enum tally_error e = walk(s, DENY_SERIALS, visit, ctx);
    if (e != TALLY_OK)
        return e;
    s = tally_db_prepare(tx, "SELECT tid, 1 FROM tickets WHERE blocked = 1 AND operator = ? AND valid_to >= ?"
                             " ORDER BY tid");
    tally_bind_int(s, 1, operator_id);
    tally_bind_int(s, 2, now);
    return walk(s, DENY_TIDS, visit, ctx);
}

enum tally_error authd_deny_since(struct tally_tx *tx, uint16_t operator_id, int64_t since, int64_t now,
                                  authd_deny_visit *visit, void *ctx)
{
    struct tally_stmt *s = tally_db_prepare(
        tx,
        "SELECT c.serial, c.blocked FROM cards c JOIN card_operators o ON o.serial = c.serial"
        " WHERE o.operator = ? AND c.serial IN (SELECT serial FROM denials WHERE id > ?) ORDER BY c.serial");
    tally_bind_int(s, 1, operator_id);
    tally_bind_int(s, 2, since);
    enum tally_error e = walk(s, DENY_SERIALS, visit, ctx);
    if (e != TALLY_OK)
        return e;
    /* A TID whose ticket expired since then may stay in a gate's list: its ticket is refused anyway. */
    s = tally_db_prepare(tx, "SELECT tid, blocked FROM tickets WHERE operator = ? AND valid_to >= ?"
                             " AND tid IN (SELECT tid FROM denials WHERE id > ?) ORDER BY tid");
    tally_bind_int(s, 1, operator_id);
    tally_bind_int(s, 2, now);
    tally_bind_int(s, 3, since);
    return walk(s, DENY_TIDS, visit, ctx);
}
