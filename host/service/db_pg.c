/* PostgreSQL: connections, transactions, what becomes of a commit whose answer was lost. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/clock.h"
#include "host/base/log.h"
#include "host/base/random.h"
#include "host/service/db_dialect.h"
#include "host/service/db_pg.h"

#define RECONNECT_MS  50
#define STALL_FACTOR  3      /* so many times busy_ms may a process do nothing in its turn */
#define VERSION_LEAST 150000 /* as PQserverVersion counts */

/* The turn: one writer at a time among all processes that share the schema, as with SQLite. It ends with the
 * transaction. The first number is "TALY". */
static const char turn[] = "SELECT pg_advisory_xact_lock(1413565529, hashtext(current_schema()))";

/* What every connection starts with. The limits end what hangs: a statement, a wait for the turn, a process
 * that does nothing in its turn. */
static const char session[] =
    "SET synchronous_commit = on; SET client_encoding = 'UTF8'; SET standard_conforming_strings = on;"
    "SET statement_timeout = '30s'; SET client_min_messages = warning;"
    "SET lock_timeout = %u; SET idle_in_transaction_session_timeout = %u";

static enum tally_error engine_open(struct tally_db *db)
{
    struct pg_database *own = calloc(1, sizeof *own);
    db->own = own;
    if (own == NULL)
        return TALLY_E_MEMORY;
    return tally_random_fill(&tally_system_random, own->writer, sizeof own->writer);
}

static void engine_close(struct tally_db *db)
{
    free(db->own);
}

void pg_queue(struct tally_tx *tx, const char *command)
{
    struct pg_connection *c = pg_of(tx);
    if (c->queued < PG_QUEUE_MAX)
        c->queue[c->queued++] = command;
    else
        tx->failed = TALLY_E_BUG;
}

static void forget(struct pg_connection *c)
{
    c->queued = 0;
    c->open = c->touched = c->wrote = false;
}

enum tally_error pg_lost(struct tally_tx *tx, const char *sql)
{
    struct pg_connection *c = pg_of(tx);
    tally_log(TALLY_LOG_WARN, "db", NULL, "connection lost", TALLY_STR("reason", PQerrorMessage(c->handle)),
              TALLY_STR("sql", sql));
    forget(c);
    PQfinish(c->handle);
    c->handle = NULL;
    tx->again = true;
    return TALLY_E_SERVER;
}

static bool state_is(const char *state, const char *prefix)
{
    return state != NULL && strncmp(state, prefix, strlen(prefix)) == 0;
}

enum tally_error pg_error(struct tally_tx *tx, const PGresult *result, const char *sql)
{
    struct pg_connection *c = pg_of(tx);
    if (result == NULL || PQstatus(c->handle) == CONNECTION_BAD)
        return pg_lost(tx, sql);
    /* What stood before it in the pipeline failed and was reported. */
    if (PQresultStatus(result) == PGRES_PIPELINE_ABORTED)
        return TALLY_E_IO;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (state_is(state, "23505"))
        return TALLY_E_EXISTS;
    /* Integrity; a number that fits no column, which SQLite's strict tables refuse as a constraint. */
    if (state_is(state, "23") || state_is(state, "22003"))
        return TALLY_E_STATE;
    tally_log(
        TALLY_LOG_ERROR, "db", NULL, "database failed", TALLY_STR("sqlstate", state != NULL ? state : ""),
        TALLY_STR("reason", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)), TALLY_STR("sql", sql));
    /* Serialisation failure, deadlock. */
    if (state_is(state, "40")) {
        c->open = false;
        tx->again = true;
        return TALLY_E_BUSY;
    }
    /* Lock not available, query cancelled by a time limit. */
    if (state_is(state, "55P03") || state_is(state, "57014"))
        return TALLY_E_BUSY;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (state_is(severity, "FATAL") || state_is(severity, "PANIC"))
        return pg_lost(tx, sql);
    return state_is(state, "22021") || state_is(state, "22P05") ? TALLY_E_FORMAT : TALLY_E_IO;
}

