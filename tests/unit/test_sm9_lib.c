/* libtally-sm9 through its header: the standard's examples, both modes of encryption, and what is refused. */
#include <string.h>

#include "host/base/bytes.h"
#include "host/sm9/tsm9.h"
#include "tests/support/check_main.h"
#include "tests/support/sm9_vectors.h"

static const uint8_t alice[] = SM9_VECTOR_ALICE, bob[] = SM9_VECTOR_BOB;
enum { ALICE = sizeof alice - 1, BOB = sizeof bob - 1 };
static const uint8_t text[] = SM9_VECTOR_ENCRYPTED;
enum { TEXT = sizeof text - 1 };

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

static int fill_from_hex(void *ctx, uint8_t *out, size_t n)
{
    unhex(ctx, out, n);
    return 0;
}

static int fill_fails(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    memset(out, 1, n);
    return -1;
}

static struct tsm9_random from_hex(const char *hex)
{
    return (struct tsm9_random){fill_from_hex, (void *)(uintptr_t)hex};
}

static struct tsm9_encrypter *encrypter(const char *ppub_hex)
{
    uint8_t ppub[TSM9_ENCRYPT_PUBLIC_SIZE];
    struct tsm9_encrypter *key;
    unhex(ppub_hex, ppub, sizeof ppub);
    ck_assert_int_eq(tsm9_encrypter_new(&key, ppub), TSM9_OK);
    return key;
}

static struct tsm9_decrypter *decrypter(const char *de_hex)
{
    uint8_t de[TSM9_DECRYPT_KEY_SIZE];
    struct tsm9_decrypter *key;
    unhex(de_hex, de, sizeof de);
    ck_assert_int_eq(tsm9_decrypter_new(&key, de), TSM9_OK);
    return key;
}

static bool is_zero(const uint8_t *p, size_t n)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++)
        any |= p[i];
    return any == 0;
}

START_TEST(signs_as_the_standard_does)
{
    uint8_t master[TSM9_MASTER_SIZE], ppub[TSM9_SIGN_PUBLIC_SIZE], ds[TSM9_SIGN_KEY_SIZE];
    uint8_t signature[TSM9_SIGNATURE_SIZE];
    struct tsm9_verifier *key;
    struct tsm9_signer *own;
    struct tsm9_random random = from_hex(sm9_vector_a_r), broken = {fill_fails, NULL};
    const size_t n = sizeof SM9_VECTOR_SIGNED - 1;
    unhex(sm9_vector_a_ks, master, sizeof master);
    ck_assert_int_eq(tsm9_sign_public(ppub, master), TSM9_OK);
    ck_assert_int_eq(tsm9_sign_extract(ds, master, alice, ALICE), TSM9_OK);
    check_hex(ds, sizeof ds, sm9_vector_a_ds);
    ck_assert_int_eq(tsm9_verifier_new(&key, ppub), TSM9_OK);
    ck_assert_int_eq(tsm9_signer_new(&own, ds), TSM9_OK);
    ck_assert_int_eq(tsm9_sign(signature, key, own, SM9_VECTOR_SIGNED, n, &random), TSM9_OK);
    check_hex(signature, 32, sm9_vector_a_h);
    check_hex(signature + 32, 65, sm9_vector_a_s);
    ck_assert_int_eq(tsm9_verify(signature, key, alice, ALICE, SM9_VECTOR_SIGNED, n), TSM9_OK);
    ck_assert_int_eq(tsm9_verify(signature, key, bob, BOB, SM9_VECTOR_SIGNED, n), TSM9_E_MISMATCH);
    ck_assert_int_eq(tsm9_verify(signature, key, alice, 0, SM9_VECTOR_SIGNED, n), TSM9_E_LENGTH);
    ck_assert_int_eq(tsm9_sign(signature, key, own, SM9_VECTOR_SIGNED, n, &broken), TSM9_E_RANDOM);
    ck_assert(is_zero(signature, sizeof signature));
    /* The empty message, and the kernel's random source. */
    ck_assert_int_eq(tsm9_sign(signature, key, own, NULL, 0, NULL), TSM9_OK);
    ck_assert_int_eq(tsm9_verify(signature, key, alice, ALICE, NULL, 0), TSM9_OK);
    tsm9_signer_free(own);
    tsm9_verifier_free(key);
}
END_TEST

