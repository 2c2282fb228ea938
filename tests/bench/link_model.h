/* The time of an exchange by the ISO/IEC 14443-4 type A model of specs/bench.md. */
#ifndef TALLY_BENCH_LINK_MODEL_H
#define TALLY_BENCH_LINK_MODEL_H

#include <stddef.h>

struct exchange {
    unsigned in, out; /* bytes of command and answer, status word included */
};

/* Milliseconds on the link for n exchanges: divisor D is 1, 2, 4, 8 for 106, 212, 424, 848 kbit/s; frame is
 * FSC and FSD, in bytes. */
double link_ms(double divisor, unsigned frame, const struct exchange *x, size_t n);

#endif
