#include "host/service/outbox.h"

#include <stdlib.h>
#include <string.h>

/* due is the one column that says when somebody may take the message: its next attempt, or the end of its
 * lease; NULL once it is delivered or dead. */
const struct tally_db_migration tally_outbox_migrations[] = {
    {1, "CREATE TABLE outbox ("
        " id TEXT PRIMARY KEY,"
        " destination TEXT NOT NULL,"
        " kind TEXT NOT NULL,"
        " body BLOB NOT NULL,"
        " created INTEGER NOT NULL,"
        " delivered INTEGER,"
        " dead INTEGER,"
        " due INTEGER,"
        " attempts INTEGER NOT NULL,"
        " fence INTEGER NOT NULL,"
        " owner TEXT NOT NULL,"
        " reason TEXT NOT NULL,"
        " CHECK ((due IS NULL) = (delivered IS NOT NULL OR dead IS NOT NULL)),"
        " CHECK (delivered IS NULL OR dead IS NULL)) STRICT, WITHOUT ROWID;"
        "CREATE INDEX outbox_due ON outbox (due) WHERE due IS NOT NULL;"
        "CREATE INDEX outbox_dead ON outbox (id) WHERE dead IS NOT NULL"},
    {0, NULL},
};

static bool well_formed(const char *name)
{
    size_t n = strnlen(name, TALLY_OUTBOX_NAME_MAX + 1);
    return n >= 1 && n <= TALLY_OUTBOX_NAME_MAX;
}

enum tally_error tally_outbox_put(struct tally_tx *tx, const char *id, const char *destination,
                                  const char *kind, const void *body, size_t body_size, int64_t now_ms)
{
    if (!well_formed(id) || !well_formed(destination) || !well_formed(kind) ||
        body_size > TALLY_OUTBOX_BODY_MAX)
        return TALLY_E_FORMAT;
    struct tally_stmt *s = tally_db_prepare(
        tx, "INSERT INTO outbox (id, destination, kind, body, created, due, attempts, fence, owner, reason)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?5, 0, 0, '', '') ON CONFLICT DO NOTHING");
    tally_bind_text(s, 1, id);
    tally_bind_text(s, 2, destination);
    tally_bind_text(s, 3, kind);
    tally_bind_blob(s, 4, body_size > 0 ? body : "", body_size);
    tally_bind_int(s, 5, now_ms);
    enum tally_error e = tally_run(s);
    return e == TALLY_OK && tally_changes(tx) == 0 ? TALLY_E_EXISTS : e;
}

void tally_outbox_items_free(struct tally_outbox_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(items[i].body);
        items[i] = (struct tally_outbox_item){0};
    }
}

static bool read_item(struct tally_stmt *s, struct tally_outbox_item *item)
{
    size_t n;
    bool good = tally_column_text_copy(s, 0, item->id, sizeof item->id) &&
                tally_column_text_copy(s, 1, item->destination, sizeof item->destination) &&
                tally_column_text_copy(s, 2, item->kind, sizeof item->kind);
    item->created_ms = tally_column_int(s, 3);
    item->attempts = (uint32_t)tally_column_int(s, 4);
    item->fence = tally_column_int(s, 5);
    item->lease_until_ms = tally_column_int(s, 6);
    const void *body = tally_column_blob(s, 7, &n);
    item->body = calloc(1, n + 1);
    if (item->body != NULL && n > 0)
        memcpy(item->body, body, n);
    item->body_size = item->body != NULL ? n : 0;
    return good && item->body != NULL;
}

enum tally_error tally_outbox_take(struct tally_tx *tx, const char *owner, int64_t now_ms, int64_t lease_ms,
                                   struct tally_outbox_item *items, size_t max, size_t *count)
{
    bool row = false;
    enum tally_error e;
    *count = 0;
    if (max > TALLY_OUTBOX_TAKE_MAX)
        max = TALLY_OUTBOX_TAKE_MAX;
    tally_outbox_items_free(items, max);
    struct tally_stmt *s = tally_db_prepare(
        tx,
        "UPDATE outbox SET owner = ?1, due = ?2, attempts = attempts + 1, fence = fence + 1"
        " WHERE id IN (SELECT id FROM outbox WHERE due <= ?3 ORDER BY due LIMIT ?4 FOR UPDATE SKIP LOCKED)"
        " RETURNING id, destination, kind, created, attempts, fence, due, body");
    tally_bind_text(s, 1, owner);
    tally_bind_int(s, 2, now_ms + lease_ms);
    tally_bind_int(s, 3, now_ms);
    tally_bind_int(s, 4, (int64_t)max);
    while ((e = tally_step(s, &row)) == TALLY_OK && row && *count < max) {
        if (!read_item(s, &items[(*count)++]))
            return TALLY_E_MEMORY;
    }
    return e;
}

static enum tally_error held(struct tally_tx *tx, struct tally_stmt *s)
{
    enum tally_error e = tally_run(s);
    return e == TALLY_OK && tally_changes(tx) == 0 ? TALLY_E_STATE : e;
}

