/* The faster versions of the arithmetic against their reference, and points that are none. */
#include <string.h>

#include "card/sm9/cyclotomic.h"
#include "card/sm9/pairing.h"
#include "tests/support/check_main.h"

/* Elements that differ from call to call, with 0, 1 and p - 1 among the coefficients. */
static void next_fp(struct fp *r)
{
    static struct fp a, b;
    static unsigned calls;
    if (calls++ == 0) {
        a = g1_generator.x;
        b = g1_generator.y;
    }
    fp_add(&a, &a, &b);
    fp_mul_reference(&b, &a, &b);
    *r = b;
    if (calls % 17 == 0)
        *r = fp_zero;
    if (calls % 19 == 0)
        *r = fp_one;
    if (calls % 13 == 0)
        fp_sub(r, &fp_zero, &fp_one);
}

static void next_fp2(struct fp2 *r)
{
    next_fp(&r->c0);
    next_fp(&r->c1);
}

static void next_fp4(struct fp4 *r)
{
    next_fp2(&r->b0);
    next_fp2(&r->b1);
}

START_TEST(fast_field_is_the_reference)
{
    struct fp a, b, got, want;
    for (int i = 0; i < 4000; i++) {
        next_fp(&a);
        next_fp(&b);
        fp_mul(&got, &a, &b);
        fp_mul_reference(&want, &a, &b);
        ck_assert_mem_eq(&got, &want, sizeof got);
        fp_add(&got, &a, &b);
        limbs_add_mod_reference(want.l, a.l, b.l, fp_modulus);
        ck_assert_mem_eq(&got, &want, sizeof got);
        fp_sub(&got, &a, &b);
        limbs_sub_mod_reference(want.l, a.l, b.l, fp_modulus);
        ck_assert_mem_eq(&got, &want, sizeof got);
        fp_mul_reference(&want, &a, &a);
        fp_mul(&a, &a, &a);
        ck_assert_mem_eq(&a, &want, sizeof a);
    }
}
END_TEST

START_TEST(fast_tower_is_the_reference)
{
    struct fp2 a2, b2, got2, want2;
    struct fp4 a4, b4, got4, want4;
    struct fp12 a12, got12, want12;
    for (int i = 0; i < 600; i++) {
        next_fp2(&a2);
        next_fp2(&b2);
        fp2_mul(&got2, &a2, &b2);
        fp2_mul_reference(&want2, &a2, &b2);
        ck_assert_mem_eq(&got2, &want2, sizeof got2);
        fp2_square(&got2, &a2);
        fp2_square_reference(&want2, &a2);
        ck_assert_mem_eq(&got2, &want2, sizeof got2);
        next_fp4(&a4);
        next_fp4(&b4);
        fp4_square(&got4, &a4);
        fp4_square_reference(&want4, &a4);
        ck_assert_mem_eq(&got4, &want4, sizeof got4);
        next_fp4(&a12.a0);
        next_fp4(&a12.a1);
        next_fp4(&a12.a2);
        fp12_mul_line(&got12, &a12, &a4, &a2);
        fp12_mul_line_reference(&want12, &a12, &a4, &a2);
        ck_assert_mem_eq(&got12, &want12, sizeof got12);
        fp12_mul_line(&a12, &a12, &a4, &a2);
        ck_assert_mem_eq(&a12, &want12, sizeof got12);
        fp4_mul(&got4, &a4, &b4);
        fp4_mul_reference(&want4, &a4, &b4);
        ck_assert_mem_eq(&got4, &want4, sizeof got4);
        fp4_mul(&a4, &a4, &b4);
        ck_assert_mem_eq(&a4, &want4, sizeof a4);
        fp2_mul_reference(&want2, &b2, &a2);
        fp2_mul(&a2, &b2, &a2);
        ck_assert_mem_eq(&a2, &want2, sizeof a2);
    }
}
END_TEST

START_TEST(largest_products_are_reduced)
{
    struct fp got, want;
    struct fp_wide wide;
    struct fp4 a, got4, want4;
    /* p 2^256 - 1 */
    for (size_t i = 0; i < LIMBS; i++) {
        wide.l[i] = (limb)0 - 1;
        wide.l[LIMBS + i] = fp_modulus[i];
    }
    wide.l[LIMBS] -= 1;
    fp_reduce(&got, &wide);
    ck_assert(limbs_sub(want.l, got.l, fp_modulus, LIMBS) == 1);
    /* The raw limbs p - 1 in every coefficient. */
    memcpy(got.l, fp_modulus, sizeof got.l);
    got.l[0] -= 1;
    a = (struct fp4){{got, got}, {got, got}};
    fp4_mul(&got4, &a, &a);
    fp4_mul_reference(&want4, &a, &a);
    ck_assert_mem_eq(&got4, &want4, sizeof got4);
    fp4_square(&got4, &a);
    ck_assert_mem_eq(&got4, &want4, sizeof got4);
    struct fp12 f = {a, a, a}, got12, want12;
    fp12_mul_line(&got12, &f, &a, &a.b0);
    fp12_mul_line_reference(&want12, &f, &a, &a.b0);
    ck_assert_mem_eq(&got12, &want12, sizeof got12);
}
END_TEST

START_TEST(cyclotomic_square_is_the_square)
{
    struct fp12 e, a, b;
    pairing(&e, &g1_generator, &g2_generator);
    fp12_square(&a, &e);
    fp12_square_cyclotomic(&b, &e);
    ck_assert(fp12_equal(&a, &b));
}
END_TEST

START_TEST(points_off_the_curve_or_the_group_are_refused)
{
    uint8_t bytes[G2_BYTES], g1_bytes[G1_BYTES];
    struct g2_affine q;
    struct g1_affine p;
    g2_to_bytes(bytes, &g2_generator);
    ck_assert(g2_from_bytes(&q, bytes));
    for (size_t i = 0; i < G2_BYTES; i += 9) {
        bytes[i] ^= 1;
        ck_assert(!g2_from_bytes(&q, bytes));
        bytes[i] ^= 1;
    }
    g1_to_bytes(g1_bytes, &g1_generator);
    ck_assert(g1_from_bytes(&p, g1_bytes));
    g1_bytes[63] ^= 1;
    ck_assert(!g1_from_bytes(&p, g1_bytes));
    memset(g1_bytes, 0xff, sizeof g1_bytes);
    ck_assert(!g1_from_bytes(&p, g1_bytes));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sm9");
    TCase *c = tcase_create("arithmetic");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, fast_field_is_the_reference);
    tcase_add_test(c, fast_tower_is_the_reference);
    tcase_add_test(c, largest_products_are_reduced);
    tcase_add_test(c, cyclotomic_square_is_the_square);
    tcase_add_test(c, points_off_the_curve_or_the_group_are_refused);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
