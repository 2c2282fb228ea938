/* SQLite: connections, transactions, statements. WAL, synchronous=FULL. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/service/db_engine.h"

#define WAL_RETRY_MS 5
#define SKIP_LOCKED  " FOR UPDATE SKIP LOCKED"

enum command { BEGIN_READ, BEGIN_WRITE, COMMIT, ROLLBACK, SAVEPOINT, UNDO, RELEASE, COMMANDS };
static const char *const command_texts[COMMANDS] = {
    "BEGIN", "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK", "SAVEPOINT op", "ROLLBACK TO op", "RELEASE op"};

/* The commands of transactions are prepared with the connection, so that an operation with too many
 * statements cannot keep its own transaction from ending. */
struct connection {
    sqlite3 *handle;
    sqlite3_stmt *commands[COMMANDS];
};

static pthread_once_t sqlite_once = PTHREAD_ONCE_INIT;

/* Memory statistics cost a global lock on every allocation. */
static void configure(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    (void)sqlite3_initialize();
}

static sqlite3 *handle_of(const struct tally_tx *tx)
{
    return ((struct connection *)tx->own)->handle;
}

/* Maps and logs a result of SQLite. */
static enum tally_error error_of(const struct tally_tx *tx, int result, const char *sql)
{
    int extended = sqlite3_extended_errcode(handle_of(tx));
    if (extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY ||
        extended == SQLITE_CONSTRAINT_ROWID)
        return TALLY_E_EXISTS;
    if ((result & 0xFF) == SQLITE_CONSTRAINT)
        return TALLY_E_STATE;
    tally_log(TALLY_LOG_ERROR, "db", NULL, "database failed", TALLY_INT("sqlite", extended),
              TALLY_STR("reason", sqlite3_errmsg(handle_of(tx))), TALLY_STR("sql", sql));
    return (result & 0xFF) == SQLITE_BUSY ? TALLY_E_BUSY : TALLY_E_IO;
}

static enum tally_error exec(struct tally_tx *tx, const char *script)
{
    int result = sqlite3_exec(handle_of(tx), script, NULL, NULL, NULL);
    return result == SQLITE_OK ? TALLY_OK : error_of(tx, result, script);
}

/* Made by us, so that neither it nor the files SQLite puts beside it can be read by others. */
static enum tally_error make_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        tally_log(TALLY_LOG_ERROR, "db", NULL, "database file cannot be opened", TALLY_STR("path", path),
                  TALLY_STR("reason", strerror(errno)));
        return TALLY_E_IO;
    }
    close(fd);
    return TALLY_OK;
}

static bool in_memory(const struct tally_db *db)
{
    return strcmp(db->location, ":memory:") == 0;
}

static enum tally_error engine_open(struct tally_db *db)
{
    pthread_once(&sqlite_once, configure);
    if (in_memory(db))
        return db->options.same_thread ? TALLY_OK : TALLY_E_FORMAT;
    return make_file(db->location);
}

static void engine_close(struct tally_db *db)
{
    (void)db;
}

static void disconnect(struct tally_tx *tx)
{
    struct connection *connection = tx->own;
    if (connection == NULL)
        return;
    for (size_t i = 0; i < COMMANDS; i++)
        sqlite3_finalize(connection->commands[i]);
    sqlite3_close(connection->handle);
    free(connection);
    tx->own = NULL;
}

static enum tally_error prepare_commands(struct tally_tx *tx)
{
    struct connection *connection = tx->own;
    for (size_t i = 0; i < COMMANDS; i++) {
        int result = sqlite3_prepare_v3(connection->handle, command_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                        &connection->commands[i], NULL);
        if (result != SQLITE_OK)
            return error_of(tx, result, command_texts[i]);
    }
    return TALLY_OK;
}

/* Another process may be making the same file into a WAL database, for which SQLite does not wait by itself.
 */
static enum tally_error enter_wal(struct tally_tx *tx)
{
    static const char pragma[] = "PRAGMA journal_mode = WAL";
    sqlite3 *handle = handle_of(tx);
    unsigned waited = 0;
    while ((sqlite3_exec(handle, pragma, NULL, NULL, NULL) & 0xFF) == SQLITE_BUSY &&
           waited < tx->db->options.busy_ms) {
        (void)poll(NULL, 0, WAL_RETRY_MS);
        waited += WAL_RETRY_MS;
    }
    return exec(tx, pragma);
}

