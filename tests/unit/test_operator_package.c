/* Operator packages: made, opened, and refused when changed, malformed or out of range. */
#include "host/crypto/certificate.h"
#include "host/crypto/p256.h"
#include "host/crypto/package.h"
#include "tests/unit/crypto_support.h"

static const uint8_t serial[8] = {0, 0, 0, 0, 0, 0, 0x12, 0x34};
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

struct world {
    struct tally_key *issuer, *authority, *card;
    uint8_t enrolment[ENROLMENT_SIZE];
    struct tally_package package;
};

static void world_make(struct world *w, uint8_t suite)
{
    struct tally_enrolment e = {.operator_id = 7, .version = 1};
    memset(w, 0, sizeof *w);
    w->issuer = make_key(SUITE_P256);
    w->authority = make_key(SUITE_P256);
    w->card = make_key(SUITE_P256);
    memcpy(e.authority_key, raw(w->authority), 64);
    ck_assert_int_eq(tally_enrolment_make(w->issuer, &e, w->enrolment), TALLY_OK);
    w->package = (struct tally_package){.operator_id = 7,
                                        .card_key_version = 1,
                                        .action = TALLY_PACKAGE_SET,
                                        .version = 0x01020304,
                                        .sub_key_floor = 2,
                                        .epoch_floor = 3,
                                        .suite = suite,
                                        .key6_count = 2,
                                        .key6 = {{.version = 1}, {.version = 2}},
                                        .sub_key_count = 3,
                                        .sub_keys = {{.version = 2}, {.version = 3}, {.version = 9}}};
    memcpy(w->package.serial, serial, sizeof serial);
    memset(w->package.key6[1].key, 0x61, suite == SUITE_P256 ? 64 : 256);
    memset(w->package.gate_anchor, 0x62, 64);
    memset(w->package.card_certificate, 0x63, 64);
    memset(w->package.sub_keys[2].sub_key, 0x64, 16);
    memset(w->package.sub_keys[2].id_key, 0x65, 16);
}

static void world_free(struct world *w)
{
    tally_key_free(w->issuer);
    tally_key_free(w->authority);
    tally_key_free(w->card);
}

static void check_package(uint8_t suite, size_t size)
{
    struct world w;
    struct tally_package out;
    uint8_t p[TALLY_PACKAGE_MAX];
    size_t n;
    world_make(&w, suite);
    ck_assert_int_eq(tally_package_seal(&w.package, w.enrolment, w.authority, raw(w.card), p, &n), TALLY_OK);
    ck_assert_uint_eq(n, size);
    ck_assert_uint_le(n, 1264); /* fits a command */
    ck_assert_int_eq(tally_package_open(w.card, w.issuer, p, n, &out), TALLY_OK);
    ck_assert_mem_eq(&out, &w.package, sizeof out);
    for (size_t i = 0; i < n; i += i < 137 ? 1 : 17) {
        p[i] ^= 1;
        ck_assert_int_ne(tally_package_open(w.card, w.issuer, p, n, &out), TALLY_OK);
        ck_assert(all_zero((uint8_t *)&out, sizeof out));
        p[i] ^= 1;
    }
    ck_assert_int_eq(tally_package_open(w.card, w.issuer, p, n - 1, &out), TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_package_open(w.card, w.issuer, p, 100, &out), TALLY_E_FORMAT);
    ck_assert_int_eq(tally_package_open(w.authority, w.issuer, p, n, &out), TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_package_open(w.card, w.card, p, n, &out), TALLY_E_CRYPTO);
    world_free(&w);
}

START_TEST(packages)
{
    enum { FIXED = 5 + 132 + 81 + 16 + 2 + 128 + 1 + 3 * 33 + 64 };
    check_package(SUITE_P256, FIXED + 2 * 65);
    check_package(SUITE_RSA, FIXED + 2 * 257);
}
END_TEST

START_TEST(package_signed_by_a_stranger)
{
    struct world w;
    struct tally_package out;
    uint8_t p[TALLY_PACKAGE_MAX];
    size_t n;
    world_make(&w, SUITE_P256);
    ck_assert_int_eq(tally_package_seal(&w.package, w.enrolment, w.issuer, raw(w.card), p, &n), TALLY_OK);
    ck_assert_int_eq(tally_package_open(w.card, w.issuer, p, n, &out), TALLY_E_CRYPTO);
    world_free(&w);
}
END_TEST

