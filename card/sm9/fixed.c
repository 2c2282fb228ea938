#include "card/sm9/fixed.h"

#include "card/sm9/wipe.h"

#ifdef SM9_FIXED_BASE
void g1_multiply_generator(struct g1 *r, const limb k[LIMBS])
{
    struct part parts[2];
    struct g1_affine entry;
    limb negative;
    split2(parts, k);
    for (size_t j = 0; j < 2; j++)
        part_recode(&parts[j], FIXED_WINDOW, FIXED_G1_DIGITS);
    *r = g1_infinity;
    for (size_t j = 2; j-- > 0;) {
        for (unsigned i = 0; i < FIXED_G1_DIGITS; i++) {
            limb digit = part_digit(&parts[j], i, FIXED_WINDOW, &negative);
            limbs_lookup((limb *)&entry, (const limb *)&g1_generator_multiples[i * FIXED_ENTRIES],
                         sizeof entry / sizeof(limb), FIXED_ENTRIES, digit);
            g1_add_entry(r, &entry, negative, limb_mask(limbs_is_zero(&digit, 1)));
        }
        if (j == 1)
            g1_endomorphism(r, r);
    }
    sm9_wipe(parts, sizeof parts);
    sm9_wipe(&entry, sizeof entry);
}

/* The four parts by Horner's rule in the endomorphism. */
void g2_multiply_generator(struct g2 *r, const limb k[LIMBS])
{
    struct part parts[4];
    struct g2_affine entry;
    limb negative;
    split4(parts, k, false);
    for (size_t j = 0; j < 4; j++)
        part_recode(&parts[j], FIXED_WINDOW, FIXED_G2_DIGITS);
    *r = g2_infinity;
    for (size_t j = 4; j-- > 0;) {
        for (unsigned i = 0; i < FIXED_G2_DIGITS; i++) {
            limb digit = part_digit(&parts[j], i, FIXED_WINDOW, &negative);
            limbs_lookup((limb *)&entry, (const limb *)&g2_generator_multiples[i * FIXED_ENTRIES],
                         sizeof entry / sizeof(limb), FIXED_ENTRIES, digit);
            g2_add_entry(r, &entry, negative, limb_mask(limbs_is_zero(&digit, 1)));
        }
        if (j > 0)
            g2_endomorphism(r, r, 1);
    }
    sm9_wipe(parts, sizeof parts);
    sm9_wipe(&entry, sizeof entry);
}
#else
void g1_multiply_generator(struct g1 *r, const limb k[LIMBS])
{
    g1_from_affine(r, &g1_generator);
    g1_multiply(r, r, k);
}

void g2_multiply_generator(struct g2 *r, const limb k[LIMBS])
{
    g2_from_affine(r, &g2_generator);
    g2_multiply(r, r, k);
}
#endif
