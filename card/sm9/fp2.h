/* Fp2 = Fp[u]/(u^2 + 2) and Fp4 = Fp2[v]/(v^2 - u). Constant time. */
#ifndef TALLY_SM9_FP2_H
#define TALLY_SM9_FP2_H

#include "card/sm9/fp.h"

struct fp2 {
    struct fp c0, c1; /* c0 + c1 u */
};

struct fp4 {
    struct fp2 b0, b1; /* b0 + b1 v */
};

extern const struct fp2 fp2_zero, fp2_one;
extern const struct fp4 fp4_zero, fp4_one;

static inline void fp2_add(struct fp2 *r, const struct fp2 *a, const struct fp2 *b)
{
    fp_add(&r->c0, &a->c0, &b->c0);
    fp_add(&r->c1, &a->c1, &b->c1);
}

static inline void fp2_sub(struct fp2 *r, const struct fp2 *a, const struct fp2 *b)
{
    fp_sub(&r->c0, &a->c0, &b->c0);
    fp_sub(&r->c1, &a->c1, &b->c1);
}

static inline void fp2_double(struct fp2 *r, const struct fp2 *a)
{
    fp2_add(r, a, a);
}

static inline void fp2_neg(struct fp2 *r, const struct fp2 *a)
{
    fp_neg(&r->c0, &a->c0);
    fp_neg(&r->c1, &a->c1);
}

/* The p-th power. */
static inline void fp2_conjugate(struct fp2 *r, const struct fp2 *a)
{
    r->c0 = a->c0;
    fp_neg(&r->c1, &a->c1);
}

/* r = a u */
static inline void fp2_mul_u(struct fp2 *r, const struct fp2 *a)
{
    struct fp t;
    fp_double(&t, &a->c1);
    r->c1 = a->c0;
    fp_neg(&r->c0, &t);
}

void fp2_mul(struct fp2 *r, const struct fp2 *a, const struct fp2 *b);
void fp2_mul_reference(struct fp2 *r, const struct fp2 *a, const struct fp2 *b);
void fp2_square(struct fp2 *r, const struct fp2 *a);
void fp2_square_reference(struct fp2 *r, const struct fp2 *a);
void fp2_mul_fp(struct fp2 *r, const struct fp2 *a, const struct fp *b);
void fp2_triple(struct fp2 *r, const struct fp2 *a);
void fp2_invert(struct fp2 *r, const struct fp2 *a);

/* r = a^(p^power) g^exponent, where g = u^((p-1)/6): Frobenius on the coefficient of w^exponent. */
void fp2_frobenius(struct fp2 *r, const struct fp2 *a, unsigned power, unsigned exponent);

bool fp2_is_zero(const struct fp2 *a);
bool fp2_equal(const struct fp2 *a, const struct fp2 *b);
void fp2_select(struct fp2 *r, limb mask, const struct fp2 *a, const struct fp2 *b);

/* 64 bytes, u-coefficient first. From bytes: false when a coefficient is not below p. */
bool fp2_from_bytes(struct fp2 *r, const uint8_t in[2 * FP_BYTES]);
void fp2_to_bytes(uint8_t out[2 * FP_BYTES], const struct fp2 *a);

static inline void fp4_add(struct fp4 *r, const struct fp4 *a, const struct fp4 *b)
{
    fp2_add(&r->b0, &a->b0, &b->b0);
    fp2_add(&r->b1, &a->b1, &b->b1);
}

static inline void fp4_sub(struct fp4 *r, const struct fp4 *a, const struct fp4 *b)
{
    fp2_sub(&r->b0, &a->b0, &b->b0);
    fp2_sub(&r->b1, &a->b1, &b->b1);
}

static inline void fp4_double(struct fp4 *r, const struct fp4 *a)
{
    fp4_add(r, a, a);
}

static inline void fp4_neg(struct fp4 *r, const struct fp4 *a)
{
    fp2_neg(&r->b0, &a->b0);
    fp2_neg(&r->b1, &a->b1);
}

/* The conjugate over Fp2: v to -v. */
static inline void fp4_conjugate(struct fp4 *r, const struct fp4 *a)
{
    r->b0 = a->b0;
    fp2_neg(&r->b1, &a->b1);
}

/* r = a v */
static inline void fp4_mul_v(struct fp4 *r, const struct fp4 *a)
{
    struct fp2 t;
    fp2_mul_u(&t, &a->b1);
    r->b1 = a->b0;
    r->b0 = t;
}

void fp4_mul(struct fp4 *r, const struct fp4 *a, const struct fp4 *b);
void fp4_mul_reference(struct fp4 *r, const struct fp4 *a, const struct fp4 *b);
void fp4_square(struct fp4 *r, const struct fp4 *a);
void fp4_square_reference(struct fp4 *r, const struct fp4 *a);
void fp4_mul_fp2(struct fp4 *r, const struct fp4 *a, const struct fp2 *b);
void fp4_invert(struct fp4 *r, const struct fp4 *a);

#endif
