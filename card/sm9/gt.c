#include "card/sm9/gt.h"

#include "card/sm9/cyclotomic.h"
#include "card/sm9/wipe.h"

enum { FP12_LIMBS = sizeof(struct fp12) / sizeof(limb) };

/* a = 1/a if the mask is all ones: conjugation, one coefficient after the other. */
static void invert_if(struct fp12 *a, limb mask)
{
    struct fp2 *const odd[] = {&a->a0.b1, &a->a1.b0, &a->a2.b1};
    struct fp2 minus;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        fp2_neg(&minus, odd[i]);
        fp2_select(odd[i], mask, &minus, odd[i]);
    }
}

/* r = table[index - 1], reading all of it, or 1 for index 0; its inverse if the mask is all ones. */
static void lookup(struct fp12 *r, const struct fp12 *table, size_t entries, limb index, limb invert)
{
    limbs_lookup((limb *)r, (const limb *)table, FP12_LIMBS, entries, index);
    fp_select(&r->a0.b0.c0, limb_mask(limbs_is_zero(&index, 1)), &fp_one, &r->a0.b0.c0);
    invert_if(r, invert);
}

#if defined(SM9_SMALL)
/* As subsets_power below, in two pairs of parts: powers of a and a^p, and of their p^2-th powers. */
enum { PAIR_ENTRIES = 2, PAIRS = 2 };

struct gt_pairs {
    struct fp12 entry[PAIRS * PAIR_ENTRIES]; /* a, a a^p, and the same to the p^2 */
};

static void pairs_init(struct gt_pairs *t, const struct fp12 *a)
{
    t->entry[0] = *a;
    fp12_frobenius(&t->entry[1], a, 1);
    fp12_mul(&t->entry[1], &t->entry[1], a);
    for (size_t i = 0; i < PAIR_ENTRIES; i++)
        fp12_frobenius(&t->entry[PAIR_ENTRIES + i], &t->entry[i], 2);
}

/* Writes two bits of digits[i] from bit `at` up: whether follow has a digit there, and whether the digit of
 * lead, 1 or -1, and with it that of follow, is positive. lead is odd; follow is used up. */
static void align_pair(uint8_t digits[SPLIT4_BITS + 1], unsigned at, const struct part *lead,
                       struct part *follow)
{
    static const struct part zero;
    for (size_t i = 0; i <= SPLIT4_BITS; i++) {
        limb bit = i < SPLIT4_BITS ? lead->l[(i + 1) / LIMB_BITS] >> ((i + 1) % LIMB_BITS) & 1 : 1;
        limb odd = follow->l[0] & 1, carry = odd & (bit ^ 1);
        digits[i] |= (uint8_t)((bit << 1 | odd) << at);
        for (size_t w = 0; w < PART_LIMBS; w++)
            follow->l[w] = follow->l[w] >> 1 | (w + 1 < PART_LIMBS ? follow->l[w + 1] << (LIMB_BITS - 1) : 0);
        for (size_t w = 0; w < PART_LIMBS; w++)
            carry = add_carry(&follow->l[w], follow->l[w], zero.l[w], carry);
    }
}

/* r *= the entry that two bits of a digit choose. */
static void pair_step(struct fp12 *r, const struct fp12 *entries, limb digit)
{
    struct fp12 entry;
    lookup(&entry, entries, PAIR_ENTRIES, (digit & 1) + 1, limb_mask((digit >> 1 & 1) ^ 1));
    fp12_mul(r, r, &entry);
    sm9_wipe(&entry, sizeof entry);
}

void gt_power(struct fp12 *r, const struct fp12 *a, const struct fn *k)
{
    static const struct part one = {{1}};
    struct gt_pairs t;
    struct part parts[4];
    uint8_t digits[SPLIT4_BITS + 1] = {0};
    pairs_init(&t, a);
    split4(parts, k->l, true);
    limb even = limb_mask((parts[2].l[0] & 1) ^ 1);
    limbs_add_masked(parts[2].l, one.l, even, PART_LIMBS);
    align_pair(digits, 0, &parts[0], &parts[1]);
    align_pair(digits, 2, &parts[2], &parts[3]);
    *r = fp12_one;
    for (size_t i = SPLIT4_BITS + 1; i-- > 0;) {
        fp12_square_cyclotomic(r, r);
        pair_step(r, t.entry, (limb)(digits[i] & 3));
        pair_step(r, t.entry + PAIR_ENTRIES, (limb)(digits[i] >> 2));
    }
    /* The third part was made odd. */
    invert_if(&t.entry[PAIR_ENTRIES], even);
    fp12_select(&t.entry[0], even, &t.entry[PAIR_ENTRIES], &fp12_one);
    fp12_mul(r, r, &t.entry[0]);
    sm9_wipe(parts, sizeof parts);
    sm9_wipe(digits, sizeof digits);
}
#else
static void subsets_init(struct gt_subsets *s, const struct fp12 *a)
{
    s->entry[0] = *a;
    for (unsigned power = 1; power < 4; power++) {
        size_t n = (size_t)1 << (power - 1);
        fp12_frobenius(&s->entry[2 * n - 1], a, power);
        for (size_t i = 0; i < n; i++)
            fp12_mul(&s->entry[n + i], &s->entry[i], &s->entry[2 * n - 1]);
    }
}

/* All four parts at once, a bit each, in digits 1 and -1 of the first part; the digits of the others have its
 * sign or are 0. A. Faz-Hernandez, P. Longa, A. Sanchez, "Efficient and secure algorithms for GLV-based
 * scalar multiplication and their implementation on GLV-GLS curves", CT-RSA 2014, algorithm 1. */
