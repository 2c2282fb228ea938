/* What the files of the database share; nothing for others. */
#ifndef TALLY_SERVICE_DB_INTERNAL_H
#define TALLY_SERVICE_DB_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>

#include "host/service/db.h"

struct tally_stmt {
    const char *sql; /* NULL: free */
    sqlite3_stmt *handle;
    struct tally_tx *tx;
    enum tally_error error; /* remembered until the next step */
    bool used;              /* must be reset when the operation ends */
};

/* A connection; used by one thread at a time. */
struct tally_tx {
    sqlite3 *handle;
    struct tally_stmt statements[TALLY_DB_STATEMENTS_MAX];
    struct tally_stmt *used[TALLY_DB_STATEMENTS_MAX];
    size_t used_count;
    struct tally_stmt broken; /* handed out when a statement cannot be prepared */
};

struct tally_db {
    struct tally_db_options options;
    char *path;
    pthread_mutex_t lock; /* guards the queue, stopping and the idle readers */
    pthread_cond_t work;
    struct tally_db_job *first, **last;
    size_t queued;
    bool stopping;
    pthread_t writer_thread;
    bool writer_started;
    struct tally_tx *writer;
    struct tally_tx *readers[TALLY_DB_READERS_MAX];
    size_t reader_count;
    struct tally_metric *operations_ok, *operations_failed, *groups, *group_size, *commit_seconds;
};

enum tally_error db_connect(const struct tally_db *db, bool reader, struct tally_tx **tx);
void db_disconnect(struct tally_tx *tx);
/* Runs SQL without rows, for set-up. */
enum tally_error db_exec(struct tally_tx *tx, const char *sql);
/* Resets every statement the operation used. */
void db_release_statements(struct tally_tx *tx);
/* The commands of transactions. They are prepared with the connection, so that an operation with too many
 * statements cannot keep its own transaction from ending. */
extern const char db_begin[], db_begin_write[], db_commit[], db_rollback[], db_savepoint[], db_undo[],
    db_release[];
enum tally_error db_prepare_commands(struct tally_tx *tx);
enum tally_error db_command(struct tally_tx *tx, const char *sql);
/* Maps and logs a SQLite result. */
enum tally_error db_error(struct tally_tx *tx, int result, const char *sql);

enum tally_error db_migrate(struct tally_tx *tx, const struct tally_db_schema *schemas);

/* The writer's thread. */
void *db_writer_main(void *db);

#endif