static enum tally_error connect_to(struct tally_tx *tx)
{
    static const char common[] =
        "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; "
        "PRAGMA synchronous = FULL; PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4000";
    const struct tally_db *db = tx->db;
    struct connection *connection = calloc(1, sizeof *connection);
    tx->own = connection;
    if (connection == NULL)
        return TALLY_E_MEMORY;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    int result = sqlite3_open_v2(db->location, &connection->handle, flags, db->options.vfs);
    if (result != SQLITE_OK) {
        tally_log(TALLY_LOG_ERROR, "db", NULL, "database does not open", TALLY_STR("path", db->location),
                  TALLY_STR("reason", sqlite3_errstr(result)));
        return TALLY_E_IO;
    }
    sqlite3_extended_result_codes(connection->handle, 1);
    sqlite3_busy_timeout(connection->handle, (int)db->options.busy_ms);
    enum tally_error e = exec(tx, common);
    if (e == TALLY_OK)
        e = tx->kind == DB_READ ? exec(tx, "PRAGMA query_only = ON") : enter_wal(tx);
    return e == TALLY_OK ? prepare_commands(tx) : e;
}

/* False also once SQLite has rolled the whole transaction back by itself (disk full, I/O error, out of
 * memory). */
static bool in_transaction(const struct tally_tx *tx)
{
    return sqlite3_get_autocommit(handle_of(tx)) == 0;
}

static enum tally_error run_command(struct tally_tx *tx, enum command command)
{
    sqlite3_stmt *stmt = ((struct connection *)tx->own)->commands[command];
    int result = sqlite3_step(stmt);
    enum tally_error e = result == SQLITE_DONE ? TALLY_OK : error_of(tx, result, command_texts[command]);
    sqlite3_reset(stmt);
    return e;
}

static enum tally_error begin(struct tally_tx *tx)
{
    return run_command(tx, tx->kind == DB_READ ? BEGIN_READ : BEGIN_WRITE);
}

static enum tally_error commit(struct tally_tx *tx)
{
    return run_command(tx, COMMIT);
}

static enum tally_error rollback(struct tally_tx *tx)
{
    return in_transaction(tx) ? run_command(tx, ROLLBACK) : TALLY_OK;
}

static enum tally_error savepoint(struct tally_tx *tx)
{
    return run_command(tx, SAVEPOINT);
}

static enum tally_error undo(struct tally_tx *tx)
{
    return run_command(tx, UNDO);
}

static enum tally_error release(struct tally_tx *tx)
{
    return run_command(tx, RELEASE);
}

/* The one clause of the dialect that SQLite lacks: with a single writer no row is locked by another. */
static char *without_skip_locked(const char *sql)
{
    char *copy = strdup(sql), *at = copy != NULL ? strstr(copy, SKIP_LOCKED) : NULL;
    if (at != NULL)
        memset(at, ' ', sizeof SKIP_LOCKED - 1);
    return copy;
}

static enum tally_error prepare(struct tally_stmt *stmt)
{
    sqlite3_stmt *handle = NULL;
    char *copy = strstr(stmt->sql, SKIP_LOCKED) != NULL ? without_skip_locked(stmt->sql) : NULL;
    int result = sqlite3_prepare_v3(handle_of(stmt->tx), copy != NULL ? copy : stmt->sql, -1,
                                    SQLITE_PREPARE_PERSISTENT, &handle, NULL);
    free(copy);
    stmt->own = handle;
    return result == SQLITE_OK && handle != NULL ? TALLY_OK : error_of(stmt->tx, result, stmt->sql);
}

static void reset(struct tally_stmt *stmt, bool clear)
{
    sqlite3_reset(stmt->own);
    if (clear)
        sqlite3_clear_bindings(stmt->own);
}

static void finalise(struct tally_stmt *stmt)
{
    sqlite3_finalize(stmt->own);
}

static enum tally_error bound(struct tally_stmt *stmt, int result)
{
    return result == SQLITE_OK ? TALLY_OK : error_of(stmt->tx, result, stmt->sql);
}

static enum tally_error bind_int(struct tally_stmt *stmt, int at, int64_t value)
{
    return bound(stmt, sqlite3_bind_int64(stmt->own, at, value));
}