/* Defaults stand before the location, which may say otherwise. */
static PGconn *connect_handle(const char *location)
{
    static const char *const names[] = {"connect_timeout",
                                        "keepalives_idle",
                                        "keepalives_interval",
                                        "keepalives_count",
                                        "tcp_user_timeout",
                                        "fallback_application_name",
                                        "dbname",
                                        NULL};
    const char *const values[] = {"5", "10", "5", "3", "20000", "tally", location, NULL};
    return PQconnectdbParams(names, values, 1);
}

static void ignore_notice(void *ctx, const PGresult *result)
{
    (void)ctx, (void)result;
}

static bool exec_simple(PGconn *handle, const char *sql)
{
    PGresult *result = PQexec(handle, sql);
    bool good = PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_TUPLES_OK;
    PQclear(result);
    return good;
}

/* TALLY_E_STATE for a server that is not fit. */
static enum tally_error check_server(PGconn *handle)
{
    const char *encoding = PQparameterStatus(handle, "server_encoding"), *reason = NULL;
    if (PQserverVersion(handle) < VERSION_LEAST)
        reason = "PostgreSQL 15 or newer is needed";
    else if (encoding == NULL || strcmp(encoding, "UTF8") != 0)
        reason = "the database's encoding must be UTF8";
    if (reason != NULL)
        tally_log(TALLY_LOG_ERROR, "db", NULL, "database refused", TALLY_STR("reason", reason));
    return reason == NULL ? TALLY_OK : TALLY_E_STATE;
}

static enum tally_error connect_once(struct tally_tx *tx)
{
    char settings[sizeof session + 32];
    struct pg_connection *c = pg_of(tx);
    PQfinish(c->handle);
    forget(c);
    c->handle = connect_handle(tx->db->location);
    enum tally_error e = TALLY_E_SERVER;
    if (PQstatus(c->handle) == CONNECTION_OK) {
        PQsetNoticeReceiver(c->handle, ignore_notice, NULL);
        e = check_server(c->handle);
        snprintf(settings, sizeof settings, session, tx->db->options.busy_ms,
                 STALL_FACTOR * tx->db->options.busy_ms);
        if (e == TALLY_OK && (!exec_simple(c->handle, settings) || PQenterPipelineMode(c->handle) != 1))
            e = TALLY_E_SERVER;
    }
    c->generation++;
    if (e != TALLY_OK) {
        tally_log(TALLY_LOG_WARN, "db", NULL, "no connection to the database",
                  TALLY_STR("reason", c->handle != NULL ? PQerrorMessage(c->handle) : ""));
        PQfinish(c->handle);
        c->handle = NULL;
    }
    return e;
}

/* A writer waits for a server that restarts; a reader is somebody's request and does not. */
static enum tally_error connect_again(struct tally_tx *tx)
{
    uint64_t start = tally_clock_monotonic_us(&tally_system_clock);
    uint64_t patience = tx->kind == DB_WRITE ? UINT64_C(1000) * tx->db->options.patience_ms : 0;
    for (;;) {
        enum tally_error e = connect_once(tx);
        if (e != TALLY_E_SERVER || tally_clock_monotonic_us(&tally_system_clock) - start >= patience)
            return e;
        (void)poll(NULL, 0, RECONNECT_MS);
    }
}

static void disconnect(struct tally_tx *tx)
{
    struct pg_connection *c = tx->own;
    if (c == NULL)
        return;
    PQfinish(c->handle);
    free(c);
    tx->own = NULL;
}

enum tally_error pg_send_queue(struct tally_tx *tx)
{
    struct pg_connection *c = pg_of(tx);
    if (c->handle == NULL)
        return TALLY_E_SERVER;
    for (size_t i = 0; i < c->queued; i++)
        if (PQsendQueryParams(c->handle, c->queue[i], 0, NULL, NULL, NULL, NULL, 1) != 1)
            return pg_lost(tx, c->queue[i]);
    c->queued = 0;
    c->touched = true;
    return TALLY_OK;
}

