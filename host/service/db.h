/* SQLite behind operations: one writer that groups commits, readers with snapshots of their own.
 *
 * A change is an operation: a function that runs inside a savepoint of the writer's transaction. All
 * operations that wait when the writer comes round form a group and share one commit, which is on disk (WAL,
 * synchronous=FULL) before any of them is told its result. An operation that fails is undone alone; a commit
 * that fails fails the whole group. Business wings keep their SQL in one file each and offer typed
 * operations; nothing else of SQL is seen above them.
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
#define TALLY_DB_STATEMENTS_MAX 128  /* distinct statements a connection keeps prepared */

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
    const char *path;                      /* made with mode 0600 when it is not there */
    const struct tally_db_schema *schemas; /* only read while opening */
    struct tally_metrics *metrics;         /* may be NULL */
    const char *vfs;                       /* a registered SQLite VFS for tests; NULL for the system's */
};

struct tally_db;
struct tally_tx;   /* a transaction or snapshot; valid only within the operation it is given to */
struct tally_stmt; /* a prepared statement; valid until the operation returns */

/* Opens, migrates, starts the writer. *db is NULL on failure: TALLY_E_IO, or TALLY_E_STATE when the file has
 * a newer schema than this program knows; the reason is logged. */
enum tally_error tally_db_open(const struct tally_db_options *options, struct tally_db **db);
/* Runs what is queued, tells the results, ends the writer. Later submissions get TALLY_E_STATE; reads go on.
 */
void tally_db_stop(struct tally_db *db);
/* Stops and frees; nobody may use it any more. NULL is allowed. */
void tally_db_close(struct tally_db *db);

/* TALLY_OK keeps the operation's changes, anything else undoes them and is its result. */
typedef enum tally_error tally_db_op(struct tally_tx *tx, void *arg);

/* One submitted operation; the caller's memory until done is called. */
struct tally_db_job {
    tally_db_op *op; /* runs in the writer's thread: no waiting, no heavy computing */
    void *arg;
    void (*done)(struct tally_db_job *job, void *arg); /* in the writer's thread, after the commit */
    enum tally_error
        result; /* set before done: the operation's error, or TALLY_E_IO when the commit failed */
    struct tally_db_job *next; /* the queue's */
};

/* Queues a job. TALLY_E_FULL when too many wait, TALLY_E_STATE after closing began: then done is never
 * called. */
enum tally_error tally_db_submit(struct tally_db *db, struct tally_db_job *job);
/* Submits and waits for the result. Not from within an operation or a done function. */
enum tally_error tally_db_write(struct tally_db *db, tally_db_op *op, void *arg);
/* Runs an operation that only reads, in this thread, on one snapshot. Writing in it is TALLY_E_IO. */
enum tally_error tally_db_read(struct tally_db *db, tally_db_op *op, void *arg);

/* Writes a consistent copy beside the running service: to `path`.new, then renamed. TALLY_E_EXISTS when path
 * is there. Mode 0600. */
enum tally_error tally_db_backup(struct tally_db *db, const char *path);

/* Whether a read works: for /readyz. ctx is the database. */
enum tally_error tally_db_check(void *ctx);

/* The statement for a text that stays where it is (a literal): prepared once a connection, handed out reset.
 * An error in preparing or binding is remembered and returned by the next step, so that callers check once.
 * Never NULL. */
struct tally_stmt *tally_db_prepare(struct tally_tx *tx, const char *sql);
/* Parameters count from 1; texts and blobs are copied. A NULL text or blob binds NULL. */
void tally_bind_int(struct tally_stmt *stmt, int at, int64_t value);
void tally_bind_text(struct tally_stmt *stmt, int at, const char *text);
void tally_bind_blob(struct tally_stmt *stmt, int at, const void *bytes, size_t n);

/* To the next row: *row says whether there is one. TALLY_E_EXISTS for a row that must be unique and is not,
 * TALLY_E_STATE for another constraint that does not hold, TALLY_E_IO for all else. */
enum tally_error tally_step(struct tally_stmt *stmt, bool *row);
/* For statements without rows. */
enum tally_error tally_run(struct tally_stmt *stmt);
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

/* Rows changed by the last INSERT, UPDATE or DELETE, and the row id of the last INSERT. */
int64_t tally_changes(const struct tally_tx *tx);
int64_t tally_last_id(const struct tally_tx *tx);

#endif
