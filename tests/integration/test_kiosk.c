/* tally-kiosk as a process, with real cards at a real pcscd and both daemons over HTTP. */
#include <string.h>
#include <sys/stat.h>

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

/* For tests that end the daemons. */
static void start_alone(void)
{
    tools_start(&w);
    tools_insert(&w, 0, NULL, NULL);
    tools_personalise(&w, 0, "1", false);
}

static void stop_alone(void)
{
    tools_leave(&w);
    tools_stop(&w);
}

static bool says(const char *text)
{
    return strstr(w.out, text) != NULL || strstr(w.err, text) != NULL;
}

/* The state of a ticket at the ticket server. */
static void expect_state(const char *tid, const char *state)
{
    char path[64];
    snprintf(path, sizeof path, "/v1/tickets/%s", tid);
    tools_get(&w, false, path);
    json_t *o = tools_json(&w);
    ck_assert_str_eq(json_string_value(json_object_get(o, "state")), state);
    json_decref(o);
}

static void expect_tickets(size_t want)
{
    size_t n;
    json_decref(tools_tickets(&w, 0, &n));
    ck_assert_uint_eq(n, want);
}

START_TEST(both_operators_in_a_tickets_whole_life)
{
    char rail[33], park[33], other[33];
    tools_personalise(&w, 0, "1,2", true);
    tools_expect(&w, 0, "card", 0, "info --json --pin " TOOLS_PIN);
    ck_assert(says("\"life_cycle\":\"personalised\""));
    tools_expect(&w, 0, "kiosk", 0, "products");
    ck_assert(says("Park, a day"));
    tools_expect(&w, 0, "kiosk", 0, BUY " --service " TOOLS_RAIL " --holder passport:E1234567");
    ck_assert(says("Bought"));
    ck_assert(!says("E1234567"));
    tools_expect(&w, 0, "kiosk", 0,
                 "buy --operator 2 --product 20 --service " TOOLS_PARK " --date " TOOLS_DATE);
    ck_assert_uint_eq(tools_jobs(&w), 0);
    expect_tickets(2);
    tools_tid(&w, 0, TOOLS_PARK, park);
    tools_tid(&w, 0, TOOLS_RAIL, rail);
    expect_state(rail, "loaded");
    expect_state(park, "loaded");
    tools_expect(&w, 2, "kiosk", 0, "exchange --tid %s --service " TOOLS_RAIL2 " --holder id:X1", rail);
    tools_expect(&w, 0, "kiosk", 0, "exchange --tid %s --service " TOOLS_RAIL2 " --holder passport:E1234567",
                 rail);
    expect_state(rail, "exchanged");
    expect_tickets(2);
    tools_expect(&w, 0, "card", 0, "tickets --json --service " TOOLS_RAIL2 " --pin " TOOLS_PIN);
    ck_assert(!says(TOOLS_PARK));
    tools_tid(&w, 0, TOOLS_RAIL2, other);
    tools_expect(&w, 0, "kiosk", 0, "refund --tid %s", other);
    ck_assert(says("50.00 CNY"));
    expect_state(other, "refunded");
    tools_expect(&w, 0, "kiosk", 0, "refund --tid %s", park);
    expect_tickets(0);
}
END_TEST

/* One tap with a kit that tally-authd made. */
static void expect_tap(int operator_id, const char *options, int status, const char *reason)
{
    tools_expect(&w, status, "gate", 0,
                 "--kit ../gate%d --state gate%d --ticketd %s --authd %s --once --station-rule entry %s",
                 operator_id, operator_id, w.services.ticketd.url, w.services.authd.url, options);
    ck_assert_msg(says(reason), "%s%s", w.out, w.err);
}

static void exchange_with_servers(void)
{
    tools_expect(&w, 0, "gate", 0, "upload --kit ../gate1 --state gate1 --ticketd %s --authd %s --json",
                 w.services.ticketd.url, w.services.authd.url);
}

