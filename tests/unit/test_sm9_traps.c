/* The mistakes that SM9 invites, each made impossible to make unnoticed. The sixth is in
 * test_sm9_subgroups.c. */
#include "tests/support/sm9_vectors.h"
#include "tests/unit/sm9_random.h"

static const struct sm9_id alice = {(const uint8_t *)SM9_VECTOR_ALICE, sizeof SM9_VECTOR_ALICE - 1};
static const struct sm9_id bob = {(const uint8_t *)SM9_VECTOR_BOB, sizeof SM9_VECTOR_BOB - 1};

static struct sm9_sign_public sign_key; /* large */
static struct sm9_encrypt_public encrypt_key;

/* Hands out scalars in this order, then the first again. */
struct script {
    const struct fn *scalars;
    size_t count, next;
};

static int fill_script(void *ctx, uint8_t *out, size_t n)
{
    struct script *s = ctx;
    ck_assert_uint_eq(n, FN_BYTES);
    fn_to_bytes(out, &s->scalars[s->next++ % s->count]);
    return 0;
}

/* ---- 1: the final exponent is (p^12 - 1)/n, and no multiple of it, because GT is hashed ---- */

static const char exponent[] =
    "061835e8b12594991a09a6ae43ade454acef6f4e86411255c16be7fbaca54d38dd9d1d3019dba1539bf41bcb4067aa64"
    "be8cb0476c5042cb93b5122d974b7ba196f691269ceb7907239e0cb2a13873665ed57cd410455806b97559b180ee9629"
    "f1c8d7d0598eee9b93dc562fa23afa5a3bed65f00632c9cc80357732739295edcb5a6b4b9ec19ba7a4defa394c04689a"
    "b78bd480ff56fa0696fd3135583d5aa1335d59c358aac66ee2c3601d19f32c692fb14fc5412315ec5a54d51e82f7dd63"
    "4550e98dca2042c36b948ebd4aa170bae804f361d729e88dc3e3945f87bf22030f4c6983d64089bdf703b00c9e53535a"
    "5bbd6c4aa78c62f31d16182c1d978ad0efe915cab1b62d11b760558913d719f2bb6793f9fe39f2568478b1a3e843d1fa"
    "0b48ee8fd4c31b8f6fe5e935a4b5f799cbd806a8225955b05b83e3d7e2d0b9698e4890ab7e824dc7c6135fec864e1676"
    "b19fe1764ac0b7482facdd0f0d042330";

START_TEST(final_exponent_is_exact)
{
    uint32_t state = 1;
    uint8_t bytes[(sizeof exponent - 1) / 2];
    struct fp12 a, power = fp12_one, got;
    unhex(exponent, bytes, sizeof bytes);
    random_fp12(&state, &a);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        fp12_square(&power, &power);
        if (bytes[bit / 8] >> (7 - bit % 8) & 1)
            fp12_mul(&power, &power, &a);
    }
    final_exponentiation(&got, &a);
    ck_assert(fp12_equal(&got, &power));
}
END_TEST

/* ---- 2: C3 is SM3(C2 || K2), and a K1 of zeros is none ---- */

static void bobs_keys(struct sm9_decrypt_key *own)
{
    uint8_t ppub[G1_BYTES], de[G2_BYTES];
    unhex(sm9_vector_c_ppub, ppub, sizeof ppub);
    unhex(sm9_vector_c_de, de, sizeof de);
    ck_assert_int_eq(sm9_encrypt_public_init(&encrypt_key, ppub), SM9_OK);
    ck_assert_int_eq(sm9_decrypt_key_init(own, de), SM9_OK);
}

START_TEST(tag_is_a_hash_and_no_hmac)
{
    enum { N = sizeof SM9_VECTOR_ENCRYPTED - 1, SIZE = G1_BYTES + SM9_TAG_BYTES + N };
    uint8_t in[SIZE], back[N];
    struct sm9_decrypt_key own;
    bobs_keys(&own);
    unhex(sm9_vector_d_c, in, sizeof in);
    ck_assert_int_eq(sm9_decrypt(back, in, sizeof in, &own, &bob), SM9_OK);
    unhex(sm9_vector_d_c3_hmac, in + G1_BYTES, SM9_TAG_BYTES);
    ck_assert_int_eq(sm9_decrypt(back, in, sizeof in, &own, &bob), SM9_E_MISMATCH);
}
END_TEST

enum { TINY = G1_BYTES + SM9_TAG_BYTES + 1 };

/* A scalar with which a message of one byte gets a K1 that is zero, or not. The search begins where there is
 * one. */
