/* The mathematics of threshold extraction against the plain extraction with the master key that a test, and
 * nobody else, can put together. */
#include "tests/support/check_main.h"

#include <string.h>

#include "host/base/random.h"
#include "tests/support/keycentre_group.h"
#include "host/ticketing/keycentre/masks.h"
#include "host/ticketing/keycentre/points.h"
#include "host/ticketing/keycentre/threshold.h"

enum { SIZES = 3, USES = 2, TEXT = 33 };

static const struct keycentre_size sizes[SIZES] = {{2, 3}, {3, 5}, {3, 7}};
static const enum keycentre_use uses[USES] = {KEYCENTRE_SIGN, KEYCENTRE_DECRYPT};
static const struct sm9_id gate = {(const uint8_t *)"gate:0001:0002:0003:7", 21};
static const struct sm9_id card = {(const uint8_t *)"card:0102030405060708:7", 23};

static struct tally_seeded_random seeded;
/* One group: what was dealt, and copies that tests bend. */
static struct keycentre_share shares[KEYCENTRE_CENTRES_MAX];
static struct keycentre_group_public group;
static struct test_group dealt;

static struct fn draw_scalar(void)
{
    uint8_t wide[FN_HASH_BYTES];
    struct fn k;
    ck_assert_int_eq(tally_random_fill(&seeded.random, wide, sizeof wide), TALLY_OK);
    fn_from_hash(&k, wide);
    return k;
}

static void draw_polynomials(struct keycentre_polynomials *polynomials)
{
    for (size_t k = 0; k < KEYCENTRE_THRESHOLD_MAX; k++) {
        polynomials->sign[k] = draw_scalar();
        polynomials->encrypt[k] = draw_scalar();
    }
}

static void make_group(struct keycentre_size size)
{
    tally_seeded_random_init(&seeded, 7U + size.centres);
    test_group_make(&dealt, size, &seeded.random);
    group = dealt.group;
    memcpy(shares, dealt.shares, sizeof shares);
}

/* The key as a single centre would extract it. */
static void plain_key(enum keycentre_use use, const struct sm9_id *id, uint8_t *key)
{
    uint8_t master[FN_BYTES];
    fn_to_bytes(master, use == KEYCENTRE_SIGN ? &dealt.sign : &dealt.encrypt);
    ck_assert_int_eq(use == KEYCENTRE_SIGN ? sm9_sign_extract(key, master, id)
                                           : sm9_encrypt_extract(key, master, id, SM9_HID_ENCRYPT),
                     SM9_OK);
}

static void make_parts(enum keycentre_use use, const struct sm9_id *id, struct keycentre_partial *parts)
{
    for (unsigned i = 0; i < group.size.centres; i++)
        ck_assert_int_eq(keycentre_partial_make(&shares[i], use, id, &parts[i]), TALLY_OK);
}

static uint8_t everybody(void)
{
    return (uint8_t)((1U << group.size.centres) - 1);
}

