/* The operations table: what an engine does, and what the files of the database share. Nothing for others.
 *
 * Above it (db.c, db_writer.c, db_stmt.c, db_migrate.c) everything is common: the queue and its groups, the
 * pool of readers, the cache of statements, the rules after an error, migrations. Below it are db_sqlite*.c
 * and db_pg*.c.
 */
#ifndef TALLY_SERVICE_DB_ENGINE_H
#define TALLY_SERVICE_DB_ENGINE_H

#include <pthread.h>

#include "host/service/db.h"

enum db_kind { DB_READ, DB_WRITE };

struct tally_stmt {
    const char *sql; /* NULL: free */
    void *own;       /* the engine's; NULL when it could not be prepared */
    struct tally_tx *tx;
    enum tally_error error; /* remembered until the next step */
    bool used;              /* must be reset when the operation ends */
};

/* A connection; used by one thread at a time. */
struct tally_tx {
    struct tally_db *db;
    void *own; /* the engine's */
    enum db_kind kind;
    enum tally_error failed; /* of the first statement of the operation that failed */
    bool careful; /* the group runs again because a statement failed that was posted: nothing is posted now */
    bool again;   /* the engine lost the transaction; nothing of it is there; running it again may do */
    struct tally_stmt statements[TALLY_DB_STATEMENTS_MAX];
    struct tally_stmt *used[TALLY_DB_STATEMENTS_MAX];
    size_t used_count;
    struct tally_stmt broken; /* handed out when a statement cannot be prepared */
};

/* Errors are those of db.h; an engine logs the reason of every TALLY_E_IO, TALLY_E_SERVER and TALLY_E_BUSY.
 */
struct db_engine {
    /* Sets db->own up from db->location; what fails is undone by close. */
    enum tally_error (*open)(struct tally_db *db);
    void (*close)(struct tally_db *db);

    /* Fills tx->own. disconnect frees it and takes NULL; statements are finalised before. */
    enum tally_error (*connect)(struct tally_tx *tx);
    void (*disconnect)(struct tally_tx *tx);

    /* A transaction of tx->kind. begin of a writer waits until it is the only one. */
    enum tally_error (*begin)(struct tally_tx *tx);
    enum tally_error (*commit)(struct tally_tx *tx);
    enum tally_error (*rollback)(struct tally_tx *tx);
    bool (*in_transaction)(const struct tally_tx *tx);
    enum tally_error (*savepoint)(struct tally_tx *tx);
    enum tally_error (*undo)(struct tally_tx *tx); /* to the savepoint, which stays */
    enum tally_error (*release)(struct tally_tx *tx);
    /* Runs a script in the common dialect, without parameters or rows; within a transaction. */
    enum tally_error (*exec)(struct tally_tx *tx, const char *script);

    enum tally_error (*prepare)(struct tally_stmt *stmt); /* sets stmt->own */
    void (*reset)(struct tally_stmt *stmt, bool clear);   /* clear: the parameters too */
    void (*finalise)(struct tally_stmt *stmt);            /* own may be NULL */
    enum tally_error (*bind_int)(struct tally_stmt *stmt, int at, int64_t value);
    enum tally_error (*bind_text)(struct tally_stmt *stmt, int at, const char *text); /* NULL allowed */
    enum tally_error (*bind_blob)(struct tally_stmt *stmt, int at, const void *bytes, size_t n);
    enum tally_error (*step)(struct tally_stmt *stmt, bool *row);
    /* As step without rows; the error may come later, as that of another statement or of commit. */
    enum tally_error (*post)(struct tally_stmt *stmt, bool *row);
    /* As step without rows, but TALLY_E_EXISTS leaves the transaction as it was before. */
    enum tally_error (*try)(struct tally_stmt *stmt, bool *row);
    int64_t (*column_int)(struct tally_stmt *stmt, int at);
    bool (*column_null)(struct tally_stmt *stmt, int at);
    const char *(*column_text)(struct tally_stmt *stmt, int at); /* NULL for NULL */
    const void *(*column_blob)(struct tally_stmt *stmt, int at, size_t *n);
    int64_t (*changes)(const struct tally_tx *tx);

    enum tally_error (*backup)(struct tally_db *db, const char *path);
};

extern const struct db_engine db_sqlite, db_pg;

struct tally_db {
    struct tally_db_options options;
    const struct db_engine *engine;
    char *location;       /* without its scheme for SQLite */
    void *own;            /* the engine's */
    pthread_mutex_t lock; /* guards the queue, stopping and the idle readers */
    pthread_cond_t work;
    struct tally_db_job *first, **last;
    size_t queued;
    bool stopping;
    bool running; /* same_thread: a group is being run by a caller further up */
    pthread_t writer_thread;
    bool writer_started;
    struct tally_tx *writer;
    struct tally_tx *readers[TALLY_DB_READERS_MAX];
    size_t reader_count;
    struct tally_metric *operations_ok, *operations_failed, *groups, *groups_again, *group_size,
        *commit_seconds;
};

enum tally_error db_connect(struct tally_db *db, enum db_kind kind, struct tally_tx **tx);
void db_disconnect(struct tally_tx *tx);
enum tally_error db_reader_take(struct tally_db *db, struct tally_tx **tx);
void db_reader_return(struct tally_db *db, struct tally_tx *tx);
/* Resets every statement the operation used. */
void db_release_statements(struct tally_tx *tx);
/* Runs one operation to its end and gives its result, by the rules after an error; no savepoint, no commit.
 */
enum tally_error db_run(struct tally_tx *tx, tally_db_op *op, void *arg);

enum tally_error db_migrate(struct tally_tx *tx, const struct tally_db_schema *schemas);

/* The writer's thread, and what it does with what waits. */
void *db_writer_main(void *db);
void db_writer_drain(struct tally_db *db);

#endif
