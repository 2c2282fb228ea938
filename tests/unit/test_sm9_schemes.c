/* SM9's schemes against the values of GB/T 38635.2, annexes A to D, and against everything that must be
 * refused. */
#include <string.h>

#include "card/sm9/sm9.h"
#include "card/sm9/sm9_hash.h"
#include "host/base/bytes.h"
#include "tests/support/check_main.h"

static const char ks[] = "000130e78459d78545cb54c587e02cf480ce0b66340f319f348a1d5b1f2dc5f4";
static const char ppub_s[] =
    "9f64080b3084f733e48aff4b41b565011ce0711c5e392cfb0ab1b6791b94c40829dba116152d1f786ce843ed24a3b573"
    "414d2177386a92dd8f14d65696ea5e3269850938abea0112b57329f447e3a0cbad3e2fdb1a77f335e89e1408d0ef1c25"
    "41e00a53dda532da1a7ce027b7a46f741006e85f5cdff0730e75c05fb4e3216d";
static const char ds_alice[] =
    "a5702f05cf1315305e2d6eb64b0deb923db1a0bcf0caff90523ac8754aa6982078559a844411f9825c109f5ee3f52d72"
    "0dd01785392a727bb1556952b2b013d3";
static const char sign_r[] = "00033c8616b06704813203dfd00965022ed15975c662337aed648835dc4b1cbe";
static const char sign_h[] = "823c4b21e4bd2dfe1ed92c606653e996668563152fc33f55d7bfbb9bd9705adb";
static const char sign_s[] =
    "0473bf96923ce58b6ad0e13e9643a406d8eb98417c50ef1b29cef9adb48b6d598c856712f1c2e0968ab7769f42a99586"
    "aed139d5b8b3e15891827cc2aced9baa05";
static const char kx_ke[] = "0002e65b0762d042f51f0d23542b13ed8cfa2e9a0e7206361e013a283905e31f";
static const char kx_ppub[] =
    "9174542668e8f14ab273c0945c3690c66e5dd09678b86f734c4350567ed0628354e598c6bf749a3dacc9fffedd9db686"
    "6c50457cfc7aa2a4ad65c3168ff74210";
static const char kx_de_alice[] =
    "0fe8eab395199b56bf1d75bd2cd610b6424f08d1092922c5882b52dcd6ca832a7da57bc50241f9e5bfddc075dd9d32c7"
    "777100d736916cfc165d8d36e0634cd783a457daf52cad464c903b26062caf937bb40e37daded9eda401050e49c8ad0c"
    "6970876b9aad1b7a50bb4863a11e574af1fe3c5975161d73de4c3af621fb1efb";
static const char kx_de_bob[] =
    "74ccc3ac9c383c60af083972b96d05c75f12c8907d128a17adafbab8c5a4acf701092ff4de89362670c21711b6dbe52d"
    "cd5f8e40c6654b3dece573c2ab3d29b244b0294aa04290e1524ff3e3da8cfd432bb64de3a8040b5b88d1b5fc86a4ebc1"
    "8cfc48fb4ff37f1e27727464f3c34e2153861ad08e972d1625fc1a7bd18d5539";
static const char kx_ra[] = "00005879dd1d51e175946f23b1b41e93ba31c584ae59a426ec1046a4d03b06c8";
static const char kx_rb[] = "00018b98c44bef9f8537fb7d071b2c928b3bc65bd3d69e1eee213564905634fe";
static const char kx_point_a[] =
    "7cba5b19069ee66aa79d490413d11846b9ba76dd22567f809cf23b6d964bb265a9760c99cb6f706343fed05637085864"
    "958d6c90902aba7d405fbedf7b781599";
static const char kx_point_b[] =
    "861e91485fb7623d2794f495031a35598b493bd45be37813abc710fcc1f3448232d906a469ebc1216a802a7052d5617c"
    "d430fb56fba729d41d9bd668e9eb9600";
static const char kx_key[] = "c5c13a8f59a97cdeae64f16a2272a9e7";
static const char kx_confirm_b[] = "3bb4bcee8139c960b4d6566db1e0d5f0b2767680e5e1bf934103e6c66e40ffee";
static const char kx_confirm_a[] = "195d1b7256ba7e0e67c71202a25f8c94ff8241702c2f55d613ae1c6b98215172";
static const char ke[] = "0001edee3778f441f8dea3d9fa0acc4e07ee36c93f9a08618af4ad85cede1c22";
static const char ppub_e[] =
    "787ed7b8a51f3ab84e0a66003f32da5c720b17eca7137d39abc66e3c80a892ff769de61791e5adc4b9ff85a31354900b"
    "202871279a8c49dc3f220f644c57a7b1";
