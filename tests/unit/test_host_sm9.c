/* SM9 on the host: key files in one spelling, keys that belong together, signatures and secrets for whom they
 * are. */
#include <string.h>

#include "host/base/bytes.h"
#include "host/crypto/sm9.h"
#include "host/crypto/ticket_crypto.h"
#include "tests/support/check_main.h"

static const struct identity authd = {.scheme = IDENTITY_AUTHD, .operator_id = 7, .epoch = 3};
static const struct identity card = {.scheme = IDENTITY_CARD, .serial = {1, 2, 3, 4, 5, 6, 7, 8}, .epoch = 2};
static const struct identity gate = {.scheme = IDENTITY_GATE, .operator_id = 7, .gate = 501, .epoch = 1};
static struct tally_sm9_centre centre;

static void set_up(void)
{
    ck_assert_int_eq(tally_sm9_centre_make(&centre), TALLY_OK);
}

static struct tally_sm9_holder holder_of(const struct identity *identity)
{
    struct tally_sm9_holder holder;
    ck_assert_int_eq(tally_sm9_extract(&centre, identity, &holder), TALLY_OK);
    return holder;
}

static struct tally_sm9_key *key_of(const struct identity *identity)
{
    const struct tally_sm9_holder holder = holder_of(identity);
    struct tally_sm9_key *key;
    ck_assert_int_eq(tally_sm9_key_make(&holder, &key), TALLY_OK);
    return key;
}

START_TEST(a_key_file_reads_as_it_was_written)
{
    static const struct identity *const all[] = {&authd, &card, &gate};
    const struct tally_sm9_holder holder = holder_of(all[_i]);
    struct tally_sm9_holder back;
    char text[TALLY_SM9_FILE_MAX];
    size_t n = tally_sm9_holder_print(&holder, text);
    ck_assert_uint_eq(n, strlen(text));
    ck_assert_int_eq(tally_sm9_holder_parse(text, n, &back), TALLY_OK);
    ck_assert_mem_eq(&back, &holder, sizeof holder);
    ck_assert_int_eq(holder.signs, all[_i] != &gate);
    ck_assert_int_eq(holder.decrypts, all[_i] != &authd);
    /* Nothing shorter, longer or spelt differently is one. */
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(tally_sm9_holder_parse(text, i, &back), TALLY_E_FORMAT);
    text[n] = '\n';
    ck_assert_int_eq(tally_sm9_holder_parse(text, n + 1, &back), TALLY_E_FORMAT);
    for (size_t i = 0; i < n; i++) {
        char was = text[i];
        text[i] = (char)(was ^ 0x20);
        ck_assert(tally_sm9_holder_parse(text, n, &back) == TALLY_E_FORMAT);
        text[i] = '\0';
        ck_assert(tally_sm9_holder_parse(text, n, &back) == TALLY_E_FORMAT);
        text[i] = was;
    }
}
END_TEST

START_TEST(a_key_belongs_to_its_identity_and_masters)
{
    struct tally_sm9_holder good = holder_of(&card), bad;
    struct tally_sm9_centre other;
    struct tally_sm9_key *key;
    ck_assert_int_eq(tally_sm9_centre_make(&other), TALLY_OK);
    bad = good;
    bad.identity.epoch++;
    ck_assert_int_eq(tally_sm9_key_make(&bad, &key), TALLY_E_CRYPTO);
    ck_assert_ptr_null(key);
    struct tally_sm9_holder stranger;
    ck_assert_int_eq(tally_sm9_extract(&other, &card, &stranger), TALLY_OK);
    bad = good;
    memcpy(bad.sign_key, stranger.sign_key, sizeof bad.sign_key);
    ck_assert_int_eq(tally_sm9_key_make(&bad, &key), TALLY_E_CRYPTO);
    bad = good;
    memcpy(bad.decrypt_key, stranger.decrypt_key, sizeof bad.decrypt_key);
    ck_assert_int_eq(tally_sm9_key_make(&bad, &key), TALLY_E_CRYPTO);
    bad = good;
    bad.masters.encrypt[5] ^= 1;
    ck_assert_int_eq(tally_sm9_key_make(&bad, &key), TALLY_E_CRYPTO);
    bad = good;
    bad.identity.scheme = (enum identity_scheme)0;
    ck_assert_int_eq(tally_sm9_key_make(&bad, &key), TALLY_E_FORMAT);
    ck_assert_int_eq(tally_sm9_extract(&centre, &bad.identity, &stranger), TALLY_E_FORMAT);
    memset(other.sign, 0, sizeof other.sign);
    ck_assert_int_eq(tally_sm9_extract(&other, &card, &stranger), TALLY_E_CRYPTO);
}
END_TEST

