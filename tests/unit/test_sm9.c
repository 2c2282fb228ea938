/* The curve and the pairing against the values printed in GB/T 38635.2, annex A. */
#include <string.h>

#include "card/sm9/cyclotomic.h"
#include "card/sm9/pairing.h"
#include "host/base/bytes.h"
#include "tests/support/check_main.h"

static const char e_p1_p2[] =
    "256943fbdb2bf87ab91ae7fbeaff14e146cf7e2279b9d155d13461e09b22f5230167b0280051495c6af1ec23ba2cd2ff"
    "1cdcdeca461a5ab0b5449e90913083105e7addaddf7fbfe16291b4e89af50b8217ddc47ba3cba833c6e77c3fb027685e"
    "79d0c8337072c93fef482bb055f44d6247ccac8e8e12525854b3566236337ebe082cde173022da8cd09b28a2d80a8cee"
    "53894436a52007f978dc37f36116d39b3fa7ed741eaed99a58f53e3df82df7ccd3407bcc7b1d44a9441920ced5fb824f"
    "7fc6eb2aa771d99c9234fddd31752edfd60723e05a4ebfdeb5c33fbd47e0cf066fa6b6fa6dd6b6d3b19a959a110e7481"
    "54eef796dc0fc2dd766ea414de7869688ffe1c0e9de45fd0fed790ac26be91f6b3f0a49c084fe29a3fb6ed288ad7994d"
    "1664a1366beb3196f0443e15f5f9042a947354a5678430d45ba031cff06db9277f7c6d52b475e6aaa827fdc5b4175ac6"
    "929320f782d998f86b6b57cda42a042636a699de7c136f78eee2dbac4ca9727bff0cee02ee920f5822e65ea170aa9669";
static const char ppub_s[] =
    "9f64080b3084f733e48aff4b41b565011ce0711c5e392cfb0ab1b6791b94c40829dba116152d1f786ce843ed24a3b573"
    "414d2177386a92dd8f14d65696ea5e3269850938abea0112b57329f447e3a0cbad3e2fdb1a77f335e89e1408d0ef1c25"
    "41e00a53dda532da1a7ce027b7a46f741006e85f5cdff0730e75c05fb4e3216d";
static const char g_signature[] =
    "4e378fb5561cd0668f906b731ac58fee25738edf09cadc7a29c0abc0177aea6d28b3404a61908f5d6198815c99af1990"
    "c8af38655930058c28c21bb539ce000038bffe40a22d529a0c66124b2c308dac9229912656f62b4facfced408e02380f"
    "a01f2c8bee81769609462c69c96aa923fd863e209d3ce26dd889b55e2e3873db67e0e0c2eed7a6993dce28fe9aa2ef56"
    "834307860839677f96685f2b44d0911f5a1ae172102efd95df7338dbc577c66d8d6c15e0a0158c7507228efb078f42a6"
    "1604a3fcfa9783e667ce9fcb1062c2a5c6685c316dda62de0548baa6ba30038b93634f44fa13af76169f3cc8fbea880a"
    "daff8475d5fd28a75deb83c44362b439b3129a75d31d17194675a1bc56947920898fbf390a5bf5d931ce6cbb3340f66d"
    "4c744e69c4a2e1c8ed72f796d151a17ce2325b943260fc460b9f73cb57c9014b84b87422330d7936eaba1109fa5a7a71"
    "81ee16f2438b0aeb2f38fd5f7554e57aaab9f06a4eeba4323a7833db202e4e35639d93fa3305af73f0f071d7d284fcfb";
static const char s_point[] =
    "73bf96923ce58b6ad0e13e9643a406d8eb98417c50ef1b29cef9adb48b6d598c856712f1c2e0968ab7769f42a99586ae"
    "d139d5b8b3e15891827cc2aced9baa05";
static const char verify_p[] =
    "511f2c823c7484ddfc16bbc53aad33b78d2429afcf7f8ad8b72261b4e1ffcf797b234e1d623a172aaa89164af3e828b4"
    "d0e49ce6ec5c7fe92e657272250cbaf64831dd313ec39fda59f3e14febcff7848d11875d805662d26969cf705d46ed70"
    "73b542a69058f4601ac19f237203686368fec436c13c2b0761f9f9b6e14a36e4";
