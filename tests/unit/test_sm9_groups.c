/* The groups and the pairing: laws that must hold for all elements, on random ones and at the edges. */
#include "card/sm9/fixed.h"
#include "tests/unit/sm9_random.h"

enum { ROUNDS = 4 };

static const limb zero[LIMBS], one[LIMBS] = {1};
static const char lambda_hex[] = "0000000000000001e600000005474de26804e46a9a65c91e2bf5f68bcd8990e5";
static const char six_t_squared_hex[] = "00000000000000000000000000000000d8000000019062ed0000b98b0cb27658";

/* ---- Groups ---- */

START_TEST(g1_is_a_group)
{
    uint32_t state = 600;
    struct g1 p, q, r, left, right;
    struct fn a, b, sum, product;
    limb n_minus_1[LIMBS];
    limbs_sub(n_minus_1, fn_modulus, one, LIMBS);
    for (int i = 0; i < ROUNDS; i++) {
        random_g1(&state, &p);
        random_g1(&state, &q);
        random_g1(&state, &r);
        g1_add(&left, &p, &q);
        g1_add(&left, &left, &r);
        g1_add(&right, &q, &r);
        g1_add(&right, &p, &right);
        ck_assert(same_g1(&left, &right));
        g1_add(&left, &p, &p);
        g1_double(&right, &p);
        ck_assert(same_g1(&left, &right));
        g1_add(&left, &p, &g1_infinity);
        ck_assert(same_g1(&left, &p));
        g1_neg(&q, &p);
        g1_add(&left, &p, &q);
        ck_assert(same_g1(&left, &g1_infinity));
        g1_multiply(&left, &p, n_minus_1);
        ck_assert(same_g1(&left, &q));

        random_fn(&state, &a);
        random_fn(&state, &b);
        fn_add(&sum, &a, &b);
        fn_mul(&product, &a, &b);
        g1_multiply(&left, &p, a.l);
        g1_multiply(&right, &p, b.l);
        g1_add(&r, &left, &right);
        g1_multiply(&right, &p, sum.l);
        ck_assert(same_g1(&r, &right));
        g1_multiply(&left, &left, b.l);
        g1_multiply(&right, &p, product.l);
        ck_assert(same_g1(&left, &right));
        g1_from_affine(&p, &g1_generator);
        g1_multiply(&left, &p, a.l);
        g1_multiply_generator(&right, a.l);
        ck_assert(same_g1(&left, &right));
    }
}
END_TEST

START_TEST(g2_is_a_group)
{
    uint32_t state = 700;
    struct g2 p, q, r, left, right;
    struct fn a, b, sum, product;
    for (int i = 0; i < ROUNDS; i++) {
        random_g2(&state, &p);
        random_g2(&state, &q);
        random_g2(&state, &r);
        g2_add(&left, &p, &q);
        g2_add(&left, &left, &r);
        g2_add(&right, &q, &r);
        g2_add(&right, &p, &right);
        ck_assert(same_g2(&left, &right));
        g2_add(&left, &p, &g2_infinity);
        ck_assert(same_g2(&left, &p));
        q = p;
        fp2_neg(&q.y, &p.y);
        g2_add(&left, &p, &q);
        ck_assert(same_g2(&left, &g2_infinity));

        random_fn(&state, &a);
        random_fn(&state, &b);
        fn_add(&sum, &a, &b);
        fn_mul(&product, &a, &b);
        g2_multiply(&left, &p, a.l);
        g2_multiply(&right, &p, b.l);
        g2_add(&r, &left, &right);
        g2_multiply(&right, &p, sum.l);
        ck_assert(same_g2(&r, &right));
        g2_multiply(&left, &left, b.l);
        g2_multiply(&right, &p, product.l);
        ck_assert(same_g2(&left, &right));
        g2_from_affine(&p, &g2_generator);
        g2_multiply(&left, &p, a.l);
        g2_multiply_generator(&right, a.l);
        ck_assert(same_g2(&left, &right));
    }
}
END_TEST

START_TEST(multiples_at_the_edges)
{
    struct g1 p, r;
    struct g2 q, s;
    limb twice[LIMBS] = {2};
    g1_from_affine(&p, &g1_generator);
    g2_from_affine(&q, &g2_generator);
    const limb *const nothing[] = {zero, fn_modulus};
    for (size_t i = 0; i < 2; i++) {
        g1_multiply(&r, &p, nothing[i]);
        ck_assert(same_g1(&r, &g1_infinity) && fp_is_zero(&r.z));
        g1_multiply_generator(&r, nothing[i]);
        ck_assert(fp_is_zero(&r.z));
        g2_multiply(&s, &q, nothing[i]);
        ck_assert(same_g2(&s, &g2_infinity) && fp2_is_zero(&s.z));
        g2_multiply_generator(&s, nothing[i]);
        ck_assert(fp2_is_zero(&s.z));
    }
    g1_multiply(&r, &p, one);
    ck_assert(same_g1(&r, &p));
    g2_multiply(&s, &q, one);
    ck_assert(same_g2(&s, &q));
    g1_multiply(&r, &p, twice);
    g1_double(&p, &p);
    ck_assert(same_g1(&r, &p));
    g2_multiply(&s, &q, twice);
    g2_add(&q, &q, &q);
    ck_assert(same_g2(&s, &q));
}
END_TEST

