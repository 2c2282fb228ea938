#include "card/sm9/fp12.h"

#include "card/sm9/adx.h"

const struct fp12 fp12_one = {
    {{{LIMBS_OF(0x1a9064d81caeba83, 0xde0d6cb4e5851124, 0x29fc54b00a7138ba, 0x49bffffffd5c590e)}, {{0}}},
     {{{0}}, {{0}}}},
    {{{{0}}, {{0}}}, {{{0}}, {{0}}}},
    {{{{0}}, {{0}}}, {{{0}}, {{0}}}}};

/* Karatsuba over three coefficients: six products. */
void fp12_mul(struct fp12 *r, const struct fp12 *a, const struct fp12 *b)
{
    struct fp4 v0, v1, v2, s, t, r0, r1;
    fp4_mul(&v0, &a->a0, &b->a0);
    fp4_mul(&v1, &a->a1, &b->a1);
    fp4_mul(&v2, &a->a2, &b->a2);

    fp4_add(&s, &a->a1, &a->a2);
    fp4_add(&t, &b->a1, &b->a2);
    fp4_mul(&r0, &s, &t);
    fp4_sub(&r0, &r0, &v1);
    fp4_sub(&r0, &r0, &v2);
    fp4_mul_v(&r0, &r0);
    fp4_add(&r0, &r0, &v0);

    fp4_add(&s, &a->a0, &a->a1);
    fp4_add(&t, &b->a0, &b->a1);
    fp4_mul(&r1, &s, &t);
    fp4_sub(&r1, &r1, &v0);
    fp4_sub(&r1, &r1, &v1);

    fp4_add(&s, &a->a0, &a->a2);
    fp4_add(&t, &b->a0, &b->a2);
    fp4_mul(&s, &s, &t);
    fp4_sub(&s, &s, &v0);
    fp4_sub(&s, &s, &v2);
    fp4_add(&r->a2, &s, &v1);

    fp4_mul_v(&v2, &v2);
    fp4_add(&r->a1, &r1, &v2);
    r->a0 = r0;
}

/* Chung and Hasan's SQR2: two products, three squares. */
void fp12_square(struct fp12 *r, const struct fp12 *a)
{
    struct fp4 s0, s1, s2, s3, s4, t;
    fp4_square(&s0, &a->a0);
    fp4_mul(&s1, &a->a0, &a->a1);
    fp4_double(&s1, &s1);
    fp4_sub(&s2, &a->a0, &a->a1);
    fp4_add(&s2, &s2, &a->a2);
    fp4_square(&s2, &s2);
    fp4_mul(&s3, &a->a1, &a->a2);
    fp4_double(&s3, &s3);
    fp4_square(&s4, &a->a2);

    fp4_mul_v(&t, &s3);
    fp4_add(&r->a0, &s0, &t);
    fp4_mul_v(&t, &s4);
    fp4_add(&r->a1, &s1, &t);
    fp4_add(&t, &s1, &s2);
    fp4_add(&t, &t, &s3);
    fp4_sub(&t, &t, &s0);
    fp4_sub(&r->a2, &t, &s4);
}

void fp12_mul_line_reference(struct fp12 *r, const struct fp12 *a, const struct fp4 *l0, const struct fp2 *l2)
{
    struct fp4 v0, v2, cross, sum, t;
    fp4_mul(&v0, &a->a0, l0);
    fp4_mul_fp2(&v2, &a->a2, l2);

    fp4_add(&t, &a->a0, &a->a2);
    sum = *l0;
    fp2_add(&sum.b0, &sum.b0, l2);
    fp4_mul(&cross, &t, &sum);
    fp4_sub(&cross, &cross, &v0);
    fp4_sub(&cross, &cross, &v2);

    fp4_mul_fp2(&t, &a->a1, l2);
    fp4_mul_v(&t, &t);
    fp4_add(&r->a0, &v0, &t);

    fp4_mul(&t, &a->a1, l0);
    fp4_mul_v(&v2, &v2);
    fp4_add(&r->a1, &t, &v2);
    r->a2 = cross;
}

SM9_CHOOSE(fp12_mul_line, (struct fp12 * r, const struct fp12 *a, const struct fp4 *l0, const struct fp2 *l2),
           (r, a, l0, l2))

