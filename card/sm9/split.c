#include "card/sm9/split.h"

#include <string.h>

/* Three 64-bit words, two's complement modulo 2^192. */
#if LIMB_IS_64
#define PART(w0, w1, w2)                                                                                     \
    {                                                                                                        \
        {                                                                                                    \
            (w0), (w1), (w2)                                                                                 \
        }                                                                                                    \
    }
#else
#define PART(w0, w1, w2)                                                                                     \
    {                                                                                                        \
        {                                                                                                    \
            LIMB_LO(w0), LIMB_HI(w0), LIMB_LO(w1), LIMB_HI(w1), LIMB_LO(w2), LIMB_HI(w2)                     \
        }                                                                                                    \
    }
#endif
#define SMALL(w)    PART(w, 0, 0)
#define NEGATIVE(w) PART((uint64_t)0 - (w), UINT64_MAX, UINT64_MAX)
#define T           0x600000000058f98aU

/* A vector of the lattice's basis, and its coefficient of (1, 0, ...), times 2^320. A vector whose
 * coefficient is negative stands here negated. */
struct vector2 {
    limb coefficient[LIMBS];
    struct part v[2];
};

struct vector4 {
    limb coefficient[LIMBS];
    struct part v[4];
};

/* (2t + 1, -6t^2 - 2t) and (6t^2 + 4t + 1, 2t + 1). */
static const struct vector2 basis2[2] = {
    {LIMBS_OF(0x4b859af419e19310, 0x0db20a88f17b78d1, 0x0000000000000001, 0x0000000000000000),
     {SMALL(2 * T + 1), PART(0x3fff4674f29b9694, 0x27fffffffe6f9d12, UINT64_MAX)}},
    {LIMBS_OF(0xc14bc82c22d12982, 0x7600f27c8b6e04a8, 0x2f684bda10c41c30, 0x0000000000000001),
     {PART(0x8000b98b0e165c81, 0xd8000000019062ee, 0), SMALL(2 * T + 1)}}};

/* Their sum, the first negated: more than half of |basis2[0]| + |basis2[1]| everywhere. */
static const struct part offset2[2] = {PART(0xc000b98b0d64696c, 0xd8000000019062ed, 0),
                                       PART(0x8000b98b0e165c81, 0xd8000000019062ee, 0)};

static const struct vector4 basis4[4] = {
    {LIMBS_OF(0x31f11fd42d3e5522, 0xb75007c94834b92c, 0x6522c3f35aec0966, 0x0000000000000000),
     {SMALL(T + 1), SMALL(T), SMALL(T), PART((uint64_t)0 - 2 * T, UINT64_MAX, UINT64_MAX)}},
    {LIMBS_OF(0x270da8e804088c6c, 0x23b75c82da83d57f, 0x48b1c04f120060bd, 0xe38e38e38d65fc59),
     {SMALL(2 * T + 1), NEGATIVE(T), NEGATIVE(T + 1), NEGATIVE(T)}},
    {LIMBS_OF(0x8c8237ae0da6d490, 0xd54830e3a9a0c8f3, 0xa458e0278900305e, 0x71c71c71c6b2fe2c),
     {SMALL(2 * T), SMALL(2 * T + 1), SMALL(2 * T + 1), SMALL(2 * T + 1)}},
    {LIMBS_OF(0xe66b84e0135cc212, 0xa99dfd4056b9405a, 0x6522c3f35aec0965, 0x0000000000000000),
     {NEGATIVE(T - 1), PART(0x7ffffffffe9c19d6, 0xfffffffffffffffe, UINT64_MAX), SMALL(2 * T - 1),
      NEGATIVE(T - 1)}}};

/* Three times the third, which is positive: more than half of the sum of the absolute values everywhere. */
static const struct part offset4[4] = {PART(0x400000000215d93c, 2, 0), PART(0x400000000215d93f, 2, 0),
                                       PART(0x400000000215d93f, 2, 0), PART(0x400000000215d93f, 2, 0)};

/* c = k coefficient / 2^320, rounded. */
static void round_coefficient(struct part *c, const limb k[LIMBS], const limb coefficient[LIMBS])
{
    enum { SHIFT = 320 / LIMB_BITS };
    limb product[2 * LIMBS], carry = 0;
    limbs_mul(product, k, coefficient);
    carry = product[SHIFT - 1] >> (LIMB_BITS - 1);
    for (size_t i = 0; i < PART_LIMBS; i++)
        carry = add_carry(&c->l[i], product[SHIFT + i], 0, carry);
}

/* r = r - c v modulo 2^192 */
static void subtract_multiple(struct part *r, const struct part *c, const struct part *v)
{
    struct part product = {{0}};
    for (size_t i = 0; i < PART_LIMBS; i++) {
        limb carry = 0;
        for (size_t j = 0; i + j < PART_LIMBS; j++) {
            dlimb x = (dlimb)c->l[i] * v->l[j] + product.l[i + j] + carry;
            product.l[i + j] = (limb)x;
            carry = (limb)(x >> LIMB_BITS);
        }
    }
    limbs_sub(r->l, r->l, product.l, PART_LIMBS);
}

void split2(struct part r[2], const limb k[LIMBS])
{
    struct part c;
    memcpy(r, offset2, sizeof offset2);
    limbs_add(r[0].l, r[0].l, k, PART_LIMBS);
    for (size_t j = 0; j < 2; j++) {
        round_coefficient(&c, k, basis2[j].coefficient);
        for (size_t i = 0; i < 2; i++)
            subtract_multiple(&r[i], &c, &basis2[j].v[i]);
    }
}

void split4(struct part r[4], const limb k[LIMBS], bool odd)
{
    struct part c;
    memcpy(r, offset4, sizeof offset4);
    limbs_add(r[0].l, r[0].l, k, PART_LIMBS);
    for (size_t j = 0; j < 4; j++) {
        round_coefficient(&c, k, basis4[j].coefficient);
        for (size_t i = 0; i < 4; i++)
            subtract_multiple(&r[i], &c, &basis4[j].v[i]);
    }
    /* The first vector of the basis starts with an odd number. */
    limb add = limb_mask((r[0].l[0] & 1) ^ 1) & limb_mask(odd);
    for (size_t i = 0; i < 4; i++)
        limbs_add_masked(r[i].l, basis4[0].v[i].l, add, PART_LIMBS);
}

void part_recode(struct part *k, unsigned width, unsigned count)
{
    struct part half = {{0}};
    for (unsigned i = 0; i < count; i++) {
        unsigned bit = width * i + width - 1;
        half.l[bit / LIMB_BITS] |= (limb)1 << (bit % LIMB_BITS);
    }
    limbs_add(k->l, k->l, half.l, PART_LIMBS);
}

limb part_digit(const struct part *k, unsigned i, unsigned width, limb *negative)
{
    unsigned bit = width * i, at = bit / LIMB_BITS, shift = bit % LIMB_BITS;
    limb digit = k->l[at] >> shift;
    if (shift + width > LIMB_BITS)
        digit |= k->l[at + 1] << (LIMB_BITS - shift);
    digit = (digit & (((limb)1 << width) - 1)) - ((limb)1 << (width - 1));
    *negative = limb_mask(digit >> (LIMB_BITS - 1));
    return (digit ^ *negative) - *negative;
}
