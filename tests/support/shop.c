#include "tests/support/shop.h"

#include <stdio.h>
#include <string.h>

enum { PATH_TEXT = 160 };

struct test_shop shop;

static void open_callers(void)
{
    test_caller_open(&shop.personaliser, &shop.services, TEST_PERSONALISER, TO_AUTHD);
    test_caller_open(&shop.kiosk_authd, &shop.services, TEST_KIOSK, TO_AUTHD);
    test_caller_open(&shop.ticketing_authd, &shop.services, TEST_TICKETING, TO_AUTHD);
    test_caller_open(&shop.kiosk, &shop.services, TEST_KIOSK, TO_TICKETD);
    test_caller_open(&shop.admin, &shop.services, TEST_ADMIN, TO_TICKETD);
    test_caller_open(&shop.gate, &shop.services, TEST_GATE, TO_TICKETD);
}

static void close_callers(void)
{
    test_caller_close(&shop.personaliser);
    test_caller_close(&shop.kiosk_authd);
    test_caller_close(&shop.ticketing_authd);
    test_caller_close(&shop.kiosk);
    test_caller_close(&shop.admin);
    test_caller_close(&shop.gate);
}

static void put_product(unsigned id, int price, bool changeable, bool holder)
{
    char path[PATH_TEXT];
    snprintf(path, sizeof path, "/v1/products/%d/%u", TEST_RAIL, id);
    json_decref(test_expect(&shop.admin, "PUT", path,
                            json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:b, s:b, s:b, s:i}", "name", "A to B",
                                      "profile", PROFILE_RAIL, "price", price, "currency", 156, "max_entries",
                                      1, "max_temporary_exits", 1, "exchangeable", changeable, "refundable",
                                      changeable, "holder_required", holder, "zone_map", 0),
                            200));
}

void test_put_service(const char *name, int coaches, int seats, int status)
{
    char path[PATH_TEXT];
    snprintf(path, sizeof path, "/v1/services/%d/%s/" TEST_DATE, TEST_RAIL, name);
    json_decref(test_expect(&shop.admin, "PUT", path,
                            json_pack("{s:i, s:i, s:i, s:i, s:i}", "minute", 480, "from", 1, "to", 2,
                                      "coaches", coaches, "seats_per_coach", seats),
                            status));
}

void test_shop_set_up(const char *service)
{
    open_callers();
    put_product(TEST_PRODUCT, 1000, true, false);
    put_product(TEST_DEARER, 1500, true, false);
    put_product(TEST_NAMED_FIXED, 1000, false, true);
    put_product(TEST_NAMED, 1000, true, true);
    test_put_service(service, 2, 10, 200);
    test_card_make(&shop.card, false);
    test_card_register(&shop.card, &shop.personaliser);
    test_card_set_operator(&shop.card, &shop.personaliser, TEST_RAIL);
}

void test_shop_tear_down(void)
{
    test_card_free(&shop.card);
    close_callers();
}

json_t *test_order_body(const char *service, int product, int quantity)
{
    return json_pack("{s:i, s:i, s:s, s:s, s:i, s:i, s:i, s:s, s:n, s:i}", "operator", TEST_RAIL, "product",
                     product, "service", service, "date", TEST_DATE, "class", 2, "fare_type", 1, "quantity",
                     quantity, "serial", shop.card.serial_hex, "holder", "point_of_sale", 5);
}

const char *test_text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    TEST_MUST(value != NULL);
    return value;
}

int64_t test_number(const json_t *object, const char *name)
{
    TEST_MUST(json_is_integer(json_object_get(object, name)));
    return json_integer_value(json_object_get(object, name));
}

const char *test_ticket_path(const char *tid, const char *verb)
{
    static char path[PATH_TEXT];
    snprintf(path, sizeof path, "/v1/tickets/%s%s%s", tid, verb[0] != '\0' ? "/" : "", verb);
    return path;
}

json_t *test_get_order(const json_t *order)
{
    char path[PATH_TEXT];
    snprintf(path, sizeof path, "/v1/orders/%s", test_text(order, "order"));
    return test_expect(&shop.kiosk, "GET", path, NULL, 200);
}

void test_expect_state(const char *tid, const char *state)
{
    json_t *ticket = test_expect(&shop.kiosk, "GET", test_ticket_path(tid, ""), NULL, 200);
    TEST_MUST(strcmp(test_text(ticket, "state"), state) == 0);
    json_decref(ticket);
}

int64_t test_free_seats(const char *service)
{
    int64_t seats = -1;
    size_t i;
    const json_t *item;
    json_t *list = test_expect(&shop.kiosk, "GET", "/v1/services?operator=1&date=" TEST_DATE, NULL, 200);
    json_array_foreach(json_object_get(list, "services"), i,
                       item) if (strcmp(test_text(item, "service"), service) == 0) seats =
        test_number(item, "free");
    json_decref(list);
    return seats;
}

void test_buy(const char *service, int product, const char *holder, struct test_bought *b)
{
    json_t *body = test_order_body(service, product, 1);
    if (holder != NULL)
        json_object_set_new(body, "holder", json_pack("{s:i, s:s}", "document", 1, "number", holder));
    json_t *order = test_expect(&shop.kiosk, "POST", "/v1/orders", body, 201);
    json_t *after = test_get_order(order);
    const json_t *ticket = json_array_get(json_object_get(after, "tickets"), 0);
    TEST_MUST(strcmp(test_text(ticket, "state"), "issued") == 0);
    snprintf(b->tid, sizeof b->tid, "%s", test_text(ticket, "tid"));
    test_card_fetch(&shop.card, &shop.kiosk_authd, b->tid, "load", &b->face);
    test_card_event(&shop.card, &b->face, NULL, EVENT_LOADED, &b->usage, b->hex);
    json_decref(test_expect(&shop.kiosk, "POST", test_ticket_path(b->tid, "loaded"),
                            json_pack("{s:s}", "usage", b->hex), 200));
    json_decref(order);
    json_decref(after);
}
