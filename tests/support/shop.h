/* Both daemons with a catalogue, callers and a card of paper: what tests of sales begin with. Everything that
 * goes wrong fails the test. */
#ifndef TALLY_TESTS_SHOP_H
#define TALLY_TESTS_SHOP_H

#include "tests/support/ticketing.h"

#define TEST_DATE "2031-05-01"

enum { TEST_USAGE_TEXT = 2 * USAGE_SIZE + 1 };

/* Products of the rail operator, all of currency 156, one entry. */
enum {
    TEST_PRODUCT = 1,     /* price 1000, exchangeable, refundable */
    TEST_DEARER = 2,      /* price 1500, the same */
    TEST_NAMED_FIXED = 3, /* price 1000, to a named holder, neither exchangeable nor refundable */
    TEST_NAMED = 4        /* price 1000, to a named holder, exchangeable, refundable */
};

/* One process works with one shop. The services are started before (test_services_start). */
struct test_shop {
    struct test_services services;
    struct test_caller personaliser, kiosk_authd, ticketing_authd, kiosk, admin, gate;
    struct test_card card; /* has the rail operator */
};
extern struct test_shop shop;

/* Opens the callers, makes the products, and a service of 2 coaches of 10 seats on TEST_DATE, and the card.
 */
void test_shop_set_up(const char *service);
void test_shop_tear_down(void);

/* PUTs a service, which must give this status. */
void test_put_service(const char *name, int coaches, int seats, int status);
json_t *test_order_body(const char *service, int product, int quantity);

/* Members that must be there. */
const char *test_text(const json_t *object, const char *name);
int64_t test_number(const json_t *object, const char *name);

/* "/v1/tickets/TID/VERB", or without VERB when it is empty; until the next call. */
const char *test_ticket_path(const char *tid, const char *verb);
/* The order as it is now. */
json_t *test_get_order(const json_t *order);
void test_expect_state(const char *tid, const char *state);
int64_t test_free_seats(const char *service);

/* One ticket bought, issued, loaded on the paper card and reported so. */
struct test_bought {
    char tid[2 * TID_SIZE + 1];
    struct ticket_face face;
    struct usage_record usage;
    char hex[TEST_USAGE_TEXT];
};

/* holder: a document number (type 1), or NULL. */
void test_buy(const char *service, int product, const char *holder, struct test_bought *b);

#endif
