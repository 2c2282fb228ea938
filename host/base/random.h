/* Random bytes as an argument: the kernel's generator in production, a repeatable one in tests. */
#ifndef TALLY_BASE_RANDOM_H
#define TALLY_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include "host/base/error.h"

struct tally_random {
    /* Fills n bytes or fails with TALLY_E_IO and zeroes them. */
    enum tally_error (*fill)(void *ctx, uint8_t *out, size_t n);
    void *ctx;
};

/* getrandom(2): safe in any thread, fit for keys and nonces. */
extern const struct tally_random tally_system_random;

enum tally_error tally_random_fill(const struct tally_random *random, uint8_t *out, size_t n);

/* For tests only: xorshift64* from a seed. Repeatable, not secret, one thread at a time. */
struct tally_seeded_random {
    struct tally_random random; /* hand out &seeded.random */
    uint64_t state;
};
void tally_seeded_random_init(struct tally_seeded_random *seeded, uint64_t seed);

#endif