START_TEST(a_sale_a_visit_and_a_blocked_card)
{
    char serial[17], body[256];
    tools_personalise(&w, 0, "1,2", true);
    tools_expect(&w, 0, "kiosk", 0, "buy --operator 1 --product 10 --service " TOOLS_RAIL " --date %s",
                 w.today);
    tools_expect(&w, 0, "kiosk", 0, "buy --operator 2 --product 20 --service " TOOLS_PARK " --date %s",
                 w.today);
    expect_tap(1, "--event entry", 0, "OPEN 0 accepted: entry;");
    expect_tap(1, "--event entry", 1, "already-inside");
    expect_tap(1, "--event exit --mode p256", 0, "OPEN 0 accepted: exit;");
    expect_tap(2, "--event entry", 0, "OPEN 0 accepted: entry;");
    expect_tap(2, "--event temporary-exit --mode rsa", 0, "OPEN 0 accepted: temporary-exit;");
    exchange_with_servers();
    ck_assert_msg(says("\"sent\":2,\"backlog\":0"), "%s%s", w.out, w.err);
    exchange_with_servers();
    ck_assert(says("\"sent\":0"));
    tools_expect(&w, 0, "card", 0, "info --json --pin " TOOLS_PIN);
    json_t *o = tools_json(&w);
    snprintf(serial, sizeof serial, "%s", json_string_value(json_object_get(o, "serial")));
    json_decref(o);
    snprintf(body, sizeof body, "block --party admin --party-key ../admin.pem --serial %s", serial);
    tools_expect(&w, 0, "card", 0, "%s", body);
    exchange_with_servers();
    expect_tap(1, "--event entry", 1, "STOP 50 card-denied");
    tools_expect(&w, 0, "gate", 0, "verify-journal --state gate1");
}
END_TEST

START_TEST(several_tickets_at_once_and_a_full_order)
{
    tools_expect(&w, 0, "kiosk", 0, BUY " --service " TOOLS_RAIL " --quantity 3 --json");
    json_t *o = tools_json(&w);
    ck_assert_uint_eq(json_array_size(json_object_get(o, "tickets")), 3);
    ck_assert_int_eq(json_integer_value(json_object_get(o, "total")), 15000);
    json_decref(o);
    expect_tickets(3);
    tools_expect(&w, 2, "kiosk", 0, BUY " --service " TOOLS_RAIL " --quantity 9");
    tools_expect(&w, 1, "kiosk", 0, BUY " --service NONE");
    tools_expect(&w, 1, "kiosk", 0,
                 "buy --operator 2 --product 20 --date " TOOLS_DATE " --service " TOOLS_PARK);
    ck_assert(says("does not know operator 2"));
    ck_assert_uint_eq(tools_jobs(&w), 0);
}
END_TEST

START_TEST(what_a_product_does_not_allow_is_refused)
{
    char tid[33];
    tools_expect(&w, 0, "kiosk", 0,
                 "buy --operator 1 --product 11 --date " TOOLS_DATE " --service " TOOLS_RAIL);
    tools_tid(&w, 0, TOOLS_RAIL, tid);
    tools_expect(&w, 1, "kiosk", 0, "refund --tid %s", tid);
    tools_expect(&w, 1, "kiosk", 0, "exchange --tid %s --service " TOOLS_RAIL2, tid);
    tools_expect(&w, 1, "kiosk", 0, "refund --tid %032d", 0);
    ck_assert(says("no such ticket"));
    ck_assert_uint_eq(tools_jobs(&w), 0);
    expect_tickets(1);
}
END_TEST

/* Commands of a purchase: SELECT, PIN, status, operators, LOAD (fifth), and READs for the receipt, which is
 * printed when all is done: without the card it is shorter. */
static const struct {
    const char *fault, *at;
    int status;
    unsigned jobs;
} losses[] = {
    {"--drop-at-apdu", "1", 5, 0}, {"--drop-answer-at", "2", 5, 0}, {"--drop-at-apdu", "4", 5, 0},
    {"--drop-at-apdu", "5", 5, 1}, {"--drop-answer-at", "5", 5, 1}, {"--drop-at-apdu", "6", 0, 0},
};