static const char de_bob[] =
    "94736acd2c8c8796cc4785e938301a139a059d3537b6414140b2d31eecf41683115bae85f5d8bc6c3dbd9e5342979acc"
    "cf3c2f4f28420b1cb4f8c0b59a19b1587aa5e47570da7600cd760a0cf7beaf71c447f3844753fe74fa7ba92ca7d3b55f"
    "27538a62e7f7bfb51dce08704796d94c9d56734f119ea44732b50e31cdeb75c1";
static const char kem_r[] = "000074015f8489c01ef4270456f9e6475bfb602bde7f33fd482ab4e3684a6722";
static const char kem_c[] =
    "1edee2c3f465914491de44cefb2cb434ab02c308d9dc5e2067b4fed5aaac8a0f1c9b4c435eca35ab83bb734174c0f78f"
    "de81a53374aff3b3602bbc5e37be9a4c";
static const char kem_key[] = "4ff5cf86d2ad40c8f4bac98d76abdbde0c0e2f0a829d3f911ef5b2bce0695480";
static const char enc_r[] = "0000aac0541779c8fc45e3e2cb25c12b5d2576b2129ae8bb5ee2cbe5ec9e785c";
static const char enc_c[] =
    "2445471164490618e1ee20528ff1d545b0f14c8bcaa44544f03dab5dac07d8ff42ffca97d57cddc05ea405f2e586feb3"
    "a6930715532b8000759f13059ed59ac0ba672387bcd6de5016a158a52bb2e7fc429197bcab70b25afee37a2b9db9f367"
    "1b5f5b0e951489682f3e64e1378cdd5da9513b1c";

static const struct sm9_id alice = {(const uint8_t *)"Alice", 5};
static const struct sm9_id bob = {(const uint8_t *)"Bob", 3};
static const char text[] = "Chinese IBS standard";
static const char secret_text[] = "Chinese IBE standard";

static void unhex(const char *hex, uint8_t *out, size_t size)
{
    size_t n;
    ck_assert_int_eq(tally_hex_decode(hex, out, size, &n), TALLY_OK);
    ck_assert_uint_eq(n, size);
}

static void check_hex(const uint8_t *got, size_t n, const char *want_hex)
{
    uint8_t want[512];
    unhex(want_hex, want, n);
    ck_assert_mem_eq(got, want, n);
}

/* A source that hands out the standard's r. */
static int fill_from_hex(void *ctx, uint8_t *out, size_t n)
{
    unhex(ctx, out, n);
    return 0;
}

static struct sm9_random from_hex(const char *hex)
{
    return (struct sm9_random){fill_from_hex, (void *)(uintptr_t)hex};
}

/* A deterministic stream for properties: SM3 of a counter. */
static int fill_stream(void *ctx, uint8_t *out, size_t n)
{
    uint32_t *counter = ctx;
    struct sm3 c;
    sm3_init(&c);
    sm3_update(&c, counter, sizeof *counter);
    (*counter)++;
    sm9_kdf(out, n, &c);
    return 0;
}

static int fill_fails(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    memset(out, 0xff, n);
    return -1;
}

