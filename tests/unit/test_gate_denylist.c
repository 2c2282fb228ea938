/* Deny lists: what is taken, what is refused, and that a refused one changes nothing. */
#include <stdio.h>
#include <string.h>

#include "host/base/bytes.h"
#include "host/crypto/p256.h"
#include "reader-tools/gate/denylist.h"
#include "tests/support/check_main.h"

static struct tally_key *authority;
static struct gate_denylist list;
static char text[8192];
static size_t length;
static bool change;

static const uint8_t serial_a[SERIAL_SIZE] = {0xa0}, serial_b[SERIAL_SIZE] = {0xb0};
static const uint8_t tid_a[TID_SIZE] = {0xa1};

#define SERIAL_A "\"a000000000000000\""
#define SERIAL_B "\"b000000000000000\""
#define TID_A    "\"a1000000000000000000000000000000\""

static void start(void)
{
    ck_assert_int_eq(tally_key_generate(SUITE_P256, &authority), TALLY_OK);
    gate_denylist_init(&list);
    length = 0;
}

static void finish(void)
{
    gate_denylist_free(&list);
    tally_key_free(authority);
}

/* Appends a signed document to the text. */
static void sign(const char *document)
{
    char hex[2 * ECDSA_SIZE + 1];
    uint8_t signature[ECDSA_SIZE];
    const struct tally_bytes part = {(const uint8_t *)document, strlen(document)};
    ck_assert_int_eq(tally_p256_sign(authority, "tally/denylist/1", &part, 1, signature), TALLY_OK);
    (void)tally_hex_encode(signature, sizeof signature, hex, sizeof hex);
    length += (size_t)snprintf(text + length, sizeof text - length, "%s\n%s\n", document, hex);
}

static enum tally_error update(void)
{
    enum tally_error e = gate_denylist_update(&list, 1, authority, text, length, &change);
    length = 0;
    return e;
}

static void take_first(void)
{
    sign("{\"operator\":1,\"version\":5,\"issued\":10,\"expires\":20,\"serials\":[" SERIAL_B "," SERIAL_A
         "," SERIAL_A "],\"tids\":[" TID_A "]}");
    ck_assert_int_eq(update(), TALLY_OK);
}

START_TEST(a_list_is_taken_and_searched)
{
    ck_assert(gate_denylist_stale(&list, 0));
    take_first();
    ck_assert_uint_eq(list.version, 5);
    ck_assert(gate_denylist_has_serial(&list, serial_a));
    ck_assert(gate_denylist_has_serial(&list, serial_b));
    ck_assert(gate_denylist_has_tid(&list, tid_a));
    ck_assert(!gate_denylist_has_tid(&list, (const uint8_t[TID_SIZE]){0}));
    ck_assert(!gate_denylist_stale(&list, 20));
    ck_assert(gate_denylist_stale(&list, 21));
    ck_assert_uint_eq(list.serials.count, 2);
}
END_TEST

START_TEST(only_newer_lists_are_taken)
{
    take_first();
    sign("{\"operator\":1,\"version\":5,\"issued\":11,\"expires\":99,\"serials\":[],\"tids\":[]}");
    ck_assert_int_eq(update(), TALLY_E_EXISTS);
    sign("{\"operator\":1,\"version\":4,\"issued\":11,\"expires\":99,\"serials\":[],\"tids\":[]}");
    ck_assert_int_eq(update(), TALLY_E_EXISTS);
    ck_assert_uint_eq(list.expires, 20);
    ck_assert(gate_denylist_has_serial(&list, serial_a));
    sign("{\"operator\":1,\"version\":6,\"issued\":11,\"expires\":99,\"serials\":[],\"tids\":[]}");
    ck_assert_int_eq(update(), TALLY_OK);
    ck_assert(!gate_denylist_has_serial(&list, serial_a));
}
END_TEST

