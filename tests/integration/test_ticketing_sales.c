/* Both daemons over real HTTP: orders, seats, receipts, journals, with cards of paper. */
#include "tests/support/check_main.h"
#include "tests/support/shop.h"
#include "tests/support/services_pg.h"

#include <pthread.h>
#include <string.h>

#include "host/crypto/ticket_crypto.h"
#include "host/ticketing/problems.h"

#define CODE(id) (TICKETING_PROBLEM(id)->code)

static void start_shared(void)
{
    if (!test_services_start(&shop.services))
        exit(1);
}

static void stop_shared(void)
{
    if (!test_services_stop(&shop.services))
        exit(1);
}

START_TEST(bought_issued_loaded)
{
    test_shop_set_up("G1");
    uint8_t hash[HOLDER_HASH_SIZE];
    struct ticket_face face;
    json_t *body = test_order_body("G1", 3, 2);
    test_refused(&shop.kiosk, "POST", "/v1/orders", json_incref(body), CODE(HOLDER_NEEDED));
    json_object_set_new(body, "holder",
                        json_pack("{s:i, s:s}", "document", 1, "number", "110105 19491231 002x"));
    json_t *order = test_expect(&shop.kiosk, "POST", "/v1/orders", body, 201);
    ck_assert_int_eq(test_number(order, "total"), 2000);
    ck_assert_int_eq(test_number(order, "currency"), 156);
    json_t *after = test_get_order(order);
    const json_t *tickets = json_object_get(after, "tickets"), *ticket;
    ck_assert_uint_eq(json_array_size(tickets), 2);
    size_t i;
    json_array_foreach(tickets, i, ticket)
    {
        const char *tid = test_text(ticket, "tid");
        ck_assert_str_eq(test_text(ticket, "state"), "issued");
        test_card_fetch(&shop.card, &shop.kiosk_authd, tid, "load", &face);
        ck_assert_uint_eq(face.sequence, i + 1);
        ck_assert_int_eq(face.coach, test_number(ticket, "coach"));
        ck_assert_mem_eq(face.seat, test_text(ticket, "seat"), SEAT_SIZE);
        ck_assert_uint_eq(face.flags, FACE_HOLDER_BOUND);
        ck_assert_int_eq(tally_holder_hash(face.tid, 1, "11010519491231002X", hash), TALLY_OK);
        ck_assert_mem_eq(face.holder_hash, hash, sizeof hash);
        ck_assert_uint_eq(face.fare_class, 2);
        ck_assert_uint_eq(face.point_of_sale, 5);
        /* Loading is believed only with the card's receipt, and another ticket's is none. */
        struct usage_record usage;
        char hex[TEST_USAGE_TEXT];
        test_card_event(&shop.card, &face, NULL, EVENT_LOADED, &usage, hex);
        hex[0] = '1', hex[1] = '0';
        test_refused(&shop.kiosk, "POST", test_ticket_path(tid, "loaded"), json_pack("{s:s}", "usage", hex),
                     CODE(RECEIPT_INVALID));
        test_expect_state(tid, "issued");
        hex[0] = '0', hex[1] = '1';
        json_decref(test_expect(&shop.kiosk, "POST", test_ticket_path(tid, "loaded"),
                                json_pack("{s:s}", "usage", hex), 200));
        json_decref(test_expect(&shop.kiosk, "POST", test_ticket_path(tid, "loaded"),
                                json_pack("{s:s}", "usage", hex), 200));
        test_expect_state(tid, "loaded");
    }
    ck_assert_int_eq(test_free_seats("G1"), 18);
    json_decref(order);
    json_decref(after);
    test_shop_tear_down();
}
END_TEST

START_TEST(the_same_order_twice_is_one)
{
    test_shop_set_up("G2");
    int status;
    char key[40];
    snprintf(key, sizeof key, "order-%s", shop.card.serial_hex);
    json_t *body = test_order_body("G2", 1, 1);
    json_t *first = test_call(&shop.kiosk, "POST", "/v1/orders", key, body, &status, NULL);
    json_t *second = test_call(&shop.kiosk, "POST", "/v1/orders", key, body, &status, NULL);
    ck_assert_int_eq(status, 201);
    ck_assert(json_equal(first, second));
    ck_assert_int_eq(test_free_seats("G2"), 19);
    json_object_set_new(body, "quantity", json_integer(2));
    int problem;
    json_decref(test_call(&shop.kiosk, "POST", "/v1/orders", key, body, &status, &problem));
    ck_assert_int_eq(problem, TALLY_PROBLEM(IDEMPOTENCY_REUSED)->code);
    json_decref(first);
    json_decref(second);
    json_decref(body);
    test_shop_tear_down();
}
END_TEST

