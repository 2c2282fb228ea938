#include "card/sm9/fp.h"

#include <string.h>

#include "card/sm9/adx.h"
#include "card/sm9/invert.h"
#include "card/sm9/wipe.h"

const limb fp_modulus[LIMBS] =
    LIMBS_OF(0xe56f9b27e351457d, 0x21f2934b1a7aeedb, 0xd603ab4ff58ec745, 0xb640000002a3a6f1);

/* -1/p modulo 2^LIMB_BITS. */
static const limb p_inverse = (limb)0x892bc42c2f2ee42b;

const struct fp fp_zero = {LIMBS_OF(0, 0, 0, 0)};

/* 2^256 mod p, its cube and its square. */
const struct fp fp_one = {
    LIMBS_OF(0x1a9064d81caeba83, 0xde0d6cb4e5851124, 0x29fc54b00a7138ba, 0x49bffffffd5c590e)};
static const struct fp radix_cubed = {
    LIMBS_OF(0x130257769df5827e, 0x36920fc0837ec76e, 0xcbec24519c22a142, 0x219be84a7c687090)};
static const struct fp radix_squared = {
    LIMBS_OF(0x27dea312b417e2d2, 0x88f8105fae1a5d3f, 0xe479b522d6706e7b, 0x2ea795a656f62fbd)};

/* (p - 5) / 8 */
static const limb sqrt_exponent[LIMBS] =
    LIMBS_OF(0x7cadf364fc6a28af, 0xa43e5269634f5ddb, 0x3ac07569feb1d8e8, 0x16c80000005474de);

void limbs_from_bytes(limb r[LIMBS], const uint8_t in[32])
{
    enum { STEP = LIMB_BITS / 8 };
    for (size_t i = 0; i < LIMBS; i++) {
        limb v = 0;
        for (size_t j = 0; j < STEP; j++)
            v = (limb)(v << 8) | in[32 - STEP * (i + 1) + j];
        r[i] = v;
    }
}

void limbs_to_bytes(uint8_t out[32], const limb a[LIMBS])
{
    enum { STEP = LIMB_BITS / 8 };
    for (size_t i = 0; i < 32; i++)
        out[31 - i] = (uint8_t)(a[i / STEP] >> (8 * (i % STEP)));
}

#if !LIMB_IS_64
void fp_add(struct fp *r, const struct fp *a, const struct fp *b)
{
    limbs_add_mod(r->l, a->l, b->l, fp_modulus);
}

void fp_sub(struct fp *r, const struct fp *a, const struct fp *b)
{
    limbs_sub_mod(r->l, a->l, b->l, fp_modulus);
}
#endif

void fp_mul_wide(struct fp_wide *r, const struct fp *a, const struct fp *b)
{
    limbs_mul(r->l, a->l, b->l);
}

void fp_reduce(struct fp *r, struct fp_wide *a)
{
    limbs_redc(r->l, a->l, fp_modulus, p_inverse);
}

void fp_mul_reference(struct fp *r, const struct fp *a, const struct fp *b)
{
    limb t[2 * LIMBS];
    limbs_mul(t, a->l, b->l);
    limbs_redc(r->l, t, fp_modulus, p_inverse);
}

SM9_CHOOSE(fp_mul, (struct fp * r, const struct fp *a, const struct fp *b), (r, a, b))

void fp_wide_sub(struct fp_wide *r, const struct fp_wide *a, const struct fp_wide *b)
{
    limbs_sub_wide(r->l, a->l, b->l, fp_modulus);
}

void fp_square(struct fp *r, const struct fp *a)
{
    fp_mul(r, a, a);
}

void fp_halve(struct fp *r, const struct fp *a)
{
    limb t[LIMBS];
    memcpy(t, a->l, sizeof t);
    limb odd = limb_mask(t[0] & 1);
    limb m[LIMBS];
    for (size_t i = 0; i < LIMBS; i++)
        m[i] = fp_modulus[i] & odd;
    limb carry = limbs_add(t, t, m, LIMBS);
    for (size_t i = 0; i + 1 < LIMBS; i++)
        r->l[i] = t[i] >> 1 | t[i + 1] << (LIMB_BITS - 1);
    r->l[LIMBS - 1] = t[LIMBS - 1] >> 1 | carry << (LIMB_BITS - 1);
}

/* r = a^e for a public exponent, four bits at a time. */
static void power(struct fp *r, const struct fp *a, const limb e[LIMBS])
{
    struct fp table[16], x;
    table[0] = fp_one;
    for (size_t i = 1; i < 16; i++)
        fp_mul(&table[i], &table[i - 1], a);
    x = fp_one;
    for (size_t i = 256; i > 0; i -= 4) {
        for (int k = 0; k < 4; k++)
            fp_square(&x, &x);
        size_t bit = i - 4;
        fp_mul(&x, &x, &table[e[bit / LIMB_BITS] >> (bit % LIMB_BITS) & 15]);
    }
    *r = x;
}

void fp_invert(struct fp *r, const struct fp *a)
{
    limbs_invert(r->l, a->l, fp_modulus, (limb)0 - p_inverse);
    fp_mul(r, r, &radix_cubed);
}

/* Atkin's formula for p = 5 mod 8: with b = (2a)^((p-5)/8) and i = 2ab^2, the root is ab(i - 1). */
bool fp_sqrt(struct fp *r, const struct fp *a)
{
    struct fp twice, b, i, root, check;
    fp_double(&twice, a);
    power(&b, &twice, sqrt_exponent);
    fp_square(&i, &b);
    fp_mul(&i, &i, &twice);
    fp_sub(&i, &i, &fp_one);
    fp_mul(&root, a, &b);
    fp_mul(&root, &root, &i);
    fp_square(&check, &root);
    bool is_root = fp_equal(&check, a);
    *r = root;
    return is_root;
}

bool fp_is_zero(const struct fp *a)
{
    return limbs_is_zero(a->l, LIMBS) != 0;
}

bool fp_equal(const struct fp *a, const struct fp *b)
{
    limb diff = 0;
    for (size_t i = 0; i < LIMBS; i++)
        diff |= a->l[i] ^ b->l[i];
    return limbs_is_zero(&diff, 1) != 0;
}

void fp_select(struct fp *r, limb mask, const struct fp *a, const struct fp *b)
{
    limbs_select(r->l, mask, a->l, b->l, LIMBS);
}

bool fp_from_bytes(struct fp *r, const uint8_t in[FP_BYTES])
{
    limb t[LIMBS], unused[LIMBS];
    limbs_from_bytes(t, in);
    bool below = limbs_sub(unused, t, fp_modulus, LIMBS) == 1;
    limbs_select(r->l, limb_mask(below), t, fp_zero.l, LIMBS);
    fp_mul(r, r, &radix_squared);
    return below;
}

void fp_to_bytes(uint8_t out[FP_BYTES], const struct fp *a)
{
    struct fp_wide t = {{0}};
    struct fp plain;
    memcpy(t.l, a->l, sizeof a->l);
    fp_reduce(&plain, &t);
    limbs_to_bytes(out, plain.l);
    sm9_wipe(&t, sizeof t);
    sm9_wipe(&plain, sizeof plain);
}
