#include "host/ticketing/keycentre/threshold.h"

#include <string.h>

#include "card/sm9/sm9_hash.h"
#include "card/sm9/wipe.h"
#include "host/ticketing/keycentre/masks.h"
#include "host/ticketing/keycentre/points.h"

bool keycentre_size_valid(struct keycentre_size size)
{
    return size.threshold >= 2 && size.threshold <= KEYCENTRE_THRESHOLD_MAX &&
           size.centres <= KEYCENTRE_CENTRES_MAX && size.centres >= 2 * size.threshold - 1;
}

unsigned keycentre_answers_needed(struct keycentre_size size)
{
    return 2U * size.threshold - 1;
}

unsigned keycentre_sets(struct keycentre_size size, unsigned member, uint8_t sets[KEYCENTRE_SETS_MAX])
{
    unsigned count = 0, members = size.centres - size.threshold + 1U;
    for (unsigned set = 1; set < 1U << size.centres; set++)
        if ((unsigned)__builtin_popcount(set) == members && (member == 0 || (set >> (member - 1) & 1) != 0))
            sets[count++] = (uint8_t)set;
    return count;
}

static enum curve_group key_group(enum keycentre_use use)
{
    return use == KEYCENTRE_SIGN ? IN_G1 : IN_G2;
}

size_t keycentre_key_size(enum keycentre_use use)
{
    return use == KEYCENTRE_SIGN ? G1_BYTES : G2_BYTES;
}

size_t keycentre_master_size(enum keycentre_use use)
{
    return use == KEYCENTRE_SIGN ? G2_BYTES : G1_BYTES;
}

void keycentre_mask(const uint8_t mask_key[KEYCENTRE_MASK_KEY_SIZE], enum keycentre_use use, unsigned j,
                    const struct sm9_id *id, struct fn *mask)
{
    static const char label[] = "tally/keycentre-mask/1";
    uint8_t what[2] = {(uint8_t)use, (uint8_t)j}, wide[FN_HASH_BYTES];
    const struct tally_bytes info[] = {
        {(const uint8_t *)label, sizeof label - 1}, {what, sizeof what}, {id->bytes, id->len}};
    memset(mask, 0, sizeof *mask);
    if (tally_hkdf_expand(mask_key, info, 3, wide, sizeof wide) == TALLY_OK)
        fn_from_hash(mask, wide);
    sm9_wipe(wide, sizeof wide);
}

struct fn keycentre_mask_weight(struct keycentre_size size, uint8_t set, unsigned index, unsigned j)
{
    struct fn weight = scalar_set_weight(set, size.centres, index), power = scalar_power(index, j);
    fn_mul(&weight, &weight, &power);
    return weight;
}

/* r_i and z_i. */
static void masks_of(const struct keycentre_share *share, enum keycentre_use use, const struct sm9_id *id,
                     struct fn *r, struct fn *z)
{
    uint8_t sets[KEYCENTRE_SETS_MAX];
    unsigned count = keycentre_sets(share->size, share->index, sets);
    struct fn mask, weight;
    *r = *z = scalar_of(0);
    for (unsigned s = 0; s < count; s++) {
        for (unsigned j = 0; j < share->size.threshold; j++) {
            struct fn *sum = j == 0 ? r : z;
            keycentre_mask(share->mask_keys[s], use, j, id, &mask);
            weight = keycentre_mask_weight(share->size, sets[s], share->index, j);
            fn_mul(&mask, &mask, &weight);
            fn_add(sum, sum, &mask);
        }
    }
    sm9_wipe(&mask, sizeof mask);
}

enum tally_error keycentre_partial_make(const struct keycentre_share *share, enum keycentre_use use,
                                        const struct sm9_id *id, struct keycentre_partial *partial)
{
    struct fn s, h, r, z, u;
    struct point point;
    enum tally_error e = TALLY_E_CRYPTO;
    memset(partial, 0, sizeof *partial);
    if (id->len < 1 || id->len > SM9_ID_MAX)
        return TALLY_E_USAGE;
    if (!fn_from_bytes(&s, use == KEYCENTRE_SIGN ? share->sign : share->encrypt))
        return TALLY_E_CRYPTO;
    sm9_h1(&h, id, (uint8_t)use);
    masks_of(share, use, id, &r, &z);
    fn_add(&u, &h, &s);
    fn_mul(&u, &u, &r);
    fn_add(&u, &u, &z);
    point_zero(&point, key_group(use));
    point_add_generator(&point, &r);
    if (!fn_is_zero(&u) && point_to_bytes(partial->r, &point)) {
        fn_to_bytes(partial->u, &u);
        e = TALLY_OK;
    }
    sm9_wipe(&s, sizeof s);
    sm9_wipe(&r, sizeof r);
    sm9_wipe(&z, sizeof z);
    sm9_wipe(&u, sizeof u);
    sm9_wipe(&point, sizeof point);
    return e;
}