START_TEST(sm3_gives_the_standard_digest)
{
    struct sm3 c;
    uint8_t digest[SM3_SIZE];
    sm3_init(&c);
    sm3_update(&c, "abc", 3);
    sm3_final(&c, digest);
    check_hex(digest, sizeof digest, "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    sm3_init(&c);
    for (int i = 0; i < 16; i++)
        sm3_update(&c, "abcd", 4);
    sm3_final(&c, digest);
    check_hex(digest, sizeof digest, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732");
}
END_TEST

START_TEST(signature_gives_the_standard_values)
{
    uint8_t master[SM9_KEY_BYTES], ppub[G2_BYTES], ds[G1_BYTES], signature[SM9_SIGNATURE_BYTES];
    static struct sm9_sign_public key;
    struct sm9_sign_key own;
    struct sm9_random random = from_hex(sign_r);
    unhex(ks, master, sizeof master);
    ck_assert_int_eq(sm9_sign_master_public(ppub, master), SM9_OK);
    check_hex(ppub, sizeof ppub, ppub_s);
    ck_assert_int_eq(sm9_sign_extract(ds, master, &alice), SM9_OK);
    check_hex(ds, sizeof ds, ds_alice);
    ck_assert_int_eq(sm9_sign_public_init(&key, ppub), SM9_OK);
    ck_assert_int_eq(sm9_sign_key_init(&own, ds), SM9_OK);
    ck_assert_int_eq(sm9_sign(signature, &key, &own, text, strlen(text), &random), SM9_OK);
    check_hex(signature, 32, sign_h);
    check_hex(signature + 32, 65, sign_s);
    ck_assert_int_eq(sm9_verify(signature, &key, &alice, text, strlen(text)), SM9_OK);
}
END_TEST

START_TEST(signature_refuses_every_change)
{
    uint8_t ppub[G2_BYTES], signature[SM9_SIGNATURE_BYTES];
    static struct sm9_sign_public key;
    unhex(ppub_s, ppub, sizeof ppub);
    unhex(sign_h, signature, 32);
    unhex(sign_s, signature + 32, 65);
    ck_assert_int_eq(sm9_sign_public_init(&key, ppub), SM9_OK);
    for (size_t i = 0; i < sizeof signature; i++) {
        signature[i] ^= 0x01;
        ck_assert_int_ne(sm9_verify(signature, &key, &alice, text, strlen(text)), SM9_OK);
        signature[i] ^= 0x01;
    }
    ck_assert_int_eq(sm9_verify(signature, &key, &bob, text, strlen(text)), SM9_E_MISMATCH);
    ck_assert_int_eq(sm9_verify(signature, &key, &alice, text, strlen(text) - 1), SM9_E_MISMATCH);
    memset(signature, 0, 32);
    ck_assert_int_eq(sm9_verify(signature, &key, &alice, text, strlen(text)), SM9_E_RANGE);
    memset(signature, 0xff, 32);
    ck_assert_int_eq(sm9_verify(signature, &key, &alice, text, strlen(text)), SM9_E_RANGE);
}
END_TEST

static void load_encryption(struct sm9_encrypt_public *key, uint8_t de[G2_BYTES])
{
    uint8_t master[SM9_KEY_BYTES], ppub[G1_BYTES];
    unhex(ke, master, sizeof master);
    ck_assert_int_eq(sm9_encrypt_master_public(ppub, master), SM9_OK);
    check_hex(ppub, sizeof ppub, ppub_e);
    ck_assert_int_eq(sm9_encrypt_extract(de, master, &bob, SM9_HID_ENCRYPT), SM9_OK);
    check_hex(de, G2_BYTES, de_bob);
    ck_assert_int_eq(sm9_encrypt_public_init(key, ppub), SM9_OK);
}

START_TEST(encapsulation_gives_the_standard_values)
{
    static struct sm9_encrypt_public key;
    struct sm9_decrypt_key own;
    struct sm9_random random = from_hex(kem_r);
    uint8_t de[G2_BYTES], k[32], again[32], c[SM9_KEM_BYTES];
    load_encryption(&key, de);
    ck_assert_int_eq(sm9_encapsulate(k, sizeof k, c, &key, &bob, &random), SM9_OK);
    check_hex(c, sizeof c, kem_c);
    check_hex(k, sizeof k, kem_key);
    ck_assert_int_eq(sm9_decrypt_key_init(&own, de), SM9_OK);
    ck_assert_int_eq(sm9_decapsulate(again, sizeof again, c, &own, &bob), SM9_OK);
    ck_assert_mem_eq(again, k, sizeof k);
    c[10] ^= 1;
    ck_assert_int_eq(sm9_decapsulate(again, sizeof again, c, &own, &bob), SM9_E_POINT);
    c[10] ^= 1;
    ck_assert_int_eq(sm9_decapsulate(again, sizeof again, c, &own, &alice), SM9_OK);
    ck_assert_mem_ne(again, k, sizeof k);
    de[3] ^= 1;
    ck_assert_int_eq(sm9_decrypt_key_init(&own, de), SM9_E_KEY);
}
END_TEST

START_TEST(encryption_gives_the_standard_values_and_refuses_changes)
{
    enum { N = sizeof secret_text - 1, SIZE = G1_BYTES + SM9_TAG_BYTES + N };
    static struct sm9_encrypt_public key;
    struct sm9_decrypt_key own;
    struct sm9_random random = from_hex(enc_r);
    uint8_t de[G2_BYTES], out[SIZE], back[N], zero[N] = {0};
    load_encryption(&key, de);
    ck_assert_int_eq(sm9_encrypt(out, &key, &bob, (const uint8_t *)secret_text, N, &random), SM9_OK);
    check_hex(out, sizeof out, enc_c);
    ck_assert_int_eq(sm9_decrypt_key_init(&own, de), SM9_OK);
    ck_assert_int_eq(sm9_decrypt(back, out, sizeof out, &own, &bob), SM9_OK);
    ck_assert_mem_eq(back, secret_text, N);
    for (size_t i = 0; i < sizeof out; i += 3) {
        out[i] ^= 0x80;
        ck_assert_int_ne(sm9_decrypt(back, out, sizeof out, &own, &bob), SM9_OK);
        ck_assert_mem_eq(back, zero, N);
        out[i] ^= 0x80;
    }
    ck_assert_int_eq(sm9_decrypt(back, out, SIZE - N, &own, &bob), SM9_E_LENGTH);
    ck_assert_int_eq(sm9_encrypt(out, &key, &bob, (const uint8_t *)secret_text, 0, &random), SM9_E_LENGTH);
}
END_TEST

START_TEST(exchange_gives_the_standard_values)
{
    uint8_t master[SM9_KEY_BYTES], ppub[G1_BYTES], de_a[G2_BYTES], de_b[G2_BYTES];
    uint8_t key_a[16], key_b[16], a82[32], a83[32], b82[32], b83[32], ra[G1_BYTES], rb[G1_BYTES];
    static struct sm9_encrypt_public key;
    struct sm9_decrypt_key own_a, own_b;
    struct sm9_exchange a, b;
    struct sm9_random random_a = from_hex(kx_ra), random_b = from_hex(kx_rb);
    unhex(kx_ke, master, sizeof master);
    ck_assert_int_eq(sm9_encrypt_master_public(ppub, master), SM9_OK);
    check_hex(ppub, sizeof ppub, kx_ppub);
    ck_assert_int_eq(sm9_encrypt_extract(de_a, master, &alice, SM9_HID_EXCHANGE), SM9_OK);
    ck_assert_int_eq(sm9_encrypt_extract(de_b, master, &bob, SM9_HID_EXCHANGE), SM9_OK);
    check_hex(de_a, sizeof de_a, kx_de_alice);
    check_hex(de_b, sizeof de_b, kx_de_bob);
    ck_assert_int_eq(sm9_encrypt_public_init(&key, ppub), SM9_OK);
    ck_assert_int_eq(sm9_decrypt_key_init(&own_a, de_a), SM9_OK);
    ck_assert_int_eq(sm9_decrypt_key_init(&own_b, de_b), SM9_OK);
    ck_assert_int_eq(sm9_exchange_begin(&a, &key, &bob, &random_a), SM9_OK);
    ck_assert_int_eq(sm9_exchange_begin(&b, &key, &alice, &random_b), SM9_OK);
    memcpy(ra, a.mine, sizeof ra);
    memcpy(rb, b.mine, sizeof rb);
    check_hex(ra, sizeof ra, kx_point_a);
    check_hex(rb, sizeof rb, kx_point_b);
    ck_assert_int_eq(sm9_exchange_finish(&a, &key, &own_a, true, &alice, &bob, rb, key_a, 16, a82, a83),
                     SM9_OK);
    ck_assert_int_eq(sm9_exchange_finish(&b, &key, &own_b, false, &alice, &bob, ra, key_b, 16, b82, b83),
                     SM9_OK);
    check_hex(key_a, 16, kx_key);
    check_hex(key_b, 16, kx_key);
    check_hex(a82, 32, kx_confirm_b);
    check_hex(b82, 32, kx_confirm_b);
    check_hex(a83, 32, kx_confirm_a);
    check_hex(b83, 32, kx_confirm_a);
}
END_TEST

START_TEST(random_keys_and_messages_round_trip)
{
    uint32_t counter = 7;
    struct sm9_random random = {fill_stream, &counter};
    for (size_t round = 0; round < 4; round++) {
        uint8_t master[SM9_KEY_BYTES], ppub2[G2_BYTES], ppub1[G1_BYTES], ds[G1_BYTES], de[G2_BYTES];
        uint8_t signature[SM9_SIGNATURE_BYTES], out[G1_BYTES + SM9_TAG_BYTES + 100], back[100], message[100];
        static struct sm9_sign_public sign_key;
        static struct sm9_encrypt_public encrypt_key;
        struct sm9_sign_key own_sign;
        struct sm9_decrypt_key own_decrypt;
        size_t len = 1 + 33 * round;
        fill_stream(&counter, message, sizeof message);
        ck_assert_int_eq(sm9_master_generate(master, &random), SM9_OK);
        ck_assert_int_eq(sm9_sign_master_public(ppub2, master), SM9_OK);
        ck_assert_int_eq(sm9_encrypt_master_public(ppub1, master), SM9_OK);
        ck_assert_int_eq(sm9_sign_public_init(&sign_key, ppub2), SM9_OK);
        ck_assert_int_eq(sm9_encrypt_public_init(&encrypt_key, ppub1), SM9_OK);
        ck_assert_int_eq(sm9_sign_extract(ds, master, &bob), SM9_OK);
        ck_assert_int_eq(sm9_encrypt_extract(de, master, &bob, SM9_HID_ENCRYPT), SM9_OK);
        ck_assert_int_eq(sm9_sign_key_init(&own_sign, ds), SM9_OK);
        ck_assert_int_eq(sm9_decrypt_key_init(&own_decrypt, de), SM9_OK);
        ck_assert_int_eq(sm9_sign(signature, &sign_key, &own_sign, message, len, &random), SM9_OK);
        ck_assert_int_eq(sm9_verify(signature, &sign_key, &bob, message, len), SM9_OK);
        ck_assert_int_eq(sm9_verify(signature, &sign_key, &alice, message, len), SM9_E_MISMATCH);
        ck_assert_int_eq(sm9_encrypt(out, &encrypt_key, &bob, message, len, &random), SM9_OK);
        ck_assert_int_eq(sm9_decrypt(back, out, G1_BYTES + SM9_TAG_BYTES + len, &own_decrypt, &bob), SM9_OK);
        ck_assert_mem_eq(back, message, len);
    }
}
END_TEST

START_TEST(bad_keys_lengths_and_random_are_refused)
{
    uint8_t master[SM9_KEY_BYTES] = {0}, ppub[G2_BYTES] = {0}, ds[G1_BYTES];
    static struct sm9_sign_public sign_key;
    struct sm9_random broken = {fill_fails, NULL};
    struct sm9_id empty = {(const uint8_t *)"", 0};
    ck_assert_int_eq(sm9_sign_master_public(ppub, master), SM9_E_KEY);
    ck_assert_int_eq(sm9_sign_extract(ds, master, &bob), SM9_E_KEY);
    memset(master, 0xff, sizeof master);
    ck_assert_int_eq(sm9_sign_extract(ds, master, &bob), SM9_E_KEY);
    unhex(ks, master, sizeof master);
    ck_assert_int_eq(sm9_sign_extract(ds, master, &empty), SM9_E_LENGTH);
    ck_assert_int_eq(sm9_sign_public_init(&sign_key, ppub), SM9_E_KEY);
    ck_assert_int_eq(sm9_master_generate(master, &broken), SM9_E_RANDOM);
}
END_TEST

START_TEST(gt_membership)
{
    struct fp12 e, not_in_gt = fp12_one;
    pairing(&e, &g1_generator, &g2_generator);
    ck_assert(gt_contains(&e));
    not_in_gt.a0.b0.c1 = fp_one;
    ck_assert(!gt_contains(&not_in_gt));
    memset(&not_in_gt, 0, sizeof not_in_gt);
    ck_assert(!gt_contains(&not_in_gt));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sm9 schemes");
    TCase *c = tcase_create("schemes");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, sm3_gives_the_standard_digest);
    tcase_add_test(c, signature_gives_the_standard_values);
    tcase_add_test(c, signature_refuses_every_change);
    tcase_add_test(c, encapsulation_gives_the_standard_values);
    tcase_add_test(c, encryption_gives_the_standard_values_and_refuses_changes);
    tcase_add_test(c, exchange_gives_the_standard_values);
    tcase_add_test(c, random_keys_and_messages_round_trip);
    tcase_add_test(c, bad_keys_lengths_and_random_are_refused);
    tcase_add_test(c, gt_membership);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