/* Encrypts the standard's message in this mode, and decrypts it, and everything that is not quite it. */
static void check_mode(enum tsm9_mode mode, const char *want)
{
    struct tsm9_encrypter *key = encrypter(sm9_vector_c_ppub);
    struct tsm9_decrypter *own = decrypter(sm9_vector_c_de);
    struct tsm9_random random = from_hex(sm9_vector_d_r);
    uint8_t out[TSM9_OVERHEAD + 32], back[32];
    size_t size = tsm9_ciphertext_size(mode, TEXT), n;
    ck_assert_int_eq(tsm9_encrypt(out, mode, key, bob, BOB, text, TEXT, &random), TSM9_OK);
    check_hex(out, size, want);
    ck_assert_int_eq(tsm9_decrypt(back, &n, mode, out, size, own, bob, BOB), TSM9_OK);
    ck_assert_bytes_eq(back, n, text, (size_t)TEXT);
    for (size_t i = 0; i < size; i++) {
        out[i] ^= 0x20;
        ck_assert_int_ne(tsm9_decrypt(back, &n, mode, out, size, own, bob, BOB), TSM9_OK);
        ck_assert_uint_eq(n, 0);
        ck_assert(is_zero(back, size - TSM9_OVERHEAD));
        out[i] ^= 0x20;
    }
    ck_assert_int_ne(tsm9_decrypt(back, &n, mode, out, size, own, alice, ALICE), TSM9_OK);
    ck_assert_int_ne(tsm9_decrypt(back, &n, mode, out, size - 1, own, bob, BOB), TSM9_OK);
    ck_assert_int_eq(tsm9_decrypt(back, &n, mode, out, TSM9_OVERHEAD, own, bob, BOB), TSM9_E_LENGTH);
    ck_assert_int_ne(
        tsm9_decrypt(back, &n, mode == TSM9_STREAM ? TSM9_SM4_ECB : TSM9_STREAM, out, size, own, bob, BOB),
        TSM9_OK);
    tsm9_encrypter_free(key);
    tsm9_decrypter_free(own);
}

START_TEST(encrypts_as_the_standard_does)
{
    check_mode(TSM9_STREAM, sm9_vector_d_c);
    check_mode(TSM9_SM4_ECB, sm9_vector_d_block_c);
}
END_TEST

START_TEST(messages_of_all_lengths_round_trip)
{
    static const size_t lengths[] = {1, 15, 16, 17, 31, 32, 33, 1024, 70001};
    static uint8_t message[70001], out[TSM9_OVERHEAD + 70016], back[70016];
    struct tsm9_encrypter *key = encrypter(sm9_vector_c_ppub);
    struct tsm9_decrypter *own = decrypter(sm9_vector_c_de);
    size_t n;
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < 2 * sizeof lengths / sizeof *lengths; i++) {
        enum tsm9_mode mode = i % 2 == 0 ? TSM9_STREAM : TSM9_SM4_ECB;
        size_t len = lengths[i / 2], size = tsm9_ciphertext_size(mode, len);
        ck_assert_int_eq(tsm9_encrypt(out, mode, key, bob, BOB, message, len, NULL), TSM9_OK);
        ck_assert_int_eq(tsm9_decrypt(back, &n, mode, out, size, own, bob, BOB), TSM9_OK);
        ck_assert_bytes_eq(back, n, message, len);
    }
    ck_assert_uint_eq(tsm9_ciphertext_size(TSM9_STREAM, 0), 0);
    ck_assert_uint_eq(tsm9_ciphertext_size(TSM9_STREAM, (size_t)TSM9_MESSAGE_MAX + 1), 0);
    ck_assert_uint_eq(tsm9_ciphertext_size((enum tsm9_mode)7, 10), 0);
    ck_assert_int_eq(tsm9_encrypt(out, TSM9_STREAM, key, bob, BOB, message, 0, NULL), TSM9_E_LENGTH);
    tsm9_encrypter_free(key);
    tsm9_decrypter_free(own);
}
END_TEST

START_TEST(encapsulates_as_the_standard_does)
{
    struct tsm9_encrypter *key = encrypter(sm9_vector_c_ppub);
    struct tsm9_decrypter *own = decrypter(sm9_vector_c_de);
    struct tsm9_random random = from_hex(sm9_vector_c_r);
    uint8_t secret[32], again[32], capsule[TSM9_CAPSULE_SIZE];
    ck_assert_int_eq(tsm9_encapsulate(secret, sizeof secret, capsule, key, bob, BOB, &random), TSM9_OK);
    check_hex(capsule, sizeof capsule, sm9_vector_c_c);
    check_hex(secret, sizeof secret, sm9_vector_c_k);
    ck_assert_int_eq(tsm9_decapsulate(again, sizeof again, capsule, own, bob, BOB), TSM9_OK);
    ck_assert_mem_eq(again, secret, sizeof secret);
    ck_assert_int_eq(tsm9_encapsulate(secret, 0, capsule, key, bob, BOB, NULL), TSM9_E_LENGTH);
    ck_assert_int_eq(tsm9_encapsulate(secret, TSM9_DERIVED_MAX + 1, capsule, key, bob, BOB, NULL),
                     TSM9_E_LENGTH);
    ck_assert(is_zero(capsule, sizeof capsule));
    memset(capsule, 0, sizeof capsule);
    ck_assert_int_eq(tsm9_decapsulate(again, sizeof again, capsule, own, bob, BOB), TSM9_E_POINT);
    ck_assert(is_zero(again, sizeof again));
    tsm9_encrypter_free(key);
    tsm9_decrypter_free(own);
}
END_TEST

