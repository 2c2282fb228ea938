/* The writer: takes what waits, runs it in one transaction, commits once, tells the results. */
#include <semaphore.h>

#include "host/base/clock.h"
#include "host/service/db_engine.h"

#define GROUP_RUNS 5 /* of one group, when the engine loses its transaction */

static enum tally_error run_in_savepoint(struct tally_tx *tx, tally_db_op *op, void *arg)
{
    const struct db_engine *engine = tx->db->engine;
    enum tally_error e = engine->savepoint(tx);
    if (e != TALLY_OK)
        return e;
    e = db_run(tx, op, arg);
    if (!engine->in_transaction(tx))
        return e != TALLY_OK ? e : TALLY_E_IO;
    enum tally_error undone = e != TALLY_OK ? engine->undo(tx) : TALLY_OK;
    enum tally_error released = undone == TALLY_OK ? engine->release(tx) : undone;
    if (undone != TALLY_OK)
        return undone;
    return e != TALLY_OK ? e : released;
}

static enum tally_error run_one(struct tally_tx *tx, const struct tally_db_job *job)
{
    enum tally_error e = job->first != NULL ? run_in_savepoint(tx, job->first, job->arg) : TALLY_OK;
    return e == TALLY_OK ? run_in_savepoint(tx, job->op, job->arg) : e;
}

/* Gives every operation that had succeeded the group's error. */
static void fail_group(struct tally_db_job *group, enum tally_error e)
{
    for (struct tally_db_job *job = group; job != NULL; job = job->next)
        if (job->result == TALLY_OK)
            job->result = e;
}

/* In a transaction that is gone nothing more may run: its statements would stand alone. */
static void run_group(struct tally_tx *tx, struct tally_db_job *group)
{
    const struct db_engine *engine = tx->db->engine;
    enum tally_error e = engine->begin(tx), lost = TALLY_E_IO;
    for (struct tally_db_job *job = group; job != NULL; job = job->next) {
        bool open = e == TALLY_OK && engine->in_transaction(tx);
        job->result = e != TALLY_OK ? e : open ? run_one(tx, job) : lost;
        if (open && !engine->in_transaction(tx))
            lost = job->result;
    }
    if (e != TALLY_OK)
        return;
    if (!engine->in_transaction(tx)) {
        fail_group(group, lost);
        (void)engine->rollback(tx);
        return;
    }
    e = engine->commit(tx);
    if (e == TALLY_OK)
        return;
    fail_group(group, e);
    (void)engine->rollback(tx);
}

static void run_until_decided(struct tally_db *db, struct tally_db_job *group)
{
    db->writer->careful = false;
    for (int run = 0; run < GROUP_RUNS; run++) {
        db->writer->again = false;
        run_group(db->writer, group);
        if (!db->writer->again)
            return;
        if (db->groups_again != NULL)
            tally_metric_add(db->groups_again, 1);
    }
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

/* The next group, or NULL when nothing waits. With the lock held. */
static struct tally_db_job *next_group(struct tally_db *db)
{
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
    return group;
}

/* Waits for work; NULL when closing and nothing is left. */
static struct tally_db_job *take_group(struct tally_db *db)
{
    pthread_mutex_lock(&db->lock);
    while (db->first == NULL && !db->stopping)
        pthread_cond_wait(&db->work, &db->lock);
    struct tally_db_job *group = next_group(db);
    pthread_mutex_unlock(&db->lock);
    return group;
}

static void serve(struct tally_db *db, struct tally_db_job *group)
{
    uint64_t start = tally_clock_monotonic_us(&tally_system_clock);
    run_until_decided(db, group);
    if (db->commit_seconds != NULL)
        tally_metric_observe(db->commit_seconds, tally_clock_monotonic_us(&tally_system_clock) - start);
    tell(db, group);
}

void *db_writer_main(void *arg)
{
    struct tally_db *db = arg;
    struct tally_db_job *group;
    while ((group = take_group(db)) != NULL)
        serve(db, group);
    return NULL;
}

/* Jobs submitted by those that are being run wait for the caller further up. */
void db_writer_drain(struct tally_db *db)
{
    struct tally_db_job *group;
    if (db->running)
        return;
    db->running = true;
    while ((group = next_group(db)) != NULL)
        serve(db, group);
    db->running = false;
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
    if (e == TALLY_OK && db->options.same_thread)
        db_writer_drain(db);
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
