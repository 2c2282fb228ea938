/* SM9's schemes against the values of GB/T 38635.2, annexes A to D, and against everything that must be
 * refused. */
#include <string.h>

#include "card/sm9/sm9.h"
#include "card/sm9/sm9_hash.h"
#include "host/base/bytes.h"
#include "tests/support/check_main.h"
#include "tests/support/sm9_vectors.h"

static const struct sm9_id alice = {(const uint8_t *)SM9_VECTOR_ALICE, 5};
static const struct sm9_id bob = {(const uint8_t *)SM9_VECTOR_BOB, 3};
static const char text[] = SM9_VECTOR_SIGNED;
static const char secret_text[] = SM9_VECTOR_ENCRYPTED;

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
    struct sm9_random random = from_hex(sm9_vector_a_r);
    unhex(sm9_vector_a_ks, master, sizeof master);
    ck_assert_int_eq(sm9_sign_master_public(ppub, master), SM9_OK);
    check_hex(ppub, sizeof ppub, sm9_vector_a_ppub);
    ck_assert_int_eq(sm9_sign_extract(ds, master, &alice), SM9_OK);
    check_hex(ds, sizeof ds, sm9_vector_a_ds);
    ck_assert_int_eq(sm9_sign_public_init(&key, ppub), SM9_OK);
    ck_assert_int_eq(sm9_sign_key_init(&own, ds), SM9_OK);
    ck_assert_int_eq(sm9_sign(signature, &key, &own, text, strlen(text), &random), SM9_OK);
    check_hex(signature, 32, sm9_vector_a_h);
    check_hex(signature + 32, 65, sm9_vector_a_s);
    ck_assert_int_eq(sm9_verify(signature, &key, &alice, text, strlen(text)), SM9_OK);
}
END_TEST

START_TEST(signature_refuses_every_change)
{
    uint8_t ppub[G2_BYTES], signature[SM9_SIGNATURE_BYTES];
    static struct sm9_sign_public key;
    unhex(sm9_vector_a_ppub, ppub, sizeof ppub);
    unhex(sm9_vector_a_h, signature, 32);
    unhex(sm9_vector_a_s, signature + 32, 65);
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
    unhex(sm9_vector_c_ke, master, sizeof master);
    ck_assert_int_eq(sm9_encrypt_master_public(ppub, master), SM9_OK);
    check_hex(ppub, sizeof ppub, sm9_vector_c_ppub);
    ck_assert_int_eq(sm9_encrypt_extract(de, master, &bob, SM9_HID_ENCRYPT), SM9_OK);
    check_hex(de, G2_BYTES, sm9_vector_c_de);
    ck_assert_int_eq(sm9_encrypt_public_init(key, ppub), SM9_OK);
}

START_TEST(encapsulation_gives_the_standard_values)
{
    static struct sm9_encrypt_public key;
    struct sm9_decrypt_key own;
    struct sm9_random random = from_hex(sm9_vector_c_r);
    uint8_t de[G2_BYTES], k[32], again[32], c[SM9_KEM_BYTES];
    load_encryption(&key, de);
    ck_assert_int_eq(sm9_encapsulate(k, sizeof k, c, &key, &bob, &random), SM9_OK);
    check_hex(c, sizeof c, sm9_vector_c_c);
    check_hex(k, sizeof k, sm9_vector_c_k);
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
    struct sm9_random random = from_hex(sm9_vector_d_r);
    uint8_t de[G2_BYTES], out[SIZE], back[N], zero[N] = {0};
    load_encryption(&key, de);
    ck_assert_int_eq(sm9_encrypt(out, &key, &bob, (const uint8_t *)secret_text, N, &random), SM9_OK);
    check_hex(out, sizeof out, sm9_vector_d_c);
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
    struct sm9_random random_a = from_hex(sm9_vector_b_ra), random_b = from_hex(sm9_vector_b_rb);
    unhex(sm9_vector_b_ke, master, sizeof master);
    ck_assert_int_eq(sm9_encrypt_master_public(ppub, master), SM9_OK);
    check_hex(ppub, sizeof ppub, sm9_vector_b_ppub);
    ck_assert_int_eq(sm9_encrypt_extract(de_a, master, &alice, SM9_HID_EXCHANGE), SM9_OK);
    ck_assert_int_eq(sm9_encrypt_extract(de_b, master, &bob, SM9_HID_EXCHANGE), SM9_OK);
    check_hex(de_a, sizeof de_a, sm9_vector_b_de_a);
    check_hex(de_b, sizeof de_b, sm9_vector_b_de_b);
    ck_assert_int_eq(sm9_encrypt_public_init(&key, ppub), SM9_OK);
    ck_assert_int_eq(sm9_decrypt_key_init(&own_a, de_a), SM9_OK);
    ck_assert_int_eq(sm9_decrypt_key_init(&own_b, de_b), SM9_OK);
    ck_assert_int_eq(sm9_exchange_begin(&a, &key, &bob, &random_a), SM9_OK);
    ck_assert_int_eq(sm9_exchange_begin(&b, &key, &alice, &random_b), SM9_OK);
    memcpy(ra, a.mine, sizeof ra);
    memcpy(rb, b.mine, sizeof rb);
    check_hex(ra, sizeof ra, sm9_vector_b_point_a);
    check_hex(rb, sizeof rb, sm9_vector_b_point_b);
    ck_assert_int_eq(sm9_exchange_finish(&a, &key, &own_a, true, &alice, &bob, rb, key_a, 16, a82, a83),
                     SM9_OK);
    ck_assert_int_eq(sm9_exchange_finish(&b, &key, &own_b, false, &alice, &bob, ra, key_b, 16, b82, b83),
                     SM9_OK);
    check_hex(key_a, 16, sm9_vector_b_sk);
    check_hex(key_b, 16, sm9_vector_b_sk);
    check_hex(a82, 32, sm9_vector_b_confirm_82);
    check_hex(b82, 32, sm9_vector_b_confirm_82);
    check_hex(a83, 32, sm9_vector_b_confirm_83);
    check_hex(b83, 32, sm9_vector_b_confirm_83);
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
        struct fp2 before = own_decrypt.blind;
        ck_assert_int_eq(sm9_decrypt_key_blind(&own_decrypt, &random), SM9_OK);
        ck_assert(!fp2_equal(&own_decrypt.blind, &before));
        memset(back, 0, sizeof back);
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
    unhex(sm9_vector_a_ks, master, sizeof master);
    ck_assert_int_eq(sm9_sign_extract(ds, master, &empty), SM9_E_LENGTH);
    ck_assert_int_eq(sm9_sign_public_init(&sign_key, ppub), SM9_E_KEY);
    ck_assert_int_eq(sm9_master_generate(master, &broken), SM9_E_RANDOM);
    struct sm9_decrypt_key own = {.blind = fp2_one};
    ck_assert_int_eq(sm9_decrypt_key_blind(&own, &broken), SM9_E_RANDOM);
    ck_assert(fp2_equal(&own.blind, &fp2_one));
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