static void subsets_power(struct fp12 *r, const struct gt_subsets *s, const struct fn *k)
{
    static const struct part zero;
    struct part parts[4];
    uint8_t digits[SPLIT4_BITS + 1];
    split4(parts, k->l, true);
    for (size_t i = 0; i <= SPLIT4_BITS; i++) {
        limb bit = i < SPLIT4_BITS ? parts[0].l[(i + 1) / LIMB_BITS] >> ((i + 1) % LIMB_BITS) & 1 : 1;
        digits[i] = (uint8_t)(bit << 3);
        for (size_t j = 1; j < 4; j++) {
            limb odd = parts[j].l[0] & 1;
            digits[i] |= (uint8_t)(odd << (j - 1));
            for (size_t w = 0; w < PART_LIMBS; w++)
                parts[j].l[w] =
                    parts[j].l[w] >> 1 | (w + 1 < PART_LIMBS ? parts[j].l[w + 1] << (LIMB_BITS - 1) : 0);
            limb carry = odd & (bit ^ 1);
            for (size_t w = 0; w < PART_LIMBS; w++)
                carry = add_carry(&parts[j].l[w], parts[j].l[w], zero.l[w], carry);
        }
    }
    struct fp12 entry;
    lookup(r, s->entry, GT_SUBSETS, (limb)(digits[SPLIT4_BITS] & 7) + 1, 0);
    for (size_t i = SPLIT4_BITS; i-- > 0;) {
        fp12_square_cyclotomic(r, r);
        lookup(&entry, s->entry, GT_SUBSETS, (limb)(digits[i] & 7) + 1, limb_mask((digits[i] >> 3 & 1) ^ 1));
        fp12_mul(r, r, &entry);
    }
    sm9_wipe(parts, sizeof parts);
    sm9_wipe(digits, sizeof digits);
    sm9_wipe(&entry, sizeof entry);
}

void gt_power(struct fp12 *r, const struct fp12 *a, const struct fn *k)
{
    struct gt_subsets s;
    subsets_init(&s, a);
    subsets_power(r, &s, k);
    sm9_wipe(&s, sizeof s);
}

#endif

#if defined(SM9_SMALL)
void gt_base_init(struct gt_base *base, const struct fp12 *a)
{
    base->a = *a;
}

const struct fp12 *gt_base_element(const struct gt_base *base)
{
    return &base->a;
}

void gt_base_power(struct fp12 *r, const struct gt_base *base, const struct fn *k)
{
    gt_power(r, &base->a, k);
}
#elif LIMB_IS_64
void gt_base_init(struct gt_base *base, const struct fp12 *a)
{
    struct fp12 first = *a;
    for (size_t i = 0; i < GT_WINDOWS; i++) {
        base->window[i][0] = first;
        for (size_t j = 1; j < GT_WINDOW_ENTRIES; j++)
            fp12_mul(&base->window[i][j], &base->window[i][j - 1], &first);
        fp12_square_cyclotomic(&first, &base->window[i][GT_WINDOW_ENTRIES - 1]);
    }
}

const struct fp12 *gt_base_element(const struct gt_base *base)
{
    return &base->window[0][0];
}

/* The power by one part of the scalar. */
static void part_power(struct fp12 *r, const struct gt_base *base, struct part *k)
{
    struct fp12 entry;
    limb negative;
    part_recode(k, GT_WINDOW, GT_WINDOWS);
    for (unsigned i = 0; i < GT_WINDOWS; i++) {
        limb digit = part_digit(k, i, GT_WINDOW, &negative);
        lookup(i == 0 ? r : &entry, base->window[i], GT_WINDOW_ENTRIES, digit, negative);
        if (i > 0)
            fp12_mul(r, r, &entry);
    }
    sm9_wipe(&entry, sizeof entry);
}

void gt_base_power(struct fp12 *r, const struct gt_base *base, const struct fn *k)
{
    struct part parts[4];
    struct fp12 product;
    split4(parts, k->l, false);
    part_power(r, base, &parts[3]);
    for (size_t j = 3; j-- > 0;) {
        fp12_frobenius(r, r, 1);
        part_power(&product, base, &parts[j]);
        fp12_mul(r, r, &product);
    }
    sm9_wipe(parts, sizeof parts);
    sm9_wipe(&product, sizeof product);
}
#else
void gt_base_init(struct gt_base *base, const struct fp12 *a)
{
    subsets_init(&base->subsets, a);
}

const struct fp12 *gt_base_element(const struct gt_base *base)
{
    return &base->subsets.entry[0];
}

void gt_base_power(struct fp12 *r, const struct gt_base *base, const struct fn *k)
{
    subsets_power(r, &base->subsets, k);
}
#endif

bool gt_contains(const struct fp12 *a)
{
    /* a^(p^4 + 1) = a^(p^2): the order divides the twelfth cyclotomic polynomial at p. */
    struct fp12 left, right, scratch;
    if (fp12_is_zero(a))
        return false;
    fp12_frobenius(&left, a, 4);
    fp12_mul(&left, &left, a);
    fp12_frobenius(&right, a, 2);
    if (!fp12_equal(&left, &right))
        return false;

    cyclotomic_power_t(&right, a, &scratch);
    cyclotomic_power_t(&left, &right, &scratch);
    cyclotomic_power_6(&left, &scratch);
    fp12_frobenius(&right, a, 1);
    return fp12_equal(&left, &right);
}