START_TEST(endomorphisms_are_multiplications)
{
    uint32_t state = 800;
    struct g1 p, image, multiple;
    struct g2 q, psi, times;
    limb lambda[LIMBS], p_mod_n[LIMBS];
    limbs_of_hex(lambda, lambda_hex);
    limbs_of_hex(p_mod_n, six_t_squared_hex);
    for (int i = 0; i < ROUNDS; i++) {
        random_g1(&state, &p);
        g1_endomorphism(&image, &p);
        g1_multiply(&multiple, &p, lambda);
        ck_assert(same_g1(&image, &multiple));
        random_g2(&state, &q);
        times = q;
        for (unsigned power = 1; power < 4; power++) {
            g2_endomorphism(&psi, &q, power);
            g2_multiply(&times, &times, p_mod_n);
            ck_assert(same_g2(&psi, &times));
        }
    }
}
END_TEST

/* ---- Pairing ---- */

static void pair(struct fp12 *r, const struct g1 *p, const struct g2 *q)
{
    struct g1_affine pa;
    struct g2_affine qa;
    ck_assert(g1_to_affine(&pa, p));
    ck_assert(g2_to_affine(&qa, q));
    pairing(r, &pa, &qa);
}

START_TEST(pairing_is_bilinear)
{
    uint32_t state = 900;
    struct g1 p, p2, ap, psum;
    struct g2 q, q2, bq, qsum;
    struct fn a, b, ab;
    struct fp12 e, left, right;
    random_g1(&state, &p);
    random_g1(&state, &p2);
    random_g2(&state, &q);
    random_g2(&state, &q2);
    random_fn(&state, &a);
    random_fn(&state, &b);
    fn_mul(&ab, &a, &b);
    g1_multiply(&ap, &p, a.l);
    g2_multiply(&bq, &q, b.l);
    pair(&e, &p, &q);
    pair(&left, &ap, &bq);
    gt_power(&right, &e, &ab);
    ck_assert(fp12_equal(&left, &right));
    ck_assert(!fp12_equal(&e, &fp12_one));

    g1_add(&psum, &p, &p2);
    pair(&left, &psum, &q);
    pair(&right, &p2, &q);
    fp12_mul(&right, &right, &e);
    ck_assert(fp12_equal(&left, &right));
    g2_add(&qsum, &q, &q2);
    pair(&left, &p, &qsum);
    pair(&right, &p, &q2);
    fp12_mul(&right, &right, &e);
    ck_assert(fp12_equal(&left, &right));

    g1_neg(&p, &p);
    pair(&left, &p, &q);
    fp12_mul(&left, &left, &e);
    ck_assert(fp12_equal(&left, &fp12_one));
    ck_assert(gt_contains(&e));
}
END_TEST

START_TEST(blinded_pairings_are_pairings)
{
    uint32_t state = 950;
    struct g1 p;
    struct g2 q;
    struct g1_affine pa;
    struct g2_affine qa;
    struct fp2 blind, other;
    struct fp12 plain, blinded, loop, other_loop;
    random_g1(&state, &p);
    random_g2(&state, &q);
    random_fp2(&state, &blind);
    random_fp2(&state, &other);
    ck_assert(g1_to_affine(&pa, &p) && g2_to_affine(&qa, &q));
    pairing(&plain, &pa, &qa);
    pairing_blinded(&blinded, &pa, &qa, &blind);
    ck_assert(fp12_equal(&plain, &blinded));
    miller_loop(&loop, &pa, &qa, &blind);
    miller_loop(&other_loop, &pa, &qa, &other);
    ck_assert(!fp12_equal(&loop, &other_loop));
}
END_TEST

static struct gt_base base; /* large */

START_TEST(gt_powers)
{
    uint32_t state = 1000;
    struct fp12 g, left, right, t;
    struct fn a, b, ab;
    pairing(&g, &g1_generator, &g2_generator);
    gt_base_init(&base, &g);
    for (int i = 0; i < ROUNDS; i++) {
        random_fn(&state, &a);
        random_fn(&state, &b);
        fn_mul(&ab, &a, &b);
        gt_base_power(&left, &base, &a);
        gt_power(&right, &g, &a);
        ck_assert(fp12_equal(&left, &right));
        gt_power(&left, &left, &b);
        gt_power(&right, &g, &ab);
        ck_assert(fp12_equal(&left, &right));
        fn_add(&ab, &a, &b);
        gt_base_power(&left, &base, &a);
        gt_base_power(&t, &base, &b);
        fp12_mul(&left, &left, &t);
        gt_base_power(&right, &base, &ab);
        ck_assert(fp12_equal(&left, &right));
    }
    memset(&a, 0, sizeof a);
    gt_power(&left, &g, &a);
    gt_base_power(&right, &base, &a);
    ck_assert(fp12_equal(&left, &fp12_one) && fp12_equal(&right, &fp12_one));
    a.l[0] = 1;
    gt_power(&left, &g, &a);
    gt_base_power(&right, &base, &a);
    ck_assert(fp12_equal(&left, &g) && fp12_equal(&right, &g));
    limbs_sub(a.l, fn_modulus, one, LIMBS);
    gt_power(&left, &g, &a);
    gt_base_power(&right, &base, &a);
    fp12_conjugate(&t, &g);
    ck_assert(fp12_equal(&left, &t) && fp12_equal(&right, &t));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sm9 groups");
    TCase *c = tcase_create("laws");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, g1_is_a_group);
    tcase_add_test(c, g2_is_a_group);
    tcase_add_test(c, multiples_at_the_edges);
    tcase_add_test(c, endomorphisms_are_multiplications);
    tcase_add_test(c, pairing_is_bilinear);
    tcase_add_test(c, blinded_pairings_are_pairings);
    tcase_add_test(c, gt_powers);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
