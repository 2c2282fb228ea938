/* GT: the subgroup of order n of Fp12*, where pairings end. */
#ifndef TALLY_SM9_GT_H
#define TALLY_SM9_GT_H

#include "card/sm9/fn.h"
#include "card/sm9/fp12.h"
#include "card/sm9/split.h"

/* Powers of an element that will be the base of many powers. With 64-bit limbs, where memory is plenty, 86
 * kB: the powers by 1..16 of the powers by 32^i, i = 0..13. With 32-bit limbs, 3 kB: the products a b of a
 * with those of the p-th, p^2-th and p^3-th powers of a that the bits of an index choose. With SM9_SMALL, for
 * a card: the element alone; a power then takes 1.8 times the multiplications and half the stack. */
enum {
    GT_WINDOW = 5,
    GT_WINDOWS = SPLIT4_BITS / GT_WINDOW + 1,
    GT_WINDOW_ENTRIES = 1 << (GT_WINDOW - 1),
    GT_SUBSETS = 8
};

struct gt_subsets {
    struct fp12 entry[GT_SUBSETS];
};

struct gt_base {
#if defined(SM9_SMALL)
    struct fp12 a;
#elif LIMB_IS_64
    struct fp12 window[GT_WINDOWS][GT_WINDOW_ENTRIES];
#else
    struct gt_subsets subsets;
#endif
};

/* For a in GT. */
void gt_base_init(struct gt_base *base, const struct fp12 *a);

/* The a it was made for. */
const struct fp12 *gt_base_element(const struct gt_base *base);

/* r = a^k; k may be secret. Constant time. */
void gt_base_power(struct fp12 *r, const struct gt_base *base, const struct fn *k);

/* The same for an element that is raised once. */
void gt_power(struct fp12 *r, const struct fp12 *a, const struct fn *k);

/* True when a is in GT: in the cyclotomic subgroup, and a^p = a^(6t^2). For public values. */
bool gt_contains(const struct fp12 *a);

#endif
