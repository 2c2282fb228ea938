/* The field Fp of the SM9 curve, p = 36t^4 + 36t^3 + 24t^2 + 6t + 1 with t = 0x600000000058f98a, in
 * Montgomery form (radix 2^256), always fully reduced. Constant time throughout. GB/T 38635.1, appendix on
 * system parameters. */
#ifndef TALLY_SM9_FP_H
#define TALLY_SM9_FP_H

#include <stdbool.h>

#include "card/sm9/limb.h"

enum { FP_BYTES = 32 };

struct fp {
    limb l[LIMBS];
};

extern const struct fp fp_zero, fp_one;
extern const limb fp_modulus[LIMBS];

/* A product that is not yet reduced, below p * 2^256. */
struct fp_wide {
    limb l[2 * LIMBS];
};

/* Inline where an addition is a dozen instructions. */
#if LIMB_IS_64
static inline void fp_add(struct fp *r, const struct fp *a, const struct fp *b)
{
    limbs_add_mod(r->l, a->l, b->l, fp_modulus);
}

static inline void fp_sub(struct fp *r, const struct fp *a, const struct fp *b)
{
    limbs_sub_mod(r->l, a->l, b->l, fp_modulus);
}
#else
void fp_add(struct fp *r, const struct fp *a, const struct fp *b);
void fp_sub(struct fp *r, const struct fp *a, const struct fp *b);
#endif

static inline void fp_double(struct fp *r, const struct fp *a)
{
    fp_add(r, a, a);
}

static inline void fp_neg(struct fp *r, const struct fp *a)
{
    fp_sub(r, &fp_zero, a);
}

void fp_mul(struct fp *r, const struct fp *a, const struct fp *b);
void fp_square(struct fp *r, const struct fp *a);
void fp_halve(struct fp *r, const struct fp *a);

/* Unreduced product; difference modulo p * 2^256; reduction, which destroys a. For lazy reduction in Fp2. */
void fp_mul_wide(struct fp_wide *r, const struct fp *a, const struct fp *b);
void fp_wide_sub(struct fp_wide *r, const struct fp_wide *a, const struct fp_wide *b);
void fp_reduce(struct fp *r, struct fp_wide *a);

/* Functions of which there may be a second version in assembly keep their C version as NAME_reference. */
void fp_mul_reference(struct fp *r, const struct fp *a, const struct fp *b);

/* r = 1/a, and 0 for 0. */
void fp_invert(struct fp *r, const struct fp *a);

/* A square root when there is one (p = 5 mod 8); returns whether there is. */
bool fp_sqrt(struct fp *r, const struct fp *a);

/* a and b, without a branch on a. */
static inline bool both(bool a, bool b)
{
    return ((unsigned)a & (unsigned)b) != 0;
}

bool fp_is_zero(const struct fp *a);
bool fp_equal(const struct fp *a, const struct fp *b);
void fp_select(struct fp *r, limb mask, const struct fp *a, const struct fp *b);

/* False when the 32 big-endian bytes are not below p; r is 0 then. */
bool fp_from_bytes(struct fp *r, const uint8_t in[FP_BYTES]);
void fp_to_bytes(uint8_t out[FP_BYTES], const struct fp *a);

#endif
