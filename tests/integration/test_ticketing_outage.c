/* The ticket server without the authentication server, and daemons that are killed: nothing is lost, nothing
 * twice. */
#include "tests/support/check_main.h"
#include "tests/support/shop.h"

#include <string.h>

#include "host/ticketing/problems.h"

enum { PATH_TEXT = 160, TID_TEXT = 2 * TID_SIZE + 1 };

static void prepare(void)
{
    shop.services =
        (struct test_services){.ticketd_options = {"--retry-first-ms", "20", "--retry-max-ms", "200"}};
    if (!test_services_prepare(&shop.services))
        exit(1);
}

static void remove_all(void)
{
    if (!test_services_stop(&shop.services))
        exit(1);
}

static void start(void)
{
    ck_assert(test_authd_start(&shop.services));
    ck_assert(test_ticketd_start(&shop.services));
    test_shop_set_up("G1");
}

static void stop(void)
{
    test_shop_tear_down();
    ck_assert(test_daemon_terminate(&shop.services.ticketd));
    ck_assert(test_daemon_terminate(&shop.services.authd));
}

static json_t *order_one(char tid[TID_TEXT])
{
    json_t *order =
        test_expect(&shop.kiosk, "POST", "/v1/orders", test_order_body("G1", TEST_PRODUCT, 1), 201);
    const json_t *ticket = json_array_get(json_object_get(order, "tickets"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(ticket, "state")), "ordered");
    snprintf(tid, TID_TEXT, "%s", json_string_value(json_object_get(ticket, "tid")));
    return order;
}

/* The state of the only ticket of the order, asked for by a request. */
static void state_of(const json_t *order, const char *tid, char state[16])
{
    char path[PATH_TEXT];
    snprintf(path, sizeof path, "/v1/orders/%s", json_string_value(json_object_get(order, "order")));
    json_t *now = test_expect(&shop.kiosk, "GET", path, NULL, 200);
    const json_t *tickets = json_object_get(now, "tickets"), *ticket = json_array_get(tickets, 0);
    ck_assert_uint_eq(json_array_size(tickets), 1);
    ck_assert_str_eq(json_string_value(json_object_get(ticket, "tid")), tid);
    snprintf(state, 16, "%s", json_string_value(json_object_get(ticket, "state")));
    json_decref(now);
}

/* Asks until it is no longer "ordered": each answer is the event that leads to the next question. */
static void wait_issued(const json_t *order, const char *tid)
{
    char state[16] = "ordered";
    while (strcmp(state, "ordered") == 0)
        state_of(order, tid, state);
    ck_assert_str_eq(state, "issued");
}

START_TEST(an_order_waits_for_the_authentication_server)
{
    char tid[TID_TEXT], state[16];
    struct ticket_face face;
    ck_assert(test_daemon_terminate(&shop.services.authd));
    json_t *order = order_one(tid);
    state_of(order, tid, state);
    ck_assert_str_eq(state, "ordered");
    ck_assert(test_authd_start(&shop.services));
    wait_issued(order, tid);
    test_card_fetch(&shop.card, &shop.kiosk_authd, tid, "load", &face);
    ck_assert_uint_eq(face.sequence, 1);
    json_decref(order);
}
END_TEST

START_TEST(the_background_pass_asks_again)
{
    char tid[TID_TEXT], path[PATH_TEXT];
    int status = 0;
    ck_assert(test_daemon_terminate(&shop.services.authd));
    json_decref(order_one(tid));
    ck_assert(test_authd_start(&shop.services));
    /* Only the authentication server is asked: nobody reminds the ticket server. */
    snprintf(path, sizeof path, "/v1/tickets/%s/ciphertext", tid);
    while (status != 200)
        json_decref(test_call(&shop.kiosk_authd, "GET", path, NULL, NULL, &status, NULL));
}
END_TEST

