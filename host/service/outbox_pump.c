#include "host/service/outbox_pump.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/base/log.h"

#define POLL_MS   1000
#define BATCH     8
#define OWNER_MAX 128

static const struct tally_metric_family families[] = {
    {.name = "outbox_attempts", .type = TALLY_COUNTER, .help = "Attempts to deliver a message, by result."},
    {.name = "outbox_dead", .type = TALLY_COUNTER, .help = "Messages that became dead letters."},
    {.name = NULL},
};

struct tally_outbox_pump {
    struct tally_outbox_pump_options options;
    char owner[OWNER_MAX];
    pthread_mutex_t lock;
    pthread_cond_t wakened;
    bool stopping, woken;
    pthread_t threads[TALLY_OUTBOX_THREADS_MAX];
    unsigned started;
    struct tally_metric *delivered, *failed, *late, *dead;
};

void tally_owner_make(const struct tally_random *random, char owner[TALLY_OWNER_SIZE])
{
    char host[25] = "";
    uint8_t bytes[4] = {0};
    (void)tally_random_fill(random, bytes, sizeof bytes);
    if (gethostname(host, sizeof host - 1) != 0)
        strcpy(host, "host");
    snprintf(owner, TALLY_OWNER_SIZE, "%s:%d:%02x%02x%02x%02x", host, getpid(), bytes[0], bytes[1], bytes[2],
             bytes[3]);
}

struct taking {
    struct tally_outbox_pump *pump;
    struct tally_outbox_item items[TALLY_OUTBOX_TAKE_MAX];
    size_t count;
    int64_t now_ms;
};

static enum tally_error take(struct tally_tx *tx, void *arg)
{
    struct taking *taking = arg;
    const struct tally_outbox_pump_options *o = &taking->pump->options;
    return tally_outbox_take(tx, taking->pump->owner, taking->now_ms, o->lease_ms, taking->items, o->batch,
                             &taking->count);
}

/* A read first: an idle outbox costs no commit. */
static enum tally_error look(struct tally_tx *tx, void *arg)
{
    return tally_outbox_next_due(tx, arg);
}

struct settling {
    struct tally_outbox_pump *pump;
    const struct tally_outbox_item *item;
    const struct tally_outbox_answer *answer;
    bool dead, late;
    int64_t now_ms, due_ms;
    const char *reason;
};

static enum tally_error settle(struct tally_tx *tx, void *arg)
{
    struct settling *settling = arg;
    const struct tally_outbox_pump_options *o = &settling->pump->options;
    enum tally_error e = tally_outbox_delivered(tx, settling->item, settling->now_ms);
    settling->late = e == TALLY_E_STATE;
    if (e == TALLY_OK && o->settle != NULL)
        e = o->settle(o->ctx, tx, settling->item, settling->answer);
    return e;
}

static enum tally_error give_up(struct tally_tx *tx, void *arg)
{
    const struct settling *settling = arg;
    return tally_outbox_failed(tx, settling->item, settling->dead, settling->due_ms, settling->now_ms,
                               settling->reason);
}

static void count(struct tally_metric *metric)
{
    if (metric != NULL)
        tally_metric_add(metric, 1);
}

static enum tally_error report_failure(struct tally_outbox_pump *pump, struct settling *settling,
                                       enum tally_error why)
{
    const struct tally_outbox_pump_options *o = &pump->options;
    settling->dead =
        why == TALLY_E_DENIED || !tally_retry_next(&o->retry, settling->item->attempts, o->random,
                                                   settling->now_ms, &settling->due_ms);
    settling->reason = settling->answer->reason[0] != '\0' ? settling->answer->reason : tally_error_text(why);
    enum tally_error e = tally_db_write(o->db, give_up, settling);
    count(e == TALLY_E_STATE ? pump->late : pump->failed);
    if (e == TALLY_OK && settling->dead) {
        count(pump->dead);
        tally_log(TALLY_LOG_ERROR, "outbox", NULL, "dead letter", TALLY_STR("id", settling->item->id),
                  TALLY_STR("destination", settling->item->destination),
                  TALLY_STR("kind", settling->item->kind), TALLY_STR("reason", settling->reason));
    }
    return e == TALLY_E_STATE ? TALLY_OK : e;
}

/* Sends one message and reports. Whoever lost the lease meanwhile reports nothing: another has it. */
static enum tally_error deliver(struct tally_outbox_pump *pump, const struct tally_outbox_item *item)
{
    const struct tally_outbox_pump_options *o = &pump->options;
    struct tally_outbox_answer answer = {0};
    if (tally_clock_wall_ms(o->clock) >= item->lease_until_ms)
        return TALLY_OK;
    enum tally_error sent = o->send(o->ctx, item, &answer), e = TALLY_OK;
    struct settling settling = {
        .pump = pump, .item = item, .answer = &answer, .now_ms = tally_clock_wall_ms(o->clock)};
    if (sent == TALLY_OK) {
        sent = e = tally_db_write(o->db, settle, &settling);
        count(e == TALLY_OK ? pump->delivered : settling.late ? pump->late : NULL);
    }
    /* What the database did not take is reported by whoever takes the message next. */
    bool database = e == TALLY_E_SERVER || e == TALLY_E_BUSY || e == TALLY_E_IO;
    if (sent != TALLY_OK && !settling.late && !database)
        e = report_failure(pump, &settling, sent);
    free(answer.body);
    return settling.late ? TALLY_OK : e;
}