static enum tally_error bind_text(struct tally_stmt *stmt, int at, const char *text)
{
    return bound(stmt, text != NULL ? sqlite3_bind_text(stmt->own, at, text, -1, SQLITE_TRANSIENT)
                                    : sqlite3_bind_null(stmt->own, at));
}

static enum tally_error bind_blob(struct tally_stmt *stmt, int at, const void *bytes, size_t n)
{
    return bound(stmt, bytes != NULL ? sqlite3_bind_blob64(stmt->own, at, bytes, n, SQLITE_TRANSIENT)
                                     : sqlite3_bind_null(stmt->own, at));
}

static enum tally_error step(struct tally_stmt *stmt, bool *row)
{
    *row = false;
    if (stmt->tx->kind == DB_READ && sqlite3_stmt_readonly(stmt->own) == 0) {
        tally_log(TALLY_LOG_ERROR, "db", NULL, "a read would write", TALLY_STR("sql", stmt->sql));
        return TALLY_E_IO;
    }
    int result = sqlite3_step(stmt->own);
    *row = result == SQLITE_ROW;
    return result == SQLITE_ROW || result == SQLITE_DONE ? TALLY_OK : error_of(stmt->tx, result, stmt->sql);
}

static int64_t column_int(struct tally_stmt *stmt, int at)
{
    return sqlite3_column_int64(stmt->own, at);
}

static bool column_null(struct tally_stmt *stmt, int at)
{
    return sqlite3_column_type(stmt->own, at) == SQLITE_NULL;
}

static const char *column_text(struct tally_stmt *stmt, int at)
{
    return (const char *)sqlite3_column_text(stmt->own, at);
}

static const void *column_blob(struct tally_stmt *stmt, int at, size_t *n)
{
    const void *bytes = sqlite3_column_blob(stmt->own, at);
    *n = (size_t)sqlite3_column_bytes(stmt->own, at);
    return bytes;
}

static int64_t changes(const struct tally_tx *tx)
{
    return sqlite3_changes64(handle_of(tx));
}

/* One step copies everything inside one read transaction, so that writers never make it start over. */
static enum tally_error copy_to(const struct tally_tx *from, const char *path)
{
    sqlite3 *to = NULL;
    int result = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    sqlite3_backup *backup =
        result == SQLITE_OK ? sqlite3_backup_init(to, "main", handle_of(from), "main") : NULL;
    result = backup != NULL ? sqlite3_backup_step(backup, -1) : SQLITE_ERROR;
    if (backup != NULL)
        sqlite3_backup_finish(backup);
    if (result != SQLITE_DONE)
        tally_log(TALLY_LOG_ERROR, "db", NULL, "backup failed", TALLY_STR("path", path),
                  TALLY_STR("reason", sqlite3_errstr(result)));
    return sqlite3_close(to) == SQLITE_OK && result == SQLITE_DONE ? TALLY_OK : TALLY_E_IO;
}

static enum tally_error backup_to(struct tally_db *db, const char *path)
{
    char temporary[4096];
    struct tally_tx *tx;
    if (access(path, F_OK) == 0)
        return TALLY_E_EXISTS;
    if (snprintf(temporary, sizeof temporary, "%s.new", path) >= (int)sizeof temporary)
        return TALLY_E_FORMAT;
    enum tally_error e = db_reader_take(db, &tx);
    if (e != TALLY_OK)
        return e;
    (void)unlink(temporary);
    e = make_file(temporary);
    if (e == TALLY_OK)
        e = copy_to(tx, temporary);
    db_reader_return(db, tx);
    if (e == TALLY_OK && rename(temporary, path) != 0)
        e = TALLY_E_IO;
    if (e != TALLY_OK)
        (void)unlink(temporary);
    return e;
}

const struct db_engine db_sqlite = {
    .open = engine_open,
    .close = engine_close,
    .connect = connect_to,
    .disconnect = disconnect,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .in_transaction = in_transaction,
    .savepoint = savepoint,
    .undo = undo,
    .release = release,
    .exec = exec,
    .prepare = prepare,
    .reset = reset,
    .finalise = finalise,
    .bind_int = bind_int,
    .bind_text = bind_text,
    .bind_blob = bind_blob,
    .step = step,
    .post = step,
    .try = step,
    .column_int = column_int,
    .column_null = column_null,
    .column_text = column_text,
    .column_blob = column_blob,
    .changes = changes,
    .backup = backup_to,
};
