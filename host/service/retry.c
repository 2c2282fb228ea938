#include "host/service/retry.h"

#include <string.h>

/* A whole number and its unit; NULL when it is none. */
static const char *read_wait(const char *at, int64_t *ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    const char *start = at;
    for (*ms = 0; *at >= '0' && *at <= '9' && at - start < 10; at++)
        *ms = *ms * 10 + (*at - '0');
    if (at == start)
        return NULL;
    size_t n = strcspn(at, ",");
    if (n == 0)
        return *ms == 0 ? at : NULL;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strlen(units[i].name) != n || memcmp(units[i].name, at, n) != 0)
            continue;
        *ms *= units[i].ms;
        return *ms <= TALLY_RETRY_WAIT_MAX_MS ? at + n : NULL;
    }
    return NULL;
}

enum tally_error tally_retry_parse(const char *text, unsigned jitter_percent, struct tally_retry *retry)
{
    *retry = (struct tally_retry){.jitter_percent = jitter_percent};
    for (const char *at = text; retry->count < TALLY_RETRY_MAX;) {
        at = read_wait(at, &retry->waits_ms[retry->count]);
        if (at == NULL)
            break;
        retry->count++;
        if (*at == '\0')
            return TALLY_OK;
        at++;
    }
    *retry = (struct tally_retry){0};
    return TALLY_E_FORMAT;
}

bool tally_retry_next(const struct tally_retry *retry, uint32_t attempts, const struct tally_random *random,
                      int64_t now_ms, int64_t *due_ms)
{
    uint8_t bytes[4];
    *due_ms = now_ms;
    if (attempts >= retry->count)
        return false;
    int64_t wait = retry->waits_ms[attempts], longest = wait / 100 * retry->jitter_percent;
    if (longest > 0 && tally_random_fill(random, bytes, sizeof bytes) == TALLY_OK) {
        uint32_t chance =
            (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
        wait += (int64_t)((double)longest * chance / UINT32_MAX);
    }
    *due_ms = now_ms + wait;
    return true;
}
