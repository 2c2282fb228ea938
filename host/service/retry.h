/* When to try again: a list of waits from configuration, each made a little longer by chance so that callers
 * do not come back in step. */
#ifndef TALLY_SERVICE_RETRY_H
#define TALLY_SERVICE_RETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/base/error.h"
#include "host/base/random.h"

#define TALLY_RETRY_MAX         16                           /* waits in a list */
#define TALLY_RETRY_WAIT_MAX_MS (INT64_C(30) * 86400 * 1000) /* one wait */
#define TALLY_RETRY_DEFAULT     "0,5s,5m,30m,2h,5h,10h,10h"

struct tally_retry {
    int64_t waits_ms[TALLY_RETRY_MAX]; /* before the first attempt, before the second … */
    size_t count;                      /* attempts in all */
    unsigned jitter_percent;           /* a wait becomes at most so much longer */
};

/* Reads waits joined by commas: whole numbers followed by ms, s, m or h ("0" needs no unit). *retry is zeroed
 * on TALLY_E_FORMAT, which is: none, too many, too long, anything else. */
enum tally_error tally_retry_parse(const char *text, unsigned jitter_percent, struct tally_retry *retry);

/* When to try next after `attempts` attempts (0: the first one). False when none is left; *due_ms is now_ms
 * then. Without random bytes the wait is not lengthened. */
bool tally_retry_next(const struct tally_retry *retry, uint32_t attempts, const struct tally_random *random,
                      int64_t now_ms, int64_t *due_ms);

#endif
