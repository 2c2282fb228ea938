/* Epochs and grants of the key centre. */
#include "tests/support/check_main.h"

#include <string.h>

#include "host/ticketing/keycentre/epoch.h"
#include "host/ticketing/keycentre/policy.h"
#include "host/ticketing/keycentre/problems.h"

enum { START = 1000000, DAY = 86400, LENGTH = 30 * DAY, CARD_LENGTH = 365 * DAY, LEAD = 7 * DAY };

static const struct keycentre_epochs epochs = {START, LENGTH, CARD_LENGTH, LEAD};

START_TEST(epochs_begin_and_end)
{
    static const struct {
        int64_t now;
        int32_t epoch;
    } cases[] = {{START - 1, -1},
                 {START, 0},
                 {START + LENGTH - 1, 0},
                 {START + LENGTH, 1},
                 {START + 65535LL * LENGTH, 65535},
                 {START + 65536LL * LENGTH, -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_int_eq(keycentre_epoch_now(&epochs, IDENTITY_GATE, cases[i].now), cases[i].epoch);
    ck_assert_int_eq(keycentre_epoch_now(&epochs, IDENTITY_CARD, START + LENGTH), 0);
    ck_assert_int_eq(keycentre_epoch_now(&epochs, IDENTITY_CARD, START + CARD_LENGTH), 1);
}
END_TEST

START_TEST(keys_are_given_for_this_epoch_and_soon_for_the_next)
{
    static const struct {
        int64_t now;
        uint16_t epoch;
        bool open;
    } cases[] = {
        {START - LEAD - 1, 0, false},
        {START - LEAD, 0, true},
        {START, 0, true},
        {START, 1, false},
        {START + LENGTH - LEAD - 1, 1, false},
        {START + LENGTH - LEAD, 1, true},
        {START + LENGTH - 1, 0, true},
        {START + LENGTH, 0, false}, /* over */
        {START + LENGTH, 1, true},
        {START + LENGTH, 2, false},
        {START + 65535LL * LENGTH, 65535, true},
        {START + 65536LL * LENGTH, 65535, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(keycentre_epoch_open(&epochs, IDENTITY_AUTHD, cases[i].epoch, cases[i].now) ==
                          cases[i].open,
                      "case %zu", i);
    ck_assert(keycentre_epoch_open(&epochs, IDENTITY_CARD, 0, START + LENGTH));
    ck_assert(!keycentre_epoch_open(&epochs, IDENTITY_GATE, 0, START + LENGTH));
}
END_TEST

START_TEST(schedules_have_limits)
{
    static const struct {
        struct keycentre_epochs epochs;
        bool valid;
    } cases[] = {{{START, LENGTH, CARD_LENGTH, LEAD}, true},
                 {{0, 60, 60, 60}, true},
                 {{-1, 60, 60, 0}, false},
                 {{0, 59, 60, 0}, false},
                 {{0, 60, 59, 0}, false},
                 {{0, 60, 60, 61}, false},
                 {{0, 60, 120, 61}, false},
                 {{0, 120, 60, 61}, false},
                 {{0, 60, 60, -1}, false},
                 {{(int64_t)UINT32_MAX + 1, 60, 60, 0}, false},
                 {{0, INT64_MAX, 60, 0}, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(keycentre_epochs_valid(&cases[i].epochs) == cases[i].valid, "case %zu", i);
}
END_TEST

START_TEST(patterns_match_what_they_say)
{
    static const char *const identities[] = {"authd:0001:3",
                                             "authd:0002:3",
                                             "card:0102030405060708:3",
                                             "card:0102030405060709:3",
                                             "gate:0001:0005:0009:3",
                                             "gate:0001:0006:0009:3",
                                             "gate:0002:0005:0009:3",
                                             "gate:0001:0005:000A:3"};
    static const struct {
        const char *pattern;
        unsigned matches; /* bit i: identities[i] */
    } cases[] = {{"authd:0001", 0x01},       {"authd:*", 0x03},
                 {"card:*", 0x0c},           {"card:0102030405060708", 0x04},
                 {"gate:*:*:*", 0xf0},       {"gate:0001:*:*", 0xb0},
                 {"gate:0001:0005:*", 0x90}, {"gate:0001:0005:0009", 0x10},
                 {"gate:*:0005:0009", 0x50}, {"gate:0001:*:0009", 0x30},
                 {"gate:0000:*:*", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct keycentre_pattern pattern;
        bool good = keycentre_pattern_parse(cases[i].pattern, &pattern);
        ck_assert_msg(good == (cases[i].matches != 0), "%s", cases[i].pattern);
        for (unsigned j = 0; good && j < 8; j++) {
            struct identity identity;
            ck_assert(identity_parse(identities[j], strlen(identities[j]), &identity));
            ck_assert_msg(keycentre_pattern_matches(&pattern, &identity) ==
                              ((cases[i].matches >> j & 1) != 0),
                          "%s %s", cases[i].pattern, identities[j]);
        }
    }
}
END_TEST

START_TEST(other_patterns_are_refused)
{
    static const char *const bad[] = {
        "",
        "*",
        ":",
        "authd",
        "authd:",
        "authd:1",
        "authd:00001",
        "authd:000a",
        "authd:0001:3",
        "authd:0001:",
        "authd:**",
        "authd:*:*",
        "card",
        "card:",
        "card:01",
        "card:*:1",
        "card:* ",
        "gate:*",
        "gate:*:*",
        "gate:*:*:*:*",
        "gate:0001:0002:0003:4",
        "gate:0001::0003",
        "gate:0001:*:",
        "Gate:*:*:*",
        "gat:*:*:*",
        "kiosk:*",
        " card:*",
        "card:010203040506070g",
        "gate:0001:00*:0003",
        "card:0000000000000000000000000000000000000000000000000000000000000000"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct keycentre_pattern pattern;
        ck_assert_msg(!keycentre_pattern_parse(bad[i], &pattern), "%s", bad[i]);
    }
}
END_TEST

START_TEST(holders_are_identities_without_epoch)
{
    struct identity identity;
    char holder[KEYCENTRE_HOLDER_MAX + 1];
    ck_assert(identity_parse("gate:0001:0005:0009:65535", 25, &identity));
    keycentre_holder_print(&identity, holder);
    ck_assert_str_eq(holder, "gate:0001:0005:0009");
    ck_assert(keycentre_holder_valid(holder));
    ck_assert(!keycentre_holder_valid("gate:0001:0005:*"));
    ck_assert(!keycentre_holder_valid("gate:0001:0005:0009:3"));
}
END_TEST

START_TEST(the_spec_lists_the_problems)
{
    static char text[65536];
    char line[256];
    FILE *file = fopen(TALLY_SPECS "/keycentre.md", "re");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    for (size_t i = 0; i < KEYCENTRE_PROBLEM_COUNT; i++) {
        const struct tally_problem *p = &keycentre_problems[i];
        snprintf(line, sizeof line, "| %d | %d | %s | %s |", p->code, p->status, p->name, p->title);
        ck_assert_msg(strstr(text, line) != NULL, "keycentre.md lacks: %s", line);
        ck_assert(p->code >= 1100 && p->code <= 1149);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keycentre policy");
    TCase *c = tcase_create("policy");
    tcase_add_test(c, epochs_begin_and_end);
    tcase_add_test(c, keys_are_given_for_this_epoch_and_soon_for_the_next);
    tcase_add_test(c, schedules_have_limits);
    tcase_add_test(c, patterns_match_what_they_say);
    tcase_add_test(c, other_patterns_are_refused);
    tcase_add_test(c, holders_are_identities_without_epoch);
    tcase_add_test(c, the_spec_lists_the_problems);
    suite_add_tcase(suite, c);
    return tally_check_main(suite, NULL);
}
