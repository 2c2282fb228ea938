/* PostgreSQL: connections, migrations. */
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
    pg_forget(c);
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
enum tally_error pg_connect(struct tally_tx *tx)
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

/* Scripts have several statements, which only the simple protocol takes. */
static enum tally_error exec_script(struct tally_tx *tx, const char *script)
{
    struct pg_connection *c = pg_of(tx);
    int parameters;
    enum tally_error e = pg_flush(tx);
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
    enum tally_error e = pg_begin(tx);
    if (e == TALLY_OK)
        e = exec_script(tx, "CREATE TABLE IF NOT EXISTS tally_writers"
                            " (writer BLOB PRIMARY KEY, last INTEGER NOT NULL, seen INTEGER NOT NULL);"
                            "DELETE FROM tally_writers WHERE seen < extract(epoch FROM now()) - 2592000");
    pg_of(tx)->wrote = false;
    if (e == TALLY_OK)
        e = pg_commit(tx);
    if (e != TALLY_OK)
        (void)pg_rollback(tx);
    return e;
}

static enum tally_error connect_first(struct tally_tx *tx)
{
    tx->own = calloc(1, sizeof(struct pg_connection));
    if (tx->own == NULL)
        return TALLY_E_MEMORY;
    enum tally_error e = pg_connect(tx);
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
    .begin = pg_begin,
    .commit = pg_commit,
    .rollback = pg_rollback,
    .in_transaction = pg_in_transaction,
    .savepoint = pg_savepoint,
    .undo = pg_undo,
    .release = pg_release,
    .exec = exec_script,
    .prepare = pg_prepare,
    .reset = pg_reset,
    .finalise = pg_finalise,
    .bind_int = pg_bind_int,
    .bind_text = pg_bind_text,
    .bind_blob = pg_bind_blob,
    .step = pg_step,
    .post = pg_post,
    .try = pg_try,
    .column_int = pg_column_int,
    .column_null = pg_column_null,
    .column_text = pg_column_text,
    .column_blob = pg_column_blob,
    .changes = changes,
    .backup = backup,
};
