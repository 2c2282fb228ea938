/* What the files of the PostgreSQL engine share.
 *
 * A connection works in libpq's pipeline mode. Commands that have no result of interest (BEGIN, SAVEPOINT …)
 * wait in a queue and travel with the next statement: an operation costs one round trip a statement and none
 * for its savepoints.
 */
#ifndef TALLY_SERVICE_DB_PG_H
#define TALLY_SERVICE_DB_PG_H

#include <libpq-fe.h>

#include "host/service/db_engine.h"

#define PG_QUEUE_MAX      16
#define PG_PARAMETERS_MAX 32
#define PG_WRITER_SIZE    16 /* bytes of a process's name in tally_writers */

struct pg_connection {
    PGconn *handle;
    unsigned generation;             /* raised by every connecting: statements are prepared anew */
    unsigned next_name;              /* of a prepared statement */
    const char *queue[PG_QUEUE_MAX]; /* commands to be sent before the next statement */
    size_t queued;
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

void pg_queue(struct tally_tx *tx, const char *command);
/* Maps and logs a failure; sets tx->again when the transaction is lost and may be run again. */
enum tally_error pg_error(struct tally_tx *tx, const PGresult *result, const char *sql);
/* The connection is gone: so is the transaction. */
enum tally_error pg_lost(struct tally_tx *tx, const char *sql);
/* Sends what is queued. */
enum tally_error pg_send_queue(struct tally_tx *tx);
/* Ends what was sent since the last call and reads the results of the `commands` queued commands, whose
 * number was taken before pg_send_queue. */
enum tally_error pg_read_commands(struct tally_tx *tx, size_t commands);
/* The next result, the end of its command consumed too. NULL when the connection is lost. */
PGresult *pg_result(struct tally_tx *tx);
/* Reads up to the pipeline's synchronisation point. */
enum tally_error pg_read_sync(struct tally_tx *tx);

/* Statements: the engine's functions. */
enum tally_error pg_prepare(struct tally_stmt *stmt);
void pg_reset(struct tally_stmt *stmt, bool clear);
void pg_finalise(struct tally_stmt *stmt);
enum tally_error pg_bind_int(struct tally_stmt *stmt, int at, int64_t value);
enum tally_error pg_bind_text(struct tally_stmt *stmt, int at, const char *text);
enum tally_error pg_bind_blob(struct tally_stmt *stmt, int at, const void *bytes, size_t n);
enum tally_error pg_step(struct tally_stmt *stmt, bool *row);
enum tally_error pg_try(struct tally_stmt *stmt, bool *row);
int64_t pg_column_int(struct tally_stmt *stmt, int at);
bool pg_column_null(struct tally_stmt *stmt, int at);
const char *pg_column_text(struct tally_stmt *stmt, int at);
const void *pg_column_blob(struct tally_stmt *stmt, int at, size_t *n);

#endif