enum tally_error tally_outbox_delivered(struct tally_tx *tx, const struct tally_outbox_item *item,
                                        int64_t now_ms)
{
    struct tally_stmt *s =
        tally_db_prepare(tx, "UPDATE outbox SET delivered = ?1, due = NULL, owner = '', reason = ''"
                             " WHERE id = ?2 AND fence = ?3 AND due IS NOT NULL");
    tally_bind_int(s, 1, now_ms);
    tally_bind_text(s, 2, item->id);
    tally_bind_int(s, 3, item->fence);
    return held(tx, s);
}

/* For people: cut, and ASCII alone, so that no cut leaves half a character. */
static void keep_reason(const char *reason, char kept[TALLY_OUTBOX_REASON_MAX + 1])
{
    size_t n = strnlen(reason, TALLY_OUTBOX_REASON_MAX);
    for (size_t i = 0; i < n; i++)
        kept[i] = reason[i] >= ' ' && reason[i] <= '~' ? reason[i] : '?';
    kept[n] = '\0';
}

enum tally_error tally_outbox_failed(struct tally_tx *tx, const struct tally_outbox_item *item, bool dead,
                                     int64_t due_ms, int64_t now_ms, const char *reason)
{
    char kept[TALLY_OUTBOX_REASON_MAX + 1];
    keep_reason(reason, kept);
    struct tally_stmt *s =
        tally_db_prepare(tx, dead ? "UPDATE outbox SET dead = ?1, due = NULL, owner = '', reason = ?4"
                                    " WHERE id = ?2 AND fence = ?3 AND due IS NOT NULL"
                                  : "UPDATE outbox SET due = ?1, fence = fence + 1, owner = '', reason = ?4"
                                    " WHERE id = ?2 AND fence = ?3 AND due IS NOT NULL");
    tally_bind_int(s, 1, dead ? now_ms : due_ms);
    tally_bind_text(s, 2, item->id);
    tally_bind_int(s, 3, item->fence);
    tally_bind_text(s, 4, kept);
    return held(tx, s);
}

enum tally_error tally_outbox_next_due(struct tally_tx *tx, int64_t *at_ms)
{
    struct tally_stmt *s = tally_db_prepare(tx, "SELECT min(due) FROM outbox WHERE due IS NOT NULL");
    enum tally_error e = tally_first(s);
    *at_ms = e == TALLY_OK && !tally_column_null(s, 0) ? tally_column_int(s, 0) : INT64_MAX;
    return e;
}

enum tally_error tally_outbox_count(struct tally_tx *tx, struct tally_outbox_counts *counts)
{
    *counts = (struct tally_outbox_counts){0};
    struct tally_stmt *s =
        tally_db_prepare(tx, "SELECT count(*), min(created) FROM outbox WHERE due IS NOT NULL");
    enum tally_error e = tally_first(s);
    if (e != TALLY_OK)
        return e;
    counts->waiting = tally_column_int(s, 0);
    counts->oldest_ms = tally_column_int(s, 1);
    s = tally_db_prepare(tx, "SELECT count(*) FROM outbox WHERE dead IS NOT NULL");
    e = tally_first(s);
    counts->dead = e == TALLY_OK ? tally_column_int(s, 0) : 0;
    return e;
}

enum tally_error tally_outbox_dead(struct tally_tx *tx, const char *after, size_t max,
                                   tally_outbox_visit *visit, void *ctx)
{
    bool row = false;
    enum tally_error e;
    struct tally_stmt *s = tally_db_prepare(
        tx, "SELECT id, destination, kind, created, attempts, fence, dead, reason FROM outbox"
            " WHERE dead IS NOT NULL AND id > ? ORDER BY id LIMIT ?");
    tally_bind_text(s, 1, after);
    tally_bind_int(s, 2, (int64_t)(max < TALLY_OUTBOX_DEAD_MAX ? max : TALLY_OUTBOX_DEAD_MAX));
    while ((e = tally_step(s, &row)) == TALLY_OK && row) {
        struct tally_outbox_item item = {.created_ms = tally_column_int(s, 3),
                                         .attempts = (uint32_t)tally_column_int(s, 4),
                                         .fence = tally_column_int(s, 5)};
        tally_column_text_copy(s, 0, item.id, sizeof item.id);
        tally_column_text_copy(s, 1, item.destination, sizeof item.destination);
        tally_column_text_copy(s, 2, item.kind, sizeof item.kind);
        e = visit(ctx, &item, tally_column_int(s, 6), tally_column_text(s, 7));
        if (e != TALLY_OK)
            return e;
    }
    return e;
}

enum tally_error tally_outbox_resend(struct tally_tx *tx, const char *id, int64_t now_ms)
{
    struct tally_stmt *s =
        tally_db_prepare(tx, "UPDATE outbox SET dead = NULL, due = ?1, attempts = 0, fence = fence + 1"
                             " WHERE id = ?2 AND dead IS NOT NULL");
    tally_bind_int(s, 1, now_ms);
    tally_bind_text(s, 2, id);
    enum tally_error e = tally_run(s);
    if (e != TALLY_OK || tally_changes(tx) == 1)
        return e;
    s = tally_db_prepare(tx, "SELECT 1 FROM outbox WHERE id = ?");
    tally_bind_text(s, 1, id);
    e = tally_first(s);
    return e == TALLY_OK ? TALLY_E_STATE : e;
}
