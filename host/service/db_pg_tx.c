/* PostgreSQL: transactions, and what becomes of a commit whose answer was lost. */
#include <string.h>

#include "host/base/clock.h"
#include "host/base/log.h"
#include "host/service/db_pg.h"

/* The turn: one writer at a time among all processes that share the schema, as with SQLite. It ends with the
 * transaction. The first number is "TALY". */
static const char turn[] = "SELECT pg_advisory_xact_lock(1413565529, hashtext(current_schema()))";

bool pg_in_transaction(const struct tally_tx *tx)
{
    const struct pg_connection *c = pg_of(tx);
    return c->handle != NULL && c->open;
}

enum tally_error pg_begin(struct tally_tx *tx)
{
    struct pg_connection *c = pg_of(tx);
    struct pg_database *database = tx->db->own;
    enum tally_error e = TALLY_OK;
    if (c->handle == NULL || PQstatus(c->handle) == CONNECTION_BAD)
        e = pg_connect(tx);
    if (e != TALLY_OK)
        return e;
    pg_forget(c);
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

enum tally_error pg_rollback(struct tally_tx *tx)
{
    struct pg_connection *c = pg_of(tx);
    bool touched = c->touched && c->handle != NULL, again = tx->again;
    c->queued = 0;
    /* What is under way ends by itself, lest its failure swallow the ROLLBACK. */
    if (touched && c->expected_count > 0)
        (void)pg_flush(tx);
    pg_forget(c);
    if (!touched || c->handle == NULL) {
        tx->again = again;
        return TALLY_OK;
    }
    pg_queue(tx, "ROLLBACK");
    enum tally_error e = pg_flush(tx);
    pg_forget(c);
    /* A connection lost now takes the transaction with it, as was wanted. */
    tx->again = again;
    return e == TALLY_E_SERVER ? TALLY_OK : e;
}

enum tally_error pg_savepoint(struct tally_tx *tx)
{
    pg_of(tx)->op++;
    pg_queue(tx, "SAVEPOINT op");
    return TALLY_OK;
}

/* Whether the operation's savepoint is still in the queue: then it did nothing. */
static bool untouched(const struct pg_connection *c)
{
    return c->queued > 0 && strcmp(c->queue[c->queued - 1], "SAVEPOINT op") == 0;
}

enum tally_error pg_undo(struct tally_tx *tx)
{
    if (!untouched(pg_of(tx)))
        pg_queue(tx, "ROLLBACK TO op");
    return TALLY_OK;
}

enum tally_error pg_release(struct tally_tx *tx)
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
    enum tally_error e = c->handle == NULL ? pg_connect(tx) : TALLY_OK;
    if (e != TALLY_OK)
        return e;
    c->group = group;
    pg_queue(tx, "BEGIN");
    pg_queue(tx, turn);
    e = pg_send_queue(tx);
    if (e == TALLY_OK && !send_with_mark(tx, find_mark))
        e = pg_lost(tx, find_mark);
    if (e == TALLY_OK)
        e = pg_read_expected(tx);
    PGresult *result = e != TALLY_E_SERVER ? pg_result(tx) : NULL;
    if (e == TALLY_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        e = pg_error(tx, result, find_mark);
    *there = e == TALLY_OK && PQntuples(result) == 1 && PQgetlength(result, 0, 0) == 1 &&
             PQgetvalue(result, 0, 0)[0] == 1;
    PQclear(result);
    if (e != TALLY_E_SERVER)
        (void)pg_read_sync(tx);
    (void)pg_rollback(tx);
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
enum tally_error pg_commit(struct tally_tx *tx)
{
    struct pg_connection *c = pg_of(tx);
    if (!c->touched) {
        pg_forget(c);
        return TALLY_OK;
    }
    bool wrote = c->wrote;
    int64_t group = c->group;
    c->op++;
    enum tally_error e = pg_send_queue(tx);
    if (e == TALLY_OK && wrote) {
        if (!send_with_mark(tx, mark))
            e = pg_lost(tx, mark);
        else
            pg_expect(tx, mark, NULL, true);
    }
    if (e == TALLY_OK && PQsendQueryParams(c->handle, "COMMIT", 0, NULL, NULL, NULL, NULL, 1) != 1)
        e = pg_lost(tx, "COMMIT");
    if (e == TALLY_OK)
        e = pg_read_expected(tx);
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
    /* Once the commit is answered nothing that happens to the connection matters to it. */
    if (e == TALLY_OK) {
        pg_forget(c);
        tx->again = false;
    }
    return e;
}
