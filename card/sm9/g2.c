#include "card/sm9/g2.h"

#include "card/sm9/bn.h"
#include "card/sm9/split.h"
#include "card/sm9/wipe.h"

#define FP_ONE                                                                                               \
    {                                                                                                        \
        LIMBS_OF(0x1a9064d81caeba83, 0xde0d6cb4e5851124, 0x29fc54b00a7138ba, 0x49bffffffd5c590e)             \
    }
#define FP_ZERO                                                                                              \
    {                                                                                                        \
        LIMBS_OF(0, 0, 0, 0)                                                                                 \
    }

const struct g2 g2_infinity = {{FP_ZERO, FP_ZERO}, {FP_ONE, FP_ZERO}, {FP_ZERO, FP_ZERO}};
const struct g2_affine g2_generator = {
    {{LIMBS_OF(0x260226a68ce2da8f, 0x7ee5645edbf6c06b, 0xf8f57c82b1495444, 0x61fcf018bc47c4d1)},
     {LIMBS_OF(0xdb6db4822750a8a6, 0x84c6135a5121f134, 0x1874032f88791d41, 0x905112f2b85f3a37)}},
    {{LIMBS_OF(0xc03f138f9171c24a, 0x92fbab45a15a3ca7, 0x2445561e2ff77cdb, 0x108495e0c0f62ece)},
     {LIMBS_OF(0xf7b82dac4c89bfbb, 0x3706f3f6a49dc12f, 0x1e29de93d3eef769, 0x81e448c3c76a5d53)}}};

/* 3 b' = 15 u */
void g2_mul_3b(struct fp2 *r, const struct fp2 *a)
{
    struct fp2 t;
    fp2_double(&t, a);
    fp2_double(&t, &t);
    fp2_double(&t, &t);
    fp2_double(&t, &t);
    fp2_sub(&t, &t, a);
    fp2_mul_u(r, &t);
}

#define POINT          g2
#define AFFINE         g2_affine
#define FIELD          fp2
#define F(op)          fp2_##op
#define POINT_FN(op)   point_##op
#define POINT_INFINITY g2_infinity
#define MUL_3B         g2_mul_3b
#include "card/sm9/curve.inc.h"

void g2_from_affine(struct g2 *r, const struct g2_affine *p)
{
    r->x = p->x;
    r->y = p->y;
    r->z = fp2_one;
}

void g2_add(struct g2 *r, const struct g2 *p, const struct g2 *q)
{
    struct g2 sum;
    point_add(&sum, p, q);
    *r = sum;
}

/* The untwisted point is (x w^-2, y w^-3), and w^p = w g. */
void g2_endomorphism(struct g2 *r, const struct g2 *p, unsigned power)
{
    fp2_frobenius(&r->x, &p->x, power, 10 * power);
    fp2_frobenius(&r->y, &p->y, power, 9 * power);
    fp2_frobenius(&r->z, &p->z, power, 0);
}

void g2_endomorphism_affine(struct g2_affine *r, const struct g2_affine *p, unsigned power)
{
    fp2_frobenius(&r->x, &p->x, power, 10 * power);
    fp2_frobenius(&r->y, &p->y, power, 9 * power);
}

void g2_add_entry(struct g2 *r, const struct g2_affine *q, limb negative, limb absent)
{
    point_add_entry(r, q, negative, absent);
}

/* Four bits at a time; digits are signed. */
enum { WINDOW = 4, ENTRIES = 8, DIGITS = SPLIT4_BITS / WINDOW + 1 };