START_TEST(signatures_and_secrets_are_for_whom_they_are)
{
    struct tally_sm9_key *server = key_of(&authd), *holder = key_of(&card), *reader = key_of(&gate);
    uint8_t signature[SM9_CODE_SIZE], c[SM9_G1_SIZE], sent[TALLY_SM9_SECRET_SIZE], got[TALLY_SM9_SECRET_SIZE];
    const struct tally_bytes parts[] = {{(const uint8_t *)"tic", 3}, {(const uint8_t *)"ket", 3}};
    const struct tally_bytes whole = {(const uint8_t *)"ticket", 6};
    ck_assert_int_eq(tally_sm9_sign(holder, "label", parts, 2, signature), TALLY_OK);
    ck_assert_int_eq(tally_sm9_verify(server, &card, "label", &whole, 1, signature), TALLY_OK);
    ck_assert_int_eq(tally_sm9_verify(server, &card, "labe", &whole, 1, signature), TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_sm9_verify(server, &authd, "label", &whole, 1, signature), TALLY_E_CRYPTO);
    for (size_t i = 0; i < sizeof signature; i += 5) {
        signature[i] ^= 4;
        ck_assert_int_eq(tally_sm9_verify(server, &card, "label", &whole, 1, signature), TALLY_E_CRYPTO);
        signature[i] ^= 4;
    }
    ck_assert_int_eq(tally_sm9_sign(reader, "label", parts, 2, signature), TALLY_E_USAGE);

    ck_assert_int_eq(tally_sm9_encapsulate(server, &gate, c, sent), TALLY_OK);
    ck_assert_int_eq(tally_sm9_decapsulate(reader, c, got), TALLY_OK);
    ck_assert_mem_eq(got, sent, sizeof got);
    ck_assert_int_eq(tally_sm9_decapsulate(holder, c, got), TALLY_OK);
    ck_assert_mem_ne(got, sent, sizeof got);
    ck_assert_int_eq(tally_sm9_decapsulate(server, c, got), TALLY_E_USAGE);
    c[9] ^= 1;
    ck_assert_int_eq(tally_sm9_decapsulate(reader, c, got), TALLY_E_CRYPTO);
    tally_sm9_key_free(server);
    tally_sm9_key_free(holder);
    tally_sm9_key_free(reader);
}
END_TEST