START_TEST(a_refused_ticket_gives_its_seat_back)
{
    test_shop_set_up("G7");
    struct test_card stranger;
    test_card_make(&stranger, false);
    json_t *body = test_order_body("G7", 1, 2);
    json_object_set_new(body, "serial", json_string(stranger.serial_hex));
    json_t *order = test_expect(&shop.kiosk, "POST", "/v1/orders", body, 201);
    ck_assert_int_eq(test_free_seats("G7"), 18);
    json_t *after = test_get_order(order);
    const json_t *ticket = json_array_get(json_object_get(after, "tickets"), 1);
    ck_assert_str_eq(test_text(ticket, "state"), "cancelled");
    ck_assert_str_eq(test_text(ticket, "problem"), "card-unknown");
    ck_assert_int_eq(test_free_seats("G7"), 20);
    json_decref(order);
    json_decref(after);
    test_card_free(&stranger);
    test_shop_tear_down();
}
END_TEST

START_TEST(a_withdrawn_ticket_is_blocked)
{
    test_shop_set_up("G8");
    json_t *order = test_expect(&shop.kiosk, "POST", "/v1/orders", test_order_body("G8", 1, 1), 201),
           *after = test_get_order(order);
    const char *tid = test_text(json_array_get(json_object_get(after, "tickets"), 0), "tid");
    json_t *reason = json_pack("{s:s}", "reason", "not paid");
    test_refused(&shop.kiosk, "POST", test_ticket_path(tid, "cancel"), json_incref(reason),
                 TALLY_PROBLEM(ROLE_NOT_ALLOWED)->code);
    json_decref(test_expect(&shop.admin, "POST", test_ticket_path(tid, "cancel"), reason, 200));
    test_expect_state(tid, "cancelled");
    ck_assert_int_eq(test_free_seats("G8"), 20);
    /* The background pass tells the authentication server. */
    int problem = 0;
    while (problem == 0)
        json_decref(test_call(&shop.kiosk_authd, "GET", test_ticket_path(tid, "ciphertext"), NULL, NULL, NULL,
                              &problem));
    ck_assert_int_eq(problem, CODE(TICKET_BLOCKED));
    json_decref(order);
    json_decref(after);
    test_shop_tear_down();
}
END_TEST

enum { KIOSKS = 6, ORDERS = 5 };

struct seller {
    int sold;
    char seats[ORDERS * 2][16];
};

static void *sell(void *arg)
{
    struct seller *seller = arg;
    struct test_caller caller;
    test_caller_open(&caller, &shop.services, TEST_KIOSK, TO_TICKETD);
    for (int i = 0; i < ORDERS; i++) {
        int status;
        json_t *body = test_order_body("G9", 1, 2);
        json_t *order = test_call(&caller, "POST", "/v1/orders", NULL, body, &status, NULL);
        for (size_t t = 0; status == 201 && t < 2; t++) {
            const json_t *ticket = json_array_get(json_object_get(order, "tickets"), t);
            snprintf(seller->seats[seller->sold++], sizeof seller->seats[0], "%d/%s",
                     (int)json_integer_value(json_object_get(ticket, "coach")),
                     json_string_value(json_object_get(ticket, "seat")));
        }
        json_decref(body);
        json_decref(order);
    }
    test_caller_close(&caller);
    return NULL;
}

START_TEST(no_seat_is_sold_twice)
{
    static struct seller sellers[KIOSKS];
    pthread_t threads[KIOSKS];
    const char *all[KIOSKS * ORDERS * 2];
    int sold = 0;
    test_shop_set_up("G9");
    test_put_service("G9", 3, 7, 200);
    for (size_t i = 0; i < KIOSKS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, sell, &sellers[i]), 0);
    for (size_t i = 0; i < KIOSKS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < KIOSKS; i++)
        for (int t = 0; t < sellers[i].sold; t++)
            all[sold++] = sellers[i].seats[t];
    /* 21 seats: ten orders of two, and one seat that no order of two gets. */
    ck_assert_int_eq(sold, 20);
    ck_assert_int_eq(test_free_seats("G9"), 1);
    for (int i = 0; i < sold; i++)
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(all[i], all[j]);
    test_refused(&shop.kiosk, "POST", "/v1/orders", test_order_body("G9", 1, 2), CODE(SOLD_OUT));
    /* Seats that were given out neither vanish nor change their names. */
    test_put_service("G9", 2, 7, 409);
    test_put_service("G9", 3, 8, 409);
    test_put_service("G9", 4, 7, 200);
    ck_assert_int_eq(test_free_seats("G9"), 8);
    test_shop_tear_down();
}
END_TEST

