/* Statements over either engine: kept by connection, handed out reset, errors remembered. */
#include <string.h>

#include "host/base/log.h"
#include "host/service/db_engine.h"

static const struct db_engine *engine_of(const struct tally_stmt *stmt)
{
    return stmt->tx->db->engine;
}

static void prepare(struct tally_tx *tx, struct tally_stmt *stmt, const char *sql)
{
    stmt->sql = sql;
    stmt->tx = tx;
    stmt->error = tx->db->engine->prepare(stmt);
}

/* Literals have one address each, so the address is the key. */
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
    if (stmt->sql == NULL || stmt->own == NULL)
        prepare(tx, stmt, sql);
    else if (stmt->used)
        engine_of(stmt)->reset(stmt, false);
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
        if (stmt->own == NULL)
            continue;
        engine_of(stmt)->reset(stmt, true);
        stmt->error = TALLY_OK;
    }
    tx->used_count = 0;
}

enum tally_error db_run(struct tally_tx *tx, tally_db_op *op, void *arg)
{
    tx->failed = TALLY_OK;
    enum tally_error e = op(tx, arg);
    db_release_statements(tx);
    if (e == TALLY_OK)
        e = tx->failed;
    tx->failed = TALLY_OK;
    return e;
}

static bool bindable(struct tally_stmt *stmt, int at)
{
    if (stmt->error == TALLY_OK && at > TALLY_DB_PARAMETERS_MAX)
        stmt->error = TALLY_E_BUG;
    return stmt->error == TALLY_OK;
}

void tally_bind_int(struct tally_stmt *stmt, int at, int64_t value)
{
    if (bindable(stmt, at))
        stmt->error = engine_of(stmt)->bind_int(stmt, at, value);
}

void tally_bind_text(struct tally_stmt *stmt, int at, const char *text)
{
    if (bindable(stmt, at))
        stmt->error = engine_of(stmt)->bind_text(stmt, at, text);
}

void tally_bind_blob(struct tally_stmt *stmt, int at, const void *bytes, size_t n)
{
    if (bindable(stmt, at))
        stmt->error = engine_of(stmt)->bind_blob(stmt, at, bytes, n);
}

enum manner { STEP, TRY, POST };

/* What failed leaves PostgreSQL's transaction unusable, so it does so on either engine. */
static enum tally_error run_step(struct tally_stmt *stmt, bool *row, enum manner manner)
{
    const struct db_engine *engine = engine_of(stmt);
    struct tally_tx *tx = stmt->tx;
    enum tally_error e = tx->failed != TALLY_OK ? tx->failed : stmt->error;
    *row = false;
    if (e == TALLY_OK)
        e = manner == TRY    ? engine->try(stmt, row)
            : manner == POST ? engine->post(stmt, row)
                             : engine->step(stmt, row);
    if (e != TALLY_OK && tx->failed == TALLY_OK && !(manner == TRY && e == TALLY_E_EXISTS))
        tx->failed = e;
    return e;
}

enum tally_error tally_step(struct tally_stmt *stmt, bool *row)
{
    return run_step(stmt, row, STEP);
}

enum tally_error tally_run(struct tally_stmt *stmt)
{
    bool row;
    enum tally_error e = run_step(stmt, &row, STEP);
    return e == TALLY_OK && row ? TALLY_E_BUG : e;
}

enum tally_error tally_try(struct tally_stmt *stmt)
{
    bool row;
    enum tally_error e = run_step(stmt, &row, TRY);
    return e == TALLY_OK && row ? TALLY_E_BUG : e;
}

enum tally_error tally_post(struct tally_stmt *stmt)
{
    bool row;
    enum tally_error e = run_step(stmt, &row, POST);
    return e == TALLY_OK && row ? TALLY_E_BUG : e;
}

enum tally_error tally_first(struct tally_stmt *stmt)
{
    bool row;
    enum tally_error e = run_step(stmt, &row, STEP);
    return e == TALLY_OK && !row ? TALLY_E_NOT_FOUND : e;
}

int64_t tally_column_int(struct tally_stmt *stmt, int at)
{
    return engine_of(stmt)->column_int(stmt, at);
}

bool tally_column_null(struct tally_stmt *stmt, int at)
{
    return engine_of(stmt)->column_null(stmt, at);
}

const char *tally_column_text(struct tally_stmt *stmt, int at)
{
    const char *text = engine_of(stmt)->column_text(stmt, at);
    return text != NULL ? text : "";
}

const void *tally_column_blob(struct tally_stmt *stmt, int at, size_t *n)
{
    return engine_of(stmt)->column_blob(stmt, at, n);
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
    return tx->db->engine->changes(tx);
}