START_TEST(a_card_taken_away_during_a_purchase)
{
    char tid[33];
    tools_remove(&w, 0);
    tools_insert(&w, 0, losses[_i].fault, losses[_i].at);
    tools_expect(&w, losses[_i].status, "kiosk", 0, BUY " --service " TOOLS_RAIL);
    ck_assert_uint_eq(tools_jobs(&w), losses[_i].jobs);
    if (losses[_i].jobs > 0) {
        ck_assert(says("tally-kiosk resume"));
        tools_expect(&w, 0, "kiosk", 0, "resume");
        ck_assert(says("1 finished"));
        ck_assert_uint_eq(tools_jobs(&w), 0);
    } else if (losses[_i].status != 0) {
        expect_tickets(0);
        return;
    }
    expect_tickets(1);
    tools_tid(&w, 0, TOOLS_RAIL, tid);
    expect_state(tid, "loaded");
    tools_expect(&w, 0, "kiosk", 0, "resume");
    ck_assert(says("0 finished"));
    expect_tickets(1);
}
END_TEST

/* Commands of an exchange: SELECT, PIN, status, READ, READ (no more), EXCHANGE (sixth). */
START_TEST(a_card_taken_away_during_exchange)
{
    char tid[33];
    tools_expect(&w, 0, "kiosk", 0, BUY " --service " TOOLS_RAIL);
    tools_tid(&w, 0, TOOLS_RAIL, tid);
    tools_remove(&w, 0);
    tools_insert(&w, 0, _i == 0 ? "--drop-at-apdu" : "--drop-answer-at", "6");
    tools_expect(&w, 5, "kiosk", 0, "exchange --tid %s --service " TOOLS_RAIL2, tid);
    expect_state(tid, "exchanging");
    tools_expect(&w, 0, "kiosk", 0, "resume");
    expect_state(tid, "exchanged");
    expect_tickets(1);
    ck_assert_uint_eq(tools_jobs(&w), 0);
}
END_TEST

START_TEST(an_exchange_overtaken_by_a_gate_is_begun_anew)
{
    char tid[33];
    tools_expect(&w, 0, "kiosk", 0, "buy --operator 1 --product 10 --service " TOOLS_RAIL " --date %s",
                 w.today);
    tools_tid(&w, 0, TOOLS_RAIL, tid);
    tools_remove(&w, 0);
    tools_insert(&w, 0, "--drop-at-apdu", "6");
    tools_expect(&w, 5, "kiosk", 0, "exchange --tid %s --service " TOOLS_RAIL2 " --date " TOOLS_DATE, tid);
    for (int i = 0; i < 2; i++)
        tools_expect(&w, 0, "gate", 0,
                     "--kit ../gate1 --state gate1 --once --station-rule free --event auto");
    tools_expect(&w, 1, "kiosk", 0, "resume");
    ck_assert_msg(says("6985"), "%s%s", w.out, w.err);
    ck_assert_uint_eq(tools_jobs(&w), 0);
    expect_tickets(1);
    tools_expect(&w, 0, "kiosk", 0, "exchange --tid %s --service " TOOLS_RAIL2 " --date " TOOLS_DATE, tid);
    expect_state(tid, "exchanged");
    expect_tickets(1);
}
END_TEST

START_TEST(servers_that_are_down)
{
    struct stat file;
    char path[TEST_PATH_MAX];
    ck_assert(test_daemon_kill(&w.services.ticketd));
    tools_expect(&w, 8, "kiosk", 0, BUY " --service " TOOLS_RAIL " --holder id:11010519491231002X");
    ck_assert_uint_eq(tools_jobs(&w), 1);
    snprintf(path, sizeof path, "%.200s/kiosk-state", w.folder);
    ck_assert_int_eq(stat(path, &file), 0);
    ck_assert_uint_eq(file.st_mode & 0777, 0700);
    ck_assert(test_ticketd_start(&w.services));
    ck_assert(test_daemon_kill(&w.services.authd));
    tools_expect(&w, 8, "kiosk", 0, "resume --patience 0");
    expect_tickets(0);
    ck_assert(test_authd_start(&w.services));
    tools_expect(&w, 0, "kiosk", 0, "resume --patience 60");
    expect_tickets(1);
    ck_assert_uint_eq(tools_jobs(&w), 0);
}
END_TEST