START_TEST(package_removing_an_operator)
{
    struct world w;
    struct tally_package out;
    uint8_t p[TALLY_PACKAGE_MAX];
    size_t n;
    world_make(&w, SUITE_P256);
    w.package.action = TALLY_PACKAGE_REMOVE;
    ck_assert_int_eq(tally_package_seal(&w.package, w.enrolment, w.authority, raw(w.card), p, &n), TALLY_OK);
    ck_assert_uint_eq(n, 5 + 132 + 81 + 16 + 64);
    ck_assert_int_eq(tally_package_open(w.card, w.issuer, p, n, &out), TALLY_OK);
    ck_assert_uint_eq(out.action, TALLY_PACKAGE_REMOVE);
    ck_assert_uint_eq(out.version, 0x01020304);
    ck_assert_uint_eq(out.sub_key_floor, 2);
    ck_assert_uint_eq(out.key6_count, 0);
    world_free(&w);
}
END_TEST

/* Signs and seals any plaintext under any header, as a rogue operator could. */
static enum tally_error open_crafted(struct world *w, uint8_t operator_id, uint8_t *plain, size_t n)
{
    uint8_t p[TALLY_PACKAGE_MAX] = {1, 1, 0, operator_id, 1};
    struct tally_package out;
    const struct tally_bytes parts[] = {{p, 5}, {plain, n}};
    const struct tally_bytes aad = {p, 137};
    memcpy(p + 5, w->enrolment, ENROLMENT_SIZE);
    ck_assert_int_eq(tally_p256_sign(w->authority, LABEL_OPERATOR_PACKAGE, parts, 2, plain + n), TALLY_OK);
    ck_assert_int_eq(tally_hpke_seal(raw(w->card), LABEL_OPERATOR_PACKAGE, &aad, 1, plain, n + 64, p + 137),
                     TALLY_OK);
    return tally_package_open(w->card, w->issuer, p, 137 + 81 + n + 64, &out);
}

START_TEST(well_signed_packages_that_are_malformed)
{
    struct world w;
    uint8_t plain[TALLY_PACKAGE_PLAIN_MAX] = {0, 0, 0, 0, 0, 0, 0, 0, TALLY_PACKAGE_REMOVE, 0, 0, 0, 1};
    world_make(&w, SUITE_P256);
    ck_assert_int_eq(open_crafted(&w, 7, plain, 16), TALLY_OK);
    ck_assert_int_eq(open_crafted(&w, 8, plain, 16), TALLY_E_CRYPTO); /* enrolled as another */
    ck_assert_int_eq(open_crafted(&w, 7, plain, 15), TALLY_E_FORMAT);
    ck_assert_int_eq(open_crafted(&w, 7, plain, 17), TALLY_E_FORMAT);
    memset(plain + 16, 0, sizeof plain - 16);
    plain[8] = TALLY_PACKAGE_SET;
    plain[16] = SUITE_P256;
    plain[17] = 200; /* keys */
    ck_assert_int_eq(open_crafted(&w, 7, plain, 400), TALLY_E_FORMAT);
    plain[17] = 1;
    plain[18 + 65 + 128] = 200; /* sub-keys */
    memset(plain + 18 + 65 + 129, 0, 200);
    ck_assert_int_eq(open_crafted(&w, 7, plain, 400), TALLY_E_FORMAT);
    world_free(&w);
}
END_TEST

/* Each rule of specs/formats.md broken once. */
START_TEST(packages_out_of_range_are_not_made)
{
    struct world w;
    uint8_t p[TALLY_PACKAGE_MAX];
    size_t n;
    world_make(&w, SUITE_P256);
    struct tally_package bad[12];
    for (size_t i = 0; i < 12; i++)
        bad[i] = w.package;
    bad[0].operator_id = 8; /* not the enrolment's */
    bad[1].action = 3;
    bad[2].suite = SUITE_SM9;
    bad[3].key6_count = 0;
    bad[4].key6_count = 3;
    bad[5].key6[1].version = 1;
    bad[6].sub_key_count = 0;
    bad[7].sub_key_count = 4;
    bad[8].sub_keys[0].version = 1; /* below the floor */
    bad[9].sub_keys[2].version = 3; /* not ascending */
    bad[10].version = 0;
    bad[11].operator_id = 0;
    for (size_t i = 0; i < 12; i++) {
        ck_assert_int_eq(tally_package_seal(&bad[i], w.enrolment, w.authority, raw(w.card), p, &n),
                         TALLY_E_FORMAT);
        ck_assert_uint_eq(n, 0);
    }
    world_free(&w);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("operator package");
    TCase *t = tcase_create("package");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, packages);
    tcase_add_test(t, package_signed_by_a_stranger);
    tcase_add_test(t, package_removing_an_operator);
    tcase_add_test(t, well_signed_packages_that_are_malformed);
    tcase_add_test(t, packages_out_of_range_are_not_made);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tally_check_main(suite(), NULL);
}