START_TEST(exchanges_as_the_standard_does)
{
    const struct tsm9_side a = {alice, ALICE}, b = {bob, BOB}, nobody = {alice, 0};
    struct tsm9_encrypter *key = encrypter(sm9_vector_b_ppub);
    struct tsm9_decrypter *own = decrypter(sm9_vector_b_de_a);
    struct tsm9_random random = from_hex(sm9_vector_b_ra);
    struct tsm9_exchange *x;
    uint8_t ra[TSM9_EXCHANGE_SIZE], rb[TSM9_EXCHANGE_SIZE], secret[16];
    uint8_t sb[TSM9_CONFIRMATION_SIZE], sa[TSM9_CONFIRMATION_SIZE];
    ck_assert_int_eq(tsm9_exchange_new(&x, ra, key, bob, BOB, &random), TSM9_OK);
    check_hex(ra, sizeof ra, sm9_vector_b_point_a);
    unhex(sm9_vector_b_point_b, rb, sizeof rb);
    ck_assert_int_eq(tsm9_exchange_finish(x, key, own, 1, nobody, b, rb, secret, 16, sb, sa), TSM9_E_LENGTH);
    rb[5] ^= 1;
    ck_assert_int_eq(tsm9_exchange_finish(x, key, own, 1, a, b, rb, secret, 16, sb, sa), TSM9_E_POINT);
    rb[5] ^= 1;
    ck_assert_int_eq(tsm9_exchange_finish(x, key, own, 1, a, b, rb, secret, 16, sb, sa), TSM9_OK);
    check_hex(secret, sizeof secret, sm9_vector_b_sk);
    check_hex(sb, sizeof sb, sm9_vector_b_confirm_82);
    check_hex(sa, sizeof sa, sm9_vector_b_confirm_83);
    ck_assert_int_eq(tsm9_exchange_finish(x, key, own, 1, a, b, rb, secret, 16, sb, sa), TSM9_E_KEY);
    tsm9_exchange_free(x);
    ck_assert_int_eq(tsm9_exchange_new(&x, ra, key, bob, 0, NULL), TSM9_E_LENGTH);
    ck_assert_ptr_null(x);
    tsm9_decrypter_free(own);
    tsm9_encrypter_free(key);
}
END_TEST

START_TEST(bad_keys_are_refused)
{
    uint8_t bytes[TSM9_SIGN_PUBLIC_SIZE] = {0}, master[TSM9_MASTER_SIZE], out[TSM9_SIGN_PUBLIC_SIZE];
    struct tsm9_verifier *verifier;
    struct tsm9_encrypter *enc;
    struct tsm9_signer *signer;
    struct tsm9_decrypter *dec;
    struct tsm9_random broken = {fill_fails, NULL};
    ck_assert_int_eq(tsm9_verifier_new(&verifier, bytes), TSM9_E_KEY);
    ck_assert_int_eq(tsm9_encrypter_new(&enc, bytes), TSM9_E_KEY);
    ck_assert_int_eq(tsm9_signer_new(&signer, bytes), TSM9_E_KEY);
    ck_assert_int_eq(tsm9_decrypter_new(&dec, bytes), TSM9_E_KEY);
    ck_assert(verifier == NULL && enc == NULL && signer == NULL && dec == NULL);
    ck_assert_int_eq(tsm9_master_generate(master, &broken), TSM9_E_RANDOM);
    ck_assert(is_zero(master, sizeof master));
    ck_assert_int_eq(tsm9_sign_public(out, master), TSM9_E_KEY);
    ck_assert_int_eq(tsm9_encrypt_public(out, master), TSM9_E_KEY);
    ck_assert_int_eq(tsm9_master_generate(master, NULL), TSM9_OK);
    ck_assert_int_eq(tsm9_encrypt_extract(out, master, bob, BOB, (enum tsm9_purpose)1), TSM9_E_RANGE);
    ck_assert_int_eq(tsm9_encrypt_extract(out, master, bob, TSM9_ID_MAX + 1, TSM9_FOR_ENCRYPTION),
                     TSM9_E_LENGTH);
    ck_assert_str_ne(tsm9_text(TSM9_E_POINT), tsm9_text((enum tsm9_result)99));
    tsm9_verifier_free(NULL);
    tsm9_exchange_free(NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sm9 library");
    TCase *c = tcase_create("interface");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, signs_as_the_standard_does);
    tcase_add_test(c, encrypts_as_the_standard_does);
    tcase_add_test(c, messages_of_all_lengths_round_trip);
    tcase_add_test(c, encapsulates_as_the_standard_does);
    tcase_add_test(c, exchanges_as_the_standard_does);
    tcase_add_test(c, bad_keys_are_refused);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
