/* Both daemons over real HTTP: refund and exchange, as the card's records allow. */
#include "tests/support/check_main.h"
#include "tests/support/shop.h"
#include "tests/support/services_pg.h"

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

START_TEST(refund_of_an_unused_ticket)
{
    test_shop_set_up("G3");
    struct test_bought b;
    struct ticket_face order;
    struct usage_record gone;
    char hex[TEST_USAGE_TEXT];
    test_buy("G3", TEST_PRODUCT, NULL, &b);
    json_t *usage = json_pack("{s:s}", "usage", b.hex);
    json_t *first =
        test_expect(&shop.kiosk, "POST", test_ticket_path(b.tid, "refund"), json_incref(usage), 201);
    ck_assert_int_eq(test_number(first, "refund"), 1000);
    json_t *again = test_expect(&shop.kiosk, "POST", test_ticket_path(b.tid, "refund"), usage, 200);
    ck_assert_str_eq(test_text(first, "tid"), test_text(again, "tid"));
    test_expect_state(b.tid, "refunding");
    test_expect_state(test_text(first, "tid"), "issued");
    test_card_fetch(&shop.card, &shop.kiosk_authd, test_text(first, "tid"), "exchange", &order);
    ck_assert_uint_eq(order.profile, PROFILE_VOID);
    ck_assert_uint_eq(order.replaces, b.face.sequence);
    ck_assert_uint_eq(order.replaces_use_counter, 0);
    ck_assert_uint_eq(order.price, 1000);
    /* The money is given when the card says the ticket is gone, not before. */
    test_refused(&shop.kiosk, "POST", test_ticket_path(b.tid, "deleted"), json_pack("{s:s}", "usage", b.hex),
                 CODE(RECEIPT_INVALID));
    test_expect_state(b.tid, "refunding");
    ck_assert_int_eq(test_free_seats("G3"), 19);
    test_card_event(&shop.card, &b.face, &b.usage, EVENT_DELETED, &gone, hex);
    json_t *receipt = json_pack("{s:s}", "usage", hex);
    json_decref(
        test_expect(&shop.kiosk, "POST", test_ticket_path(b.tid, "deleted"), json_incref(receipt), 200));
    json_decref(test_expect(&shop.kiosk, "POST", test_ticket_path(b.tid, "deleted"), receipt, 200));
    test_expect_state(b.tid, "refunded");
    test_expect_state(test_text(first, "tid"), "loaded");
    ck_assert_int_eq(test_free_seats("G3"), 20);
    json_decref(first);
    json_decref(again);
    test_shop_tear_down();
}
END_TEST

START_TEST(no_refund_after_entry_or_with_a_forged_record)
{
    test_shop_set_up("G4");
    struct test_bought b;
    struct usage_record inside;
    char hex[TEST_USAGE_TEXT], forged[TEST_USAGE_TEXT];
    test_buy("G4", TEST_PRODUCT, NULL, &b);
    test_card_event(&shop.card, &b.face, &b.usage, EVENT_ENTRY, &inside, hex);
    /* "entries" set back to 0 by the kiosk. */
    memcpy(forged, hex, sizeof forged);
    forged[5] = '0';
    test_refused(&shop.kiosk, "POST", test_ticket_path(b.tid, "refund"), json_pack("{s:s}", "usage", forged),
                 CODE(RECEIPT_INVALID));
    test_refused(&shop.kiosk, "POST", test_ticket_path(b.tid, "refund"), json_pack("{s:s}", "usage", hex),
                 CODE(TICKET_USED));
    /* The record from before the entry is true, but the entry is known by now. */
    test_refused(&shop.kiosk, "POST", test_ticket_path(b.tid, "refund"), json_pack("{s:s}", "usage", b.hex),
                 CODE(RECEIPT_STALE));
    test_expect_state(b.tid, "loaded");
    /* A product that is not refundable. */
    json_t *body = test_order_body("G4", 3, 1);
    json_object_set_new(body, "holder", json_pack("{s:i, s:s}", "document", 2, "number", "E1234567"));
    json_t *order = test_expect(&shop.kiosk, "POST", "/v1/orders", body, 201), *after = test_get_order(order);
    const char *tid = test_text(json_array_get(json_object_get(after, "tickets"), 0), "tid");
    struct ticket_face face;
    struct usage_record usage;
    test_card_fetch(&shop.card, &shop.kiosk_authd, tid, "load", &face);
    test_card_event(&shop.card, &face, NULL, EVENT_LOADED, &usage, hex);
    json_t *receipt = json_pack("{s:s}", "usage", hex);
    test_refused(&shop.kiosk, "POST", test_ticket_path(tid, "refund"), json_incref(receipt),
                 CODE(TICKET_STATE));
    json_decref(test_expect(&shop.kiosk, "POST", test_ticket_path(tid, "loaded"), json_incref(receipt), 200));
    test_refused(&shop.kiosk, "POST", test_ticket_path(tid, "refund"), receipt, CODE(NOT_ALLOWED));
    json_decref(order);
    json_decref(after);
    test_shop_tear_down();
}
END_TEST

