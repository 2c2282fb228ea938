/* The writer: takes what waits, runs it in one transaction, commits once, tells the results. */
#include <semaphore.h>

#include "host/base/clock.h"
#include "host/base/log.h"
#include "host/service/db_internal.h"

/* False once SQLite has rolled the whole transaction back by itself (disk full, I/O error, out of memory). */
static bool in_transaction(const struct tally_tx *tx)
{
    return sqlite3_get_autocommit(tx->handle) == 0;
}

static enum tally_error run_one(struct tally_tx *tx, const struct tally_db_job *job)
{
    enum tally_error e = db_command(tx, db_savepoint);
    if (e != TALLY_OK)
        return e;
    e = job->op(tx, job->arg);
    db_release_statements(tx);
    if (!in_transaction(tx))
        return e != TALLY_OK ? e : TALLY_E_IO;
    if (e != TALLY_OK && db_command(tx, db_undo) != TALLY_OK)
        return TALLY_E_IO;
    enum tally_error released = db_command(tx, db_release);
    return e != TALLY_OK ? e : released;
}

/* Gives every operation that had succeeded the group's error. */
static void fail_group(struct tally_db_job *group)
{
    for (struct tally_db_job *job = group; job != NULL; job = job->next)
        if (job->result == TALLY_OK)
            job->result = TALLY_E_IO;
}

static void run_group(struct tally_tx *tx, struct tally_db_job *group)
{
    enum tally_error e = db_command(tx, db_begin_write);
    for (struct tally_db_job *job = group; job != NULL; job = job->next)
        job->result = e != TALLY_OK ? e : in_transaction(tx) ? run_one(tx, job) : TALLY_E_IO;
    if (e != TALLY_OK)
        return;
    if (!in_transaction(tx)) {
        fail_group(group);
        return;
    }
    if (db_command(tx, db_commit) == TALLY_OK)
        return;
    fail_group(group);
    if (in_transaction(tx))
        (void)db_command(tx, db_rollback);
}

static void tell(struct tally_db *db, struct tally_db_job *group)
{
    int64_t ok = 0, failed = 0;
    while (group != NULL) {
        struct tally_db_job *job = group;
        group = job->next;
        job->result == TALLY_OK ? ok++ : failed++;
        job->done(job, job->arg);
    }
    if (db->groups == NULL)
        return;
    tally_metric_add(db->groups, 1);
    tally_metric_add(db->operations_ok, ok);
    tally_metric_add(db->operations_failed, failed);
    tally_metric_observe(db->group_size, (uint64_t)(ok + failed));
}

/* Waits for work; NULL when closing and nothing is left. */
static struct tally_db_job *take_group(struct tally_db *db)
{
    pthread_mutex_lock(&db->lock);
    while (db->first == NULL && !db->stopping)
        pthread_cond_wait(&db->work, &db->lock);
    struct tally_db_job *group = db->first, *tail = NULL;
    size_t n = 0;
    for (struct tally_db_job *job = group; job != NULL && n < TALLY_DB_GROUP_MAX; job = job->next, n++)
        tail = job;
    if (tail != NULL) {
        db->first = tail->next;
        tail->next = NULL;
    }
    if (db->first == NULL)
        db->last = &db->first;
    db->queued -= n;
    pthread_mutex_unlock(&db->lock);
    return group;
}

void *db_writer_main(void *arg)
{
    struct tally_db *db = arg;
    for (;;) {
        struct tally_db_job *group = take_group(db);
        if (group == NULL)
            return NULL;
        uint64_t start = tally_clock_monotonic_us(&tally_system_clock);
        run_group(db->writer, group);
        if (db->commit_seconds != NULL)
            tally_metric_observe(db->commit_seconds, tally_clock_monotonic_us(&tally_system_clock) - start);
        tell(db, group);
    }
}

enum tally_error tally_db_submit(struct tally_db *db, struct tally_db_job *job)
{
    enum tally_error e = TALLY_OK;
    job->next = NULL;
    job->result = TALLY_E_STATE;
    pthread_mutex_lock(&db->lock);
    if (db->stopping)
        e = TALLY_E_STATE;
    else if (db->queued >= TALLY_DB_QUEUE_MAX)
        e = TALLY_E_FULL;
    else {
        if (db->first == NULL)
            pthread_cond_signal(&db->work);
        *db->last = job;
        db->last = &job->next;
        db->queued++;
    }
    pthread_mutex_unlock(&db->lock);
    return e;
}

struct waiting {
    tally_db_op *op;
    void *arg;
    sem_t done;
};

static enum tally_error run_waiting(struct tally_tx *tx, void *arg)
{
    struct waiting *waiting = arg;
    return waiting->op(tx, waiting->arg);
}

static void wake(struct tally_db_job *job, void *arg)
{
    (void)job;
    sem_post(&((struct waiting *)arg)->done);
}

enum tally_error tally_db_write(struct tally_db *db, tally_db_op *op, void *arg)
{
    struct waiting waiting = {.op = op, .arg = arg};
    struct tally_db_job job = {.op = run_waiting, .arg = &waiting, .done = wake};
    if (sem_init(&waiting.done, 0, 0) != 0)
        return TALLY_E_IO;
    enum tally_error e = tally_db_submit(db, &job);
    if (e == TALLY_OK) {
        while (sem_wait(&waiting.done) != 0)
            continue;
        e = job.result;
    }
    sem_destroy(&waiting.done);
    return e;
}
