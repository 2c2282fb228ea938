/* A database: opening, the pool of readers, the rest by its engine. */
#include <stdlib.h>
#include <string.h>

#include "host/base/log.h"
#include "host/service/db_engine.h"

#define WAIT_MS   5000
#define READ_RUNS 3 /* of one read, when the engine loses its transaction */

static const uint64_t group_bounds[] = {1, 2, 4, 8, 16, 32, 64, 128, 256};
static const uint64_t commit_bounds_us[] = {100, 250, 500, 1000, 2500, 5000, 10000, 25000, 100000, 1000000};

static const struct tally_metric_family families[] = {
    {.name = "db_operations", .type = TALLY_COUNTER, .help = "Operations the writer ran, by result."},
    {.name = "db_groups", .type = TALLY_COUNTER, .help = "Commits: groups of operations."},
    {.name = "db_groups_again",
     .type = TALLY_COUNTER,
     .help = "Groups that the server undid and that were run again."},
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

const char *tally_db_file(const char *location)
{
    static const char sqlite[] = "sqlite:";
    if (strncmp(location, sqlite, sizeof sqlite - 1) == 0)
        return location + sizeof sqlite - 1;
    return strstr(location, "://") == NULL ? location : NULL;
}

/* Which engine, and where. */
static enum tally_error locate(struct tally_db *db, const char *location)
{
    const char *file = tally_db_file(location);
    bool server = strncmp(location, "postgresql://", 13) == 0 || strncmp(location, "postgres://", 11) == 0;
    db->engine = server ? &db_pg : &db_sqlite;
    if (!server && (file == NULL || file[0] == '\0'))
        return TALLY_E_FORMAT;
    db->location = strdup(server ? location : file);
    return db->location != NULL ? TALLY_OK : TALLY_E_MEMORY;
}

void db_disconnect(struct tally_tx *tx)
{
    if (tx == NULL)
        return;
    for (size_t i = 0; i < TALLY_DB_STATEMENTS_MAX; i++)
        if (tx->statements[i].own != NULL)
            tx->db->engine->finalise(&tx->statements[i]);
    tx->db->engine->disconnect(tx);
    free(tx);
}

enum tally_error db_connect(struct tally_db *db, enum db_kind kind, struct tally_tx **out)
{
    *out = NULL;
    struct tally_tx *tx = calloc(1, sizeof *tx);
    if (tx == NULL)
        return TALLY_E_MEMORY;
    tx->db = db;
    tx->kind = kind;
    enum tally_error e = db->engine->connect(tx);
    if (e != TALLY_OK) {
        db_disconnect(tx);
        return e;
    }
    *out = tx;
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
    db->groups_again = tally_metrics_get(metrics, "db_groups_again", "");
    db->group_size = tally_metrics_get(metrics, "db_group_size", "");
    db->commit_seconds = tally_metrics_get(metrics, "db_group_seconds", "");
    return e;
}

static enum tally_error start_writer(struct tally_db *db)
{
    if (db->options.same_thread)
        return TALLY_OK;
    if (pthread_create(&db->writer_thread, NULL, db_writer_main, db) != 0)
        return TALLY_E_MEMORY;
    db->writer_started = true;
    return TALLY_OK;
}

enum tally_error tally_db_open(const struct tally_db_options *options, struct tally_db **out)
{
    *out = NULL;
    struct tally_db *db = calloc(1, sizeof *db);
    if (db == NULL)
        return TALLY_E_MEMORY;
    pthread_mutex_init(&db->lock, NULL);
    pthread_cond_init(&db->work, NULL);
    db->options = *options;
    db->options.location = NULL;
    if (db->options.busy_ms == 0)
        db->options.busy_ms = WAIT_MS;
    if (db->options.patience_ms == 0)
        db->options.patience_ms = WAIT_MS;
    db->last = &db->first;
    enum tally_error e = locate(db, options->location);
    if (e == TALLY_OK)
        e = setup_metrics(db);
    if (e == TALLY_OK)
        e = db->engine->open(db);
    if (e == TALLY_OK)
        e = db_connect(db, DB_WRITE, &db->writer);
    if (e == TALLY_OK)
        e = db_migrate(db->writer, options->schemas);
    if (e == TALLY_OK)
        e = start_writer(db);
    if (e != TALLY_OK) {
        tally_db_close(db);
        return e;
    }
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
    db->engine->close(db);
    pthread_cond_destroy(&db->work);
    pthread_mutex_destroy(&db->lock);
    free(db->location);
    free(db);
}

enum tally_error db_reader_take(struct tally_db *db, struct tally_tx **tx)
{
    *tx = NULL;
    if (db->options.same_thread) {
        if (db->engine->in_transaction(db->writer))
            return TALLY_E_BUG;
        *tx = db->writer;
        db->writer->kind = DB_READ;
        return TALLY_OK;
    }
    pthread_mutex_lock(&db->lock);
    if (db->reader_count > 0)
        *tx = db->readers[--db->reader_count];
    pthread_mutex_unlock(&db->lock);
    return *tx != NULL ? TALLY_OK : db_connect(db, DB_READ, tx);
}

void db_reader_return(struct tally_db *db, struct tally_tx *tx)
{
    if (db->options.same_thread) {
        db->writer->kind = DB_WRITE;
        return;
    }
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
    enum tally_error e = db_reader_take(db, &tx);
    if (e != TALLY_OK)
        return e;
    for (int run = 0; run < READ_RUNS; run++) {
        tx->again = false;
        e = db->engine->begin(tx);
        if (e == TALLY_OK)
            e = db_run(tx, op, arg);
        if (db->engine->rollback(tx) != TALLY_OK && e == TALLY_OK)
            e = TALLY_E_IO;
        if (!tx->again)
            break;
    }
    db_reader_return(db, tx);
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

enum tally_error tally_db_backup(struct tally_db *db, const char *path)
{
    return db->engine->backup(db, path);
}
