/* Whose share was wrong: specs/keycentre.md, "Wrong answers". */
#include <string.h>

#include "card/sm9/wipe.h"
#include "host/ticketing/keycentre/masks.h"
#include "host/ticketing/keycentre/points.h"

static enum curve_group key_group(enum keycentre_use use)
{
    return use == KEYCENTRE_SIGN ? IN_G1 : IN_G2;
}

/* e(P1, P2) */
static void pairing_of_generators(struct fp12 *g)
{
    pairing(g, &g1_generator, &g2_generator);
}

enum tally_error keycentre_evidence_make(const struct keycentre_share *share, enum keycentre_use use,
                                         const struct sm9_id *id, struct keycentre_evidence *evidence)
{
    uint8_t sets[KEYCENTRE_SETS_MAX];
    unsigned count = keycentre_sets(share->size, share->index, sets);
    struct fp12 g, power;
    struct fn mask;
    struct point point;
    memset(evidence, 0, sizeof *evidence);
    enum tally_error e = keycentre_partial_make(share, use, id, &evidence->partial);
    pairing_of_generators(&g);
    for (unsigned s = 0; e == TALLY_OK && s < count; s++) {
        keycentre_mask(share->mask_keys[s], use, 0, id, &mask);
        point_zero(&point, key_group(use));
        point_add_generator(&point, &mask);
        if (!point_to_bytes(evidence->c[s], &point))
            e = TALLY_E_CRYPTO;
        for (unsigned j = 1; j < share->size.threshold; j++) {
            keycentre_mask(share->mask_keys[s], use, j, id, &mask);
            gt_power(&power, &g, &mask);
            fp12_to_bytes(evidence->d[s][j - 1], &power);
        }
    }
    if (e != TALLY_OK)
        sm9_wipe(evidence, sizeof *evidence);
    sm9_wipe(&mask, sizeof mask);
    sm9_wipe(&point, sizeof point);
    return e;
}

/* R_i = sum of f_A(i) C(A). */
static bool r_fits(struct keycentre_size size, enum keycentre_use use, unsigned index,
                   const struct keycentre_evidence *evidence)
{
    uint8_t sets[KEYCENTRE_SETS_MAX], bytes[G2_BYTES];
    unsigned count = keycentre_sets(size, index, sets);
    struct point sum;
    point_zero(&sum, key_group(use));
    for (unsigned s = 0; s < count; s++) {
        struct fn weight = keycentre_mask_weight(size, sets[s], index, 0);
        if (!point_add_multiple(&sum, evidence->c[s], &weight))
            return false;
    }
    return point_to_bytes(bytes, &sum) && memcmp(bytes, evidence->partial.r, keycentre_key_size(use)) == 0;
}

/* product *= prod of D(A, j)^(f_A(i) i^j) over one set; false when one is not in GT. */
static bool multiply_masks(struct keycentre_size size, uint8_t set, unsigned index,
                           const uint8_t (*d)[KEYCENTRE_GT_SIZE], struct fp12 *product)
{
    struct fp12 mask;
    for (unsigned j = 1; j < size.threshold; j++) {
        struct fn weight = keycentre_mask_weight(size, set, index, j);
        if (!fp12_from_bytes(&mask, d[j - 1]) || !gt_contains(&mask))
            return false;
        gt_power(&mask, &mask, &weight);
        fp12_mul(product, product, &mask);
    }
    return true;
}

/* e(R_i, h P + s_i P) prod D(A, j)^(f_A(i) i^j) = e(P1, P2)^u_i */
static bool u_fits(const struct keycentre_group_public *group, enum keycentre_use use,
                   const struct sm9_id *id, unsigned index, const struct keycentre_evidence *evidence)
{
    const struct keycentre_masters *share = &group->shares[index - 1];
    uint8_t sets[KEYCENTRE_SETS_MAX], holder[G2_BYTES];
    unsigned count = keycentre_sets(group->size, index, sets);
    struct fp12 left, right;
    struct fn u;
    if (!fn_from_bytes(&u, evidence->partial.u) ||
        !keycentre_identity_point(use, id, use == KEYCENTRE_SIGN ? share->sign : share->encrypt, holder) ||
        !keycentre_pair(use, evidence->partial.r, holder, &left))
        return false;
    for (unsigned s = 0; s < count; s++)
        if (!multiply_masks(group->size, sets[s], index, evidence->d[s], &left))
            return false;
    pairing_of_generators(&right);
    gt_power(&right, &right, &u);
    return fp12_equal(&left, &right);
}

/* Whether two centres say the same of every set that both are in. */
static bool agree(struct keycentre_size size, const struct keycentre_evidence *evidence, unsigned a,
                  unsigned b)
{
    uint8_t sets_a[KEYCENTRE_SETS_MAX], sets_b[KEYCENTRE_SETS_MAX];
    unsigned count_a = keycentre_sets(size, a, sets_a), count_b = keycentre_sets(size, b, sets_b);
    for (unsigned i = 0; i < count_a; i++)
        for (unsigned j = 0; j < count_b; j++)
            if (sets_a[i] == sets_b[j] &&
                (memcmp(evidence[a - 1].c[i], evidence[b - 1].c[j], G2_BYTES) != 0 ||
                 memcmp(evidence[a - 1].d[i], evidence[b - 1].d[j], sizeof evidence->d[i]) != 0))
                return false;
    return true;
}

void keycentre_judge(const struct keycentre_group_public *group, enum keycentre_use use,
                     const struct sm9_id *id, const struct keycentre_evidence *evidence, uint8_t shown,
                     uint8_t *culprits, uint8_t *suspects)
{
    uint8_t against[KEYCENTRE_CENTRES_MAX] = {0};
    *culprits = *suspects = 0;
    for (unsigned i = 1; i <= group->size.centres; i++)
        if ((shown >> (i - 1) & 1) != 0 &&
            (!r_fits(group->size, use, i, &evidence[i - 1]) || !u_fits(group, use, id, i, &evidence[i - 1])))
            *culprits = (uint8_t)(*culprits | 1U << (i - 1));
    uint8_t left = (uint8_t)(shown & ~*culprits);
    for (unsigned a = 1; a <= group->size.centres; a++)
        for (unsigned b = 1; b <= group->size.centres; b++)
            if (a != b && (left >> (a - 1) & 1) != 0 && (left >> (b - 1) & 1) != 0 &&
                !agree(group->size, evidence, a, b))
                against[a - 1] = (uint8_t)(against[a - 1] | 1U << (b - 1));
    for (unsigned i = 0; i < group->size.centres; i++)
        if (__builtin_popcount(against[i]) >= group->size.threshold)
            *culprits = (uint8_t)(*culprits | 1U << i);
    for (unsigned i = 0; i < group->size.centres; i++)
        if ((*culprits >> i & 1) == 0 && (against[i] & ~*culprits) != 0)
            *suspects = (uint8_t)(*suspects | 1U << i);
}