static void find_scalar(struct fn *r, bool zero)
{
    uint32_t state = zero ? 188 : 0;
    uint8_t c[SM9_KEM_BYTES], k[1 + SM9_TAG_BYTES];
    for (;;) {
        random_fn(&state, r);
        struct script script = {r, 1, 0};
        const struct sm9_random source = {fill_script, &script};
        ck_assert_int_eq(sm9_encapsulate(k, sizeof k, c, &encrypt_key, &bob, &source), SM9_OK);
        if ((k[0] == 0) == zero)
            return;
    }
}

START_TEST(a_key_of_zeros_is_drawn_again)
{
    static const uint8_t message[1] = {'m'};
    struct fn scalars[4];
    struct sm9_decrypt_key own;
    uint8_t with_zero[SM9_KEM_BYTES], k[1 + SM9_TAG_BYTES], out[TINY], want[TINY], back[1] = {1};
    bobs_keys(&own);
    find_scalar(&scalars[0], true);
    find_scalar(&scalars[2], false);
    scalars[1] = scalars[0];
    scalars[3] = scalars[2];
    struct script script = {scalars, 4, 0}, second = {scalars + 2, 2, 0};
    const struct sm9_random source = {fill_script, &script}, second_source = {fill_script, &second};
    ck_assert_int_eq(sm9_encrypt(out, &encrypt_key, &bob, message, 1, &source), SM9_OK);
    ck_assert_uint_eq(script.next, 4);
    ck_assert_int_eq(sm9_encrypt(want, &encrypt_key, &bob, message, 1, &second_source), SM9_OK);
    ck_assert_mem_eq(out, want, sizeof out);

    /* The same by somebody who did not look: refused, with a tag that is right. */
    script.next = 0;
    ck_assert_int_eq(sm9_encapsulate(k, sizeof k, with_zero, &encrypt_key, &bob, &source), SM9_OK);
    ck_assert_uint_eq(k[0], 0);
    memcpy(out, with_zero, G1_BYTES);
    out[TINY - 1] = message[0];
    sm9_tag(out + G1_BYTES, out + TINY - 1, 1, k + 1, SM9_TAG_BYTES);
    ck_assert_int_eq(sm9_decrypt(back, out, sizeof out, &own, &bob), SM9_E_MISMATCH);
    ck_assert_uint_eq(back[0], 0);
}
END_TEST

/* ---- 3: H1 and H2 take 40 bytes, modulo n - 1, plus 1; hid and prefix tell keys apart ---- */

START_TEST(hashes_become_scalars_from_1_to_n_minus_1)
{
    /* 2^320 - 1 modulo n - 1, plus 1; n - 2; n - 1; 2 (n - 1); 2^256. */
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
         "3d3341b26ad6d031e43238c6840b1846b9c8cf71a0440b49a6d297052dc62aa8"},
        {"00000000000000000000000000000000000000000000000000000000000000000000000000000000",
         "0000000000000000000000000000000000000000000000000000000000000001"},
        {"0000000000000000b640000002a3a6f1d603ab4ff58ec74449f2934b18ea8beee56ee19cd69ecf23",
         "b640000002a3a6f1d603ab4ff58ec74449f2934b18ea8beee56ee19cd69ecf24"},
        {"0000000000000000b640000002a3a6f1d603ab4ff58ec74449f2934b18ea8beee56ee19cd69ecf24",
         "0000000000000000000000000000000000000000000000000000000000000001"},
        {"00000000000000016c80000005474de3ac07569feb1d8e8893e5269631d517ddcaddc339ad3d9e48",
         "0000000000000000000000000000000000000000000000000000000000000001"},
        {"00000000000000010000000000000000000000000000000000000000000000000000000000000000",
         "49bffffffd5c590e29fc54b00a7138bbb60d6cb4e71574111a911e63296130dd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t in[FN_HASH_BYTES], want[FN_BYTES], got[FN_BYTES];
        struct fn k;
        unhex(cases[i].in, in, sizeof in);
        unhex(cases[i].want, want, sizeof want);
        fn_from_hash(&k, in);
        fn_to_bytes(got, &k);
        ck_assert_mem_eq(got, want, sizeof got);
    }
}
END_TEST

