/* Laws that must hold for all elements, on random ones and at the edges. */
#include "card/sm9/split.h"
#include "tests/support/sm9_vectors.h"
#include "tests/unit/sm9_random.h"

enum { ROUNDS = 4, MANY = 100 };

static const limb zero[LIMBS], one[LIMBS] = {1};
static const limb largest[LIMBS] = LIMBS_OF(UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX);
static const char lambda_hex[] = "0000000000000001e600000005474de26804e46a9a65c91e2bf5f68bcd8990e5";
static const char six_t_squared_hex[] = "00000000000000000000000000000000d8000000019062ed0000b98b0cb27658";

/* ---- Fields ---- */

START_TEST(fp_is_a_field)
{
    uint32_t state = 100;
    struct fp a, b, c, left, right, t;
    for (int i = 0; i < MANY; i++) {
        random_fp(&state, &a);
        random_fp(&state, &b);
        random_fp(&state, &c);
        fp_add(&left, &a, &b);
        fp_mul(&left, &left, &c);
        fp_mul(&right, &a, &c);
        fp_mul(&t, &b, &c);
        fp_add(&right, &right, &t);
        ck_assert(fp_equal(&left, &right));
        fp_sub(&t, &a, &b);
        fp_add(&t, &t, &b);
        ck_assert(fp_equal(&t, &a));
        fp_invert(&t, &a);
        fp_mul(&t, &t, &a);
        ck_assert(fp_equal(&t, &fp_one));
        fp_halve(&t, &a);
        fp_double(&t, &t);
        ck_assert(fp_equal(&t, &a));
        fp_square(&t, &a);
        ck_assert(fp_sqrt(&left, &t));
        fp_neg(&right, &left);
        ck_assert(fp_equal(&left, &a) || fp_equal(&right, &a));
        /* 2 is no square, as p = 5 mod 8. */
        fp_double(&t, &t);
        ck_assert(!fp_sqrt(&left, &t));
    }
    fp_invert(&t, &fp_zero);
    ck_assert(fp_is_zero(&t));
}
END_TEST

START_TEST(fn_is_a_field)
{
    uint32_t state = 200;
    struct fn a, b, c, left, right, t;
    for (int i = 0; i < MANY; i++) {
        random_fn(&state, &a);
        random_fn(&state, &b);
        random_fn(&state, &c);
        fn_add(&left, &a, &b);
        fn_mul(&left, &left, &c);
        fn_mul(&right, &a, &c);
        fn_mul(&t, &b, &c);
        fn_add(&right, &right, &t);
        ck_assert_mem_eq(&left, &right, sizeof left);
        fn_sub(&t, &a, &b);
        fn_add(&t, &t, &b);
        ck_assert_mem_eq(&t, &a, sizeof t);
        fn_invert(&t, &a);
        fn_mul(&t, &t, &a);
        ck_assert_mem_eq(t.l, one, sizeof one);
    }
    memset(&a, 0, sizeof a);
    fn_invert(&t, &a);
    ck_assert(fn_is_zero(&t));
}
END_TEST

START_TEST(fp12_is_a_field)
{
    uint32_t state = 300;
    struct fp12 a, b, c, left, right, t;
    for (int i = 0; i < ROUNDS; i++) {
        random_fp12(&state, &a);
        random_fp12(&state, &b);
        random_fp12(&state, &c);
        fp12_mul(&left, &a, &b);
        fp12_mul(&left, &left, &c);
        fp12_mul(&right, &b, &c);
        fp12_mul(&right, &a, &right);
        ck_assert(fp12_equal(&left, &right));
        fp12_mul(&left, &a, &a);
        fp12_square(&right, &a);
        ck_assert(fp12_equal(&left, &right));
        fp12_invert(&t, &a);
        fp12_mul(&t, &t, &a);
        ck_assert(fp12_equal(&t, &fp12_one));
        /* A line is an element with few coefficients. */
        memset(&t, 0, sizeof t);
        t.a0 = b.a0;
        t.a2.b0 = c.a1.b0;
        fp12_mul(&left, &a, &t);
        fp12_mul_line(&right, &a, &b.a0, &c.a1.b0);
        ck_assert(fp12_equal(&left, &right));
    }
}
END_TEST

START_TEST(frobenius_is_the_pth_power)
{
    uint32_t state = 400;
    struct fp12 a, power = fp12_one, image;
    limb p[LIMBS];
    limbs_of_hex(p, sm9_vector_params_p);
    random_fp12(&state, &a);
    for (size_t bit = 256; bit-- > 0;) {
        fp12_square(&power, &power);
        if (p[bit / LIMB_BITS] >> (bit % LIMB_BITS) & 1)
            fp12_mul(&power, &power, &a);
    }
    fp12_frobenius(&image, &a, 1);
    ck_assert(fp12_equal(&image, &power));
    for (unsigned i = 2; i <= 12; i++) {
        fp12_frobenius(&power, &power, 1);
        fp12_frobenius(&image, &a, i);
        ck_assert(fp12_equal(&image, &power));
    }
    ck_assert(fp12_equal(&image, &a));
    fp12_frobenius(&image, &a, 6);
    fp12_conjugate(&power, &a);
    ck_assert(fp12_equal(&image, &power));
}
END_TEST

/* ---- Scalars in parts ---- */

static void part_to_fn(struct fn *r, const struct part *k)
{
    memset(r, 0, sizeof *r);
    memcpy(r->l, k->l, sizeof k->l);
}

static unsigned bits(const struct part *k)
{
    unsigned n = 0;
    for (unsigned i = 0; i < PART_LIMBS * LIMB_BITS; i++)
        if (k->l[i / LIMB_BITS] >> (i % LIMB_BITS) & 1)
            n = i + 1;
    return n;
}

