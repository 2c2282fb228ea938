/* Time as an argument: the system's clock in production, one that a test moves by hand elsewhere. */
#ifndef TALLY_BASE_CLOCK_H
#define TALLY_BASE_CLOCK_H

#include <stdatomic.h>
#include <stdint.h>

struct tally_clock {
    int64_t (*wall_ms)(void *ctx);       /* milliseconds since 1970-01-01T00:00:00Z */
    uint64_t (*monotonic_us)(void *ctx); /* microseconds since an arbitrary start; never goes back */
    void *ctx;
};

/* The system's clocks; safe in any thread, never freed. */
extern const struct tally_clock tally_system_clock;

int64_t tally_clock_wall_ms(const struct tally_clock *clock);
/* Whole seconds since 1970-01-01T00:00:00Z. */
int64_t tally_clock_wall_s(const struct tally_clock *clock);
uint64_t tally_clock_monotonic_us(const struct tally_clock *clock);

/* A clock that stands still until it is moved; any thread may move it while others read it. */
struct tally_manual_clock {
    struct tally_clock clock; /* hand out &manual.clock */
    _Atomic int64_t wall_ms;
    _Atomic uint64_t monotonic_us;
};

/* The manual clock points into itself: it must not be copied or moved afterwards. */
void tally_manual_clock_init(struct tally_manual_clock *manual, int64_t wall_ms);
/* Moves wall and monotonic time forward together. */
void tally_manual_clock_advance_ms(struct tally_manual_clock *manual, uint32_t ms);

#endif
