/* What the files of the PostgreSQL engine share.
 *
 * A connection works in libpq's pipeline mode. Commands that have no result of interest (BEGIN, SAVEPOINT …)
 * wait in a queue and travel with the next statement: an operation costs one round trip a statement and none
 * for its savepoints. Statements that are posted wait for nobody at all: what is expected back is in a list,
 * read at the next synchronisation. When one of them turns out to have failed after its operation was over,
 * the whole group is run again without posting.
 */
#ifndef TALLY_SERVICE_DB_PG_H
#define TALLY_SERVICE_DB_PG_H

#include <libpq-fe.h>

#include "host/service/db_engine.h"

#define PG_QUEUE_MAX    16
#define PG_EXPECTED_MAX 128
#define PG_WRITER_SIZE  16 /* bytes of a process's name in tally_writers */

/* A result to come. */
struct pg_expected {
    const char *sql;
    struct tally_stmt *prepares; /* the statement this prepares; or NULL */
    bool command;                /* of the transaction */
    unsigned op;                 /* whose it is */
};

struct pg_connection {
    PGconn *handle;
    unsigned generation;             /* raised by every connecting: statements are prepared anew */
    unsigned next_name;              /* of a prepared statement */
    const char *queue[PG_QUEUE_MAX]; /* commands to be sent before the next statement */
    size_t queued;
    struct pg_expected expected[PG_EXPECTED_MAX];
    size_t expected_count;
    unsigned op;  /* counts operations */
    bool open;    /* a transaction goes on, begun perhaps only in the queue */
    bool touched; /* the server knows of it */
    bool wrote;   /* a statement of it changed something */
    int64_t group;
    int64_t changes;
};

/* A process's part of a database: db->own. */
struct pg_database {
    uint8_t writer[PG_WRITER_SIZE];
    int64_t group; /* number of the writer's transaction, raised by each */
};

static inline struct pg_connection *pg_of(const struct tally_tx *tx)
{
    return tx->own;
}

/* Connects, over what there was. A writer waits for a server that restarts; a reader is somebody's request
 * and does not. */
enum tally_error pg_connect(struct tally_tx *tx);
/* Forgets the transaction and what is queued and expected. */
void pg_forget(struct pg_connection *c);
void pg_queue(struct tally_tx *tx, const char *command);
/* Maps and logs a failure; sets tx->again when the transaction is lost and may be run again. */
enum tally_error pg_error(struct tally_tx *tx, const PGresult *result, const char *sql);
/* The connection is gone: so is the transaction. */
enum tally_error pg_lost(struct tally_tx *tx, const char *sql);
/* Sends what is queued. */
enum tally_error pg_send_queue(struct tally_tx *tx);
/* Notes that a result will come. */
void pg_expect(struct tally_tx *tx, const char *sql, struct tally_stmt *prepares, bool command);
/* Marks the end of what is sent, and reads all that is expected: the first error of them. What was sent
 * without being expected is read by the caller, then pg_read_sync. */
enum tally_error pg_read_expected(struct tally_tx *tx);
/* The next result, the end of its command consumed too. NULL when the connection is lost. */
PGresult *pg_result(struct tally_tx *tx);
/* Reads up to the pipeline's synchronisation point. */
enum tally_error pg_read_sync(struct tally_tx *tx);
/* Sends what is queued and waits for everything. */
enum tally_error pg_flush(struct tally_tx *tx);
/* A statement must be prepared again. */
void pg_forget_statement(struct tally_stmt *stmt);

/* Transactions: the engine's functions. */
enum tally_error pg_begin(struct tally_tx *tx);
enum tally_error pg_commit(struct tally_tx *tx);
enum tally_error pg_rollback(struct tally_tx *tx);
bool pg_in_transaction(const struct tally_tx *tx);
enum tally_error pg_savepoint(struct tally_tx *tx);
enum tally_error pg_undo(struct tally_tx *tx);
enum tally_error pg_release(struct tally_tx *tx);

/* Statements: the engine's functions. */
enum tally_error pg_prepare(struct tally_stmt *stmt);
void pg_reset(struct tally_stmt *stmt, bool clear);
void pg_finalise(struct tally_stmt *stmt);
enum tally_error pg_bind_int(struct tally_stmt *stmt, int at, int64_t value);
enum tally_error pg_bind_text(struct tally_stmt *stmt, int at, const char *text);
enum tally_error pg_bind_blob(struct tally_stmt *stmt, int at, const void *bytes, size_t n);
enum tally_error pg_step(struct tally_stmt *stmt, bool *row);
enum tally_error pg_post(struct tally_stmt *stmt, bool *row);
enum tally_error pg_try(struct tally_stmt *stmt, bool *row);
int64_t pg_column_int(struct tally_stmt *stmt, int at);
bool pg_column_null(struct tally_stmt *stmt, int at);
const char *pg_column_text(struct tally_stmt *stmt, int at);
const void *pg_column_blob(struct tally_stmt *stmt, int at, size_t *n);

#endif
