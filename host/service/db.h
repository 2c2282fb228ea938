/* A database behind operations: one engine table, SQLite and PostgreSQL behind it; one SQL for both.
 *
 * A change is an operation: a function that runs inside a savepoint of a writer's transaction. All operations
 * that wait when the writer comes round form a group and share one commit, which is on disk before any of
 * them is told its result. An operation that fails is undone alone; a commit that fails fails the whole
 * group. Changes are serial: whatever an operation reads stays true until its commit, on either engine and
 * also when several processes share a PostgreSQL database. Business wings keep their SQL in one file each, in
 * the common dialect (specs/service.md), and offer typed operations; nothing else of SQL is seen above them.
 *
 * An operation may run more than once before its result is told: on PostgreSQL a group that was undone by the
 * server (a deadlock, a lost connection) is run again from its start. What it does outside the transaction
 * must therefore be setting, never adding; only its last run counts.
 */
#ifndef TALLY_SERVICE_DB_H
#define TALLY_SERVICE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/base/error.h"
#include "host/service/metrics.h"

#define TALLY_DB_GROUP_MAX      256  /* operations in one commit */
#define TALLY_DB_QUEUE_MAX      8192 /* operations waiting; beyond it TALLY_E_FULL */
#define TALLY_DB_READERS_MAX    16   /* idle reading connections kept */
#define TALLY_DB_STATEMENTS_MAX 256  /* distinct statements a connection keeps prepared */
#define TALLY_DB_PARAMETERS_MAX 64   /* of a statement; beyond it TALLY_E_BUG */

/* Numbered from 1 without gaps, forward only; a list ends with a NULL sql. One is one transaction. */
struct tally_db_migration {
    int version;
    const char *sql;
};

/* Each part of a program that has tables numbers its own schema. A list ends with a NULL component. */
struct tally_db_schema {
    const char *component;
    const struct tally_db_migration *migrations;
};

struct tally_db_options {
    /* "sqlite:PATH" or PATH: a file, made with mode 0600 when it is not there. "postgresql://…": a URI of
     * libpq, the database there already. Never logged. */
    const char *location;
    const struct tally_db_schema *schemas; /* only read while opening */
    struct tally_metrics *metrics;         /* may be NULL */
    const char *vfs;                       /* a registered SQLite VFS for tests; NULL for the system's */
    /* No thread of its own: submitting runs the operation and tells its result before it returns, reads use
     * the one connection. For simulators, whose order must be theirs; then "sqlite::memory:" is allowed. */
    bool same_thread;
    unsigned busy_ms;     /* how long another program's lock is waited for; 0: 5,000 */
    unsigned patience_ms; /* PostgreSQL: how long a lost server is waited for; 0: 5,000 */
};

/* The file of a SQLite location; NULL for a server's. */
const char *tally_db_file(const char *location);

struct tally_db;
struct tally_tx;   /* a transaction or snapshot; valid only within the operation it is given to */
struct tally_stmt; /* a prepared statement; valid until the operation returns */

/* Opens, migrates, starts the writer. *db is NULL on failure: TALLY_E_FORMAT for a location of no known kind,
 * TALLY_E_IO, TALLY_E_SERVER when the server is not reached, or TALLY_E_STATE when the database has a newer
 * schema than this program knows; the reason is logged. */
enum tally_error tally_db_open(const struct tally_db_options *options, struct tally_db **db);
/* Runs what is queued, tells the results, ends the writer. Later submissions get TALLY_E_STATE; reads go on.
 */
void tally_db_stop(struct tally_db *db);
/* Stops and frees; nobody may use it any more. NULL is allowed. */
void tally_db_close(struct tally_db *db);

/* TALLY_OK keeps the operation's changes, anything else undoes them and is its result. Once a statement has
 * failed (but for tally_try) every later one of the operation fails with the same error, and so does it. */
typedef enum tally_error tally_db_op(struct tally_tx *tx, void *arg);

