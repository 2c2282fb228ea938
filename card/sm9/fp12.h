/* Fp12 = Fp4[w]/(w^3 - v), and in it the group GT of order n. Constant time. */
#ifndef TALLY_SM9_FP12_H
#define TALLY_SM9_FP12_H

#include "card/sm9/fp2.h"

enum { FP12_BYTES = 12 * FP_BYTES };

struct fp12 {
    struct fp4 a0, a1, a2; /* a0 + a1 w + a2 w^2 */
};

extern const struct fp12 fp12_one;

void fp12_mul(struct fp12 *r, const struct fp12 *a, const struct fp12 *b);
void fp12_square(struct fp12 *r, const struct fp12 *a);

/* r = a (l0 + l2 w^2), the shape of a line of the Miller loop. */
void fp12_mul_line(struct fp12 *r, const struct fp12 *a, const struct fp4 *l0, const struct fp2 *l2);
void fp12_mul_line_reference(struct fp12 *r, const struct fp12 *a, const struct fp4 *l0,
                             const struct fp2 *l2);

void fp12_invert(struct fp12 *r, const struct fp12 *a);

/* a^(p^6), which in the cyclotomic subgroup is 1/a. */
void fp12_conjugate(struct fp12 *r, const struct fp12 *a);

/* a^(p^power). */
void fp12_frobenius(struct fp12 *r, const struct fp12 *a, unsigned power);

bool fp12_equal(const struct fp12 *a, const struct fp12 *b);
bool fp12_is_zero(const struct fp12 *a);
void fp12_select(struct fp12 *r, limb mask, const struct fp12 *a, const struct fp12 *b);

/* 384 bytes in the standard's order: a2, a1, a0; in each b1, b0; in each c1, c0. */
bool fp12_from_bytes(struct fp12 *r, const uint8_t in[FP12_BYTES]);
void fp12_to_bytes(uint8_t out[FP12_BYTES], const struct fp12 *a);

#endif
