#include "card/sm9/g2.h"

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

void g2_multiply(struct g2 *r, const struct g2 *p, const limb k[LIMBS])
{
    point_multiply(r, p, k);
}

bool g2_to_affine(struct g2_affine *r, const struct g2 *p)
{
    return point_to_affine(r, p);
}

/* The untwisted point is (x w^-2, y w^-3) with w^6 = u, and w^p = w u^((p-1)/6). With g = u^((p-1)/6), which
 * is in Fp and has g^6 = -1: g^-2 = -g^4 and g^-3 = -g^3. */
static const struct fp minus_g4 = {
    LIMBS_OF(0x646a4b5a4e6783b9, 0xd5e4017f8d980f9d, 0x8d8bf6fd0cdfe790, 0x2d4ac18b775a8f7b)};
static const struct fp minus_g3 = {
    LIMBS_OF(0xabbaac18a46a2054, 0x46ee57561222c759, 0x1dae609fa0e23561, 0x1df7113dae0adc3c)};

void g2_frobenius(struct g2_affine *r, const struct g2_affine *p)
{
    fp2_conjugate(&r->x, &p->x);
    fp2_mul_fp(&r->x, &r->x, &minus_g4);
    fp2_conjugate(&r->y, &p->y);
    fp2_mul_fp(&r->y, &r->y, &minus_g3);
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

/* 6 t^2 */
static const limb trace_minus_1[LIMBS] = LIMBS_OF(0x0000b98b0cb27658, 0xd8000000019062ed, 0, 0);

static bool in_subgroup(const struct g2_affine *p)
{
    struct g2_affine image, multiple;
    struct g2 q;
    g2_from_affine(&q, p);
    g2_multiply(&q, &q, trace_minus_1);
    if (!g2_to_affine(&multiple, &q))
        return false;
    g2_frobenius(&image, p);
    return fp2_equal(&image.x, &multiple.x) && fp2_equal(&image.y, &multiple.y);
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