static json_t *exchange_body(const char *usage, const char *service, int product)
{
    return json_pack("{s:s, s:i, s:s, s:s, s:i}", "usage", usage, "product", product, "service", service,
                     "date", TEST_DATE, "class", 1);
}

START_TEST(exchange_of_a_ticket)
{
    test_shop_set_up("G5");
    struct test_bought b;
    struct ticket_face face;
    struct usage_record gone, loaded;
    char gone_hex[TEST_USAGE_TEXT], loaded_hex[TEST_USAGE_TEXT], forged[TEST_USAGE_TEXT];
    test_buy("G5", TEST_PRODUCT, NULL, &b);
    memcpy(forged, b.hex, sizeof forged);
    forged[TEST_USAGE_TEXT - 2] = forged[TEST_USAGE_TEXT - 2] == '0' ? '1' : '0';
    test_refused(&shop.kiosk, "POST", test_ticket_path(b.tid, "exchange"), exchange_body(forged, "G5", 2),
                 CODE(RECEIPT_INVALID));
    test_refused(&shop.kiosk, "POST", test_ticket_path(b.tid, "exchange"), exchange_body(b.hex, "NONE", 2),
                 CODE(SERVICE_UNKNOWN));
    test_refused(&shop.kiosk, "POST", test_ticket_path(b.tid, "exchange"), exchange_body(b.hex, "G5", 99),
                 CODE(PRODUCT_UNKNOWN));
    test_expect_state(b.tid, "loaded");
    ck_assert_int_eq(test_free_seats("G5"), 19);
    json_t *first = test_expect(&shop.kiosk, "POST", test_ticket_path(b.tid, "exchange"),
                                exchange_body(b.hex, "G5", 2), 201);
    json_t *again = test_expect(&shop.kiosk, "POST", test_ticket_path(b.tid, "exchange"),
                                exchange_body(b.hex, "G5", 2), 200);
    ck_assert_int_eq(test_number(first, "difference"), 500);
    const char *tid = test_text(first, "tid");
    ck_assert_str_eq(tid, test_text(again, "tid"));
    /* Another wish while this one is open. */
    test_refused(&shop.kiosk, "POST", test_ticket_path(b.tid, "exchange"), exchange_body(b.hex, "G5", 1),
                 CODE(TICKET_STATE));
    test_refused(&shop.kiosk, "POST", test_ticket_path(b.tid, "refund"), json_pack("{s:s}", "usage", b.hex),
                 CODE(TICKET_STATE));
    test_expect_state(b.tid, "exchanging");
    test_expect_state(tid, "issued");
    ck_assert_int_eq(test_free_seats("G5"), 18);
    test_card_fetch(&shop.card, &shop.kiosk_authd, tid, "exchange", &face);
    ck_assert_uint_eq(face.replaces, b.face.sequence);
    test_card_event(&shop.card, &b.face, &b.usage, EVENT_DELETED, &gone, gone_hex);
    test_card_event(&shop.card, &face, NULL, EVENT_LOADED, &loaded, loaded_hex);
    /* Both receipts, or neither; nor the new ticket alone. */
    test_refused(&shop.kiosk, "POST", test_ticket_path(b.tid, "deleted"),
                 json_pack("{s:s}", "usage", gone_hex), TALLY_PROBLEM(INVALID_FIELD)->code);
    test_refused(&shop.kiosk, "POST", test_ticket_path(tid, "loaded"),
                 json_pack("{s:s}", "usage", loaded_hex), CODE(TICKET_STATE));
    json_decref(test_expect(&shop.kiosk, "POST", test_ticket_path(b.tid, "deleted"),
                            json_pack("{s:s, s:s}", "usage", gone_hex, "new_usage", loaded_hex), 200));
    test_expect_state(b.tid, "exchanged");
    test_expect_state(tid, "loaded");
    ck_assert_int_eq(test_free_seats("G5"), 19);
    json_decref(first);
    json_decref(again);
    test_shop_tear_down();
}
END_TEST