START_TEST(function_identifiers_tell_keys_apart)
{
    uint8_t master[SM9_KEY_BYTES], exchange[G2_BYTES], encrypt[G2_BYTES], k1[32], k2[32], c[SM9_KEM_BYTES];
    struct sm9_decrypt_key wrong, right;
    uint32_t state = 3;
    const struct sm9_random source = {fill_stream, &state};
    unhex(sm9_vector_c_ke, master, sizeof master);
    bobs_keys(&right);
    ck_assert_int_eq(sm9_encrypt_extract(encrypt, master, &bob, SM9_HID_ENCRYPT), SM9_OK);
    ck_assert_int_eq(sm9_encrypt_extract(exchange, master, &bob, SM9_HID_EXCHANGE), SM9_OK);
    ck_assert_mem_ne(exchange, encrypt, sizeof exchange);
    ck_assert_int_eq(sm9_decrypt_key_init(&wrong, exchange), SM9_OK);
    ck_assert_int_eq(sm9_encapsulate(k1, sizeof k1, c, &encrypt_key, &bob, &source), SM9_OK);
    ck_assert_int_eq(sm9_decapsulate(k2, sizeof k2, c, &wrong, &bob), SM9_OK);
    ck_assert_mem_ne(k1, k2, sizeof k1);
}
END_TEST

/* ---- 4: 04 on the wire alone; the coefficient of u first ---- */

static void alices_signature(uint8_t signature[SM9_SIGNATURE_BYTES])
{
    uint8_t ppub[G2_BYTES];
    unhex(sm9_vector_a_ppub, ppub, sizeof ppub);
    ck_assert_int_eq(sm9_sign_public_init(&sign_key, ppub), SM9_OK);
    unhex(sm9_vector_a_h, signature, FN_BYTES);
    unhex(sm9_vector_a_s, signature + FN_BYTES, 1 + G1_BYTES);
}

static enum sm9_result verify(const uint8_t signature[SM9_SIGNATURE_BYTES])
{
    return sm9_verify(signature, &sign_key, &alice, SM9_VECTOR_SIGNED, sizeof SM9_VECTOR_SIGNED - 1);
}

START_TEST(points_of_signatures_begin_with_04)
{
    uint8_t signature[SM9_SIGNATURE_BYTES];
    alices_signature(signature);
    ck_assert_int_eq(verify(signature), SM9_OK);
    for (unsigned prefix = 0; prefix < 256; prefix++) {
        signature[FN_BYTES] = (uint8_t)prefix;
        ck_assert_int_eq(verify(signature), prefix == 4 ? SM9_OK : SM9_E_POINT);
    }
}
END_TEST

START_TEST(the_coefficient_of_u_is_first)
{
    uint8_t bytes[G2_BYTES], swapped[G2_BYTES];
    struct g2_affine q;
    unhex(sm9_vector_a_ppub, bytes, sizeof bytes);
    for (size_t i = 0; i < 4; i++)
        memcpy(swapped + (i ^ 1) * FP_BYTES, bytes + i * FP_BYTES, FP_BYTES);
    ck_assert(g2_from_bytes(&q, bytes));
    ck_assert(!g2_from_bytes(&q, swapped));
    memset(bytes, 0, sizeof bytes);
    bytes[FP_BYTES - 1] = 1;
    struct fp2 u;
    ck_assert(fp2_from_bytes(&u, bytes));
    ck_assert(fp_equal(&u.c1, &fp_one) && fp_is_zero(&u.c0));
}
END_TEST

/* ---- 5: u^2 = -2, v^2 = u, w^3 = v; the twist is y^2 = x^3 + 5u ---- */

START_TEST(the_tower_is_built_on_minus_two)
{
    struct fp two, minus_two;
    struct fp2 u = {fp_zero, fp_one}, square;
    struct fp4 v = {fp2_zero, fp2_one}, v2;
    struct fp12 w = {fp4_zero, fp4_one, fp4_zero}, w3;
    fp_double(&two, &fp_one);
    fp_neg(&minus_two, &two);
    fp2_mul(&square, &u, &u);
    ck_assert(fp_equal(&square.c0, &minus_two) && fp_is_zero(&square.c1));
    fp4_mul(&v2, &v, &v);
    ck_assert(fp2_equal(&v2.b0, &u) && fp2_is_zero(&v2.b1));
    fp12_mul(&w3, &w, &w);
    fp12_mul(&w3, &w3, &w);
    struct fp12 want = {v, fp4_zero, fp4_zero};
    ck_assert(fp12_equal(&w3, &want));
}
END_TEST

/* ---- 7: h in [1, n - 1], S is a point, l and H1 + ks are not zero ---- */

