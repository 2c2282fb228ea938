/* Overwriting secrets in a way the compiler may not remove. */
#ifndef TALLY_SM9_WIPE_H
#define TALLY_SM9_WIPE_H

#include <stddef.h>
#include <string.h>

static inline void sm9_wipe(void *p, size_t n)
{
    memset(p, 0, n);
    __asm__ volatile("" : : "r"(p) : "memory");
}

/* What functions that returned have left below the caller's frame: spilled registers and temporaries of the
 * arithmetic. Called where an operation on secrets ends. */
void sm9_wipe_stack(void);

#endif
