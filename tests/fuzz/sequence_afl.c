/* The mutator of sequences as AFL++ loads it (AFL_CUSTOM_MUTATOR_LIBRARY). */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/sequence.h"

struct mutator {
    uint64_t seed;
    uint8_t out[STEPS_MAX * STEP_SIZE];
};

void *afl_custom_init(void *afl, unsigned seed);
size_t afl_custom_fuzz(void *data, uint8_t *in, size_t n, uint8_t **out, uint8_t *other, size_t other_n,
                       size_t max);
void afl_custom_deinit(void *data);

void *afl_custom_init(void *afl, unsigned seed)
{
    struct mutator *m = calloc(1, sizeof *m);
    (void)afl;
    if (m != NULL)
        m->seed = (uint64_t)seed << 32;
    return m;
}

size_t afl_custom_fuzz(void *data, uint8_t *in, size_t n, uint8_t **out, uint8_t *other, size_t other_n,
                       size_t max)
{
    struct mutator *m = data;
    (void)other;
    (void)other_n;
    n = n < sizeof m->out ? n : sizeof m->out;
    memcpy(m->out, in, n);
    *out = m->out;
    size_t made = sequence_mutate(m->out, n, max < sizeof m->out ? max : sizeof m->out, ++m->seed);
    return made > 0 ? made : n;
}

void afl_custom_deinit(void *data)
{
    free(data);
}