START_TEST(bad_orders_change_nothing)
{
    test_shop_set_up("G10");
    static const struct {
        const char *name;
        json_int_t value;
    } wrong[] = {{"operator", 0},       {"operator", 65536}, {"product", -1}, {"class", 256},
                 {"fare_type", 0},      {"fare_type", 7},    {"quantity", 0}, {"quantity", 9},
                 {"point_of_sale", -1}, {"unknown", 1}};
    const int invalid = TALLY_PROBLEM(INVALID_FIELD)->code;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        json_t *body = test_order_body("G10", 1, 1);
        json_object_set_new(body, wrong[i].name, json_integer(wrong[i].value));
        test_refused(&shop.kiosk, "POST", "/v1/orders", body, invalid);
    }
    static const char *const texts[][2] = {{"service", ""},   {"service", "TOOLONG12"},
                                           {"service", "g1"}, {"date", "2031-5-1"},
                                           {"serial", "00"},  {"serial", "zz00000000000000"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *body = test_order_body("G10", 1, 1);
        json_object_set_new(body, texts[i][0], json_string(texts[i][1]));
        test_refused(&shop.kiosk, "POST", "/v1/orders", body, invalid);
    }
    json_t *body = test_order_body("G10", 1, 1);
    json_object_set_new(body, "holder", json_pack("{s:i, s:s}", "document", 4, "number", "1"));
    test_refused(&shop.kiosk, "POST", "/v1/orders", body, invalid);
    test_refused(&shop.kiosk, "POST", "/v1/orders", test_order_body("G10", 77, 1), CODE(PRODUCT_UNKNOWN));
    test_refused(&shop.kiosk, "POST", "/v1/orders", test_order_body("NONE", 1, 1), CODE(SERVICE_UNKNOWN));
    test_refused(&shop.gate, "POST", "/v1/orders", test_order_body("G10", 1, 1),
                 TALLY_PROBLEM(ROLE_NOT_ALLOWED)->code);
    test_refused(&shop.kiosk, "GET", "/v1/orders/00112233445566778899aabbccddeeff", NULL,
                 CODE(ORDER_UNKNOWN));
    test_refused(&shop.kiosk, "GET", test_ticket_path("00112233445566778899aabbccddeeff", ""), NULL,
                 CODE(TICKET_UNKNOWN));
    ck_assert_int_eq(test_free_seats("G10"), 20);
    test_shop_tear_down();
}
END_TEST

static json_t *journal_body(const struct test_bought *b, const char *const *records, size_t count)
{
    json_t *entries = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(entries,
                              json_pack("{s:s, s:s, s:i, s:s}", "tid", b->tid, "serial", shop.card.serial_hex,
                                        "operator", TEST_RAIL, "usage", records[i]));
    return json_pack("{s:i, s:o}", "gate", 7, "entries", entries);
}

START_TEST(the_journal_is_kept_once)
{
    test_shop_set_up("G11");
    struct test_bought b;
    struct usage_record inside, outside;
    char in_hex[TEST_USAGE_TEXT], out_hex[TEST_USAGE_TEXT], forged[TEST_USAGE_TEXT];
    test_buy("G11", TEST_PRODUCT, NULL, &b);
    test_card_event(&shop.card, &b.face, &b.usage, EVENT_ENTRY, &inside, in_hex);
    test_card_event(&shop.card, &b.face, &inside, EVENT_EXIT, &outside, out_hex);
    memcpy(forged, out_hex, sizeof forged);
    forged[TEST_USAGE_TEXT - 2] = forged[TEST_USAGE_TEXT - 2] == '0' ? '1' : '0';
    const char *const records[] = {in_hex, forged, out_hex};
    json_t *answer = test_expect(&shop.gate, "POST", "/v1/journal", journal_body(&b, records, 2), 200);
    ck_assert_int_eq(test_number(answer, "stored"), 1);
    ck_assert_int_eq(test_number(answer, "refused"), 1);
    ck_assert_int_eq(test_number(answer, "duplicates"), 0);
    json_decref(answer);
    answer = test_expect(&shop.gate, "POST", "/v1/journal", journal_body(&b, records, 3), 200);
    ck_assert_int_eq(test_number(answer, "stored"), 1); /* the forged one did not keep the true one out */
    ck_assert_int_eq(test_number(answer, "duplicates"), 2);
    json_decref(answer);
    /* What gates reported, a kiosk cannot withhold. */
    test_refused(&shop.kiosk, "POST", test_ticket_path(b.tid, "refund"), json_pack("{s:s}", "usage", b.hex),
                 CODE(RECEIPT_STALE));
    test_refused(&shop.kiosk, "POST", "/v1/journal", journal_body(&b, records, 1),
                 TALLY_PROBLEM(ROLE_NOT_ALLOWED)->code);
    test_refused(&shop.gate, "POST", "/v1/journal", journal_body(&b, records, 0),
                 TALLY_PROBLEM(INVALID_FIELD)->code);
    test_shop_tear_down();
}
END_TEST

int main(int argc, char **argv)
{
    if (!test_services_choose(&shop.services, argc, argv))
        return 1;
    Suite *suite = suite_create("sales");
    TCase *shared = tcase_create("shared");
    tcase_add_unchecked_fixture(shared, start_shared, stop_shared);
    tcase_add_test(shared, bought_issued_loaded);
    tcase_add_test(shared, the_same_order_twice_is_one);
    tcase_add_test(shared, a_refused_ticket_gives_its_seat_back);
    tcase_add_test(shared, a_withdrawn_ticket_is_blocked);
    tcase_add_test(shared, no_seat_is_sold_twice);
    tcase_add_test(shared, bad_orders_change_nothing);
    tcase_add_test(shared, the_journal_is_kept_once);
    tcase_set_timeout(shared, 120);
    suite_add_tcase(suite, shared);
    return test_services_end(&shop.services, tally_check_main(suite, NULL));
}