START_TEST(sizes_of_groups)
{
    static const struct {
        struct keycentre_size size;
        bool valid;
        unsigned sets, own;
    } cases[] = {{{1, 1}, false, 0, 0},  {{2, 2}, false, 0, 0}, {{2, 3}, true, 3, 2},
                 {{2, 7}, true, 7, 6},   {{3, 4}, false, 0, 0}, {{3, 5}, true, 10, 6},
                 {{4, 7}, true, 35, 20}, {{4, 8}, false, 0, 0}, {{5, 7}, false, 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t sets[KEYCENTRE_SETS_MAX];
        ck_assert_int_eq(keycentre_size_valid(cases[i].size), cases[i].valid);
        if (!cases[i].valid)
            continue;
        ck_assert_uint_eq(keycentre_sets(cases[i].size, 0, sets), cases[i].sets);
        for (unsigned member = 1; member <= cases[i].size.centres; member++)
            ck_assert_uint_eq(keycentre_sets(cases[i].size, member, sets), cases[i].own);
    }
}
END_TEST

/* Every choice of 2t-1 centres gives the key that the whole master key gives; one centre less gives none. */
START_TEST(any_choice_gives_the_plain_key)
{
    struct keycentre_partial parts[KEYCENTRE_CENTRES_MAX];
    make_group(sizes[_i / USES]);
    enum keycentre_use use = uses[_i % USES];
    unsigned needed = keycentre_answers_needed(group.size), culprit;
    uint8_t want[G2_BYTES], got[G2_BYTES];
    plain_key(use, &card, want);
    make_parts(use, &card, parts);
    for (unsigned set = 1; set <= everybody(); set++) {
        unsigned members = (unsigned)__builtin_popcount(set);
        enum tally_error e = keycentre_combine(&group, use, &card, parts, (uint8_t)set, got, &culprit);
        ck_assert_int_eq(e, members >= needed ? TALLY_OK : TALLY_E_USAGE);
        if (e == TALLY_OK)
            ck_assert_mem_eq(got, want, keycentre_key_size(use));
    }
}
END_TEST

/* The largest group once: 4 of 7, all must answer. */
START_TEST(the_largest_group)
{
    struct keycentre_partial parts[KEYCENTRE_CENTRES_MAX];
    uint8_t want[G2_BYTES], got[G2_BYTES];
    unsigned culprit;
    make_group((struct keycentre_size){4, 7});
    plain_key(KEYCENTRE_SIGN, &card, want);
    make_parts(KEYCENTRE_SIGN, &card, parts);
    ck_assert_int_eq(keycentre_combine(&group, KEYCENTRE_SIGN, &card, parts, everybody(), got, &culprit),
                     TALLY_OK);
    ck_assert_mem_eq(got, want, G1_BYTES);
}
END_TEST

/* A repeated question gets the same answer; another identity or use gets another mask, or u/u' would give the
 * master key. */
START_TEST(masks_belong_to_one_identity_and_use)
{
    struct keycentre_partial a, again, other, use;
    make_group(sizes[0]);
    ck_assert_int_eq(keycentre_partial_make(&shares[0], KEYCENTRE_SIGN, &card, &a), TALLY_OK);
    ck_assert_int_eq(keycentre_partial_make(&shares[0], KEYCENTRE_SIGN, &card, &again), TALLY_OK);
    ck_assert_int_eq(keycentre_partial_make(&shares[0], KEYCENTRE_SIGN, &gate, &other), TALLY_OK);
    ck_assert_mem_eq(&a, &again, sizeof a);
    ck_assert_mem_ne(a.r, other.r, G1_BYTES);
    /* For decryption R_i is r_i P2: the same r_i would show in e(R_i, P2) = e(P1, R_i). */
    uint8_t p1[G1_BYTES], p2[G2_BYTES];
    struct fp12 of_sign, of_decrypt;
    ck_assert_int_eq(keycentre_partial_make(&shares[0], KEYCENTRE_DECRYPT, &card, &use), TALLY_OK);
    g1_to_bytes(p1, &g1_generator);
    g2_to_bytes(p2, &g2_generator);
    ck_assert(keycentre_pair(KEYCENTRE_SIGN, a.r, p2, &of_sign));
    ck_assert(keycentre_pair(KEYCENTRE_DECRYPT, use.r, p1, &of_decrypt));
    ck_assert(!fp12_equal(&of_sign, &of_decrypt));
}
END_TEST

/* Without the sharing of zero u_i would be r_i (h + s_i), whose polynomial's coefficients are products of
 * secrets: e(R_i, h P2 + s_i P2) would be e(P1, P2)^u_i. */
START_TEST(answers_are_masked_by_a_sharing_of_zero)
{
    struct keycentre_partial parts[KEYCENTRE_CENTRES_MAX];
    uint8_t holder[G2_BYTES];
    struct fp12 product, g, opened;
    struct fn u;
    make_group(sizes[1]);
    make_parts(KEYCENTRE_SIGN, &card, parts);
    pairing(&g, &g1_generator, &g2_generator);
    for (unsigned i = 0; i < group.size.centres; i++) {
        ck_assert(keycentre_identity_point(KEYCENTRE_SIGN, &card, group.shares[i].sign, holder));
        ck_assert(keycentre_pair(KEYCENTRE_SIGN, parts[i].r, holder, &product));
        ck_assert(fn_from_bytes(&u, parts[i].u));
        gt_power(&opened, &g, &u);
        ck_assert(!fp12_equal(&opened, &product));
    }
}
END_TEST

/* One centre answers with a changed u, a changed R, nonsense, or an answer for somebody else: no key comes
 * out, and the evidence says whose fault it is. */
START_TEST(a_wrong_share_is_caught_and_named)
{
    static struct keycentre_evidence evidence[KEYCENTRE_CENTRES_MAX];
    struct keycentre_partial parts[KEYCENTRE_CENTRES_MAX], other;
    enum keycentre_use use = uses[_i % USES];
    const unsigned liar = 2;
    uint8_t key[G2_BYTES], none[G2_BYTES] = {0}, culprits, suspects;
    unsigned culprit;
    make_group(sizes[0]);
    make_parts(use, &gate, parts);
    ck_assert_int_eq(keycentre_partial_make(&shares[liar - 1], use, &card, &other), TALLY_OK);
    for (unsigned i = 0; i < group.size.centres; i++)
        ck_assert_int_eq(keycentre_evidence_make(&shares[i], use, &gate, &evidence[i]), TALLY_OK);
    keycentre_judge(&group, use, &gate, evidence, everybody(), &culprits, &suspects);
    ck_assert_uint_eq(culprits | suspects, 0);
    switch (_i / USES) {
    case 0: memcpy(parts[liar - 1].u, other.u, FN_BYTES); break;
    case 1: memcpy(parts[liar - 1].r, other.r, G2_BYTES); break;
    default: parts[liar - 1] = other; break;
    }
    ck_assert_int_eq(keycentre_combine(&group, use, &gate, parts, everybody(), key, &culprit),
                     TALLY_E_CRYPTO);
    ck_assert_mem_eq(key, none, keycentre_key_size(use));
    evidence[liar - 1].partial = parts[liar - 1];
    keycentre_judge(&group, use, &gate, evidence, everybody(), &culprits, &suspects);
    ck_assert_uint_eq(culprits, 1U << (liar - 1));
    ck_assert_uint_eq(suspects, 0);
    /* What is no number or point is named at once. */
    memset(parts[liar - 1].u, 0xff, FN_BYTES);
    ck_assert_int_eq(keycentre_combine(&group, use, &gate, parts, everybody(), key, &culprit),
                     TALLY_E_FORMAT);
    ck_assert_uint_eq(culprit, liar);
}
END_TEST

/* A liar that is consistent with itself but used another mask key: the others contradict it. */
START_TEST(a_centre_with_another_mask_key_is_found)
{
    static struct keycentre_evidence evidence[KEYCENTRE_CENTRES_MAX];
    struct keycentre_size size = _i == 0 ? sizes[0] : (struct keycentre_size){2, 4};
    const unsigned liar = 3;
    uint8_t culprits, suspects, key[G2_BYTES];
    struct keycentre_partial parts[KEYCENTRE_CENTRES_MAX];
    unsigned culprit;
    make_group(size);
    shares[liar - 1].mask_keys[0][0] ^= 1;
    make_parts(KEYCENTRE_SIGN, &gate, parts);
    ck_assert_int_eq(keycentre_combine(&group, KEYCENTRE_SIGN, &gate, parts, 7, key, &culprit),
                     TALLY_E_CRYPTO);
    for (unsigned i = 0; i < size.centres; i++)
        ck_assert_int_eq(keycentre_evidence_make(&shares[i], KEYCENTRE_SIGN, &gate, &evidence[i]), TALLY_OK);
    keycentre_judge(&group, KEYCENTRE_SIGN, &gate, evidence, everybody(), &culprits, &suspects);
    if (_i == 0) { /* the set has two members: one of them lies */
        ck_assert_uint_eq(culprits, 0);
        ck_assert_uint_eq(suspects, 1U << (liar - 1) | 1U);
    } else { /* n = 3t - 2: the set has an honest majority */
        ck_assert_uint_eq(culprits, 1U << (liar - 1));
        ck_assert_uint_eq(suspects, 0);
        ck_assert_int_eq(keycentre_combine(&group, KEYCENTRE_SIGN, &gate, parts, 0xb, key, &culprit),
                         TALLY_OK);
    }
}
END_TEST

START_TEST(keys_are_checked_by_pairing)
{
    uint8_t key[G2_BYTES], other[G2_BYTES];
    enum keycentre_use use = uses[_i];
    make_group(sizes[0]);
    plain_key(use, &card, key);
    plain_key(use, &gate, other);
    ck_assert_int_eq(keycentre_key_check(&group.masters, use, &card, key), TALLY_OK);
    ck_assert_int_eq(keycentre_key_check(&group.masters, use, &card, other), TALLY_E_CRYPTO);
    ck_assert_int_eq(keycentre_key_check(&group.masters, use, &gate, key), TALLY_E_CRYPTO);
    key[0] ^= 1;
    ck_assert_int_eq(keycentre_key_check(&group.masters, use, &card, key), TALLY_E_FORMAT);
}
END_TEST

START_TEST(a_wrong_deal_is_refused)
{
    struct keycentre_polynomials polynomials;
    struct keycentre_masters commitments[KEYCENTRE_THRESHOLD_MAX];
    uint8_t sign[FN_BYTES], encrypt[FN_BYTES], zero[FN_BYTES] = {0};
    struct keycentre_size size = sizes[1];
    make_group(size);
    draw_polynomials(&polynomials);
    keycentre_commitments(size, &polynomials, commitments);
    for (unsigned i = 1; i <= size.centres; i++) {
        keycentre_deal(size, &polynomials, i, sign, encrypt);
        ck_assert_int_eq(keycentre_deal_check(size, commitments, i, sign, encrypt), TALLY_OK);
        ck_assert_int_eq(keycentre_deal_check(size, commitments, i % 5 + 1, sign, encrypt), TALLY_E_CRYPTO);
    }
    sign[31] ^= 1;
    ck_assert_int_eq(keycentre_deal_check(size, commitments, 5, sign, encrypt), TALLY_E_CRYPTO);
    sign[31] ^= 1;
    encrypt[31] ^= 1;
    ck_assert_int_eq(keycentre_deal_check(size, commitments, 5, sign, encrypt), TALLY_E_CRYPTO);
    ck_assert_int_eq(keycentre_deal_check(size, commitments, 5, sign, zero), TALLY_E_FORMAT);
    commitments[1].sign[0] ^= 1;
    ck_assert_int_eq(keycentre_deal_check(size, commitments, 5, sign, encrypt), TALLY_E_FORMAT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keycentre threshold");
    TCase *c = tcase_create("extraction");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, sizes_of_groups);
    tcase_add_loop_test(c, any_choice_gives_the_plain_key, 0, SIZES * USES);
    tcase_add_test(c, the_largest_group);
    tcase_add_test(c, masks_belong_to_one_identity_and_use);
    tcase_add_test(c, answers_are_masked_by_a_sharing_of_zero);
    tcase_add_loop_test(c, a_wrong_share_is_caught_and_named, 0, 3 * USES);
    tcase_add_loop_test(c, a_centre_with_another_mask_key_is_found, 0, 2);
    tcase_add_loop_test(c, keys_are_checked_by_pairing, 0, USES);
    tcase_add_test(c, a_wrong_deal_is_refused);
    suite_add_tcase(suite, c);
    return tally_check_main(suite, NULL);
}