START_TEST(changes_wait_and_change_nothing_meanwhile)
{
    char tid[TID_TEXT], path[PATH_TEXT], hex[TEST_USAGE_TEXT], state[16];
    struct ticket_face face;
    struct usage_record usage;
    json_t *order = order_one(tid);
    wait_issued(order, tid);
    test_card_fetch(&shop.card, &shop.kiosk_authd, tid, "load", &face);
    test_card_event(&shop.card, &face, NULL, EVENT_LOADED, &usage, hex);
    ck_assert(test_daemon_kill(&shop.services.authd));
    const int upstream = TALLY_PROBLEM(UPSTREAM)->code;
    snprintf(path, sizeof path, "/v1/tickets/%s/loaded", tid);
    test_refused(&shop.kiosk, "POST", path, json_pack("{s:s}", "usage", hex), upstream);
    snprintf(path, sizeof path, "/v1/tickets/%s/refund", tid);
    test_refused(&shop.kiosk, "POST", path, json_pack("{s:s}", "usage", hex), upstream);
    state_of(order, tid, state);
    ck_assert_str_eq(state, "issued");
    /* A gate's journal is taken all the same, and checked later. */
    struct usage_record inside;
    char in_hex[TEST_USAGE_TEXT];
    test_card_event(&shop.card, &face, &usage, EVENT_ENTRY, &inside, in_hex);
    json_t *entry = json_pack("{s:s, s:s, s:i, s:s}", "tid", tid, "serial", shop.card.serial_hex, "operator",
                              TEST_RAIL, "usage", in_hex);
    json_t *answer = test_expect(&shop.gate, "POST", "/v1/journal",
                                 json_pack("{s:i, s:[o]}", "gate", 7, "entries", entry), 200);
    ck_assert_int_eq(json_integer_value(json_object_get(answer, "stored")), 1);
    json_decref(answer);
    ck_assert(test_authd_start(&shop.services));
    snprintf(path, sizeof path, "/v1/tickets/%s/loaded", tid);
    int status = 0;
    while (status != 200) {
        json_t *receipt = json_pack("{s:s}", "usage", hex);
        json_decref(test_call(&shop.kiosk, "POST", path, NULL, receipt, &status, NULL));
        json_decref(receipt);
    }
    /* Once the background pass has had the entry checked, the refund is refused as stale. */
    snprintf(path, sizeof path, "/v1/tickets/%s/refund", tid);
    for (json_int_t highest = 0; highest == 0;) {
        answer = test_expect(&shop.ticketing_authd, "POST", "/v1/receipts",
                             json_pack("{s:[{s:s, s:s}]}", "receipts", "tid", tid, "usage", hex), 200);
        highest = json_integer_value(
            json_object_get(json_array_get(json_object_get(answer, "receipts"), 0), "highest_use_counter"));
        json_decref(answer);
    }
    test_refused(&shop.kiosk, "POST", path, json_pack("{s:s}", "usage", hex),
                 TICKETING_PROBLEM(RECEIPT_STALE)->code);
    json_decref(order);
}
END_TEST

START_TEST(the_ticket_server_is_killed)
{
    char tid[TID_TEXT];
    ck_assert(test_daemon_terminate(&shop.services.authd));
    json_t *order = order_one(tid);
    ck_assert(test_daemon_kill(&shop.services.ticketd));
    ck_assert(test_authd_start(&shop.services));
    ck_assert(test_ticketd_start(&shop.services));
    wait_issued(order, tid);
    json_decref(order);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("outages");
    TCase *tc = tcase_create("own daemons");
    tcase_add_unchecked_fixture(tc, prepare, remove_all);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, an_order_waits_for_the_authentication_server);
    tcase_add_test(tc, the_background_pass_asks_again);
    tcase_add_test(tc, changes_wait_and_change_nothing_meanwhile);
    tcase_add_test(tc, the_ticket_server_is_killed);
    tcase_set_timeout(tc, 120);
    suite_add_tcase(suite, tc);
    return tally_check_main(suite, NULL);
}