PGresult *pg_result(struct tally_tx *tx)
{
    struct pg_connection *c = pg_of(tx);
    if (c->handle == NULL)
        return NULL;
    PGresult *result = PQgetResult(c->handle);
    if (result != NULL)
        PQclear(PQgetResult(c->handle));
    return result;
}

enum tally_error pg_read_commands(struct tally_tx *tx, size_t commands)
{
    struct pg_connection *c = pg_of(tx);
    enum tally_error e = TALLY_OK;
    if (PQpipelineSync(c->handle) != 1)
        return pg_lost(tx, "synchronisation");
    for (size_t i = 0; i < commands && e != TALLY_E_SERVER; i++) {
        PGresult *result = pg_result(tx);
        ExecStatusType status = PQresultStatus(result);
        if (e == TALLY_OK && status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
            e = pg_error(tx, result, "transaction");
        PQclear(result);
    }
    /* Without its commands a transaction is of no use: no savepoint to go back to. */
    if (e != TALLY_OK)
        c->open = false;
    return e;
}

enum tally_error pg_read_sync(struct tally_tx *tx)
{
    struct pg_connection *c = pg_of(tx);
    for (int i = 0; i < 2 * PG_QUEUE_MAX && c->handle != NULL; i++) {
        PGresult *result = PQgetResult(c->handle);
        ExecStatusType status = PQresultStatus(result);
        PQclear(result);
        if (status == PGRES_PIPELINE_SYNC)
            return TALLY_OK;
    }
    return c->handle != NULL ? pg_lost(tx, "synchronisation") : TALLY_E_SERVER;
}

/* Sends the queue and waits for it. */
static enum tally_error flush(struct tally_tx *tx)
{
    size_t commands = pg_of(tx)->queued;
    enum tally_error e = pg_send_queue(tx);
    if (e != TALLY_OK)
        return e;
    e = pg_read_commands(tx, commands);
    enum tally_error synced = e == TALLY_E_SERVER ? e : pg_read_sync(tx);
    return e == TALLY_OK ? synced : e;
}

static bool in_transaction(const struct tally_tx *tx)
{
    const struct pg_connection *c = pg_of(tx);
    return c->handle != NULL && c->open;
}

static enum tally_error begin(struct tally_tx *tx)
{
    struct pg_connection *c = pg_of(tx);
    struct pg_database *database = tx->db->own;
    enum tally_error e = TALLY_OK;
    if (c->handle == NULL || PQstatus(c->handle) == CONNECTION_BAD)
        e = connect_again(tx);
    if (e != TALLY_OK)
        return e;
    forget(c);
    c->open = true;
    if (tx->kind == DB_READ) {
        pg_queue(tx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        return TALLY_OK;
    }
    c->group = ++database->group;
    pg_queue(tx, "BEGIN ISOLATION LEVEL READ COMMITTED");
    pg_queue(tx, turn);
    return TALLY_OK;
}

static enum tally_error rollback(struct tally_tx *tx)
{
    struct pg_connection *c = pg_of(tx);
    bool touched = c->touched && c->handle != NULL, again = tx->again;
    forget(c);
    if (!touched)
        return TALLY_OK;
    pg_queue(tx, "ROLLBACK");
    enum tally_error e = flush(tx);
    forget(c);
    /* A connection lost now takes the transaction with it, as was wanted. */
    tx->again = again;
    return e == TALLY_E_SERVER ? TALLY_OK : e;
}

static enum tally_error savepoint(struct tally_tx *tx)
{
    pg_queue(tx, "SAVEPOINT op");
    return TALLY_OK;
}

/* Whether the operation's savepoint is still in the queue: then it did nothing. */
static bool untouched(const struct pg_connection *c)
{
    return c->queued > 0 && strcmp(c->queue[c->queued - 1], "SAVEPOINT op") == 0;
}

static enum tally_error undo(struct tally_tx *tx)
{
    if (!untouched(pg_of(tx)))
        pg_queue(tx, "ROLLBACK TO op");
    return TALLY_OK;
}

static enum tally_error release(struct tally_tx *tx)
{
    struct pg_connection *c = pg_of(tx);
    if (untouched(c))
        c->queued--;
    else
        pg_queue(tx, "RELEASE op");
    return TALLY_OK;
}

static const char mark[] = "INSERT INTO tally_writers (writer, last, seen) VALUES ($1, $2,"
                           " extract(epoch FROM now())::bigint) ON CONFLICT (writer) DO UPDATE"
                           " SET last = excluded.last, seen = excluded.seen";
static const char find_mark[] = "SELECT last = $2 FROM tally_writers WHERE writer = $1";

static bool send_with_mark(struct tally_tx *tx, const char *sql)
{
    static const Oid types[] = {17, 20};
    static const int formats[] = {1, 1};
    struct pg_connection *c = pg_of(tx);
    const struct pg_database *database = tx->db->own;
    uint8_t group[8];
    for (size_t i = 0; i < sizeof group; i++)
        group[i] = (uint8_t)((uint64_t)c->group >> (56 - 8 * i));
    const char *const values[] = {(const char *)database->writer, (const char *)group};
    const int lengths[] = {PG_WRITER_SIZE, sizeof group};
    return PQsendQueryParams(c->handle, sql, 2, types, values, lengths, formats, 1) == 1;
}

/* Whether the transaction that wrote this group's mark is there. Who holds the turn knows: the transaction is
 * over, however its connection ended. */
static enum tally_error look_for_mark(struct tally_tx *tx, int64_t group, bool *there)
{
    struct pg_connection *c = pg_of(tx);
    *there = false;
    enum tally_error e = c->handle == NULL ? connect_again(tx) : TALLY_OK;
    if (e != TALLY_OK)
        return e;
    c->group = group;
    pg_queue(tx, "BEGIN");
    pg_queue(tx, turn);
    e = pg_send_queue(tx);
    if (e == TALLY_OK && !send_with_mark(tx, find_mark))
        e = pg_lost(tx, find_mark);
    if (e == TALLY_OK)
        e = pg_read_commands(tx, 2);
    PGresult *result = e != TALLY_E_SERVER ? pg_result(tx) : NULL;
    if (e == TALLY_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        e = pg_error(tx, result, find_mark);
    *there = e == TALLY_OK && PQntuples(result) == 1 && PQgetlength(result, 0, 0) == 1 &&
             PQgetvalue(result, 0, 0)[0] == 1;
    PQclear(result);
    if (e != TALLY_E_SERVER)
        (void)pg_read_sync(tx);
    (void)rollback(tx);
    return e;
}

/* The answer to a commit was lost. */
static enum tally_error settle_commit(struct tally_tx *tx, int64_t group)
{
    uint64_t start = tally_clock_monotonic_us(&tally_system_clock);
    bool there = false;
    enum tally_error e;
    do
        e = look_for_mark(tx, group, &there);
    while (e != TALLY_OK && tally_clock_monotonic_us(&tally_system_clock) - start <
                                UINT64_C(1000) * tx->db->options.patience_ms);
    tx->again = e == TALLY_OK && !there;
    tally_log(TALLY_LOG_WARN, "db", NULL, "a commit's answer was lost",
              TALLY_STR("outcome", e != TALLY_OK ? "not known"
                                   : there       ? "committed"
                                                 : "undone"));
    return e == TALLY_OK && there ? TALLY_OK : TALLY_E_SERVER;
}

/* The group's mark travels with the commit; a group that changed nothing needs none. */
static enum tally_error commit(struct tally_tx *tx)
{
    struct pg_connection *c = pg_of(tx);
    if (!c->touched) {
        forget(c);
        return TALLY_OK;
    }
    bool wrote = c->wrote;
    int64_t group = c->group;
    size_t commands = c->queued;
    enum tally_error e = pg_send_queue(tx);
    if (e == TALLY_OK && ((wrote && !send_with_mark(tx, mark)) ||
                          PQsendQueryParams(c->handle, "COMMIT", 0, NULL, NULL, NULL, NULL, 1) != 1))
        e = pg_lost(tx, "COMMIT");
    if (e == TALLY_OK)
        e = pg_read_commands(tx, commands + (wrote ? 1 : 0));
    PGresult *result = e != TALLY_E_SERVER ? pg_result(tx) : NULL;
    if (e == TALLY_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
        e = pg_error(tx, result, "COMMIT");
    else if (e == TALLY_OK && strcmp(PQcmdStatus(result), "COMMIT") != 0)
        e = TALLY_E_IO;
    PQclear(result);
    if (e != TALLY_E_SERVER)
        (void)pg_read_sync(tx);
    if (e == TALLY_E_SERVER && wrote)
        return settle_commit(tx, group);
    if (e == TALLY_OK)
        forget(c);
    return e;
}

/* Scripts have several statements, which only the simple protocol takes. */
static enum tally_error exec_script(struct tally_tx *tx, const char *script)
{
    struct pg_connection *c = pg_of(tx);
    int parameters;
    enum tally_error e = flush(tx);
    char *sql = db_dialect_translate(script, true, &parameters);
    if (e == TALLY_OK && (sql == NULL || PQexitPipelineMode(c->handle) != 1))
        e = sql == NULL ? TALLY_E_MEMORY : TALLY_E_BUG;
    if (e == TALLY_OK) {
        PGresult *result = PQexec(c->handle, sql);
        ExecStatusType status = PQresultStatus(result);
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
            e = pg_error(tx, result, script);
        PQclear(result);
        c->wrote = true;
        if (c->handle != NULL)
            (void)PQenterPipelineMode(c->handle);
    }
    free(sql);
    return e;
}

/* The table of marks; those of processes long gone are swept out. */
static enum tally_error make_marks(struct tally_tx *tx)
{
    enum tally_error e = begin(tx);
    if (e == TALLY_OK)
        e = exec_script(tx, "CREATE TABLE IF NOT EXISTS tally_writers"
                            " (writer BLOB PRIMARY KEY, last INTEGER NOT NULL, seen INTEGER NOT NULL);"
                            "DELETE FROM tally_writers WHERE seen < extract(epoch FROM now()) - 2592000");
    pg_of(tx)->wrote = false;
    if (e == TALLY_OK)
        e = commit(tx);
    if (e != TALLY_OK)
        (void)rollback(tx);
    return e;
}

static enum tally_error connect_first(struct tally_tx *tx)
{
    tx->own = calloc(1, sizeof(struct pg_connection));
    if (tx->own == NULL)
        return TALLY_E_MEMORY;
    enum tally_error e = connect_again(tx);
    return e == TALLY_OK && tx->kind == DB_WRITE ? make_marks(tx) : e;
}

static int64_t changes(const struct tally_tx *tx)
{
    return pg_of(tx)->changes;
}

static enum tally_error backup(struct tally_db *db, const char *path)
{
    (void)db, (void)path;
    tally_log(
        TALLY_LOG_ERROR, "db", NULL,
        "a PostgreSQL database is copied by its own tools: pg_dump --format=custom for a copy, pg_basebackup "
        "and archived WAL for a point in time");
    return TALLY_E_USAGE;
}

const struct db_engine db_pg = {
    .open = engine_open,
    .close = engine_close,
    .connect = connect_first,
    .disconnect = disconnect,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .in_transaction = in_transaction,
    .savepoint = savepoint,
    .undo = undo,
    .release = release,
    .exec = exec_script,
    .prepare = pg_prepare,
    .reset = pg_reset,
    .finalise = pg_finalise,
    .bind_int = pg_bind_int,
    .bind_text = pg_bind_text,
    .bind_blob = pg_bind_blob,
    .step = pg_step,
    .try = pg_try,
    .column_int = pg_column_int,
    .column_null = pg_column_null,
    .column_text = pg_column_text,
    .column_blob = pg_column_blob,
    .changes = changes,
    .backup = backup,
};