START_TEST(h_of_another_spelling_is_refused)
{
    uint8_t ds[G1_BYTES], signature[SM9_SIGNATURE_BYTES];
    struct sm9_sign_key own;
    struct fn h;
    limb sum[LIMBS], carry = 1;
    uint32_t state = 8;
    const struct sm9_random source = {fill_stream, &state};
    alices_signature(signature);
    unhex(sm9_vector_a_ds, ds, sizeof ds);
    ck_assert_int_eq(sm9_sign_key_init(&own, ds), SM9_OK);
    /* Until h + n has 256 bits. */
    while (carry != 0) {
        ck_assert_int_eq(
            sm9_sign(signature, &sign_key, &own, SM9_VECTOR_SIGNED, sizeof SM9_VECTOR_SIGNED - 1, &source),
            SM9_OK);
        ck_assert(fn_from_bytes(&h, signature));
        carry = limbs_add(sum, h.l, fn_modulus, LIMBS);
    }
    ck_assert_int_eq(verify(signature), SM9_OK);
    limbs_to_bytes(signature, sum);
    ck_assert_int_eq(verify(signature), SM9_E_RANGE);
    unhex(sm9_vector_params_n, signature, FN_BYTES);
    ck_assert_int_eq(verify(signature), SM9_E_RANGE);
    memset(signature, 0, FN_BYTES);
    ck_assert_int_eq(verify(signature), SM9_E_RANGE);
}
END_TEST

START_TEST(s_is_a_point_of_the_curve)
{
    uint8_t signature[SM9_SIGNATURE_BYTES], c[SM9_KEM_BYTES] = {0}, k[16];
    struct sm9_decrypt_key own;
    alices_signature(signature);
    memset(signature + FN_BYTES + 1, 0, G1_BYTES); /* what might stand for infinity */
    ck_assert_int_eq(verify(signature), SM9_E_POINT);
    alices_signature(signature);
    signature[FN_BYTES + 1 + G1_BYTES - 1] ^= 1;
    ck_assert_int_eq(verify(signature), SM9_E_POINT);
    unhex(sm9_vector_params_p, signature + FN_BYTES + 1, FP_BYTES);
    ck_assert_int_eq(verify(signature), SM9_E_POINT);
    bobs_keys(&own);
    ck_assert_int_eq(sm9_decapsulate(k, sizeof k, c, &own, &bob), SM9_E_POINT);
}
END_TEST

/* With g = 1, w is 1 for every r, so that an r with r = h is known. */
START_TEST(an_l_of_zero_is_drawn_again)
{
    uint8_t ds[G1_BYTES], got[SM9_SIGNATURE_BYTES], want[SM9_SIGNATURE_BYTES];
    struct sm9_sign_key own;
    struct fn scalars[3];
    uint32_t state = 9;
    alices_signature(got);
    unhex(sm9_vector_a_ds, ds, sizeof ds);
    ck_assert_int_eq(sm9_sign_key_init(&own, ds), SM9_OK);
    gt_base_init(&sign_key.g, &fp12_one);
    random_fn(&state, &scalars[0]); /* for blinding */
    sm9_h2(&scalars[1], "m", 1, &fp12_one);
    random_fn(&state, &scalars[2]);
    struct script script = {scalars, 3, 0};
    const struct sm9_random source = {fill_script, &script};
    ck_assert_int_eq(sm9_sign(got, &sign_key, &own, "m", 1, &source), SM9_OK);
    ck_assert_uint_eq(script.next, 3);
    script = (struct script){scalars + 2, 1, 0};
    ck_assert_int_eq(sm9_sign(want, &sign_key, &own, "m", 1, &source), SM9_OK);
    ck_assert_mem_eq(got, want, sizeof got);
}
END_TEST

START_TEST(a_master_key_that_is_minus_h1_is_unusable)
{
    static const uint8_t zeros[G2_BYTES];
    const struct fn zero = {{0}};
    uint8_t master[SM9_KEY_BYTES], ds[G1_BYTES], de[G2_BYTES];
    struct fn h1;
    sm9_h1(&h1, &alice, SM9_HID_SIGN);
    fn_sub(&h1, &zero, &h1);
    fn_to_bytes(master, &h1);
    ck_assert_int_eq(sm9_sign_extract(ds, master, &alice), SM9_E_UNUSABLE_ID);
    ck_assert_mem_eq(ds, zeros, sizeof ds);
    ck_assert_int_eq(sm9_sign_extract(ds, master, &bob), SM9_OK);
    sm9_h1(&h1, &bob, SM9_HID_ENCRYPT);
    fn_sub(&h1, &zero, &h1);
    fn_to_bytes(master, &h1);
    ck_assert_int_eq(sm9_encrypt_extract(de, master, &bob, SM9_HID_ENCRYPT), SM9_E_UNUSABLE_ID);
    ck_assert_mem_eq(de, zeros, sizeof de);
    ck_assert_int_eq(sm9_encrypt_extract(de, master, &bob, SM9_HID_EXCHANGE), SM9_OK);
}
END_TEST

