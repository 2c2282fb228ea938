/* The sixth mistake that SM9 invites: a point of the twist need not be in the group of order n, nor an
 * element of Fp12 in GT. */
#include "tests/support/sm9_vectors.h"
#include "tests/unit/sm9_random.h"

static struct sm9_sign_public sign_key; /* large */

/* A root of a, when there is one: the norm's root first. */
static bool fp2_sqrt(struct fp2 *r, const struct fp2 *a)
{
    struct fp norm, t, half, c0;
    struct fp2 check;
    fp_square(&norm, &a->c0);
    fp_square(&t, &a->c1);
    fp_double(&t, &t);
    fp_add(&norm, &norm, &t);
    if (!fp_sqrt(&norm, &norm))
        return false;
    for (int sign = 0; sign < 2; sign++) {
        fp_add(&half, &a->c0, &norm);
        fp_halve(&half, &half);
        if (fp_sqrt(&c0, &half) && !fp_is_zero(&c0)) {
            r->c0 = c0;
            fp_double(&t, &c0);
            fp_invert(&t, &t);
            fp_mul(&r->c1, &a->c1, &t);
            fp2_mul(&check, r, r);
            return fp2_equal(&check, a);
        }
        fp_neg(&norm, &norm);
    }
    return false;
}

/* A point of the twist, in the group of order n only with probability 1/cofactor. */
static void point_of_twist(uint32_t *state, struct g2_affine *q)
{
    struct fp2 y2;
    struct fp five;
    fp_double(&five, &fp_one);
    fp_double(&five, &five);
    fp_add(&five, &five, &fp_one);
    do {
        random_fp2(state, &q->x);
        fp2_square(&y2, &q->x);
        fp2_mul(&y2, &y2, &q->x);
        fp_add(&y2.c1, &y2.c1, &five);
    } while (!fp2_sqrt(&q->y, &y2));
}

/* Without g2_multiply, which is for the group alone. */
static void multiply_plainly(struct g2 *r, const struct g2_affine *q, const char *scalar_hex)
{
    struct g2 p;
    limb k[LIMBS];
    limbs_of_hex(k, scalar_hex);
    g2_from_affine(&p, q);
    *r = g2_infinity;
    for (size_t bit = 256; bit-- > 0;) {
        g2_add(r, r, r);
        if (k[bit / LIMB_BITS] >> (bit % LIMB_BITS) & 1)
            g2_add(r, r, &p);
    }
}

START_TEST(points_of_the_twist_outside_the_group_are_refused)
{
    static const char cofactor[] = "b640000002a3a6f1d603ab4ff58ec745f9f2934b1c0b51c8e57054b2f003bbd5";
    uint32_t state = 6;
    for (int i = 0; i < 4; i++) {
        uint8_t bytes[G2_BYTES];
        struct g2_affine q, read;
        struct g2 p;
        struct sm9_decrypt_key own;
        point_of_twist(&state, &q);
        g2_to_bytes(bytes, &q);
        ck_assert(!g2_from_bytes(&read, bytes));
        ck_assert_int_eq(sm9_decrypt_key_init(&own, bytes), SM9_E_KEY);
        ck_assert_int_eq(sm9_sign_public_init(&sign_key, bytes), SM9_E_KEY);
        /* Nor in the other part of the curve. */
        multiply_plainly(&p, &q, sm9_vector_params_n);
        ck_assert(g2_to_affine(&q, &p));
        g2_to_bytes(bytes, &q);
        ck_assert(!g2_from_bytes(&read, bytes));
        /* The cofactor clears it. */
        point_of_twist(&state, &q);
        multiply_plainly(&p, &q, cofactor);
        ck_assert(g2_to_affine(&q, &p));
        g2_to_bytes(bytes, &q);
        ck_assert(g2_from_bytes(&read, bytes));
        multiply_plainly(&p, &q, sm9_vector_params_n);
        ck_assert(fp2_is_zero(&p.z));
    }
}
END_TEST

START_TEST(elements_outside_gt_are_refused)
{
    uint32_t state = 7;
    struct fp12 a, t, inverse;
    for (int i = 0; i < 4; i++) {
        random_fp12(&state, &a);
        ck_assert(!gt_contains(&a));
        /* In the cyclotomic subgroup, where inversion is conjugation, and yet not of order n. */
        fp12_invert(&inverse, &a);
        fp12_conjugate(&t, &a);
        fp12_mul(&a, &t, &inverse);
        fp12_frobenius(&t, &a, 2);
        fp12_mul(&a, &a, &t);
        fp12_conjugate(&t, &a);
        fp12_mul(&t, &t, &a);
        ck_assert(fp12_equal(&t, &fp12_one));
        ck_assert(!gt_contains(&a));
        final_exponentiation(&t, &a);
        ck_assert(gt_contains(&t));
    }
    memset(&a, 0, sizeof a);
    ck_assert(!gt_contains(&a));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sm9 subgroups");
    TCase *c = tcase_create("subgroups");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, points_of_the_twist_outside_the_group_are_refused);
    tcase_add_test(c, elements_outside_gt_are_refused);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