static const char verify_u[] =
    "a97a171304a0316fc8ba21b911289c4371e73b7d2163ac5b44f3b52588eb69a11838972bf0ca86e17147468a869a3261"
    "fcc27993aa50e36727918ed5abd71c0c291663c49df9b4a82b122412b749bf144341f2e22564506145e0b77173496f50"
    "abb3b115e006fae8ec3cb133f411df05b32cfa157716082deedf7bdb188966df5fcc7dbdfc714fc8989e033183814227"
    "5eae6b6309bad1defe28263ad66e678048697f5c62ee4342325a9ef03775a52f1c0b9d5fb08d99e8d65a436b8a9af05e"
    "5c53dc7e4d8a0b7557920b21fa5f2e75b38c4445f0cf9153ac4127240530f5d501bbd7b34565f80ccb4528093ce9fafd"
    "f6ad84fd620f3b5bc324da19bb6651514ae8d62318d2ba35f9494189100bcd82f1b1399b0b14867700d3d7a243d02d3a"
    "701409a66ed452dec4586735cf3631379501dc756466f6f18e3bc002722531ae7b9a10ceb34f11956a04e3064663d87b"
    "844b452c3d81c91a8223938d1a9abbc4753a274b8e9e35af503b7c2e39abb32bc8674fc8ec012d8bebdfff2fe0985f85";

static void unhex(const char *text, uint8_t *out, size_t size)
{
    size_t n;
    ck_assert_int_eq(tally_hex_decode(text, out, size, &n), TALLY_OK);
    ck_assert_uint_eq(n, size);
}

/* The vector file writes G2 points as x1 x0 y1 y0, which is the library's order too. */
static void read_g1(struct g1_affine *p, const char *text)
{
    uint8_t bytes[G1_BYTES];
    unhex(text, bytes, sizeof bytes);
    ck_assert(g1_from_bytes(p, bytes));
}

static void read_g2(struct g2_affine *p, const char *text)
{
    uint8_t bytes[G2_BYTES];
    unhex(text, bytes, sizeof bytes);
    ck_assert(g2_from_bytes(p, bytes));
}

static void check_pairing(const struct g1_affine *p, const struct g2_affine *q, const char *want_hex)
{
    struct fp12 e;
    uint8_t got[FP12_BYTES], want[FP12_BYTES];
    pairing(&e, p, q);
    fp12_to_bytes(got, &e);
    unhex(want_hex, want, sizeof want);
    ck_assert_mem_eq(got, want, sizeof want);
}

START_TEST(pairing_gives_the_standard_values)
{
    struct g1_affine s;
    struct g2_affine q;
    check_pairing(&g1_generator, &g2_generator, e_p1_p2);
    read_g2(&q, ppub_s);
    check_pairing(&g1_generator, &q, g_signature);
    read_g1(&s, s_point);
    read_g2(&q, verify_p);
    check_pairing(&s, &q, verify_u);
}
END_TEST

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

START_TEST(pairing_is_bilinear)
{
    const limb a[LIMBS] =
        LIMBS_OF(0x123456789abcdef1, 0xfedcba9876543210, 0x0f1e2d3c4b5a6978, 0x1122334455667788);
    struct g1 p;
    struct g2 q;
    struct g1_affine pa;
    struct g2_affine qa;
    struct fp12 left, right;
    g1_from_affine(&p, &g1_generator);
    g1_multiply(&p, &p, a);
    ck_assert(g1_to_affine(&pa, &p));
    g2_from_affine(&q, &g2_generator);
    g2_multiply(&q, &q, a);
    ck_assert(g2_to_affine(&qa, &q));
    pairing(&left, &pa, &g2_generator);
    pairing(&right, &g1_generator, &qa);
    ck_assert(fp12_equal(&left, &right));
    ck_assert(!fp12_equal(&left, &fp12_one));
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
    TCase *c = tcase_create("pairing");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, pairing_gives_the_standard_values);
    tcase_add_test(c, fast_field_is_the_reference);
    tcase_add_test(c, fast_tower_is_the_reference);
    tcase_add_test(c, largest_products_are_reduced);
    tcase_add_test(c, pairing_is_bilinear);
    tcase_add_test(c, cyclotomic_square_is_the_square);
    tcase_add_test(c, points_off_the_curve_or_the_group_are_refused);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
