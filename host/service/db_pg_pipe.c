/* PostgreSQL: what is sent, what is expected back, what failed. */
#include <string.h>

#include "host/base/log.h"
#include "host/service/db_pg.h"

void pg_queue(struct tally_tx *tx, const char *command)
{
    struct pg_connection *c = pg_of(tx);
    if (c->queued < PG_QUEUE_MAX)
        c->queue[c->queued++] = command;
    else
        tx->failed = TALLY_E_BUG;
}

void pg_forget(struct pg_connection *c)
{
    c->queued = c->expected_count = 0;
    c->open = c->touched = c->wrote = false;
}

enum tally_error pg_lost(struct tally_tx *tx, const char *sql)
{
    struct pg_connection *c = pg_of(tx);
    tally_log(TALLY_LOG_WARN, "db", NULL, "connection lost", TALLY_STR("reason", PQerrorMessage(c->handle)),
              TALLY_STR("sql", sql));
    pg_forget(c);
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

void pg_expect(struct tally_tx *tx, const char *sql, struct tally_stmt *prepares, bool command)
{
    struct pg_connection *c = pg_of(tx);
    c->expected[c->expected_count++] = (struct pg_expected){sql, prepares, command, c->op};
}

enum tally_error pg_send_queue(struct tally_tx *tx)
{
    struct pg_connection *c = pg_of(tx);
    if (c->handle == NULL)
        return TALLY_E_SERVER;
    for (size_t i = 0; i < c->queued; i++) {
        if (PQsendQueryParams(c->handle, c->queue[i], 0, NULL, NULL, NULL, NULL, 1) != 1)
            return pg_lost(tx, c->queue[i]);
        pg_expect(tx, c->queue[i], NULL, true);
    }
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

/* Without its commands a transaction is of no use: no savepoint to go back to. Nor is it when a statement
 * failed whose operation is over. */
static enum tally_error blame(struct tally_tx *tx, const struct pg_expected *x, const PGresult *result)
{
    struct pg_connection *c = pg_of(tx);
    bool over = x->op != c->op;
    enum tally_error e = pg_error(tx, result, x->sql);
    if (e == TALLY_E_SERVER)
        return e;
    c->open = c->open && !x->command && !over;
    if (over && !x->command)
        tx->again = tx->careful = true;
    return e;
}

enum tally_error pg_read_expected(struct tally_tx *tx)
{
    struct pg_connection *c = pg_of(tx);
    enum tally_error e = TALLY_OK;
    size_t count = c->expected_count;
    if (PQpipelineSync(c->handle) != 1)
        return pg_lost(tx, "synchronisation");
    for (size_t i = 0; i < count && e != TALLY_E_SERVER; i++) {
        const struct pg_expected x = c->expected[i];
        PGresult *result = pg_result(tx);
        ExecStatusType status = PQresultStatus(result);
        bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
        if (!good && x.prepares != NULL)
            pg_forget_statement(x.prepares);
        if (!good && e == TALLY_OK)
            e = blame(tx, &x, result);
        PQclear(result);
    }
    c->expected_count = 0;
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

enum tally_error pg_flush(struct tally_tx *tx)
{
    enum tally_error e = pg_send_queue(tx);
    if (e != TALLY_OK)
        return e;
    e = pg_read_expected(tx);
    enum tally_error synced = e == TALLY_E_SERVER ? e : pg_read_sync(tx);
    return e == TALLY_OK ? synced : e;
}
