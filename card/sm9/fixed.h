/* Multiples of the generators P1 and P2. With SM9_FIXED_BASE, for hosts, they are sums of multiples that the
 * build computes (27 kB and 29 kB); without, ordinary multiples. Constant time. */
#ifndef TALLY_SM9_FIXED_H
#define TALLY_SM9_FIXED_H

#include "card/sm9/g1.h"
#include "card/sm9/g2.h"
#include "card/sm9/split.h"

enum {
    FIXED_WINDOW = 5, /* bits of a digit; digits are signed */
    FIXED_ENTRIES = 1 << (FIXED_WINDOW - 1),
    FIXED_G1_DIGITS = (SPLIT2_BITS + FIXED_WINDOW) / FIXED_WINDOW,
    FIXED_G2_DIGITS = (SPLIT4_BITS + FIXED_WINDOW) / FIXED_WINDOW
};

/* (j + 1) 32^i of the generator at i FIXED_ENTRIES + j. */
extern const struct g1_affine g1_generator_multiples[FIXED_G1_DIGITS * FIXED_ENTRIES];
extern const struct g2_affine g2_generator_multiples[FIXED_G2_DIGITS * FIXED_ENTRIES];

/* r = k P1 and r = k P2; k below 2^256, may be secret. */
void g1_multiply_generator(struct g1 *r, const limb k[LIMBS]);
void g2_multiply_generator(struct g2 *r, const limb k[LIMBS]);

#endif
