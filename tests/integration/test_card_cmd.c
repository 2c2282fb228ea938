/* tally-card as a process, with real cards at a real pcscd and the authentication server over HTTP:
 * personalisation, the issuer's and the operators' work, PINs. */
#include <string.h>

#include "tests/support/check_main.h"
#include "tests/support/chosen_card.h"
#include "tests/support/tools_world.h"

static struct tools_world w;

#define BUY "buy --operator 1 --product 10 --date " TOOLS_DATE

static void start_shared(void)
{
    tools_start(&w);
}

static void stop_shared(void)
{
    tools_stop(&w);
}

static void enter(void)
{
    tools_enter(&w);
    tools_insert(&w, 0, NULL, NULL);
}

static void enter_personalised(void)
{
    enter();
    tools_personalise(&w, 0, "1", false);
}

static void leave(void)
{
    tools_leave(&w);
}

static bool says(const char *text)
{
    return strstr(w.out, text) != NULL || strstr(w.err, text) != NULL;
}

static void expect_tickets(size_t want)
{
    size_t n;
    json_decref(tools_tickets(&w, 0, &n));
    ck_assert_uint_eq(n, want);
}

START_TEST(pins)
{
    tools_expect(&w, 1, "card", 0, "tickets --pin 999999");
    ck_assert(says("4 tries left"));
    tools_expect(&w, 0, "card", 0, "pin status");
    ck_assert(says("4 tries left"));
    tools_expect(&w, 0, "card", 0, "pin change --pin " TOOLS_PIN " --new-pin 1357");
    tools_expect(&w, 1, "card", 0, "tickets --pin " TOOLS_PIN);
    for (int i = 0; i < 5; i++)
        (void)tools_run(&w, "card", 0, "tickets --pin 0000");
    tools_expect(&w, 1, "card", 0, "tickets --pin 1357");
    ck_assert(says("blocked"));
    tools_expect(&w, 0, "card", 0, "pin reset --new-pin " TOOLS_PIN);
    tools_expect(&w, 0, "card", 0, "-v tickets --pin " TOOLS_PIN);
    ck_assert(strstr(w.err, "A>> 0020008106............") != NULL);
    ck_assert_ptr_null(strstr(w.err, "323436383130"));
}
END_TEST

START_TEST(blocking)
{
    static const char *const as_admin = "--party admin --party-key ../admin.pem --pin " TOOLS_PIN;
    char serial[17];
    tools_expect(&w, 0, "card", 0, "block %s --reason lost", as_admin);
    tools_expect(&w, 0, "card", 0, "info");
    ck_assert(says("blocked"));
    tools_expect(&w, 1, "card", 0, "tickets --pin " TOOLS_PIN);
    tools_expect(&w, 0, "card", 0, "unblock %s", as_admin);
    tools_expect(&w, 0, "kiosk", 0, BUY " --service " TOOLS_RAIL);
    tools_expect(&w, 0, "card", 0, "info --json --pin " TOOLS_PIN);
    json_t *o = tools_json(&w);
    snprintf(serial, sizeof serial, "%s", json_string_value(json_object_get(o, "serial")));
    json_decref(o);
    tools_expect(&w, 0, "card", 0, "block %s --serial %s", as_admin, serial);
    tools_expect(&w, 1, "kiosk", 0, BUY " --service " TOOLS_RAIL);
    expect_tickets(1);
    ck_assert_uint_eq(tools_jobs(&w), 0);
}
END_TEST

START_TEST(operators_come_and_go)
{
    tools_expect(&w, 0, "card", 0, "operators update --pin " TOOLS_PIN " --json");
    json_t *list = tools_json(&w);
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(list, 0), "package_version")), 2);
    json_decref(list);
    tools_expect(&w, 2, "card", 0, "operators remove --pin " TOOLS_PIN);
    tools_expect(&w, 0, "card", 0, "operators remove --operators 1 --pin " TOOLS_PIN " --json");
    ck_assert(says("removed"));
    tools_expect(&w, 1, "kiosk", 0, BUY " --service " TOOLS_RAIL);
    tools_expect(&w, 0, "card", 0, "operators update --operators 1 --pin " TOOLS_PIN);
    tools_expect(&w, 0, "kiosk", 0, BUY " --service " TOOLS_RAIL);
    tools_expect(&w, 0, "card", 0, "dump --json --pin " TOOLS_PIN);
    ck_assert(says("\"kem_key\""));
}
END_TEST

/* A personalisation torn at any command is finished by the same command. */
START_TEST(personalisation_is_resumed)
{
    char at[16];
    snprintf(at, sizeof at, "%d", 2 + 3 * _i);
    tools_remove(&w, 0);
    tools_insert(&w, 0, _i % 2 == 0 ? "--drop-answer-at" : "--drop-at-apdu", at);
    tools_expect(&w, 5, "card", 0, "personalise --pin " TOOLS_PIN " --operators 1 --rsa=false");
    tools_expect(&w, 0, "card", 0, "personalise --pin " TOOLS_PIN " --operators 1 --rsa=false");
    tools_expect(&w, 0, "kiosk", 0, BUY " --service " TOOLS_RAIL);
}
END_TEST

int main(void)
{
    if (!chosen_available())
        return CARD_SKIPPED;
    Suite *s = suite_create("tally-card");
    TCase *b = tcase_create("blank"), *c = tcase_create("personalised");
    tcase_add_unchecked_fixture(b, start_shared, stop_shared);
    tcase_add_checked_fixture(b, enter, leave);
    tcase_add_loop_test(b, personalisation_is_resumed, 0, 4);
    tcase_set_timeout(b, 200);
    suite_add_tcase(s, b);
    tcase_add_unchecked_fixture(c, start_shared, stop_shared);
    tcase_add_checked_fixture(c, enter_personalised, leave);
    tcase_add_test(c, pins);
    tcase_add_test(c, blocking);
    tcase_add_test(c, operators_come_and_go);
    tcase_set_timeout(c, 200);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
