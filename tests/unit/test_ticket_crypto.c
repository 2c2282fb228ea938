/* Tickets, receipts and certificates: made by the host, checked by both sides, refused when
 * changed. */
#include "card/crypto/hpke.h"
#include "card/crypto/rsa.h"
#include "card/wire/be.h"
#include "host/crypto/certificate.h"
#include "host/crypto/kdf.h"
#include "host/crypto/p256.h"
#include "host/crypto/rsa.h"
#include "host/crypto/ticket_crypto.h"
#include "tests/unit/crypto_support.h"

static const uint8_t serial[8] = {0, 0, 0, 0, 0, 0, 0x12, 0x34};
static const uint8_t tid[16] = {0xa1, 0xa2, 0xa3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static struct tally_key *make_key(uint8_t suite)
{
    struct tally_key *key;
    ck_assert_int_eq(tally_key_generate(suite, &key), TALLY_OK);
    return key;
}

static const uint8_t *raw(const struct tally_key *key)
{
    size_t n;
    return tally_key_public(key, &n);
}

static void make_face(uint8_t suite, uint8_t out[FACE_SIZE])
{
    struct ticket_face face = {.profile = PROFILE_RAIL,
                               .operator_id = 7,
                               .issued = 1000,
                               .valid_from = 1000,
                               .valid_to = 2000,
                               .sequence = 3,
                               .service = {'G', '1', ' ', ' ', ' ', ' ', ' ', ' '},
                               .seat = {'A', ' ', ' '},
                               .fare_type = 1,
                               .max_entries = 1,
                               .suite = suite,
                               .key_version = 1};
    memcpy(face.tid, tid, sizeof tid);
    memcpy(face.serial, serial, sizeof serial);
    face_encode(&face, out);
    ck_assert(face_decode(out, &face));
    ck_assert_uint_eq(out[TALLY_FACE_AT_SUITE], suite);
}

/* --- TF_V --- */

static bool card_verifies(uint8_t suite, const uint8_t *key6, const uint8_t face[FACE_SIZE],
                          const uint8_t *tfv)
{
    struct bytes part = {face, FACE_SIZE};
    return suite == SUITE_P256 ? p256_verify(key6, LABEL_FACE, &part, 1, tfv)
                               : rsa_pss_verify(key6, LABEL_FACE, &part, 1, tfv);
}

static void check_tfv(uint8_t suite)
{
    struct tally_key *key1 = make_key(suite), *key6;
    uint8_t face[FACE_SIZE], tfv[TALLY_TFV_MAX];
    size_t n, raw_n;
    const uint8_t *public_key = tally_key_public(key1, &raw_n);
    ck_assert_int_eq(tally_key_from_public(public_key, raw_n, &key6), TALLY_OK);
    make_face(suite, face);
    ck_assert_int_eq(tally_face_sign(key1, face, tfv, &n), TALLY_OK);
    ck_assert_uint_eq(n, tally_tfv_size(suite));
    ck_assert_int_eq(tally_face_verify(key6, face, tfv, n), TALLY_OK);
    ck_assert(card_verifies(suite, public_key, face, tfv));
    for (size_t i = 0; i < FACE_SIZE; i++) {
        face[i] ^= 8;
        ck_assert_int_eq(tally_face_verify(key6, face, tfv, n), TALLY_E_CRYPTO);
        if (i % 16 == 0)
            ck_assert(!card_verifies(suite, public_key, face, tfv));
        face[i] ^= 8;
    }
    ck_assert_int_eq(tally_face_verify(key6, face, tfv, n - 1), TALLY_E_FORMAT);
    ck_assert_int_eq(tally_face_sign(key6, face, tfv, &n), TALLY_E_USAGE);
    face[TALLY_FACE_AT_SUITE] = suite == SUITE_RSA ? SUITE_P256 : SUITE_RSA;
    ck_assert_int_eq(tally_face_sign(key1, face, tfv, &n), TALLY_E_USAGE);
    ck_assert_uint_eq(n, 0);
    /* Well signed, but the face says that another suite's key signed it. */
    struct tally_bytes part = {face, FACE_SIZE};
    n = tally_tfv_size(suite);
    if (suite == SUITE_P256)
        ck_assert_int_eq(tally_p256_sign(key1, LABEL_FACE, &part, 1, tfv), TALLY_OK);
    else
        ck_assert_int_eq(tally_pss_sign(key1, LABEL_FACE, &part, 1, tfv), TALLY_OK);
    ck_assert_int_eq(tally_face_verify(key6, face, tfv, n), TALLY_E_CRYPTO);
    tally_key_free(key1);
    tally_key_free(key6);
}

START_TEST(authentication_codes)
{
    check_tfv(SUITE_P256);
    check_tfv(SUITE_RSA);
    ck_assert_uint_eq(tally_tfv_size(SUITE_SM9), SM9_CODE_SIZE);
    ck_assert_uint_eq(tally_tfv_size(SUITE_SM9 + 1), 0);
}
END_TEST

/* --- ciphertext 1 --- */

/* As the card does it, in place. */
static bool card_opens(const struct tally_key *card, uint8_t *c, size_t n)
{
    uint8_t *body = c + CIPHERTEXT_1_HEADER_SIZE;
    size_t body_n = n - CIPHERTEXT_1_HEADER_SIZE, len;
    struct bytes header = {c, CIPHERTEXT_1_HEADER_SIZE};
    uint8_t key[RSA_PRIVATE_SIZE], nonce[12] = {0};
    if (tally_key_suite(card) == SUITE_P256) {
        struct hpke_key hpke = {key, raw(card)};
        ck_assert_int_eq(tally_key_p256_private(card, key), TALLY_OK);
        return hpke_open(&hpke, LABEL_CIPHERTEXT_1, &header, 1, body, body + 65, body_n - 65);
    }
    ck_assert_int_eq(tally_key_rsa_private(card, key), TALLY_OK);
    return rsa_oaep_decrypt(key, LABEL_CIPHERTEXT_1, body, &len) && len == 16 &&
           gcm_open(body, nonce, &header, 1, body + 256, body_n - 256 - 16, body + body_n - 16);
}

static void check_ciphertext(uint8_t suite, size_t size, size_t step)
{
    struct tally_key *card = make_key(suite), *key1 = make_key(suite), *other = make_key(suite);
    uint8_t face[FACE_SIZE], tfv[TALLY_TFV_MAX], c[CIPHERTEXT_1_MAX], copy[CIPHERTEXT_1_MAX];
    uint8_t face2[FACE_SIZE], tfv2[TALLY_TFV_MAX];
    size_t n, tfv_n, tfv2_n, raw_n;
    make_face(suite, face);
    ck_assert_int_eq(tally_face_sign(key1, face, tfv, &tfv_n), TALLY_OK);
    raw_n = suite == SUITE_P256 ? 64 : 256;
    ck_assert_int_eq(tally_ciphertext_1_seal(face, tfv, tfv_n, raw(card), raw_n, 9, c, &n), TALLY_OK);
    ck_assert_uint_eq(n, size);
    const uint8_t header[] = {1, suite, 0, 7, 9};
    ck_assert_mem_eq(c, header, sizeof header);

    ck_assert_int_eq(tally_ciphertext_1_open(card, c, n, face2, tfv2, &tfv2_n), TALLY_OK);
    ck_assert_mem_eq(face2, face, FACE_SIZE);
    ck_assert_bytes_eq(tfv2, tfv2_n, tfv, tfv_n);
    memcpy(copy, c, n);
    ck_assert(card_opens(card, copy, n));
    ck_assert_mem_eq(copy + (suite == SUITE_P256 ? 70 : 261), face, FACE_SIZE);
    ck_assert_mem_eq(copy + (suite == SUITE_P256 ? 70 : 261) + FACE_SIZE, tfv, tfv_n);

    ck_assert_int_ne(tally_ciphertext_1_open(other, c, n, face2, tfv2, &tfv2_n), TALLY_OK);
    ck_assert_int_eq(tally_ciphertext_1_open(card, c, n - 1, face2, tfv2, &tfv2_n), TALLY_E_FORMAT);
    for (size_t i = 0; i < n; i += i < CIPHERTEXT_1_HEADER_SIZE ? 1 : step) {
        c[i] ^= 1;
        ck_assert_int_eq(tally_ciphertext_1_open(card, c, n, face2, tfv2, &tfv2_n),
                         i < 2 ? TALLY_E_FORMAT : TALLY_E_CRYPTO);
        ck_assert_uint_eq(tfv2_n, 0);
        ck_assert(all_zero(face2, FACE_SIZE));
        memcpy(copy, c, n);
        ck_assert(!card_opens(card, copy, n));
        c[i] ^= 1;
    }
    ck_assert_int_eq(tally_ciphertext_1_seal(face, tfv, tfv_n - 1, raw(card), raw_n, 9, c, &n),
                     TALLY_E_FORMAT);
    ck_assert_int_eq(tally_ciphertext_1_seal(face, tfv, tfv_n, raw(card), raw_n - 1, 9, c, &n),
                     TALLY_E_FORMAT);
    ck_assert_uint_eq(n, 0);
    tally_key_free(card);
    tally_key_free(key1);
    tally_key_free(other);
}

START_TEST(ciphertext_1_p256)
{
    check_ciphertext(SUITE_P256, 265, 13);
}
END_TEST

START_TEST(ciphertext_1_rsa)
{
    check_ciphertext(SUITE_RSA, 648, 41);
}
END_TEST

START_TEST(ciphertext_1_refuses_bad_card_keys)
{
    struct tally_key *key1 = make_key(SUITE_P256);
    uint8_t face[FACE_SIZE], tfv[TALLY_TFV_MAX], c[CIPHERTEXT_1_MAX], bad[256] = {0};
    size_t n, tfv_n;
    make_face(SUITE_P256, face);
    ck_assert_int_eq(tally_face_sign(key1, face, tfv, &tfv_n), TALLY_OK);
    ck_assert_int_eq(tally_ciphertext_1_seal(face, tfv, tfv_n, bad, 64, 1, c, &n), TALLY_E_CRYPTO);
    ck_assert(all_zero(c, sizeof c));
    face[TALLY_FACE_AT_SUITE] = SUITE_RSA;
    bad[0] = 0x80; /* even */
    ck_assert_int_eq(tally_ciphertext_1_seal(face, tfv, 256, bad, 256, 1, c, &n), TALLY_E_CRYPTO);
    bad[0] = 0x7f; /* short */
    bad[255] = 1;
    ck_assert_int_eq(tally_ciphertext_1_seal(face, tfv, 256, bad, 256, 1, c, &n), TALLY_E_CRYPTO);
    ck_assert(all_zero(c, sizeof c));
    tally_key_free(key1);
}
END_TEST

/* --- receipts, derivations, holder --- */

START_TEST(receipts)
{
    uint8_t vmk[16] = {1, 2, 3}, sub[16], id[16], receipt_key[16], usage[USAGE_SIZE] = {1, 1, 1};
    uint8_t card_sub[16], card_key[16], card_mac[16];
    const uint8_t op[] = {0, 7}, version = 2;
    const struct bytes context[] = {{serial, 8}, {op, 2}, {&version, 1}};
    ck_assert_int_eq(tally_derive_sub_key(vmk, 2, 7, serial, sub), TALLY_OK);
    kdf_cmac(vmk, LABEL_SUB_KEY, context, 3, card_sub, 16);
    ck_assert_mem_eq(sub, card_sub, 16);
    ck_assert_int_eq(tally_derive_id_key(vmk, 2, 7, id), TALLY_OK);
    kdf_cmac(vmk, LABEL_ID_KEY, context + 1, 2, card_key, 16);
    ck_assert_mem_eq(id, card_key, 16);
    ck_assert_int_eq(tally_derive_receipt_key(sub, receipt_key), TALLY_OK);
    kdf_cmac(sub, LABEL_RECEIPT, NULL, 0, card_key, 16);
    ck_assert_mem_eq(receipt_key, card_key, 16);

    const struct bytes maced[] = {{serial, 8}, {op, 2}, {tid, 16}, {usage, 32}};
    cmac(card_key, maced, 4, card_mac);
    memcpy(usage + 32, card_mac, 8);
    ck_assert_int_eq(tally_receipt_verify(receipt_key, serial, 7, tid, usage), TALLY_OK);
    for (size_t i = 0; i < USAGE_SIZE; i++) {
        usage[i] ^= 1;
        ck_assert_int_eq(tally_receipt_verify(receipt_key, serial, 7, tid, usage), TALLY_E_CRYPTO);
        usage[i] ^= 1;
    }
    ck_assert_int_eq(tally_receipt_verify(receipt_key, serial, 8, tid, usage), TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_receipt_verify(receipt_key, tid, 7, tid, usage), TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_receipt_verify(receipt_key, serial, 7, vmk, usage), TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_receipt_verify(vmk, serial, 7, tid, usage), TALLY_E_CRYPTO);
}
END_TEST

START_TEST(admin_key)
{
    uint8_t master[16] = {9}, chip[8] = {1, 2}, key[16], card[16];
    const struct bytes context = {chip, 8};
    ck_assert_int_eq(tally_derive_admin_key(master, chip, key), TALLY_OK);
    kdf_cmac(master, LABEL_ADMIN, &context, 1, card, 16);
    ck_assert_mem_eq(key, card, 16);
}
END_TEST

START_TEST(holder_hashes)
{
    uint8_t a[16], b[16], digest[32], other[16] = {0};
    static const uint8_t type = 2;
    const struct bytes parts[] = {{tid, 16}, {&type, 1}, {(const uint8_t *)"AB123C", 6}};
    sha256_labelled(LABEL_HOLDER, parts, 3, digest);
    ck_assert_int_eq(tally_holder_hash(tid, 2, " ab 123c ", a), TALLY_OK);
    ck_assert_mem_eq(a, digest, 16);
    ck_assert_int_eq(tally_holder_hash(other, 2, "AB123C", b), TALLY_OK);
    ck_assert_mem_ne(a, b, 16);
    ck_assert_int_eq(tally_holder_hash(tid, 1, "AB123C", b), TALLY_OK);
    ck_assert_mem_ne(a, b, 16);
    static const char *const bad[] = {"", "   ", "AB\t1", "\xc3\x89", "0123456789012345678901234567890123"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(tally_holder_hash(tid, 2, bad[i], b), TALLY_E_FORMAT);
        ck_assert(all_zero(b, 16));
    }
    ck_assert_int_eq(tally_holder_hash(tid, 0, "AB123C", b), TALLY_E_FORMAT);
    ck_assert_int_eq(tally_holder_hash(tid, 4, "AB123C", b), TALLY_E_FORMAT);
}
END_TEST

/* --- certificates --- */

START_TEST(enrolments)
{
    struct tally_key *issuer = make_key(SUITE_P256), *authority = make_key(SUITE_P256);
    struct tally_enrolment in = {.operator_id = 7, .version = 2}, out;
    uint8_t e[ENROLMENT_SIZE];
    memcpy(in.authority_key, raw(authority), 64);
    ck_assert_int_eq(tally_enrolment_make(issuer, &in, e), TALLY_OK);
    ck_assert_int_eq(tally_enrolment_verify(issuer, e, &out), TALLY_OK);
    ck_assert_mem_eq(&out, &in, sizeof in);
    const struct bytes part = {e, 68};
    ck_assert(p256_verify(raw(issuer), LABEL_ENROLMENT, &part, 1, e + 68));
    for (size_t i = 0; i < sizeof e; i++) {
        e[i] ^= 1;
        ck_assert_int_eq(tally_enrolment_verify(issuer, e, &out), TALLY_E_CRYPTO);
        ck_assert(all_zero((uint8_t *)&out, sizeof out));
        e[i] ^= 1;
    }
    ck_assert_int_eq(tally_enrolment_verify(authority, e, &out), TALLY_E_CRYPTO);
    tally_key_free(issuer);
    tally_key_free(authority);
}
END_TEST

static void check_gate_certificate(uint8_t kind, size_t size)
{
    struct tally_key *anchor = make_key(SUITE_P256), *gate = make_key(kind);
    struct tally_gate_certificate in = {
        .kind = kind, .operator_id = 7, .gate = 0x01020304, .epoch = 5, .not_after = 0x7fffffff};
    struct tally_gate_certificate out;
    uint8_t c[GATE_CERT_RSA_SIZE];
    size_t n, key_size;
    const uint8_t *public_key = tally_key_public(gate, &key_size);
    memcpy(in.public_key, public_key, key_size);
    ck_assert_int_eq(tally_gate_certificate_make(anchor, &in, c, &n), TALLY_OK);
    ck_assert_uint_eq(n, size);
    ck_assert_int_eq(tally_gate_certificate_verify(anchor, c, n, &out), TALLY_OK);
    ck_assert_mem_eq(out.public_key, public_key, key_size);
    ck_assert(out.kind == kind && out.operator_id == 7 && out.gate == 0x01020304 && out.epoch == 5 &&
              out.not_after == 0x7fffffff);
    const struct bytes part = {c, n - 64};
    ck_assert(p256_verify(raw(anchor), LABEL_GATE_CERTIFICATE, &part, 1, c + n - 64));
    for (size_t i = 0; i < n; i++) {
        c[i] ^= 2;
        ck_assert_int_ne(tally_gate_certificate_verify(anchor, c, n, &out), TALLY_OK);
        c[i] ^= 2;
    }
    ck_assert_int_eq(tally_gate_certificate_verify(anchor, c, n - 1, &out), TALLY_E_FORMAT);
    ck_assert_int_eq(tally_gate_certificate_read(c, 3, &out), TALLY_E_FORMAT);
    in.kind = 0;
    ck_assert_int_eq(tally_gate_certificate_make(anchor, &in, c, &n), TALLY_E_FORMAT);
    tally_key_free(anchor);
    tally_key_free(gate);
}

START_TEST(gate_certificates)
{
    check_gate_certificate(GATE_P256, GATE_CERT_P256_SIZE);
    check_gate_certificate(GATE_RSA, GATE_CERT_RSA_SIZE);
}
END_TEST

START_TEST(card_certificates)
{
    struct tally_key *authority = make_key(SUITE_P256), *card = make_key(SUITE_P256);
    uint8_t c[64];
    ck_assert_int_eq(tally_card_certificate_make(authority, 7, serial, raw(card), c), TALLY_OK);
    ck_assert_int_eq(tally_card_certificate_verify(authority, 7, serial, raw(card), c), TALLY_OK);
    ck_assert_int_eq(tally_card_certificate_verify(authority, 8, serial, raw(card), c), TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_card_certificate_verify(authority, 7, tid, raw(card), c), TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_card_certificate_verify(authority, 7, serial, raw(authority), c), TALLY_E_CRYPTO);
    c[0] ^= 1;
    ck_assert_int_eq(tally_card_certificate_verify(authority, 7, serial, raw(card), c), TALLY_E_CRYPTO);
    tally_key_free(authority);
    tally_key_free(card);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("ticket crypto");
    TCase *t = tcase_create("objects");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, authentication_codes);
    tcase_add_test(t, ciphertext_1_p256);
    tcase_add_test(t, ciphertext_1_rsa);
    tcase_add_test(t, ciphertext_1_refuses_bad_card_keys);
    tcase_add_test(t, receipts);
    tcase_add_test(t, admin_key);
    tcase_add_test(t, holder_hashes);
    tcase_add_test(t, enrolments);
    tcase_add_test(t, gate_certificates);
    tcase_add_test(t, card_certificates);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tally_check_main(suite(), NULL);
}
