#include "host/base/clock.h"

#include <time.h>

static int64_t system_wall_ms(void *ctx)
{
    (void)ctx;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static uint64_t system_monotonic_us(void *ctx)
{
    (void)ctx;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

const struct tally_clock tally_system_clock = {system_wall_ms, system_monotonic_us, NULL};

int64_t tally_clock_wall_ms(const struct tally_clock *clock)
{
    return clock->wall_ms(clock->ctx);
}

int64_t tally_clock_wall_s(const struct tally_clock *clock)
{
    int64_t ms = clock->wall_ms(clock->ctx);
    return ms / 1000 - (ms % 1000 < 0 ? 1 : 0);
}

uint64_t tally_clock_monotonic_us(const struct tally_clock *clock)
{
    return clock->monotonic_us(clock->ctx);
}

static int64_t manual_wall_ms(void *ctx)
{
    return atomic_load(&((struct tally_manual_clock *)ctx)->wall_ms);
}

static uint64_t manual_monotonic_us(void *ctx)
{
    return atomic_load(&((struct tally_manual_clock *)ctx)->monotonic_us);
}

void tally_manual_clock_init(struct tally_manual_clock *manual, int64_t wall_ms)
{
    manual->clock = (struct tally_clock){manual_wall_ms, manual_monotonic_us, manual};
    atomic_init(&manual->wall_ms, wall_ms);
    atomic_init(&manual->monotonic_us, 0);
}

void tally_manual_clock_advance_ms(struct tally_manual_clock *manual, uint32_t ms)
{
    atomic_fetch_add(&manual->wall_ms, (int64_t)ms);
    atomic_fetch_add(&manual->monotonic_us, (uint64_t)ms * 1000);
}
