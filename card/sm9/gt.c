#include "card/sm9/gt.h"

#include "card/sm9/wipe.h"

/* A wider window costs stack: 384 bytes an entry. */
enum { WINDOW = LIMB_BITS == 64 ? 4 : 2, ENTRIES = 1 << WINDOW };

void gt_power(struct fp12 *r, const struct fp12 *a, const struct fn *k)
{
    struct fp12 table[ENTRIES], x = fp12_one, entry;
    table[0] = fp12_one;
    for (size_t i = 1; i < ENTRIES; i++)
        fp12_mul(&table[i], &table[i - 1], a);
    for (size_t bit = 256; bit > 0; bit -= WINDOW) {
        for (size_t i = 0; i < WINDOW; i++)
            fp12_square_cyclotomic(&x, &x);
        limb digit = k->l[(bit - WINDOW) / LIMB_BITS] >> ((bit - WINDOW) % LIMB_BITS) & (ENTRIES - 1);
        entry = table[0];
        for (limb i = 1; i < ENTRIES; i++) {
            limb diff = i ^ digit;
            fp12_select(&entry, limb_mask(limbs_is_zero(&diff, 1)), &table[i], &entry);
        }
        fp12_mul(&x, &x, &entry);
    }
    *r = x;
    sm9_wipe(&x, sizeof x);
    sm9_wipe(&entry, sizeof entry);
}

bool gt_contains(const struct fp12 *a)
{
    /* a^(p^4 + 1) = a^(p^2): the order divides the twelfth cyclotomic polynomial at p. */
    struct fp12 left, right;
    if (fp12_is_zero(a))
        return false;
    fp12_frobenius(&left, a, 4);
    fp12_mul(&left, &left, a);
    fp12_frobenius(&right, a, 2);
    if (!fp12_equal(&left, &right))
        return false;

    static const struct fn trace_minus_1 = {LIMBS_OF(0x0000b98b0cb27658, 0xd8000000019062ed, 0, 0)};
    gt_power(&left, a, &trace_minus_1);
    fp12_frobenius(&right, a, 1);
    return fp12_equal(&left, &right);
}