/* And who encrypts to such an identity has no point to encrypt to. */
START_TEST(an_identity_whose_point_is_infinity_is_refused)
{
    uint8_t master[SM9_KEY_BYTES], ppub[G1_BYTES], k[16], c[SM9_KEM_BYTES];
    const struct fn zero = {{0}};
    struct fn h1;
    uint32_t state = 10;
    const struct sm9_random source = {fill_stream, &state};
    sm9_h1(&h1, &bob, SM9_HID_ENCRYPT);
    fn_sub(&h1, &zero, &h1);
    fn_to_bytes(master, &h1);
    ck_assert_int_eq(sm9_encrypt_master_public(ppub, master), SM9_OK);
    ck_assert_int_eq(sm9_encrypt_public_init(&encrypt_key, ppub), SM9_OK);
    ck_assert_int_eq(sm9_encapsulate(k, sizeof k, c, &encrypt_key, &bob, &source), SM9_E_KEY);
    ck_assert_int_eq(sm9_encapsulate(k, sizeof k, c, &encrypt_key, &alice, &source), SM9_OK);
}
END_TEST

/* Lengths at their limits. */
START_TEST(lengths_out_of_range_are_refused)
{
    static uint8_t name[SM9_ID_MAX + 1], out[SM9_DERIVED_MAX + 1];
    const struct sm9_id longest = {name, SM9_ID_MAX}, too_long = {name, SM9_ID_MAX + 1}, none = {name, 0};
    uint8_t master[SM9_KEY_BYTES], ds[G1_BYTES], de[G2_BYTES], c[SM9_KEM_BYTES],
        signature[SM9_SIGNATURE_BYTES];
    struct sm9_decrypt_key own;
    struct sm9_exchange x;
    uint32_t state = 11;
    const struct sm9_random source = {fill_stream, &state};
    bobs_keys(&own);
    unhex(sm9_vector_c_ke, master, sizeof master);
    ck_assert_int_eq(sm9_sign_extract(ds, master, &longest), SM9_OK);
    ck_assert_int_eq(sm9_encapsulate(out, SM9_DERIVED_MAX, c, &encrypt_key, &longest, &source), SM9_OK);
    ck_assert_int_eq(sm9_encapsulate(out, SM9_DERIVED_MAX + 1, c, &encrypt_key, &bob, &source), SM9_E_LENGTH);
    ck_assert_int_eq(sm9_encapsulate(out, 0, c, &encrypt_key, &bob, &source), SM9_E_LENGTH);
    alices_signature(signature);
    const struct sm9_id *const bad[] = {&too_long, &none};
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(sm9_sign_extract(ds, master, bad[i]), SM9_E_LENGTH);
        ck_assert_int_eq(sm9_encrypt_extract(de, master, bad[i], SM9_HID_ENCRYPT), SM9_E_LENGTH);
        ck_assert_int_eq(sm9_encapsulate(out, 16, c, &encrypt_key, bad[i], &source), SM9_E_LENGTH);
        ck_assert_int_eq(sm9_decapsulate(out, 16, c, &own, bad[i]), SM9_E_LENGTH);
        ck_assert_int_eq(sm9_exchange_begin(&x, &encrypt_key, bad[i], &source), SM9_E_LENGTH);
        ck_assert_int_eq(sm9_verify(signature, &sign_key, bad[i], "m", 1), SM9_E_LENGTH);
    }
    ck_assert_int_eq(sm9_decapsulate(out, SM9_DERIVED_MAX + 1, c, &own, &bob), SM9_E_LENGTH);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sm9 traps");
    TCase *c = tcase_create("traps");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, final_exponent_is_exact);
    tcase_add_test(c, tag_is_a_hash_and_no_hmac);
    tcase_add_test(c, a_key_of_zeros_is_drawn_again);
    tcase_add_test(c, hashes_become_scalars_from_1_to_n_minus_1);
    tcase_add_test(c, function_identifiers_tell_keys_apart);
    tcase_add_test(c, points_of_signatures_begin_with_04);
    tcase_add_test(c, the_coefficient_of_u_is_first);
    tcase_add_test(c, the_tower_is_built_on_minus_two);
    tcase_add_test(c, h_of_another_spelling_is_refused);
    tcase_add_test(c, s_is_a_point_of_the_curve);
    tcase_add_test(c, an_l_of_zero_is_drawn_again);
    tcase_add_test(c, a_master_key_that_is_minus_h1_is_unusable);
    tcase_add_test(c, an_identity_whose_point_is_infinity_is_refused);
    tcase_add_test(c, lengths_out_of_range_are_refused);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