START_TEST(an_exchange_that_the_card_outran)
{
    test_shop_set_up("G6");
    struct test_bought b;
    struct usage_record inside, outside;
    char hex[TEST_USAGE_TEXT];
    test_buy("G6", TEST_PRODUCT, NULL, &b);
    json_t *first = test_expect(&shop.kiosk, "POST", test_ticket_path(b.tid, "exchange"),
                                exchange_body(b.hex, "G6", 2), 201);
    test_expect_state(test_text(first, "tid"), "issued");
    test_card_event(&shop.card, &b.face, &b.usage, EVENT_ENTRY, &inside, hex);
    test_refused(&shop.kiosk, "POST", test_ticket_path(b.tid, "exchange"), exchange_body(hex, "G6", 2),
                 CODE(TICKET_USED));
    /* Refused as a whole: the open exchange is as it was. */
    test_expect_state(b.tid, "exchanging");
    test_card_event(&shop.card, &b.face, &inside, EVENT_UNDO, &outside, hex);
    json_t *second = test_expect(&shop.kiosk, "POST", test_ticket_path(b.tid, "exchange"),
                                 exchange_body(hex, "G6", 2), 201);
    ck_assert_str_ne(test_text(first, "tid"), test_text(second, "tid"));
    test_expect_state(test_text(first, "tid"), "cancelled");
    test_expect_state(test_text(second, "tid"), "issued");
    ck_assert_int_eq(test_free_seats("G6"), 18);
    json_decref(first);
    json_decref(second);
    test_shop_tear_down();
}
END_TEST

/* A named ticket is exchanged for its holder only: the document is shown again and must be the same. */
START_TEST(a_named_ticket_stays_its_holders)
{
    test_shop_set_up("G12");
    struct test_bought b;
    struct ticket_face face;
    uint8_t hash[HOLDER_HASH_SIZE];
    test_buy("G12", TEST_NAMED, "X1", &b);
    json_t *body = exchange_body(b.hex, "G12", TEST_NAMED);
    test_refused(&shop.kiosk, "POST", test_ticket_path(b.tid, "exchange"), json_deep_copy(body),
                 CODE(HOLDER_NEEDED));
    json_object_set_new(body, "holder", json_pack("{s:i, s:s}", "document", 1, "number", "X2"));
    test_refused(&shop.kiosk, "POST", test_ticket_path(b.tid, "exchange"), json_deep_copy(body),
                 CODE(HOLDER_NEEDED));
    test_expect_state(b.tid, "loaded");
    json_object_set_new(body, "holder", json_pack("{s:i, s:s}", "document", 1, "number", "x 1"));
    json_t *made = test_expect(&shop.kiosk, "POST", test_ticket_path(b.tid, "exchange"), body, 201);
    test_expect_state(test_text(made, "tid"), "issued");
    test_card_fetch(&shop.card, &shop.kiosk_authd, test_text(made, "tid"), "exchange", &face);
    ck_assert_int_eq(tally_holder_hash(face.tid, 1, "X1", hash), TALLY_OK);
    ck_assert_mem_eq(face.holder_hash, hash, sizeof hash);
    json_decref(made);
    test_shop_tear_down();
}
END_TEST

int main(int argc, char **argv)
{
    if (!test_services_choose(&shop.services, argc, argv))
        return 1;
    Suite *suite = suite_create("changes");
    TCase *shared = tcase_create("shared");
    tcase_add_unchecked_fixture(shared, start_shared, stop_shared);
    tcase_add_test(shared, refund_of_an_unused_ticket);
    tcase_add_test(shared, no_refund_after_entry_or_with_a_forged_record);
    tcase_add_test(shared, exchange_of_a_ticket);
    tcase_add_test(shared, an_exchange_that_the_card_outran);
    tcase_add_test(shared, a_named_ticket_stays_its_holders);
    tcase_set_timeout(shared, 120);
    suite_add_tcase(suite, shared);
    return test_services_end(&shop.services, tally_check_main(suite, NULL));
}