/* The first `count` members of a set. */
static uint8_t first_of(uint8_t set, unsigned count)
{
    uint8_t kept = 0;
    for (unsigned i = 0; i < 8 && count > 0; i++) {
        if ((set >> i & 1) == 0)
            continue;
        kept = (uint8_t)(kept | 1U << i);
        count--;
    }
    return kept;
}

/* u = sum of lambda_i u_i; the number of a centre whose u is out of range, or 0. */
static unsigned open_u(const struct keycentre_partial *parts, uint8_t set, struct fn *u)
{
    *u = scalar_of(0);
    for (unsigned i = 1; set >> (i - 1) != 0; i++) {
        struct fn part, lambda;
        if ((set >> (i - 1) & 1) == 0)
            continue;
        if (!fn_from_bytes(&part, parts[i - 1].u))
            return i;
        lambda = scalar_lagrange(set, i);
        fn_mul(&part, &part, &lambda);
        fn_add(u, u, &part);
    }
    return 0;
}

/* R = sum of lambda_i R_i, likewise. */
static unsigned open_r(const struct keycentre_partial *parts, uint8_t set, struct point *r)
{
    for (unsigned i = 1; set >> (i - 1) != 0; i++) {
        struct fn lambda = scalar_lagrange(set, i);
        if ((set >> (i - 1) & 1) != 0 && !point_add_multiple(r, parts[i - 1].r, &lambda))
            return i;
    }
    return 0;
}

enum tally_error keycentre_combine(const struct keycentre_group_public *group, enum keycentre_use use,
                                   const struct sm9_id *id, const struct keycentre_partial *parts,
                                   uint8_t answered, uint8_t *key, unsigned *culprit)
{
    unsigned needed = keycentre_answers_needed(group->size);
    struct fn u, h, zero = scalar_of(0), one = scalar_of(1);
    struct point r;
    memset(key, 0, keycentre_key_size(use));
    *culprit = 0;
    if ((unsigned)__builtin_popcount(answered) < needed || answered >> group->size.centres != 0)
        return TALLY_E_USAGE;
    point_zero(&r, key_group(use));
    *culprit = open_u(parts, first_of(answered, needed), &u);
    if (*culprit == 0)
        *culprit = open_r(parts, first_of(answered, group->size.threshold), &r);
    if (*culprit != 0)
        return TALLY_E_FORMAT;
    /* d = P - (h/u) R; an u of 0 gives d = P, which does not verify. */
    sm9_h1(&h, id, (uint8_t)use);
    fn_invert(&u, &u);
    fn_mul(&u, &u, &h);
    fn_sub(&u, &zero, &u);
    point_scale(&r, &u);
    point_add_generator(&r, &one);
    enum tally_error e =
        point_to_bytes(key, &r) ? keycentre_key_check(&group->masters, use, id, key) : TALLY_E_CRYPTO;
    if (e != TALLY_OK)
        sm9_wipe(key, keycentre_key_size(use));
    sm9_wipe(&r, sizeof r);
    sm9_wipe(&u, sizeof u);
    return e == TALLY_E_FORMAT ? TALLY_E_CRYPTO : e;
}

bool keycentre_pair(enum keycentre_use use, const uint8_t *key_side, const uint8_t *master_side,
                    struct fp12 *value)
{
    struct g1_affine p;
    struct g2_affine q;
    bool good = use == KEYCENTRE_SIGN ? g1_from_bytes(&p, key_side) && g2_from_bytes(&q, master_side)
                                      : g1_from_bytes(&p, master_side) && g2_from_bytes(&q, key_side);
    if (good)
        pairing(value, &p, &q);
    return good;
}

bool keycentre_identity_point(enum keycentre_use use, const struct sm9_id *id, const uint8_t *master,
                              uint8_t *point)
{
    struct fn h, one = scalar_of(1);
    struct point sum;
    sm9_h1(&h, id, (uint8_t)use);
    point_zero(&sum, use == KEYCENTRE_SIGN ? IN_G2 : IN_G1);
    point_add_generator(&sum, &h);
    return point_add_multiple(&sum, master, &one) && point_to_bytes(point, &sum);
}

enum tally_error keycentre_key_check(const struct keycentre_masters *masters, enum keycentre_use use,
                                     const struct sm9_id *id, const uint8_t *key)
{
    const uint8_t *master = use == KEYCENTRE_SIGN ? masters->sign : masters->encrypt;
    uint8_t holder[G2_BYTES], generator[G2_BYTES];
    struct fp12 left, right;
    struct fn one = scalar_of(1);
    struct point p;
    point_zero(&p, key_group(use));
    point_add_generator(&p, &one);
    if (id->len < 1 || id->len > SM9_ID_MAX || !point_to_bytes(generator, &p) ||
        !keycentre_identity_point(use, id, master, holder) || !keycentre_pair(use, key, holder, &left) ||
        !keycentre_pair(use, generator, master, &right))
        return TALLY_E_FORMAT;
    return fp12_equal(&left, &right) ? TALLY_OK : TALLY_E_CRYPTO;
}