START_TEST(changes_follow_their_version)
{
    take_first();
    sign("{\"operator\":1,\"version\":7,\"since\":6,\"issued\":11,\"expires\":99,\"serials\":[],\"tids\":[],"
         "\"removed_serials\":[],\"removed_tids\":[]}");
    ck_assert_int_eq(update(), TALLY_E_FORMAT);
    sign("{\"operator\":1,\"version\":7,\"since\":5,\"issued\":11,\"expires\":99,\"serials\":["
         "\"c000000000000000\"],"
         "\"tids\":[],\"removed_serials\":[" SERIAL_A "],\"removed_tids\":[" TID_A "]}");
    ck_assert_int_eq(update(), TALLY_OK);
    ck_assert(change);
    ck_assert(!gate_denylist_has_serial(&list, serial_a));
    ck_assert(gate_denylist_has_serial(&list, serial_b));
    ck_assert(!gate_denylist_has_tid(&list, tid_a));
    ck_assert_uint_eq(list.serials.count, 2);
}
END_TEST

START_TEST(a_list_and_its_changes_in_one_text)
{
    sign("{\"operator\":1,\"version\":1,\"issued\":1,\"expires\":2,\"serials\":[" SERIAL_A "],\"tids\":[]}");
    sign("{\"operator\":1,\"version\":2,\"since\":1,\"issued\":2,\"expires\":3,\"serials\":[" SERIAL_B
         "],\"tids\":[],"
         "\"removed_serials\":[],\"removed_tids\":[]}");
    ck_assert_int_eq(update(), TALLY_OK);
    ck_assert(!change);
    ck_assert_uint_eq(list.version, 2);
    ck_assert_uint_eq(list.serials.count, 2);
}
END_TEST

static const char *const wrong[] = {
    "{\"operator\":2,\"version\":9,\"issued\":1,\"expires\":2,\"serials\":[],\"tids\":[]}",
    "{\"operator\":1,\"version\":0,\"issued\":1,\"expires\":2,\"serials\":[],\"tids\":[]}",
    "{\"operator\":1,\"version\":9,\"issued\":1,\"serials\":[],\"tids\":[]}",
    "{\"operator\":1,\"version\":9,\"issued\":1,\"expires\":2,\"serials\":{},\"tids\":[]}",
    "{\"operator\":1,\"version\":9,\"issued\":1,\"expires\":2,\"serials\":[\"a0\"],\"tids\":[]}",
    "{\"operator\":1,\"version\":9,\"issued\":1,\"expires\":2,\"serials\":[7],\"tids\":[]}",
    "{\"operator\":1,\"version\":9,\"issued\":1,\"expires\":2,\"serials\":[]}",
    "{\"operator\":1,\"version\":-9,\"issued\":1,\"expires\":2,\"serials\":[],\"tids\":[]}",
    "[]",
    "nothing",
    "",
};

START_TEST(malformed_lists_change_nothing)
{
    take_first();
    sign(wrong[_i]);
    ck_assert_int_eq(update(), TALLY_E_FORMAT);
    ck_assert_uint_eq(list.version, 5);
    ck_assert_uint_eq(list.serials.count, 2);
    ck_assert(gate_denylist_has_serial(&list, serial_a));
}
END_TEST

START_TEST(every_changed_byte_is_refused)
{
    take_first();
    sign("{\"operator\":1,\"version\":6,\"issued\":11,\"expires\":99,\"serials\":[],\"tids\":[]}");
    size_t n = length;
    for (size_t i = 0; i + 1 < n; i++) {
        text[i] ^= 1;
        length = n;
        ck_assert_msg(update() != TALLY_OK, "byte %zu", i);
        text[i] ^= 1;
    }
    for (size_t cut = 0; cut + 1 < n; cut++) {
        length = cut;
        ck_assert_int_ne(update(), TALLY_OK);
    }
    ck_assert_uint_eq(list.version, 5);
    length = n - 1; /* the last line's end may be missing */
    ck_assert_int_eq(update(), TALLY_OK);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("deny lists");
    TCase *c = tcase_create("denylist");
    tcase_add_checked_fixture(c, start, finish);
    tcase_add_test(c, a_list_is_taken_and_searched);
    tcase_add_test(c, only_newer_lists_are_taken);
    tcase_add_test(c, changes_follow_their_version);
    tcase_add_test(c, a_list_and_its_changes_in_one_text);
    tcase_add_loop_test(c, malformed_lists_change_nothing, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(c, every_changed_byte_is_refused);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
