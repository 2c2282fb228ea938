#include "host/service/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/service/db_internal.h"

#define BUSY_TIMEOUT_MS 5000 /* for another process that writes: a backup's restore, a tool */

static const uint64_t group_bounds[] = {1, 2, 4, 8, 16, 32, 64, 128, 256};
static const uint64_t commit_bounds_us[] = {100, 250, 500, 1000, 2500, 5000, 10000, 25000, 100000, 1000000};

static const struct tally_metric_family families[] = {
    {.name = "db_operations", .type = TALLY_COUNTER, .help = "Operations the writer ran, by result."},
    {.name = "db_groups", .type = TALLY_COUNTER, .help = "Commits: groups of operations."},
    {.name = "db_group_size",
     .type = TALLY_HISTOGRAM,
     .help = "Operations in one commit.",
     .bounds = group_bounds,
     .bound_count = sizeof group_bounds / sizeof group_bounds[0],
     .scale = 1},
    {.name = "db_group_seconds",
     .type = TALLY_HISTOGRAM,
     .help = "Time to run and commit one group.",
     .bounds = commit_bounds_us,
     .bound_count = sizeof commit_bounds_us / sizeof commit_bounds_us[0],
     .scale = 1e-6},
    {.name = NULL},
};

static pthread_once_t sqlite_once = PTHREAD_ONCE_INIT;

/* Memory statistics cost a global lock on every allocation. */
static void configure_sqlite(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    (void)sqlite3_initialize();
}

