#include "card/sm9/fn.h"

#include <string.h>

#include "card/sm9/invert.h"
#include "card/sm9/wipe.h"

const limb fn_modulus[LIMBS] =
    LIMBS_OF(0xe56ee19cd69ecf25, 0x49f2934b18ea8bee, 0xd603ab4ff58ec744, 0xb640000002a3a6f1);

/* -1/n modulo 2^LIMB_BITS, and 2^512 mod n. */
static const limb n_inverse = (limb)0x1d02662351974b53;
static const limb radix_squared[LIMBS] =
    LIMBS_OF(0x7598cd79cd750c35, 0xe4a08110bb6daeab, 0xbfee4bae7d78a1f9, 0x8894f5d163695d0e);

static const limb n_minus_1[LIMBS] =
    LIMBS_OF(0xe56ee19cd69ecf24, 0x49f2934b18ea8bee, 0xd603ab4ff58ec744, 0xb640000002a3a6f1);

void fn_add(struct fn *r, const struct fn *a, const struct fn *b)
{
    limbs_add_mod(r->l, a->l, b->l, fn_modulus);
}

void fn_sub(struct fn *r, const struct fn *a, const struct fn *b)
{
    limb t[LIMBS];
    limbs_sub_mod(t, a->l, b->l, fn_modulus);
    memcpy(r->l, t, sizeof t);
    sm9_wipe(t, sizeof t);
}

/* a b / 2^256 */
static void montgomery(limb r[LIMBS], const limb a[LIMBS], const limb b[LIMBS])
{
    limb t[2 * LIMBS];
    limbs_mul(t, a, b);
    limbs_redc(r, t, fn_modulus, n_inverse);
}

void fn_mul(struct fn *r, const struct fn *a, const struct fn *b)
{
    limb t[LIMBS];
    montgomery(t, a->l, b->l);
    montgomery(r->l, t, radix_squared);
    sm9_wipe(t, sizeof t);
}

void fn_invert(struct fn *r, const struct fn *a)
{
    limbs_invert(r->l, a->l, fn_modulus, (limb)0 - n_inverse);
}

bool fn_is_zero(const struct fn *a)
{
    return limbs_is_zero(a->l, LIMBS) != 0;
}

bool fn_from_bytes(struct fn *r, const uint8_t in[FN_BYTES])
{
    limb unused[LIMBS];
    limbs_from_bytes(r->l, in);
    limb in_range = limbs_sub(unused, r->l, fn_modulus, LIMBS) & (limbs_is_zero(r->l, LIMBS) ^ 1);
    limb mask = limb_mask(in_range);
    for (size_t i = 0; i < LIMBS; i++)
        r->l[i] &= mask;
    return in_range != 0;
}

void fn_to_bytes(uint8_t out[FN_BYTES], const struct fn *a)
{
    limbs_to_bytes(out, a->l);
}

/* Bit by bit: double, bring the next bit in, subtract when too large. 320 rounds, once a signature. */
void fn_from_hash(struct fn *r, const uint8_t in[FN_HASH_BYTES])
{
    static const limb one[LIMBS] = {1};
    limb x[LIMBS] = {0}, reduced[LIMBS];
    for (size_t bit = 0; bit < 8 * FN_HASH_BYTES; bit++) {
        limb carry = limbs_add(x, x, x, LIMBS);
        x[0] |= in[bit / 8] >> (7 - bit % 8) & 1;
        limb borrow = limbs_sub(reduced, x, n_minus_1, LIMBS);
        limbs_select(x, limb_mask(borrow & (carry ^ 1)), x, reduced, LIMBS);
    }
    limbs_add(r->l, x, one, LIMBS);
}
