/* The background pass: tickets that are still ordered, cancelled ones still to be blocked, journal entries
 * still to be checked. It runs when something is due by the injected clock; the thread is a thin shell around
 * it. */
#include <errno.h>
#include <time.h>

#include "host/base/log.h"
#include "host/ticketing/ticketd.h"

enum { IDLE_MS = 60000, SHORTEST_MS = 20 };

struct due {
    int64_t now_ms, next_ms;
    uint8_t tids[TICKETD_PASS_MAX][TID_SIZE];
    size_t count;
    struct ticketd_journal_entry entries[TICKETD_JOURNAL_MAX];
    size_t entry_count;
};

static enum tally_error find_due(struct tally_tx *tx, void *arg)
{
    struct due *due = arg;
    enum tally_error e = ticketd_tickets_due(tx, due->now_ms, TICKETD_PASS_MAX, due->tids, &due->count);
    return e == TALLY_OK ? ticketd_journal_unchecked(tx, TICKETD_JOURNAL_MAX, due->entries, &due->entry_count)
                         : e;
}

static enum tally_error find_next(struct tally_tx *tx, void *arg)
{
    struct due *due = arg;
    return ticketd_next_due(tx, &due->next_ms);
}

struct lookup {
    const uint8_t *tid;
    struct ticketd_ticket ticket;
};

static enum tally_error look(struct tally_tx *tx, void *arg)
{
    struct lookup *lookup = arg;
    return ticketd_ticket_get(tx, lookup->tid, &lookup->ticket);
}

static enum tally_error do_ticket(struct ticketd *ticketd, const uint8_t tid[TID_SIZE])
{
    struct lookup lookup = {.tid = tid};
    enum tally_error e = tally_db_read(ticketd->db, look, &lookup);
    if (e != TALLY_OK)
        return e;
    if (lookup.ticket.state == TICKET_ORDERED)
        return ticketd_issue(ticketd, tid, true);
    return lookup.ticket.block_pending ? ticketd_block(ticketd, tid) : TALLY_OK;
}

enum tally_error ticketd_pass(struct ticketd *ticketd, int64_t now_ms)
{
    struct due due = {.now_ms = now_ms};
    enum tally_error e = tally_db_read(ticketd->db, find_due, &due);
    if (e != TALLY_OK)
        return e;
    for (size_t i = 0; i < due.count && e != TALLY_E_SERVER; i++)
        e = do_ticket(ticketd, due.tids[i]);
    if (due.entry_count > 0 && e != TALLY_E_SERVER)
        e = ticketd_journal_check(ticketd, due.entries, due.entry_count);
    return e;
}

/* How long until the next pass, at most IDLE_MS. */
static int64_t wait_ms(struct ticketd *ticketd, enum tally_error last)
{
    struct due due = {.next_ms = INT64_MAX};
    if (last == TALLY_E_SERVER)
        return ticketd->retry_first_ms < IDLE_MS ? ticketd->retry_first_ms : IDLE_MS;
    if (tally_db_read(ticketd->db, find_next, &due) != TALLY_OK || due.next_ms == INT64_MAX)
        return IDLE_MS;
    int64_t wait = due.next_ms - tally_clock_wall_ms(ticketd->clock);
    return wait < SHORTEST_MS ? SHORTEST_MS : wait > IDLE_MS ? IDLE_MS : wait;
}

/* False when the thread must end. */
static bool wait_for_work(struct ticketd *ticketd, int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&ticketd->lock);
    while (!ticketd->stopping && !ticketd->awake &&
           pthread_cond_timedwait(&ticketd->wake, &ticketd->lock, &until) != ETIMEDOUT)
        continue;
    ticketd->awake = false;
    bool go_on = !ticketd->stopping;
    pthread_mutex_unlock(&ticketd->lock);
    return go_on;
}

static void *run(void *arg)
{
    struct ticketd *ticketd = arg;
    enum tally_error last = TALLY_OK;
    do
        last = ticketd_pass(ticketd, tally_clock_wall_ms(ticketd->clock));
    while (wait_for_work(ticketd, wait_ms(ticketd, last)));
    return NULL;
}

enum tally_error ticketd_pass_start(struct ticketd *ticketd)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&ticketd->lock, NULL);
    pthread_cond_init(&ticketd->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    ticketd->thread_started = pthread_create(&ticketd->thread, NULL, run, ticketd) == 0;
    return ticketd->thread_started ? TALLY_OK : TALLY_E_MEMORY;
}

void ticketd_pass_wake(struct ticketd *ticketd)
{
    if (!ticketd->thread_started)
        return;
    pthread_mutex_lock(&ticketd->lock);
    ticketd->awake = true;
    pthread_cond_signal(&ticketd->wake);
    pthread_mutex_unlock(&ticketd->lock);
}

void ticketd_pass_stop(struct ticketd *ticketd)
{
    if (!ticketd->thread_started)
        return;
    pthread_mutex_lock(&ticketd->lock);
    ticketd->stopping = true;
    pthread_cond_signal(&ticketd->wake);
    pthread_mutex_unlock(&ticketd->lock);
    pthread_join(ticketd->thread, NULL);
    ticketd->thread_started = false;
    pthread_cond_destroy(&ticketd->wake);
    pthread_mutex_destroy(&ticketd->lock);
}
