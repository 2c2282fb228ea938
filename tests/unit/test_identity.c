/* Identities of suite SM9: one spelling each, and nothing else is read. */
#include <string.h>

#include "card/wire/identity.h"
#include "tests/support/check_main.h"

static const struct identity authd = {.scheme = IDENTITY_AUTHD, .operator_id = 0x12AB, .epoch = 0};
static const struct identity card = {
    .scheme = IDENTITY_CARD, .serial = {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF}, .epoch = 7};
static const struct identity gate = {
    .scheme = IDENTITY_GATE, .operator_id = 1, .gate = 0xFFFE0010, .epoch = 65535};

static void prints_and_parses(const struct identity *identity, const char *text)
{
    char out[IDENTITY_MAX + 1];
    struct identity back;
    ck_assert_uint_eq(identity_print(identity, out), strlen(text));
    ck_assert_str_eq(out, text);
    ck_assert(identity_parse(text, strlen(text), &back));
    ck_assert_int_eq(back.scheme, identity->scheme);
    ck_assert_uint_eq(back.operator_id, identity->operator_id);
    ck_assert_uint_eq(back.gate, identity->gate);
    ck_assert_mem_eq(back.serial, identity->serial, SERIAL_SIZE);
    ck_assert_uint_eq(back.epoch, identity->epoch);
}

START_TEST(each_scheme_has_one_spelling)
{
    prints_and_parses(&authd, "authd:12AB:0");
    prints_and_parses(&card, "card:0123456789ABCDEF:7");
    prints_and_parses(&gate, "gate:0001:FFFE:0010:65535");
}
END_TEST

START_TEST(what_is_no_identity_is_not_printed)
{
    char out[IDENTITY_MAX + 1];
    struct identity bad = gate;
    bad.operator_id = 0;
    ck_assert_uint_eq(identity_print(&bad, out), 0);
    ck_assert_str_eq(out, "");
    bad = authd;
    bad.scheme = (enum identity_scheme)4;
    ck_assert_uint_eq(identity_print(&bad, out), 0);
    bad.scheme = (enum identity_scheme)0;
    ck_assert_uint_eq(identity_print(&bad, out), 0);
}
END_TEST

static const char *const refused[] = {"",
                                      "a",
                                      "authd",
                                      "authd:",
                                      "authd:12AB",
                                      "authd:12AB:",
                                      "authd:12ab:0",
                                      "authd:12AB:00",
                                      "authd:12AB:01",
                                      "authd:12AB:65536",
                                      "authd:12AB:99999",
                                      "authd:12AB:100000",
                                      "authd:12AB:1 ",
                                      "authd:12AB:-1",
                                      "authd:12AB:+1",
                                      " authd:12AB:1",
                                      "Authd:12AB:1",
                                      "authd:0000:1",
                                      "authd:2AB:1",
                                      "authd:012AB:1",
                                      "authd:12AG:1",
                                      "authd:12A@:1",
                                      "authd:12AB;1",
                                      "card:0123456789ABCDE:7",
                                      "card:0123456789ABCDEF0:7",
                                      "card:0123456789ABCDEF",
                                      "card:0123456789abcdef:7",
                                      "card:0123456789ABCDEF:7:",
                                      "gate:0001:FFFE:0010",
                                      "gate:0001:FFFE:1",
                                      "gate:0000:FFFE:0010:1",
                                      "gate:0001:FFFE:10:1",
                                      "gate:0001:FFFE0010:1",
                                      "gate:0001:FFFE-0010:1",
                                      "host:0001:1"};

START_TEST(any_other_text_is_refused)
{
    struct identity identity;
    static const struct identity zero;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        memset(&identity, 0xff, sizeof identity);
        ck_assert_msg(!identity_parse(refused[i], strlen(refused[i]), &identity), "%s", refused[i]);
        ck_assert_int_eq(identity.scheme, zero.scheme);
        ck_assert_uint_eq(identity.operator_id, 0);
        ck_assert_mem_eq(identity.serial, zero.serial, SERIAL_SIZE);
    }
    ck_assert(!identity_parse("authd:12AB:1\0", 13, &identity));
}
END_TEST

/* Whatever is read prints as it was read: no two texts name one holder. */
START_TEST(every_byte_counts)
{
    static const char text[] = "gate:00A1:FFFE:0010:65535";
    char changed[sizeof text], out[IDENTITY_MAX + 1];
    struct identity identity;
    for (size_t at = 0; at < sizeof text - 1; at++)
        for (int c = 0; c < 256; c++) {
            memcpy(changed, text, sizeof text);
            changed[at] = (char)c;
            if (!identity_parse(changed, sizeof text - 1, &identity))
                continue;
            identity_print(&identity, out);
            ck_assert_mem_eq(out, changed, sizeof text - 1);
        }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("identity");
    TCase *tc = tcase_create("identity");
    tcase_add_test(tc, each_scheme_has_one_spelling);
    tcase_add_test(tc, what_is_no_identity_is_not_printed);
    tcase_add_test(tc, any_other_text_is_refused);
    tcase_add_test(tc, every_byte_counts);
    suite_add_tcase(s, tc);
    return tally_check_main(s, NULL);
}