/* k modulo n is what the parts add up to by powers of the eigenvalue. */
static void check_parts(const struct part *parts, size_t count, const struct fn *eigenvalue,
                        const limb k[LIMBS])
{
    struct fn sum = {{0}}, part, want;
    limb reduced[LIMBS];
    for (size_t i = count; i-- > 0;) {
        part_to_fn(&part, &parts[i]);
        fn_mul(&sum, &sum, eigenvalue);
        fn_add(&sum, &sum, &part);
    }
    limb borrow = limbs_sub(reduced, k, fn_modulus, LIMBS);
    memcpy(want.l, borrow ? k : reduced, sizeof want.l);
    ck_assert_mem_eq(&sum, &want, sizeof sum);
}

static void check_splits(const limb k[LIMBS])
{
    struct part two[2], four[4];
    struct fn lambda, p;
    limbs_of_hex(p.l, six_t_squared_hex);
    limbs_of_hex(lambda.l, lambda_hex);
    split2(two, k);
    for (size_t i = 0; i < 2; i++)
        ck_assert_uint_le(bits(&two[i]), SPLIT2_BITS);
    check_parts(two, 2, &lambda, k);
    for (int odd = 0; odd < 2; odd++) {
        split4(four, k, odd);
        for (size_t i = 0; i < 4; i++)
            ck_assert_uint_le(bits(&four[i]), SPLIT4_BITS);
        ck_assert(!odd || (four[0].l[0] & 1) == 1);
        check_parts(four, 4, &p, k);
    }
}

START_TEST(parts_make_the_scalar)
{
    uint32_t state = 500;
    limb k[LIMBS];
    check_splits(zero);
    check_splits(one);
    check_splits(largest);
    check_splits(fn_modulus);
    limbs_sub(k, fn_modulus, one, LIMBS);
    check_splits(k);
    for (int i = 0; i < MANY; i++) {
        fill_stream(&state, (uint8_t *)k, sizeof k);
        check_splits(k);
    }
}
END_TEST

/* ---- Bytes ---- */

START_TEST(bytes_round_trip)
{
    uint32_t state = 1100;
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t bytes[FP12_BYTES], again[FP12_BYTES];
        struct fp12 a, b;
        struct g1 p;
        struct g2 q;
        struct g1_affine pa, pb;
        struct g2_affine qa, qb;
        struct fn k, l;
        random_fp12(&state, &a);
        fp12_to_bytes(bytes, &a);
        ck_assert(fp12_from_bytes(&b, bytes));
        ck_assert(fp12_equal(&a, &b));
        random_g1(&state, &p);
        g1_to_affine(&pa, &p);
        g1_to_bytes(bytes, &pa);
        ck_assert(g1_from_bytes(&pb, bytes));
        g1_to_bytes(again, &pb);
        ck_assert_mem_eq(bytes, again, G1_BYTES);
        random_g2(&state, &q);
        g2_to_affine(&qa, &q);
        g2_to_bytes(bytes, &qa);
        ck_assert(g2_from_bytes(&qb, bytes));
        g2_to_bytes(again, &qb);
        ck_assert_mem_eq(bytes, again, G2_BYTES);
        random_fn(&state, &k);
        fn_to_bytes(bytes, &k);
        ck_assert(fn_from_bytes(&l, bytes));
        ck_assert_mem_eq(&k, &l, sizeof k);
    }
}
END_TEST

/* p, and the largest number, in the place of each coefficient. */
START_TEST(coefficients_that_are_not_below_p_are_refused)
{
    uint8_t bytes[FP12_BYTES], p[FP_BYTES], ones[FP_BYTES];
    struct fp12 a, zero_element;
    struct fp x;
    memset(&zero_element, 0, sizeof zero_element);
    memset(ones, 0xff, sizeof ones);
    unhex(sm9_vector_params_p, p, sizeof p);
    for (size_t i = 0; i < 24; i++) {
        fp12_to_bytes(bytes, &zero_element);
        memcpy(bytes + i / 2 * FP_BYTES, i % 2 == 0 ? p : ones, FP_BYTES);
        ck_assert(!fp12_from_bytes(&a, bytes));
    }
    ck_assert(!fp_from_bytes(&x, p));
    ck_assert(fp_is_zero(&x));
    p[FP_BYTES - 1]--;
    ck_assert(fp_from_bytes(&x, p));
    fp_add(&x, &x, &fp_one);
    ck_assert(fp_is_zero(&x));
}
END_TEST

START_TEST(scalars_out_of_range_are_refused)
{
    uint8_t bytes[FN_BYTES] = {0};
    struct fn k;
    ck_assert(!fn_from_bytes(&k, bytes));
    memset(bytes, 0xff, sizeof bytes);
    ck_assert(!fn_from_bytes(&k, bytes));
    unhex(sm9_vector_params_n, bytes, sizeof bytes);
    ck_assert(!fn_from_bytes(&k, bytes));
    ck_assert(fn_is_zero(&k));
    bytes[FN_BYTES - 1]--;
    ck_assert(fn_from_bytes(&k, bytes));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sm9 properties");
    TCase *c = tcase_create("laws");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, fp_is_a_field);
    tcase_add_test(c, fn_is_a_field);
    tcase_add_test(c, fp12_is_a_field);
    tcase_add_test(c, frobenius_is_the_pth_power);
    tcase_add_test(c, parts_make_the_scalar);
    tcase_add_test(c, bytes_round_trip);
    tcase_add_test(c, coefficients_that_are_not_below_p_are_refused);
    tcase_add_test(c, scalars_out_of_range_are_refused);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
