/* The values of sm9_vectors.h, intermediate ones included, computed by card/sm9: for hosts and for the
 * microcontroller, so without Check and without stdio. */
#ifndef TALLY_TESTS_SM9_KAT_H
#define TALLY_TESTS_SM9_KAT_H

#include <stdbool.h>
#include <stddef.h>

struct sm9_kat {
    void (*result)(void *ctx, const char *name, bool ok); /* called for every value */
    void *ctx;
};

/* Uses static memory: one at a time. */
void sm9_kat_run(const struct sm9_kat *kat);

#endif