/* One submitted operation; the caller's memory until done is called. */
struct tally_db_job {
    tally_db_op
        *first; /* may be NULL; runs before op, and what it did stays when op fails; its error is final */
    tally_db_op *op; /* runs in the writer's thread: no waiting, no heavy computing */
    void *arg;
    void (*done)(struct tally_db_job *job, void *arg); /* in the writer's thread, after the commit */
    /* Set before done: the operation's error. TALLY_E_IO when the commit failed, TALLY_E_BUSY when another
     * program kept the database locked for too long: nothing was changed. TALLY_E_SERVER when the connection
     * was lost and the server did not come back in time: unless it was lost before the commit nobody knows
     * whether the changes are there, so ask by the operation's own key. */
    enum tally_error result;
    struct tally_db_job *next; /* the queue's */
};

/* Queues a job. TALLY_E_FULL when too many wait, TALLY_E_STATE after closing began: then done is never
 * called. */
enum tally_error tally_db_submit(struct tally_db *db, struct tally_db_job *job);
/* Submits and waits for the result. Not from within an operation or a done function. */
enum tally_error tally_db_write(struct tally_db *db, tally_db_op *op, void *arg);
/* Runs an operation that only reads, in this thread, on one snapshot. Writing in it is TALLY_E_IO. Errors as
 * for a job; it too may run twice. */
enum tally_error tally_db_read(struct tally_db *db, tally_db_op *op, void *arg);

/* Writes a consistent copy beside the running service: to `path`.new, then renamed. TALLY_E_EXISTS when path
 * is there. Mode 0600. PostgreSQL: TALLY_E_USAGE, and the log names pg_dump, which does it. */
enum tally_error tally_db_backup(struct tally_db *db, const char *path);

/* Whether a read works: for /readyz. ctx is the database. */
enum tally_error tally_db_check(void *ctx);

/* The statement for a text that stays where it is (a literal), in the common dialect: prepared once a
 * connection, handed out reset. An error in preparing or binding is remembered and returned by the next step,
 * so that callers check once. Never NULL. */
struct tally_stmt *tally_db_prepare(struct tally_tx *tx, const char *sql);
/* Parameters count from 1; texts and blobs are copied. A NULL text or blob binds NULL. */
void tally_bind_int(struct tally_stmt *stmt, int at, int64_t value);
void tally_bind_text(struct tally_stmt *stmt, int at, const char *text);
void tally_bind_blob(struct tally_stmt *stmt, int at, const void *bytes, size_t n);

/* To the next row: *row says whether there is one. TALLY_E_EXISTS for a row that must be unique and is not,
 * TALLY_E_STATE for another constraint that does not hold, TALLY_E_BUSY when a lock is not had in time,
 * TALLY_E_SERVER when the connection is lost, TALLY_E_FORMAT for a value the engine cannot take (a text that
 * is not UTF-8), TALLY_E_IO for all else. PostgreSQL holds all rows of a result: bound it by LIMIT. */
enum tally_error tally_step(struct tally_stmt *stmt, bool *row);
/* For statements without rows. */
enum tally_error tally_run(struct tally_stmt *stmt);
/* As tally_run, for a statement that is not expected to fail: PostgreSQL is not waited for, and its error may
 * be told by a later statement, or only as the operation's result. tally_changes says nothing of it. */
enum tally_error tally_post(struct tally_stmt *stmt);
/* As tally_run, for an insertion that may meet its like: after TALLY_E_EXISTS the operation goes on, as if
 * the statement had not been. */
enum tally_error tally_try(struct tally_stmt *stmt);
/* For a single row: TALLY_E_NOT_FOUND when there is none. */
enum tally_error tally_first(struct tally_stmt *stmt);

/* Columns of the current row, from 0; pointers are valid until the next step. */
int64_t tally_column_int(struct tally_stmt *stmt, int at);
bool tally_column_null(struct tally_stmt *stmt, int at);
const char *tally_column_text(struct tally_stmt *stmt, int at); /* "" for NULL */
const void *tally_column_blob(struct tally_stmt *stmt, int at, size_t *n);
/* Copies into a buffer of the caller's. False (and an empty text, or zeroes) when the length does not fit:
 * size - 1 at most for text, exactly n for a blob. */
bool tally_column_text_copy(struct tally_stmt *stmt, int at, char *out, size_t size);
bool tally_column_blob_copy(struct tally_stmt *stmt, int at, void *out, size_t n);

/* Rows changed by the INSERT, UPDATE or DELETE that ran last. What it inserted is told by RETURNING. */
int64_t tally_changes(const struct tally_tx *tx);

#endif
