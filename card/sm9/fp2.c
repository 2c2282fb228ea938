#include "card/sm9/fp2.h"

#include "card/sm9/adx.h"

const struct fp2 fp2_zero = {{LIMBS_OF(0, 0, 0, 0)}, {LIMBS_OF(0, 0, 0, 0)}};
#define FP_ONE                                                                                               \
    {                                                                                                        \
        LIMBS_OF(0x1a9064d81caeba83, 0xde0d6cb4e5851124, 0x29fc54b00a7138ba, 0x49bffffffd5c590e)             \
    }
#define FP_ZERO                                                                                              \
    {                                                                                                        \
        LIMBS_OF(0, 0, 0, 0)                                                                                 \
    }
const struct fp2 fp2_one = {FP_ONE, FP_ZERO};
const struct fp4 fp4_zero = {{FP_ZERO, FP_ZERO}, {FP_ZERO, FP_ZERO}};
const struct fp4 fp4_one = {{FP_ONE, FP_ZERO}, {FP_ZERO, FP_ZERO}};

/* Karatsuba with three products and two reductions: (a0 + a1)(b0 + b1) - a0 b0 - a1 b1, and a0 b0 - 2 a1 b1.
 */
void fp2_mul_reference(struct fp2 *r, const struct fp2 *a, const struct fp2 *b)
{
    struct fp s, t;
    struct fp_wide low, high, cross;
    fp_add(&s, &a->c0, &a->c1);
    fp_add(&t, &b->c0, &b->c1);
    fp_mul_wide(&low, &a->c0, &b->c0);
    fp_mul_wide(&high, &a->c1, &b->c1);
    fp_mul_wide(&cross, &s, &t);
    fp_wide_sub(&cross, &cross, &low);
    fp_wide_sub(&cross, &cross, &high);
    fp_wide_sub(&low, &low, &high);
    fp_wide_sub(&low, &low, &high);
    fp_reduce(&r->c0, &low);
    fp_reduce(&r->c1, &cross);
}

SM9_CHOOSE(fp2_mul, (struct fp2 * r, const struct fp2 *a, const struct fp2 *b), (r, a, b))

/* (a0 + a1)(a0 - 2 a1) + a0 a1 = a0^2 - 2 a1^2. */
void fp2_square_reference(struct fp2 *r, const struct fp2 *a)
{
    struct fp sum, diff, product;
    fp_add(&sum, &a->c0, &a->c1);
    fp_sub(&diff, &a->c0, &a->c1);
    fp_sub(&diff, &diff, &a->c1);
    fp_mul(&product, &a->c0, &a->c1);
    fp_mul(&sum, &sum, &diff);
    fp_add(&r->c0, &sum, &product);
    fp_double(&r->c1, &product);
}

SM9_CHOOSE(fp2_square, (struct fp2 * r, const struct fp2 *a), (r, a))

void fp2_mul_fp(struct fp2 *r, const struct fp2 *a, const struct fp *b)
{
    fp_mul(&r->c0, &a->c0, b);
    fp_mul(&r->c1, &a->c1, b);
}

void fp2_triple(struct fp2 *r, const struct fp2 *a)
{
    struct fp2 t;
    fp2_double(&t, a);
    fp2_add(r, &t, a);
}

/* 1/(a0 + a1 u) = (a0 - a1 u)/(a0^2 + 2 a1^2). */
void fp2_invert(struct fp2 *r, const struct fp2 *a)
{
    struct fp norm, t;
    fp_square(&norm, &a->c0);
    fp_square(&t, &a->c1);
    fp_double(&t, &t);
    fp_add(&norm, &norm, &t);
    fp_invert(&norm, &norm);
    fp_mul(&r->c0, &a->c0, &norm);
    fp_mul(&t, &a->c1, &norm);
    fp_neg(&r->c1, &t);
}

/* g^k for g = u^((p-1)/6) = w^(p-1), which is in Fp because 12 divides p - 1, and is a twelfth root of 1. */
static const struct fp root_power[6] = {
    {LIMBS_OF(0x1a9064d81caeba83, 0xde0d6cb4e5851124, 0x29fc54b00a7138ba, 0x49bffffffd5c590e)},
    {LIMBS_OF(0x1a98dfbd4575299f, 0x9ec8547b245c54fd, 0xf51f5eac13df846c, 0x9ef74015d5a16393)},
    {LIMBS_OF(0xb626197dce4736ca, 0x08296b3557ed0186, 0x9c705db2fd91512a, 0x1c753e748601c992)},
    {LIMBS_OF(0x39b4ef0f3ee72529, 0xdb043bf508582782, 0xb8554ab054ac91e3, 0x9848eec25498cab5)},
    {LIMBS_OF(0x81054fcd94e9c1c4, 0x4c0e91cb8ce2df3e, 0x4877b452e8aedfb4, 0x88f53e748b491776)},
    {LIMBS_OF(0x048baa79dcc34107, 0x5e2e7ac4fe76c161, 0x99399754365bd4bc, 0xaf91aeac819b0e13)},
};

