/* Sends what is in an outbox: takes leases, sends, reports back with the effect of the answer in one
 * transaction.
 *
 * Threads of its own (tally_outbox_pump_start), or one round at a time in the caller's
 * (tally_outbox_pump_round), which is all that a simulator needs.
 */
#ifndef TALLY_SERVICE_OUTBOX_PUMP_H
#define TALLY_SERVICE_OUTBOX_PUMP_H

#include "host/base/clock.h"
#include "host/base/config.h"
#include "host/base/random.h"
#include "host/service/metrics.h"
#include "host/service/outbox.h"

#define TALLY_OUTBOX_THREADS_MAX 64
#define TALLY_OWNER_SIZE         49 /* of a name made by tally_owner_make, with its NUL */

/* Options for a daemon with an outbox, to be put into its table. */
#define TALLY_OUTBOX_OPTIONS                                                                                  \
    {"retries",                                                                                               \
     TALLY_OPTION_STRING,                                                                                     \
     TALLY_RETRY_DEFAULT,                                                                                     \
     0,                                                                                                       \
     200,                                                                                                     \
     "waits before each attempt to deliver a message, then it is a dead letter"},                             \
        {"retry-jitter", TALLY_OPTION_INT, "20", 0, 100, "percent by which a wait may be longer, by chance"}, \
        {"lease", TALLY_OPTION_INT, "60", 1, 3600, "seconds until another process takes over a message"},     \
    {                                                                                                         \
        "outbox-threads", TALLY_OPTION_INT, "4", 1, TALLY_OUTBOX_THREADS_MAX, "messages sent at a time"       \
    }

/* What came of an attempt; zeroed before send is called. */
struct tally_outbox_answer {
    int status; /* of the peer's answer; the rest is the wing's to use */
    char *body; /* malloc'd; freed by the pump */
    size_t body_size;
    char reason[TALLY_OUTBOX_REASON_MAX + 1]; /* why it failed; no personal data */
};

struct tally_outbox_pump_options {
    struct tally_db *db;
    const struct tally_clock *clock;
    const struct tally_random *random;
    struct tally_metrics *metrics; /* may be NULL */
    struct tally_retry retry;
    const char *owner; /* the process's name in leases */
    int64_t lease_ms;  /* longer than any delivery */
    unsigned threads;  /* 0 for tally_outbox_pump_round alone */
    unsigned poll_ms;  /* how long new messages of other processes may wait; 0: 1,000 */
    size_t batch;      /* messages taken at a time; 0: 8 */
    /* Sends one message. TALLY_OK: the peer's answer is known and final, whatever it says. TALLY_E_DENIED: it
     * can never be delivered; a dead letter at once. Anything else: not known; it is sent again. */
    enum tally_error (*send)(void *ctx, const struct tally_outbox_item *item,
                             struct tally_outbox_answer *answer);
    /* The answer's effect, in the transaction that marks the message delivered; may be NULL. An error undoes
     * both and counts as a failed attempt. */
    enum tally_error (*settle)(void *ctx, struct tally_tx *tx, const struct tally_outbox_item *item,
                               const struct tally_outbox_answer *answer);
    void *ctx;
};

struct tally_outbox_pump;

/* Copies the options and starts the threads, if any. *pump is NULL on failure. */
enum tally_error tally_outbox_pump_start(const struct tally_outbox_pump_options *options,
                                         struct tally_outbox_pump **pump);
/* There may be new messages: call it after the commit. */
void tally_outbox_pump_wake(struct tally_outbox_pump *pump);
/* Finishes what is being sent, ends the threads and frees; before the database stops. NULL is allowed. */
void tally_outbox_pump_stop(struct tally_outbox_pump *pump);

/* One round: takes at most a batch, sends and settles each. *taken says how many were taken. Errors of the
 * database are returned after the round. */
enum tally_error tally_outbox_pump_round(struct tally_outbox_pump *pump, size_t *taken);

/* A name for leases that no other process has: "<host>:<pid>:<8 random hex digits>". */
void tally_owner_make(const struct tally_random *random, char owner[TALLY_OWNER_SIZE]);

#endif
