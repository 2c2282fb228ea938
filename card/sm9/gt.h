/* GT: the subgroup of order n of Fp12*, where pairings end. */
#ifndef TALLY_SM9_GT_H
#define TALLY_SM9_GT_H

#include "card/sm9/fn.h"
#include "card/sm9/fp12.h"

/* r = a^k for a in GT; k may be secret. Constant time. */
void gt_power(struct fp12 *r, const struct fp12 *a, const struct fn *k);

/* True when a is in GT: in the cyclotomic subgroup, and a^p = a^(6t^2). For public values. */
bool gt_contains(const struct fp12 *a);

#endif