void fp2_frobenius(struct fp2 *r, const struct fp2 *a, unsigned power, unsigned exponent)
{
    exponent %= 12;
    *r = *a;
    if (power % 2 == 1)
        fp2_conjugate(r, r);
    if (exponent % 6 != 0)
        fp2_mul_fp(r, r, &root_power[exponent % 6]);
    if (exponent >= 6)
        fp2_neg(r, r);
}

bool fp2_is_zero(const struct fp2 *a)
{
    return both(fp_is_zero(&a->c0), fp_is_zero(&a->c1));
}

bool fp2_equal(const struct fp2 *a, const struct fp2 *b)
{
    return both(fp_equal(&a->c0, &b->c0), fp_equal(&a->c1, &b->c1));
}

void fp2_select(struct fp2 *r, limb mask, const struct fp2 *a, const struct fp2 *b)
{
    fp_select(&r->c0, mask, &a->c0, &b->c0);
    fp_select(&r->c1, mask, &a->c1, &b->c1);
}

bool fp2_from_bytes(struct fp2 *r, const uint8_t in[2 * FP_BYTES])
{
    bool high = fp_from_bytes(&r->c1, in);
    bool low = fp_from_bytes(&r->c0, in + FP_BYTES);
    return high && low;
}

void fp2_to_bytes(uint8_t out[2 * FP_BYTES], const struct fp2 *a)
{
    fp_to_bytes(out, &a->c1);
    fp_to_bytes(out + FP_BYTES, &a->c0);
}

void fp4_mul_reference(struct fp4 *r, const struct fp4 *a, const struct fp4 *b)
{
    struct fp2 s, t, low, high;
    fp2_add(&s, &a->b0, &a->b1);
    fp2_add(&t, &b->b0, &b->b1);
    fp2_mul(&low, &a->b0, &b->b0);
    fp2_mul(&high, &a->b1, &b->b1);
    fp2_mul(&s, &s, &t);
    fp2_sub(&s, &s, &low);
    fp2_sub(&r->b1, &s, &high);
    fp2_mul_u(&high, &high);
    fp2_add(&r->b0, &low, &high);
}

SM9_CHOOSE(fp4_mul, (struct fp4 * r, const struct fp4 *a, const struct fp4 *b), (r, a, b))

/* (b0 + b1)(b0 + u b1) - b0 b1 - u b0 b1 = b0^2 + u b1^2. */
void fp4_square_reference(struct fp4 *r, const struct fp4 *a)
{
    struct fp2 sum, mixed, product;
    fp2_add(&sum, &a->b0, &a->b1);
    fp2_mul_u(&mixed, &a->b1);
    fp2_add(&mixed, &mixed, &a->b0);
    fp2_mul(&product, &a->b0, &a->b1);
    fp2_mul(&sum, &sum, &mixed);
    fp2_sub(&sum, &sum, &product);
    fp2_mul_u(&mixed, &product);
    fp2_sub(&r->b0, &sum, &mixed);
    fp2_double(&r->b1, &product);
}

SM9_CHOOSE(fp4_square, (struct fp4 * r, const struct fp4 *a), (r, a))

void fp4_mul_fp2(struct fp4 *r, const struct fp4 *a, const struct fp2 *b)
{
    fp2_mul(&r->b0, &a->b0, b);
    fp2_mul(&r->b1, &a->b1, b);
}

/* 1/(b0 + b1 v) = (b0 - b1 v)/(b0^2 - u b1^2). */
void fp4_invert(struct fp4 *r, const struct fp4 *a)
{
    struct fp2 norm, t;
    fp2_square(&t, &a->b1);
    fp2_mul_u(&t, &t);
    fp2_square(&norm, &a->b0);
    fp2_sub(&norm, &norm, &t);
    fp2_invert(&norm, &norm);
    fp2_mul(&r->b0, &a->b0, &norm);
    fp2_mul(&t, &a->b1, &norm);
    fp2_neg(&r->b1, &t);
}