START_TEST(work_for_another_card_waits_for_it)
{
    tools_insert(&w, 1, NULL, NULL);
    tools_personalise(&w, 1, "1", false);
    tools_remove(&w, 0);
    tools_insert(&w, 0, "--drop-at-apdu", "5");
    tools_expect(&w, 5, "kiosk", 0, BUY " --service " TOOLS_RAIL);
    tools_expect(&w, 0, "kiosk", 1, "resume");
    ck_assert(says("0 finished, 1 for other cards"));
    ck_assert_uint_eq(tools_jobs(&w), 1);
    tools_expect(&w, 0, "kiosk", 0, "resume");
    ck_assert_uint_eq(tools_jobs(&w), 0);
}
END_TEST

START_TEST(a_ciphertext_is_for_one_card)
{
    char tid[33], path[TEST_PATH_MAX];
    tools_insert(&w, 1, NULL, NULL);
    tools_personalise(&w, 1, "1", false);
    tools_expect(&w, 0, "kiosk", 0, BUY " --service " TOOLS_RAIL);
    tools_tid(&w, 0, TOOLS_RAIL, tid);
    snprintf(path, sizeof path, "/v1/tickets/%s/ciphertext", tid);
    tools_get(&w, true, path);
    json_t *o = tools_json(&w);
    snprintf(path, sizeof path, "%.200s/ciphertext", w.folder);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "%s\n", json_string_value(json_object_get(o, "ciphertext")));
    fclose(f);
    json_decref(o);
    tools_expect(&w, 6, "kiosk", 1, "load --ciphertext ciphertext");
    ck_assert(says("6988"));
    tools_expect(&w, 1, "kiosk", 0, "load --ciphertext ciphertext");
    ck_assert(says("6A89"));
}
END_TEST

int main(void)
{
    if (!chosen_available())
        return CARD_SKIPPED;
    Suite *s = suite_create("tally-kiosk");
    TCase *b = tcase_create("blank"), *c = tcase_create("personalised"), *d = tcase_create("outage");
    tcase_add_unchecked_fixture(b, start_shared, stop_shared);
    tcase_add_checked_fixture(b, enter, leave);
    tcase_add_test(b, both_operators_in_a_tickets_whole_life);
    tcase_add_test(b, a_sale_a_visit_and_a_blocked_card);
    tcase_set_timeout(b, 200);
    suite_add_tcase(s, b);
    tcase_add_unchecked_fixture(c, start_shared, stop_shared);
    tcase_add_checked_fixture(c, enter_personalised, leave);
    tcase_add_test(c, several_tickets_at_once_and_a_full_order);
    tcase_add_test(c, what_a_product_does_not_allow_is_refused);
    tcase_add_loop_test(c, a_card_taken_away_during_a_purchase, 0, sizeof losses / sizeof *losses);
    tcase_add_loop_test(c, a_card_taken_away_during_exchange, 0, 2);
    tcase_add_test(c, an_exchange_overtaken_by_a_gate_is_begun_anew);
    tcase_add_test(c, work_for_another_card_waits_for_it);
    tcase_add_test(c, a_ciphertext_is_for_one_card);
    tcase_set_timeout(c, 200);
    suite_add_tcase(s, c);
    tcase_add_checked_fixture(d, start_alone, stop_alone);
    tcase_add_test(d, servers_that_are_down);
    tcase_set_timeout(d, 200);
    suite_add_tcase(s, d);
    return tally_check_main(s, NULL);
}