void g2_multiply(struct g2 *r, const struct g2 *p, const limb k[LIMBS])
{
    struct g2 table[ENTRIES], sum = g2_infinity, entry;
    struct part parts[4];
    limb negative;
    split4(parts, k, false);
    for (size_t j = 0; j < 4; j++)
        part_recode(&parts[j], WINDOW, DIGITS);
    point_multiples(table, ENTRIES, p);
    for (unsigned i = DIGITS; i-- > 0;) {
        for (int j = 0; j < WINDOW && i + 1 < DIGITS; j++)
            point_double(&sum, &sum);
        for (unsigned j = 0; j < 4; j++) {
            limb digit = part_digit(&parts[j], i, WINDOW, &negative);
            point_lookup(&entry, table, ENTRIES, digit);
            point_negate_if(&entry, negative);
            g2_endomorphism(&entry, &entry, j);
            point_add(&sum, &sum, &entry);
        }
    }
    *r = sum;
    sm9_wipe(table, sizeof table);
    sm9_wipe(parts, sizeof parts);
    sm9_wipe(&sum, sizeof sum);
    sm9_wipe(&entry, sizeof entry);
}

bool g2_to_affine(struct g2_affine *r, const struct g2 *p)
{
    return point_to_affine(r, p);
}

/* y^2 = x^3 + 5u */
static bool on_curve(const struct g2_affine *p)
{
    struct fp2 left, right, b;
    struct fp five;
    fp_double(&five, &fp_one);
    fp_double(&five, &five);
    fp_add(&five, &five, &fp_one);
    b.c0 = fp_zero;
    b.c1 = five;
    fp2_square(&left, &p->y);
    fp2_square(&right, &p->x);
    fp2_mul(&right, &right, &p->x);
    fp2_add(&right, &right, &b);
    return fp2_equal(&left, &right);
}

/* r = t p by the signed digits of t, for any p on the curve. */
static void multiply_t(struct g2 *r, const struct g2_affine *p)
{
    struct g2_affine minus = *p;
    fp2_neg(&minus.y, &p->y);
    g2_from_affine(r, p);
    for (size_t i = 0; i < BN_T_DIGITS; i++) {
        point_double(r, r);
        if (bn_t_digits[i] != 0)
            point_add_affine(r, r, bn_t_digits[i] > 0 ? p : &minus);
    }
}

static bool equal(const struct g2 *p, const struct g2 *q)
{
    struct fp2 left, right;
    fp2_mul(&left, &p->x, &q->z);
    fp2_mul(&right, &q->x, &p->z);
    bool x = fp2_equal(&left, &right);
    fp2_mul(&left, &p->y, &q->z);
    fp2_mul(&right, &q->y, &p->z);
    return both(x, fp2_equal(&left, &right));
}

/* (t + 1) p + f(t p) + f(f(t p)) = f(f(f(2t p))) for the endomorphism f: the left side minus the right is the
 * value at f of a polynomial whose resultant with f's characteristic polynomial is prime to the cofactor and
 * divisible by n once, so the equation holds in the group of order n and nowhere else on the curve. (Y. Dai,
 * K. Lin, C. Zhao, Z. Zhou, "Fast subgroup membership testings for G1, G2 and GT on pairing-friendly curves",
 * 2022.) */
static bool in_subgroup(const struct g2_affine *p)
{
    struct g2 multiple, left, image;
    multiply_t(&multiple, p);
    point_add_affine(&left, &multiple, p);
    g2_endomorphism(&image, &multiple, 1);
    point_add(&left, &left, &image);
    g2_endomorphism(&image, &multiple, 2);
    point_add(&left, &left, &image);
    point_double(&image, &multiple);
    g2_endomorphism(&image, &image, 3);
    return equal(&left, &image);
}

bool g2_from_bytes(struct g2_affine *r, const uint8_t in[G2_BYTES])
{
    bool x_ok = fp2_from_bytes(&r->x, in);
    bool y_ok = fp2_from_bytes(&r->y, in + 2 * FP_BYTES);
    return x_ok && y_ok && on_curve(r) && in_subgroup(r);
}

void g2_to_bytes(uint8_t out[G2_BYTES], const struct g2_affine *p)
{
    fp2_to_bytes(out, &p->x);
    fp2_to_bytes(out + 2 * FP_BYTES, &p->y);
}