enum tally_error db_exec(struct tally_tx *tx, const char *sql)
{
    int result = sqlite3_exec(tx->handle, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? TALLY_OK : db_error(tx, result, sql);
}

void db_disconnect(struct tally_tx *tx)
{
    if (tx == NULL)
        return;
    for (size_t i = 0; i < TALLY_DB_STATEMENTS_MAX; i++)
        sqlite3_finalize(tx->statements[i].handle);
    sqlite3_close(tx->handle);
    free(tx);
}

enum tally_error db_connect(const struct tally_db *db, bool reader, struct tally_tx **out)
{
    static const char common[] =
        "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; "
        "PRAGMA synchronous = FULL; PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4000";
    *out = NULL;
    struct tally_tx *tx = calloc(1, sizeof *tx);
    if (tx == NULL)
        return TALLY_E_MEMORY;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    enum tally_error e = TALLY_OK;
    int result = sqlite3_open_v2(db->path, &tx->handle, flags, db->options.vfs);
    if (result != SQLITE_OK) {
        tally_log(TALLY_LOG_ERROR, "db", NULL, "database does not open", TALLY_STR("path", db->path),
                  TALLY_STR("reason", sqlite3_errstr(result)));
        e = TALLY_E_IO;
    }
    if (e == TALLY_OK) {
        sqlite3_extended_result_codes(tx->handle, 1);
        sqlite3_busy_timeout(tx->handle, BUSY_TIMEOUT_MS);
        e = db_exec(tx, common);
    }
    if (e == TALLY_OK)
        e = db_exec(tx, reader ? "PRAGMA query_only = ON" : "PRAGMA journal_mode = WAL");
    if (e == TALLY_OK)
        e = db_prepare_commands(tx);
    if (e != TALLY_OK) {
        db_disconnect(tx);
        return e;
    }
    *out = tx;
    return TALLY_OK;
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

static enum tally_error setup_metrics(struct tally_db *db)
{
    struct tally_metrics *metrics = db->options.metrics;
    if (metrics == NULL)
        return TALLY_OK;
    enum tally_error e = tally_metrics_register(metrics, families);
    db->operations_ok = tally_metrics_get(metrics, "db_operations", "result=\"ok\"");
    db->operations_failed = tally_metrics_get(metrics, "db_operations", "result=\"failed\"");
    db->groups = tally_metrics_get(metrics, "db_groups", "");
    db->group_size = tally_metrics_get(metrics, "db_group_size", "");
    db->commit_seconds = tally_metrics_get(metrics, "db_group_seconds", "");
    return e;
}

enum tally_error tally_db_open(const struct tally_db_options *options, struct tally_db **out)
{
    *out = NULL;
    pthread_once(&sqlite_once, configure_sqlite);
    struct tally_db *db = calloc(1, sizeof *db);
    if (db == NULL)
        return TALLY_E_MEMORY;
    pthread_mutex_init(&db->lock, NULL);
    pthread_cond_init(&db->work, NULL);
    db->options = *options;
    db->last = &db->first;
    db->path = strdup(options->path);
    enum tally_error e = db->path != NULL ? setup_metrics(db) : TALLY_E_MEMORY;
    if (e == TALLY_OK)
        e = make_file(db->path);
    if (e == TALLY_OK)
        e = db_connect(db, false, &db->writer);
    if (e == TALLY_OK)
        e = db_migrate(db->writer, options->schemas);
    if (e == TALLY_OK && pthread_create(&db->writer_thread, NULL, db_writer_main, db) != 0)
        e = TALLY_E_MEMORY;
    if (e != TALLY_OK) {
        tally_db_close(db);
        return e;
    }
    db->writer_started = true;
    db->options.schemas = NULL;
    *out = db;
    return TALLY_OK;
}

void tally_db_stop(struct tally_db *db)
{
    pthread_mutex_lock(&db->lock);
    db->stopping = true;
    pthread_cond_signal(&db->work);
    pthread_mutex_unlock(&db->lock);
    if (db->writer_started)
        pthread_join(db->writer_thread, NULL);
    db->writer_started = false;
}

void tally_db_close(struct tally_db *db)
{
    if (db == NULL)
        return;
    tally_db_stop(db);
    for (size_t i = 0; i < db->reader_count; i++)
        db_disconnect(db->readers[i]);
    db_disconnect(db->writer);
    pthread_cond_destroy(&db->work);
    pthread_mutex_destroy(&db->lock);
    free(db->path);
    free(db);
}

static enum tally_error take_reader(struct tally_db *db, struct tally_tx **tx)
{
    *tx = NULL;
    pthread_mutex_lock(&db->lock);
    if (db->reader_count > 0)
        *tx = db->readers[--db->reader_count];
    pthread_mutex_unlock(&db->lock);
    return *tx != NULL ? TALLY_OK : db_connect(db, true, tx);
}

static void return_reader(struct tally_db *db, struct tally_tx *tx)
{
    pthread_mutex_lock(&db->lock);
    if (db->reader_count < TALLY_DB_READERS_MAX) {
        db->readers[db->reader_count++] = tx;
        tx = NULL;
    }
    pthread_mutex_unlock(&db->lock);
    db_disconnect(tx);
}

enum tally_error tally_db_read(struct tally_db *db, tally_db_op *op, void *arg)
{
    struct tally_tx *tx;
    enum tally_error e = take_reader(db, &tx);
    if (e != TALLY_OK)
        return e;
    e = db_command(tx, db_begin);
    if (e == TALLY_OK) {
        e = op(tx, arg);
        db_release_statements(tx);
        if (sqlite3_get_autocommit(tx->handle) == 0 && db_command(tx, db_rollback) != TALLY_OK)
            e = TALLY_E_IO;
    }
    return_reader(db, tx);
    return e;
}

static enum tally_error select_one(struct tally_tx *tx, void *arg)
{
    (void)arg;
    bool row;
    return tally_step(tally_db_prepare(tx, "SELECT version FROM tally_schema LIMIT 1"), &row);
}

enum tally_error tally_db_check(void *ctx)
{
    return tally_db_read(ctx, select_one, NULL);
}

/* One step copies everything inside one read transaction, so that writers never make it start over. */
static enum tally_error copy_to(struct tally_tx *from, const char *path)
{
    sqlite3 *to = NULL;
    int result = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    sqlite3_backup *backup =
        result == SQLITE_OK ? sqlite3_backup_init(to, "main", from->handle, "main") : NULL;
    result = backup != NULL ? sqlite3_backup_step(backup, -1) : SQLITE_ERROR;
    if (backup != NULL)
        sqlite3_backup_finish(backup);
    if (result != SQLITE_DONE)
        tally_log(TALLY_LOG_ERROR, "db", NULL, "backup failed", TALLY_STR("path", path),
                  TALLY_STR("reason", sqlite3_errstr(result)));
    return sqlite3_close(to) == SQLITE_OK && result == SQLITE_DONE ? TALLY_OK : TALLY_E_IO;
}

enum tally_error tally_db_backup(struct tally_db *db, const char *path)
{
    char temporary[4096];
    struct tally_tx *tx;
    if (access(path, F_OK) == 0)
        return TALLY_E_EXISTS;
    if (snprintf(temporary, sizeof temporary, "%s.new", path) >= (int)sizeof temporary)
        return TALLY_E_FORMAT;
    enum tally_error e = take_reader(db, &tx);
    if (e != TALLY_OK)
        return e;
    (void)unlink(temporary);
    e = make_file(temporary);
    if (e == TALLY_OK)
        e = copy_to(tx, temporary);
    return_reader(db, tx);
    if (e == TALLY_OK && rename(temporary, path) != 0)
        e = TALLY_E_IO;
    if (e != TALLY_OK)
        (void)unlink(temporary);
    return e;
}
