#include "tests/support/keycentre_group.h"

#include <string.h>

#include "tests/support/must.h"

static struct fn draw_scalar(const struct tally_random *random)
{
    uint8_t wide[FN_HASH_BYTES];
    struct fn k;
    must(tally_random_fill(random, wide, sizeof wide) == TALLY_OK);
    fn_from_hash(&k, wide);
    return k;
}

static void give_mask_keys(struct test_group *group, const struct tally_random *random)
{
    uint8_t all[KEYCENTRE_SETS_MAX], own[KEYCENTRE_SETS_MAX], key[KEYCENTRE_MASK_KEY_SIZE];
    unsigned count = keycentre_sets(group->group.size, 0, all);
    for (unsigned s = 0; s < count; s++) {
        must(tally_random_fill(random, key, sizeof key) == TALLY_OK);
        for (unsigned i = 1; i <= group->group.size.centres; i++) {
            unsigned own_count = keycentre_sets(group->group.size, i, own);
            for (unsigned o = 0; o < own_count; o++)
                if (own[o] == all[s])
                    memcpy(group->shares[i - 1].mask_keys[o], key, sizeof key);
        }
    }
}

void test_group_make(struct test_group *group, struct keycentre_size size, const struct tally_random *random)
{
    struct keycentre_polynomials polynomials;
    struct keycentre_masters commitments[KEYCENTRE_THRESHOLD_MAX];
    memset(group, 0, sizeof *group);
    group->group.size = size;
    for (size_t k = 0; k < KEYCENTRE_THRESHOLD_MAX; k++) {
        polynomials.sign[k] = draw_scalar(random);
        polynomials.encrypt[k] = draw_scalar(random);
    }
    group->sign = polynomials.sign[0];
    group->encrypt = polynomials.encrypt[0];
    keycentre_commitments(size, &polynomials, commitments);
    must(keycentre_commitments_at(size, commitments, 0, &group->group.masters) == TALLY_OK);
    for (unsigned i = 1; i <= size.centres; i++) {
        struct keycentre_share *share = &group->shares[i - 1];
        *share = (struct keycentre_share){.size = size, .index = (uint8_t)i};
        keycentre_deal(size, &polynomials, i, share->sign, share->encrypt);
        must(keycentre_commitments_at(size, commitments, i, &group->group.shares[i - 1]) == TALLY_OK);
    }
    give_mask_keys(group, random);
}
