/* Statements: prepared once, bound, stepped, reset. */
#include <string.h>

#include "host/base/log.h"
#include "host/service/db_internal.h"

const char db_begin[] = "BEGIN", db_begin_write[] = "BEGIN IMMEDIATE", db_commit[] = "COMMIT",
           db_rollback[] = "ROLLBACK", db_savepoint[] = "SAVEPOINT op", db_undo[] = "ROLLBACK TO op",
           db_release[] = "RELEASE op";

enum tally_error db_command(struct tally_tx *tx, const char *sql)
{
    enum tally_error e = tally_run(tally_db_prepare(tx, sql));
    db_release_statements(tx);
    return e;
}

enum tally_error db_prepare_commands(struct tally_tx *tx)
{
    static const char *const all[] = {db_begin,     db_begin_write, db_commit, db_rollback,
                                      db_savepoint, db_undo,        db_release};
    enum tally_error e = TALLY_OK;
    for (size_t i = 0; e == TALLY_OK && i < sizeof all / sizeof all[0]; i++)
        e = tally_db_prepare(tx, all[i])->error;
    db_release_statements(tx);
    return e;
}

enum tally_error db_error(struct tally_tx *tx, int result, const char *sql)
{
    int extended = sqlite3_extended_errcode(tx->handle);
    if (extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY ||
        extended == SQLITE_CONSTRAINT_ROWID)
        return TALLY_E_EXISTS;
    if ((result & 0xFF) == SQLITE_CONSTRAINT)
        return TALLY_E_STATE;
    tally_log(TALLY_LOG_ERROR, "db", NULL, "database failed", TALLY_INT("sqlite", extended),
              TALLY_STR("reason", sqlite3_errmsg(tx->handle)), TALLY_STR("sql", sql));
    return TALLY_E_IO;
}

static void prepare(struct tally_tx *tx, struct tally_stmt *stmt, const char *sql)
{
    int result = sqlite3_prepare_v3(tx->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt->handle, NULL);
    stmt->sql = sql;
    stmt->tx = tx;
    stmt->error = result == SQLITE_OK && stmt->handle != NULL ? TALLY_OK : db_error(tx, result, sql);
}

/* Literals have one address each, so the address is the key; a full table forgets the entry it would collide
 * with. */
static struct tally_stmt *find(struct tally_tx *tx, const char *sql)
{
    size_t start = ((uintptr_t)sql >> 3) % TALLY_DB_STATEMENTS_MAX;
    for (size_t i = 0; i < TALLY_DB_STATEMENTS_MAX; i++) {
        struct tally_stmt *stmt = &tx->statements[(start + i) % TALLY_DB_STATEMENTS_MAX];
        if (stmt->sql == sql || stmt->sql == NULL)
            return stmt;
    }
    return NULL;
}

struct tally_stmt *tally_db_prepare(struct tally_tx *tx, const char *sql)
{
    struct tally_stmt *stmt = find(tx, sql);
    if (stmt == NULL) {
        tally_log(TALLY_LOG_ERROR, "db", NULL, "too many distinct statements", TALLY_STR("sql", sql));
        tx->broken = (struct tally_stmt){.sql = sql, .tx = tx, .error = TALLY_E_BUG};
        return &tx->broken;
    }
    if (stmt->sql == NULL || stmt->handle == NULL)
        prepare(tx, stmt, sql);
    else if (stmt->used)
        sqlite3_reset(stmt->handle);
    if (!stmt->used) {
        stmt->used = true;
        tx->used[tx->used_count++] = stmt;
    }
    return stmt;
}

void db_release_statements(struct tally_tx *tx)
{
    for (size_t i = 0; i < tx->used_count; i++) {
        struct tally_stmt *stmt = tx->used[i];
        stmt->used = false;
        if (stmt->handle == NULL)
            continue;
        sqlite3_reset(stmt->handle);
        sqlite3_clear_bindings(stmt->handle);
        stmt->error = TALLY_OK;
    }
    tx->used_count = 0;
}

static void note(struct tally_stmt *stmt, int result)
{
    if (result != SQLITE_OK && stmt->error == TALLY_OK)
        stmt->error = db_error(stmt->tx, result, stmt->sql);
}

void tally_bind_int(struct tally_stmt *stmt, int at, int64_t value)
{
    if (stmt->error == TALLY_OK)
        note(stmt, sqlite3_bind_int64(stmt->handle, at, value));
}

void tally_bind_text(struct tally_stmt *stmt, int at, const char *text)
{
    if (stmt->error == TALLY_OK)
        note(stmt, text != NULL ? sqlite3_bind_text(stmt->handle, at, text, -1, SQLITE_TRANSIENT)
                                : sqlite3_bind_null(stmt->handle, at));
}

void tally_bind_blob(struct tally_stmt *stmt, int at, const void *bytes, size_t n)
{
    if (stmt->error == TALLY_OK)
        note(stmt, bytes != NULL ? sqlite3_bind_blob64(stmt->handle, at, bytes, n, SQLITE_TRANSIENT)
                                 : sqlite3_bind_null(stmt->handle, at));
}

enum tally_error tally_step(struct tally_stmt *stmt, bool *row)
{
    *row = false;
    if (stmt->error != TALLY_OK)
        return stmt->error;
    int result = sqlite3_step(stmt->handle);
    *row = result == SQLITE_ROW;
    if (result == SQLITE_ROW || result == SQLITE_DONE)
        return TALLY_OK;
    return db_error(stmt->tx, result, stmt->sql);
}

enum tally_error tally_run(struct tally_stmt *stmt)
{
    bool row;
    enum tally_error e = tally_step(stmt, &row);
    return e == TALLY_OK && row ? TALLY_E_BUG : e;
}

enum tally_error tally_first(struct tally_stmt *stmt)
{
    bool row;
    enum tally_error e = tally_step(stmt, &row);
    return e == TALLY_OK && !row ? TALLY_E_NOT_FOUND : e;
}

int64_t tally_column_int(struct tally_stmt *stmt, int at)
{
    return sqlite3_column_int64(stmt->handle, at);
}

bool tally_column_null(struct tally_stmt *stmt, int at)
{
    return sqlite3_column_type(stmt->handle, at) == SQLITE_NULL;
}

const char *tally_column_text(struct tally_stmt *stmt, int at)
{
    const unsigned char *text = sqlite3_column_text(stmt->handle, at);
    return text != NULL ? (const char *)text : "";
}

const void *tally_column_blob(struct tally_stmt *stmt, int at, size_t *n)
{
    const void *bytes = sqlite3_column_blob(stmt->handle, at);
    *n = (size_t)sqlite3_column_bytes(stmt->handle, at);
    return bytes;
}

bool tally_column_text_copy(struct tally_stmt *stmt, int at, char *out, size_t size)
{
    const char *text = tally_column_text(stmt, at);
    size_t n = strlen(text);
    out[0] = '\0';
    if (n >= size)
        return false;
    memcpy(out, text, n + 1);
    return true;
}

bool tally_column_blob_copy(struct tally_stmt *stmt, int at, void *out, size_t n)
{
    size_t have;
    const void *bytes = tally_column_blob(stmt, at, &have);
    memset(out, 0, n);
    if (have != n || bytes == NULL)
        return n == 0 && have == 0;
    memcpy(out, bytes, n);
    return true;
}

int64_t tally_changes(const struct tally_tx *tx)
{
    return sqlite3_changes64(tx->handle);
}

int64_t tally_last_id(const struct tally_tx *tx)
{
    return sqlite3_last_insert_rowid(tx->handle);
}