START_TEST(a_servers_key_is_a_key_like_the_others)
{
    const struct tally_sm9_holder server = holder_of(&authd), wrong = holder_of(&card);
    struct tally_key *key1, *key6, *none;
    size_t n;
    ck_assert_int_eq(tally_key_from_holder(&wrong, &none), TALLY_E_USAGE);
    ck_assert_int_eq(tally_key_from_holder(&server, &key1), TALLY_OK);
    const uint8_t *raw = tally_key_public(key1, &n);
    ck_assert_uint_eq(n, TALLY_SM9_PUBLIC_SIZE);
    ck_assert_int_eq(tally_key_from_public(raw, n, &key6), TALLY_OK);
    ck_assert_uint_eq(tally_key_suite(key6), SUITE_SM9);
    ck_assert(tally_key_is_private(key1) && !tally_key_is_private(key6));

    uint8_t face[FACE_SIZE] = {0}, tfv[TALLY_TFV_MAX];
    face[FACE_AT_OPERATOR + 1] = 7;
    face[TALLY_FACE_AT_SUITE] = SUITE_SM9;
    ck_assert_int_eq(tally_face_sign(key6, face, tfv, &n), TALLY_E_USAGE);
    ck_assert_int_eq(tally_face_sign(key1, face, tfv, &n), TALLY_OK);
    ck_assert_uint_eq(n, SM9_CODE_SIZE);
    ck_assert_int_eq(tally_face_verify(key6, face, tfv, n), TALLY_OK);
    face[50] ^= 1;
    ck_assert_int_eq(tally_face_verify(key6, face, tfv, n), TALLY_E_CRYPTO);
    face[50] ^= 1;
    ck_assert_int_eq(tally_face_verify(key6, face, tfv, n - 1), TALLY_E_FORMAT);
    /* A server signs for its own operator. */
    face[FACE_AT_OPERATOR + 1] = 8;
    ck_assert_int_eq(tally_face_sign(key1, face, tfv, &n), TALLY_OK);
    ck_assert_int_eq(tally_face_verify(key6, face, tfv, n), TALLY_E_CRYPTO);
    tally_key_free(key1);
    tally_key_free(key6);
}
END_TEST

START_TEST(ciphertext_1_is_for_one_card_and_epoch)
{
    struct identity neighbour = card, later = card;
    neighbour.serial[7] ^= 1;
    later.epoch++;
    struct tally_sm9_key *own = key_of(&card), *other = key_of(&neighbour), *next = key_of(&later);
    uint8_t face[FACE_SIZE] = {0}, tfv[SM9_CODE_SIZE] = {9}, out[CIPHERTEXT_1_MAX], back[FACE_SIZE],
            code[SM9_CODE_SIZE];
    size_t n;
    memcpy(face + FACE_AT_SERIAL, card.serial, SERIAL_SIZE);
    ck_assert_int_eq(tally_ciphertext_1_seal_sm9(face, tfv, other, 2, out, &n),
                     TALLY_E_FORMAT); /* another suite */
    face[TALLY_FACE_AT_SUITE] = SUITE_SM9;
    ck_assert_int_eq(tally_ciphertext_1_seal_sm9(face, tfv, other, 2, out, &n), TALLY_OK);
    ck_assert_uint_eq(n, 296);
    ck_assert_int_eq(tally_ciphertext_1_open_sm9(own, out, n, back, code), TALLY_OK);
    ck_assert_mem_eq(back, face, FACE_SIZE);
    ck_assert_mem_eq(code, tfv, sizeof code);
    ck_assert_int_eq(tally_ciphertext_1_open_sm9(other, out, n, back, code), TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_ciphertext_1_open_sm9(next, out, n, back, code), TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_ciphertext_1_open_sm9(own, out, n - 1, back, code), TALLY_E_FORMAT);
    out[3] ^= 1; /* the header is authenticated */
    ck_assert_int_eq(tally_ciphertext_1_open_sm9(own, out, n, back, code), TALLY_E_CRYPTO);
    tally_sm9_key_free(own);
    tally_sm9_key_free(other);
    tally_sm9_key_free(next);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("host sm9");
    TCase *c = tcase_create("sm9");
    tcase_set_timeout(c, 60);
    tcase_add_unchecked_fixture(c, set_up, NULL);
    tcase_add_loop_test(c, a_key_file_reads_as_it_was_written, 0, 3);
    tcase_add_test(c, a_key_belongs_to_its_identity_and_masters);
    tcase_add_test(c, signatures_and_secrets_are_for_whom_they_are);
    tcase_add_test(c, a_servers_key_is_a_key_like_the_others);
    tcase_add_test(c, ciphertext_1_is_for_one_card_and_epoch);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
