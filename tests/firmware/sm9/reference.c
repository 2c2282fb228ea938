#include "tests/firmware/sm9/reference.h"

#include <string.h>

#include "card/sm9/fp.h"

#if SM9_UMAAL
static uint32_t next_word(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state ^ *state >> 15;
}

/* Random words, with runs of zeros and ones among them: what carries go wrong on. */
static void fill(limb *r, size_t n, uint32_t *state)
{
    uint32_t shape = next_word(state) >> 8;
    for (size_t i = 0; i < n; i++) {
        uint32_t kind = shape >> (2 * (i % 8)) & 3;
        r[i] = kind == 0 ? 0 : kind == 1 ? UINT32_MAX : next_word(state);
    }
}

/* Below the modulus: its top word, less one. */
static void fill_below(limb r[LIMBS], uint32_t *state)
{
    fill(r, LIMBS, state);
    if (r[LIMBS - 1] >= fp_modulus[LIMBS - 1])
        r[LIMBS - 1] = fp_modulus[LIMBS - 1] - 1;
}

static bool products(uint32_t *state, limb m0)
{
    limb a[LIMBS], b[LIMBS], got[2 * LIMBS], want[2 * LIMBS];
    fill(a, LIMBS, state);
    fill(b, LIMBS, state);
    limbs_mul(got, a, b);
    limbs_mul_reference(want, a, b);
    if (memcmp(got, want, sizeof got) != 0)
        return false;
    fill(got, LIMBS, state);
    fill_below(got + LIMBS, state);
    memcpy(want, got, sizeof got);
    limbs_redc(a, got, fp_modulus, m0);
    limbs_redc_reference(b, want, fp_modulus, m0);
    return memcmp(a, b, sizeof a) == 0;
}

static bool sums(uint32_t *state)
{
    limb a[LIMBS], b[LIMBS], got[LIMBS], want[LIMBS];
    fill_below(a, state);
    fill_below(b, state);
    limbs_add_mod(got, a, b, fp_modulus);
    limbs_add_mod_reference(want, a, b, fp_modulus);
    if (memcmp(got, want, sizeof got) != 0)
        return false;
    limbs_sub_mod(got, a, b, fp_modulus);
    limbs_sub_mod_reference(want, a, b, fp_modulus);
    return memcmp(got, want, sizeof got) == 0;
}

static bool wide_differences(uint32_t *state)
{
    limb a[2 * LIMBS], b[2 * LIMBS], got[2 * LIMBS], want[2 * LIMBS];
    fill(a, 2 * LIMBS, state);
    fill(b, 2 * LIMBS, state);
    limbs_sub_wide(got, a, b, fp_modulus);
    limbs_sub_wide_reference(want, a, b, fp_modulus);
    return memcmp(got, want, sizeof got) == 0;
}

bool assembly_is_the_reference(void)
{
    enum { ROUNDS = 2000 };
    const limb m0 = 0x2f2ee42bu; /* -1/p mod 2^32 */
    uint32_t state = 1;
    bool same = true;
    for (int i = 0; same && i < ROUNDS; i++)
        same = products(&state, m0) && sums(&state) && wide_differences(&state);
    return same;
}
#else
bool assembly_is_the_reference(void)
{
    return false;
}
#endif
