#include "card/sm9/g1.h"

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

const struct g1 g1_infinity = {FP_ZERO, FP_ONE, FP_ZERO};
const struct g1_affine g1_generator = {
    {LIMBS_OF(0x22e935e29860501b, 0xa946fd5e0073282c, 0xefd0cec817a649be, 0x5129787c869140b5)},
    {LIMBS_OF(0xee779649eb87f7c7, 0x15563cbdec30a576, 0x326353912824efbf, 0x7215717763c39828)}};
static const struct fp curve_b = {
    LIMBS_OF(0xb9f2c1e8c8c71995, 0x125df8f246a377fc, 0x25e650d049188d1c, 0x043fffffed866f63)};

/* 3 b = 15 = 16 - 1 */
static void mul_15(struct fp *r, const struct fp *a)
{
    struct fp t;
    fp_double(&t, a);
    fp_double(&t, &t);
    fp_double(&t, &t);
    fp_double(&t, &t);
    fp_sub(r, &t, a);
}

#define POINT          g1
#define AFFINE         g1_affine
#define FIELD          fp
#define F(op)          fp_##op
#define POINT_FN(op)   point_##op
#define POINT_INFINITY g1_infinity
#define MUL_3B         mul_15
#include "card/sm9/curve.inc.h"

void g1_from_affine(struct g1 *r, const struct g1_affine *p)
{
    r->x = p->x;
    r->y = p->y;
    r->z = fp_one;
}

void g1_add(struct g1 *r, const struct g1 *p, const struct g1 *q)
{
    struct g1 sum;
    point_add(&sum, p, q);
    *r = sum;
}

void g1_double(struct g1 *r, const struct g1 *p)
{
    struct g1 twice;
    point_double(&twice, p);
    *r = twice;
}

void g1_neg(struct g1 *r, const struct g1 *p)
{
    r->x = p->x;
    fp_neg(&r->y, &p->y);
    r->z = p->z;
}

void g1_add_entry(struct g1 *r, const struct g1_affine *q, limb negative, limb absent)
{
    point_add_entry(r, q, negative, absent);
}

/* A third root of 1: multiplying x by it is multiplying the point by an integer, the b of split2. */
static const struct fp beta = {
    LIMBS_OF(0x81054fcd94e9c1c4, 0x4c0e91cb8ce2df3e, 0x4877b452e8aedfb4, 0x88f53e748b491776)};

void g1_endomorphism(struct g1 *r, const struct g1 *p)
{
    fp_mul(&r->x, &p->x, &beta);
    r->y = p->y;
    r->z = p->z;
}

/* A wider window costs memory: 96 bytes an entry. Digits are signed, so half as many entries do. */
enum { WINDOW = LIMB_IS_64 ? 5 : 4, ENTRIES = 1 << (WINDOW - 1), DIGITS = (SPLIT2_BITS + WINDOW) / WINDOW };

void g1_multiply(struct g1 *r, const struct g1 *p, const limb k[LIMBS])
{
    struct g1 table[ENTRIES], sum = g1_infinity, entry;
    struct part parts[2];
    limb negative;
    split2(parts, k);
    part_recode(&parts[0], WINDOW, DIGITS);
    part_recode(&parts[1], WINDOW, DIGITS);
    point_multiples(table, ENTRIES, p);
    for (unsigned i = DIGITS; i-- > 0;) {
        for (int j = 0; j < WINDOW && i + 1 < DIGITS; j++)
            point_double(&sum, &sum);
        for (int j = 0; j < 2; j++) {
            limb digit = part_digit(&parts[j], i, WINDOW, &negative);
            point_lookup(&entry, table, ENTRIES, digit);
            point_negate_if(&entry, negative);
            if (j == 1)
                g1_endomorphism(&entry, &entry);
            point_add(&sum, &sum, &entry);
        }
    }
    *r = sum;
    sm9_wipe(table, sizeof table);
    sm9_wipe(parts, sizeof parts);
    sm9_wipe(&sum, sizeof sum);
    sm9_wipe(&entry, sizeof entry);
}

bool g1_to_affine(struct g1_affine *r, const struct g1 *p)
{
    return point_to_affine(r, p);
}

bool g1_from_bytes(struct g1_affine *r, const uint8_t in[G1_BYTES])
{
    struct fp left, right;
    bool x_ok = fp_from_bytes(&r->x, in);
    bool y_ok = fp_from_bytes(&r->y, in + FP_BYTES);
    fp_square(&left, &r->y);
    fp_square(&right, &r->x);
    fp_mul(&right, &right, &r->x);
    fp_add(&right, &right, &curve_b);
    return x_ok && y_ok && fp_equal(&left, &right);
}

void g1_to_bytes(uint8_t out[G1_BYTES], const struct g1_affine *p)
{
    fp_to_bytes(out, &p->x);
    fp_to_bytes(out + FP_BYTES, &p->y);
}