void fp12_invert(struct fp12 *r, const struct fp12 *a)
{
    struct fp4 t0, t1, t2, d, s;
    fp4_square(&t0, &a->a0);
    fp4_mul(&s, &a->a1, &a->a2);
    fp4_mul_v(&s, &s);
    fp4_sub(&t0, &t0, &s);

    fp4_square(&t1, &a->a2);
    fp4_mul_v(&t1, &t1);
    fp4_mul(&s, &a->a0, &a->a1);
    fp4_sub(&t1, &t1, &s);

    fp4_square(&t2, &a->a1);
    fp4_mul(&s, &a->a0, &a->a2);
    fp4_sub(&t2, &t2, &s);

    fp4_mul(&d, &a->a2, &t1);
    fp4_mul(&s, &a->a1, &t2);
    fp4_add(&d, &d, &s);
    fp4_mul_v(&d, &d);
    fp4_mul(&s, &a->a0, &t0);
    fp4_add(&d, &d, &s);
    fp4_invert(&d, &d);

    fp4_mul(&r->a0, &t0, &d);
    fp4_mul(&r->a1, &t1, &d);
    fp4_mul(&r->a2, &t2, &d);
}

void fp12_conjugate(struct fp12 *r, const struct fp12 *a)
{
    struct fp4 t;
    fp4_conjugate(&r->a0, &a->a0);
    fp4_conjugate(&t, &a->a1);
    fp4_neg(&r->a1, &t);
    fp4_conjugate(&r->a2, &a->a2);
}

void fp12_frobenius(struct fp12 *r, const struct fp12 *a, unsigned power)
{
    fp2_frobenius(&r->a0.b0, &a->a0.b0, power, 0);
    fp2_frobenius(&r->a1.b0, &a->a1.b0, power, power);
    fp2_frobenius(&r->a2.b0, &a->a2.b0, power, 2 * power);
    fp2_frobenius(&r->a0.b1, &a->a0.b1, power, 3 * power);
    fp2_frobenius(&r->a1.b1, &a->a1.b1, power, 4 * power);
    fp2_frobenius(&r->a2.b1, &a->a2.b1, power, 5 * power);
}

static bool fp4_equal(const struct fp4 *a, const struct fp4 *b)
{
    return both(fp2_equal(&a->b0, &b->b0), fp2_equal(&a->b1, &b->b1));
}

bool fp12_equal(const struct fp12 *a, const struct fp12 *b)
{
    return both(both(fp4_equal(&a->a0, &b->a0), fp4_equal(&a->a1, &b->a1)), fp4_equal(&a->a2, &b->a2));
}

bool fp12_is_zero(const struct fp12 *a)
{
    return both(both(fp4_equal(&a->a0, &fp4_zero), fp4_equal(&a->a1, &fp4_zero)),
                fp4_equal(&a->a2, &fp4_zero));
}

static void fp4_select(struct fp4 *r, limb mask, const struct fp4 *a, const struct fp4 *b)
{
    fp2_select(&r->b0, mask, &a->b0, &b->b0);
    fp2_select(&r->b1, mask, &a->b1, &b->b1);
}

void fp12_select(struct fp12 *r, limb mask, const struct fp12 *a, const struct fp12 *b)
{
    fp4_select(&r->a0, mask, &a->a0, &b->a0);
    fp4_select(&r->a1, mask, &a->a1, &b->a1);
    fp4_select(&r->a2, mask, &a->a2, &b->a2);
}

static bool fp4_from_bytes(struct fp4 *r, const uint8_t in[4 * FP_BYTES])
{
    bool high = fp2_from_bytes(&r->b1, in);
    bool low = fp2_from_bytes(&r->b0, in + 2 * FP_BYTES);
    return high && low;
}

static void fp4_to_bytes(uint8_t out[4 * FP_BYTES], const struct fp4 *a)
{
    fp2_to_bytes(out, &a->b1);
    fp2_to_bytes(out + 2 * FP_BYTES, &a->b0);
}

bool fp12_from_bytes(struct fp12 *r, const uint8_t in[FP12_BYTES])
{
    bool ok2 = fp4_from_bytes(&r->a2, in);
    bool ok1 = fp4_from_bytes(&r->a1, in + 4 * FP_BYTES);
    bool ok0 = fp4_from_bytes(&r->a0, in + 8 * FP_BYTES);
    return ok0 && ok1 && ok2;
}

void fp12_to_bytes(uint8_t out[FP12_BYTES], const struct fp12 *a)
{
    fp4_to_bytes(out, &a->a2);
    fp4_to_bytes(out + 4 * FP_BYTES, &a->a1);
    fp4_to_bytes(out + 8 * FP_BYTES, &a->a0);
}