enum tally_error tally_outbox_pump_round(struct tally_outbox_pump *pump, size_t *taken)
{
    const struct tally_outbox_pump_options *o = &pump->options;
    struct taking taking = {.pump = pump, .now_ms = tally_clock_wall_ms(o->clock)};
    int64_t due = INT64_MAX;
    *taken = 0;
    enum tally_error e = tally_db_read(o->db, look, &due);
    if (e == TALLY_OK && due <= taking.now_ms)
        e = tally_db_write(o->db, take, &taking);
    if (e == TALLY_OK)
        *taken = taking.count;
    for (size_t i = 0; i < *taken; i++) {
        enum tally_error one = deliver(pump, &taking.items[i]);
        if (e == TALLY_OK)
            e = one;
    }
    tally_outbox_items_free(taking.items, TALLY_OUTBOX_TAKE_MAX);
    return e;
}

/* Until woken, the poll interval is over or it must end; false to end. */
static bool rest(struct tally_outbox_pump *pump, bool idle)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += pump->options.poll_ms / 1000;
    until.tv_nsec += (long)(pump->options.poll_ms % 1000) * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&pump->lock);
    while (idle && !pump->stopping && !pump->woken)
        if (pthread_cond_timedwait(&pump->wakened, &pump->lock, &until) != 0)
            break;
    pump->woken = false;
    bool go_on = !pump->stopping;
    pthread_mutex_unlock(&pump->lock);
    return go_on;
}

static void *run(void *arg)
{
    struct tally_outbox_pump *pump = arg;
    size_t taken = 0;
    enum tally_error e = TALLY_OK;
    while (rest(pump, taken == 0 || e != TALLY_OK)) {
        e = tally_outbox_pump_round(pump, &taken);
        /* There may be more than one batch: the other threads help. */
        if (taken == pump->options.batch)
            tally_outbox_pump_wake(pump);
    }
    return NULL;
}

static enum tally_error setup_metrics(struct tally_outbox_pump *pump)
{
    struct tally_metrics *metrics = pump->options.metrics;
    if (metrics == NULL)
        return TALLY_OK;
    enum tally_error e = tally_metrics_register(metrics, families);
    pump->delivered = tally_metrics_get(metrics, "outbox_attempts", "result=\"delivered\"");
    pump->failed = tally_metrics_get(metrics, "outbox_attempts", "result=\"failed\"");
    pump->late = tally_metrics_get(metrics, "outbox_attempts", "result=\"late\"");
    pump->dead = tally_metrics_get(metrics, "outbox_dead", "");
    return e;
}

enum tally_error tally_outbox_pump_start(const struct tally_outbox_pump_options *options,
                                         struct tally_outbox_pump **out)
{
    pthread_condattr_t monotonic;
    *out = NULL;
    struct tally_outbox_pump *pump = calloc(1, sizeof *pump);
    if (pump == NULL)
        return TALLY_E_MEMORY;
    pump->options = *options;
    snprintf(pump->owner, sizeof pump->owner, "%s", options->owner);
    if (pump->options.poll_ms == 0)
        pump->options.poll_ms = POLL_MS;
    if (pump->options.batch == 0 || pump->options.batch > TALLY_OUTBOX_TAKE_MAX)
        pump->options.batch = BATCH;
    pthread_mutex_init(&pump->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&pump->wakened, &monotonic);
    pthread_condattr_destroy(&monotonic);
    enum tally_error e = setup_metrics(pump);
    pump->woken = true;
    for (unsigned i = 0; e == TALLY_OK && i < options->threads && i < TALLY_OUTBOX_THREADS_MAX; i++) {
        if (pthread_create(&pump->threads[i], NULL, run, pump) != 0)
            e = TALLY_E_MEMORY;
        else
            pump->started++;
    }
    if (e != TALLY_OK) {
        tally_outbox_pump_stop(pump);
        return e;
    }
    *out = pump;
    return TALLY_OK;
}

void tally_outbox_pump_wake(struct tally_outbox_pump *pump)
{
    pthread_mutex_lock(&pump->lock);
    pump->woken = true;
    pthread_cond_signal(&pump->wakened);
    pthread_mutex_unlock(&pump->lock);
}

void tally_outbox_pump_stop(struct tally_outbox_pump *pump)
{
    if (pump == NULL)
        return;
    pthread_mutex_lock(&pump->lock);
    pump->stopping = true;
    pthread_cond_broadcast(&pump->wakened);
    pthread_mutex_unlock(&pump->lock);
    for (unsigned i = 0; i < pump->started; i++)
        pthread_join(pump->threads[i], NULL);
    pthread_cond_destroy(&pump->wakened);
    pthread_mutex_destroy(&pump->lock);
    free(pump);
}
