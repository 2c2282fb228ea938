/* Scalars modulo the group order n, as plain (not Montgomery) limbs below n. Constant time. */
#ifndef TALLY_SM9_FN_H
#define TALLY_SM9_FN_H

#include <stdbool.h>

#include "card/sm9/limb.h"

enum { FN_BYTES = 32, FN_HASH_BYTES = 40 };

struct fn {
    limb l[LIMBS];
};

extern const limb fn_modulus[LIMBS];

void fn_add(struct fn *r, const struct fn *a, const struct fn *b);
void fn_sub(struct fn *r, const struct fn *a, const struct fn *b);
void fn_mul(struct fn *r, const struct fn *a, const struct fn *b);

/* r = 1/a, and 0 for 0. */
void fn_invert(struct fn *r, const struct fn *a);

bool fn_is_zero(const struct fn *a);

/* False when the value is not in [1, n - 1]; r is 0 then. */
bool fn_from_bytes(struct fn *r, const uint8_t in[FN_BYTES]);
void fn_to_bytes(uint8_t out[FN_BYTES], const struct fn *a);

/* r = (in mod (n - 1)) + 1: the last step of H1 and H2, GB/T 38635.2, 5.3.2. */
void fn_from_hash(struct fn *r, const uint8_t in[FN_HASH_BYTES]);

#endif
