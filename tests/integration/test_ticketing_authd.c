/* tally-authd over real HTTP and real SQLite: what it makes, for whom, once; and what it refuses. */
#include "tests/support/check_main.h"
#include "tests/support/ticketing.h"
#include "tests/support/services_pg.h"

#include <string.h>

#include "host/ticketing/problems.h"

enum { TID_TEXT = 2 * TID_SIZE + 1, PATH_TEXT = 160, USAGE_TEXT = 2 * USAGE_SIZE + 1 };

#define CODE(id) (TICKETING_PROBLEM(id)->code)

static struct test_services services;
static struct test_caller personaliser, ticketing, kiosk, admin;

static void open_callers(void)
{
    test_caller_open(&personaliser, &services, TEST_PERSONALISER, TO_AUTHD);
    test_caller_open(&ticketing, &services, TEST_TICKETING, TO_AUTHD);
    test_caller_open(&kiosk, &services, TEST_KIOSK, TO_AUTHD);
    test_caller_open(&admin, &services, TEST_ADMIN, TO_AUTHD);
}

static void close_callers(void)
{
    test_caller_close(&personaliser);
    test_caller_close(&ticketing);
    test_caller_close(&kiosk);
    test_caller_close(&admin);
}

/* One daemon for all tests of the shared case. */
static void start_shared(void)
{
    if (!test_services_prepare(&services) || !test_authd_start(&services))
        exit(1);
}

static void stop_shared(void)
{
    if (!test_services_stop(&services))
        exit(1);
}

static struct test_card new_card(uint16_t operator_id)
{
    struct test_card card;
    test_card_make(&card, operator_id == TEST_PARK);
    test_card_register(&card, &personaliser);
    test_card_set_operator(&card, &personaliser, operator_id);
    return card;
}

static const char *path_of(const char *format, const char *what)
{
    static char path[PATH_TEXT];
    snprintf(path, sizeof path, format, what);
    return path;
}

static int64_t number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    ck_assert_msg(json_is_integer(value), "no number %s", name);
    return json_integer_value(value);
}

/* Asks for a ticket and takes it to the paper card. */
static void issue(const struct test_card *card, uint16_t operator_id, struct ticket_face *face,
                  char tid[TID_TEXT])
{
    json_t *request = test_ticket_request(card, operator_id, tid);
    json_t *answer = test_expect(&ticketing, "POST", "/v1/tickets", request, 201);
    test_card_fetch(card, &kiosk, tid, "load", face);
    ck_assert_int_eq(number(answer, "sequence"), face->sequence);
    json_decref(answer);
}

START_TEST(tickets_of_all_suites)
{
    static const uint8_t suites[] = {
        [TEST_RAIL] = SUITE_P256, [TEST_PARK] = SUITE_RSA, [TEST_METRO] = SUITE_SM9};
    for (uint16_t op = TEST_RAIL; op <= TEST_METRO; op++) {
        struct test_card card = new_card(op);
        struct ticket_face face;
        char tid[TID_TEXT];
        for (uint32_t n = 1; n <= 3; n++) {
            issue(&card, op, &face, tid);
            ck_assert_uint_eq(face.sequence, n);
            ck_assert_uint_eq(face.suite, suites[op]);
            ck_assert_uint_eq(face.key_version, 1);
            ck_assert_uint_eq(face.replaces, 0);
            ck_assert_uint_eq(face.price, 55300);
            ck_assert_mem_eq(face.service, "G1      ", SERVICE_SIZE);
        }
        test_card_free(&card);
    }
}
END_TEST

START_TEST(the_same_request_gives_the_same_ciphertext)
{
    struct test_card card = new_card(TEST_RAIL);
    char tid[TID_TEXT];
    json_t *request = test_ticket_request(&card, TEST_RAIL, tid);
    json_t *first = test_expect(&ticketing, "POST", "/v1/tickets", json_incref(request), 201);
    json_t *a = test_expect(&kiosk, "GET", path_of("/v1/tickets/%s/ciphertext", tid), NULL, 200);
    json_t *second = test_expect(&ticketing, "POST", "/v1/tickets", json_incref(request), 200);
    json_t *b = test_expect(&kiosk, "GET", path_of("/v1/tickets/%s/ciphertext", tid), NULL, 200);
    ck_assert(json_equal(first, second));
    ck_assert(json_equal(a, b));
    /* Another price under the same TID is another ticket. */
    json_object_set_new(json_object_get(request, "face"), "price", json_integer(1));
    test_refused(&ticketing, "POST", "/v1/tickets", request, CODE(TICKET_CONFLICT));
    json_decref(first);
    json_decref(second);
    json_decref(a);
    json_decref(b);
    test_card_free(&card);
}
END_TEST

START_TEST(a_second_card_gets_none)
{
    struct test_card card = new_card(TEST_RAIL), other = new_card(TEST_RAIL);
    char tid[TID_TEXT];
    json_t *request = test_ticket_request(&card, TEST_RAIL, tid);
    json_decref(test_expect(&ticketing, "POST", "/v1/tickets", json_incref(request), 201));
    json_object_set_new(json_object_get(request, "face"), "serial", json_string(other.serial_hex));
    test_refused(&ticketing, "POST", "/v1/tickets", request, CODE(TICKET_CONFLICT));
    test_card_free(&card);
    test_card_free(&other);
}
END_TEST

START_TEST(only_registered_cards_with_the_operator)
{
    struct test_card stranger, card = new_card(TEST_RAIL);
    char tid[TID_TEXT];
    test_card_make(&stranger, false);
    test_refused(&ticketing, "POST", "/v1/tickets", test_ticket_request(&stranger, TEST_RAIL, tid),
                 CODE(CARD_UNKNOWN));
    test_refused(&ticketing, "POST", "/v1/tickets", test_ticket_request(&card, TEST_PARK, tid),
                 CODE(OPERATOR_NOT_ON_CARD));
    /* A card without an RSA key cannot have an RSA operator. */
    char path[PATH_TEXT];
    snprintf(path, sizeof path, "/v1/cards/%s/operators/%d/package", card.serial_hex, TEST_PARK);
    test_refused(&personaliser, "POST", path, json_pack("{s:s}", "action", "set"), CODE(CARD_LACKS_KEY));
    snprintf(path, sizeof path, "/v1/cards/%s/operators/77/package", card.serial_hex);
    test_refused(&personaliser, "POST", path, json_pack("{s:s}", "action", "set"), CODE(OPERATOR_UNKNOWN));
    /* Removed, it gets no more tickets. */
    snprintf(path, sizeof path, "/v1/cards/%s/operators/%d/package", card.serial_hex, TEST_RAIL);
    json_decref(test_expect(&personaliser, "POST", path, json_pack("{s:s}", "action", "remove"), 200));
    test_refused(&ticketing, "POST", "/v1/tickets", test_ticket_request(&card, TEST_RAIL, tid),
                 CODE(OPERATOR_NOT_ON_CARD));
    test_refused(&personaliser, "POST", path, json_pack("{s:s}", "action", "remove"),
                 CODE(OPERATOR_NOT_ON_CARD));
    test_card_free(&stranger);
    test_card_free(&card);
}
END_TEST

START_TEST(cards_are_registered_once)
{
    struct test_card card, other;
    test_card_make(&card, true);
    test_card_make(&other, true);
    test_card_register(&card, &personaliser);
    json_decref(test_expect(&personaliser, "POST", "/v1/cards", test_card_json(&card), 200));
    json_t *json = test_card_json(&card);
    json_object_set(json, "kem_key", json_object_get(json, "auth_key"));
    test_refused(&personaliser, "POST", "/v1/cards", json, CODE(CARD_CONFLICT));
    /* The keys of a known card under another serial: a clone. */
    json = test_card_json(&card);
    json_object_set_new(json, "serial", json_string(other.serial_hex));
    test_refused(&personaliser, "POST", "/v1/cards", json, CODE(CARD_CONFLICT));
    /* Not a point of the curve. */
    json = test_card_json(&other);
    char *point = strdup(json_string_value(json_object_get(json, "kem_key")));
    point[128] = point[128] == '0' ? '1' : '0';
    json_object_set_new(json, "kem_key", json_string(point));
    test_refused(&personaliser, "POST", "/v1/cards", json, TALLY_PROBLEM(INVALID_FIELD)->code);
    free(point);
    json_t *view = test_expect(&admin, "GET", path_of("/v1/cards/%s", card.serial_hex), NULL, 200);
    ck_assert(json_is_false(json_object_get(view, "blocked")));
    ck_assert(json_is_true(json_object_get(view, "rsa")));
    json_decref(view);
    test_refused(&admin, "GET", path_of("/v1/cards/%s", other.serial_hex), NULL, CODE(CARD_UNKNOWN));
    test_card_free(&card);
    test_card_free(&other);
}
END_TEST

START_TEST(a_blocked_card_gets_nothing)
{
    struct test_card card = new_card(TEST_RAIL);
    struct ticket_face face;
    char tid[TID_TEXT], next[TID_TEXT];
    issue(&card, TEST_RAIL, &face, tid);
    json_t *reason = json_pack("{s:s}", "reason", "lost");
    json_decref(test_expect(&admin, "POST", path_of("/v1/cards/%s/block", card.serial_hex),
                            json_incref(reason), 200));
    test_refused(&ticketing, "POST", "/v1/tickets", test_ticket_request(&card, TEST_RAIL, next),
                 CODE(CARD_BLOCKED));
    test_refused(&kiosk, "GET", path_of("/v1/tickets/%s/ciphertext", tid), NULL, CODE(CARD_BLOCKED));
    char path[PATH_TEXT];
    snprintf(path, sizeof path, "/v1/cards/%s/operators/%d/package", card.serial_hex, TEST_RAIL);
    test_refused(&personaliser, "POST", path, json_pack("{s:s}", "action", "set"), CODE(CARD_BLOCKED));
    json_decref(test_expect(&admin, "POST", path_of("/v1/cards/%s/unblock", card.serial_hex), reason, 200));
    json_decref(test_expect(&kiosk, "GET", path_of("/v1/tickets/%s/ciphertext", tid), NULL, 200));
    /* A single ticket. */
    reason = json_pack("{s:s}", "reason", "charged back");
    json_decref(test_expect(&admin, "POST", path_of("/v1/tickets/%s/block", tid), reason, 200));
    test_refused(&kiosk, "GET", path_of("/v1/tickets/%s/ciphertext", tid), NULL, CODE(TICKET_BLOCKED));
    test_card_free(&card);
}
END_TEST

START_TEST(roles_are_kept_apart)
{
    struct test_card card = new_card(TEST_RAIL);
    char tid[TID_TEXT], path[PATH_TEXT];
    const int role = TALLY_PROBLEM(ROLE_NOT_ALLOWED)->code;
    test_refused(&kiosk, "POST", "/v1/tickets", test_ticket_request(&card, TEST_RAIL, tid), role);
    test_refused(&admin, "POST", "/v1/tickets", test_ticket_request(&card, TEST_RAIL, tid), role);
    test_refused(&ticketing, "POST", "/v1/cards", test_card_json(&card), role);
    test_refused(&ticketing, "GET", path_of("/v1/tickets/%s/ciphertext", tid), NULL, role);
    test_refused(&kiosk, "POST", path_of("/v1/cards/%s/block", card.serial_hex),
                 json_pack("{s:s}", "reason", "x"), role);
    /* A kiosk refreshes what a card has, and neither adds nor removes. */
    snprintf(path, sizeof path, "/v1/cards/%s/operators/%d/package", card.serial_hex, TEST_RAIL);
    json_decref(test_expect(&kiosk, "POST", path, json_pack("{s:s}", "action", "set"), 200));
    test_refused(&kiosk, "POST", path, json_pack("{s:s}", "action", "remove"), role);
    test_card_free(&card);
    struct test_card bare;
    test_card_make(&bare, false);
    test_card_register(&bare, &personaliser);
    snprintf(path, sizeof path, "/v1/cards/%s/operators/%d/package", bare.serial_hex, TEST_RAIL);
    test_refused(&kiosk, "POST", path, json_pack("{s:s}", "action", "set"), CODE(OPERATOR_NOT_ON_CARD));
    test_card_free(&bare);
}
END_TEST

START_TEST(packages_count_up_and_repeat_by_key)
{
    struct test_card card = new_card(TEST_RAIL);
    char path[PATH_TEXT];
    int status;
    snprintf(path, sizeof path, "/v1/cards/%s/operators/%d/package", card.serial_hex, TEST_RAIL);
    json_t *body = json_pack("{s:s}", "action", "set");
    char key[40];
    snprintf(key, sizeof key, "package-%s", card.serial_hex);
    json_t *a = test_call(&personaliser, "POST", path, key, body, &status, NULL);
    ck_assert_int_eq(status, 200);
    json_t *b = test_call(&personaliser, "POST", path, key, body, &status, NULL);
    ck_assert_int_eq(status, 200);
    json_t *c = test_call(&personaliser, "POST", path, NULL, body, &status, NULL);
    ck_assert(json_equal(a, b));
    ck_assert_int_eq(number(a, "package_version"), 2);
    ck_assert_int_eq(number(c, "package_version"), 3);
    json_decref(a);
    json_decref(b);
    json_decref(c);
    json_decref(body);
    test_card_free(&card);
}
END_TEST

/* The ticket's usage after entry and exit, in hex. */
START_TEST(an_exchange_needs_the_cards_receipt)
{
    struct test_card card = new_card(TEST_RAIL);
    struct ticket_face face, fresh;
    struct usage_record usage, later;
    char tid[TID_TEXT], next[TID_TEXT], hex[USAGE_TEXT], later_hex[USAGE_TEXT], forged[USAGE_TEXT];
    issue(&card, TEST_RAIL, &face, tid);
    test_card_event(&card, &face, NULL, EVENT_LOADED, &usage, hex);
    test_card_event(&card, &face, &usage, EVENT_ENTRY, &later, later_hex);

    json_t *request = test_ticket_request(&card, TEST_RAIL, next);
    json_object_set_new(request, "replaces_tid", json_string(tid));
    /* Every byte of the record changed in turn: the kiosk can forge nothing. */
    for (size_t i = 0; i < USAGE_SIZE; i++) {
        memcpy(forged, later_hex, sizeof forged);
        forged[2 * i + 1] = forged[2 * i + 1] == '0' ? '1' : '0';
        json_object_set_new(request, "usage", json_string(forged));
        test_refused(&ticketing, "POST", "/v1/tickets", json_incref(request), CODE(RECEIPT_INVALID));
    }
    /* The gate's journal has arrived: the record from before the entry is withheld knowledge. */
    json_t *receipts = json_pack("{s:[{s:s,s:s}]}", "receipts", "tid", tid, "usage", later_hex);
    json_t *checked = test_expect(&ticketing, "POST", "/v1/receipts", receipts, 200);
    json_t *one = json_array_get(json_object_get(checked, "receipts"), 0);
    ck_assert(json_is_true(json_object_get(one, "valid")));
    ck_assert_int_eq(number(one, "event"), EVENT_ENTRY);
    ck_assert_int_eq(number(one, "highest_use_counter"), 1);
    json_decref(checked);
    json_object_set_new(request, "usage", json_string(hex));
    test_refused(&ticketing, "POST", "/v1/tickets", json_incref(request), CODE(RECEIPT_STALE));
    /* The true one. */
    json_object_set_new(request, "usage", json_string(later_hex));
    json_t *made = test_expect(&ticketing, "POST", "/v1/tickets", json_incref(request), 201);
    test_card_fetch(&card, &kiosk, next, "exchange", &fresh);
    ck_assert_uint_eq(fresh.replaces, face.sequence);
    ck_assert_uint_eq(fresh.replaces_use_counter, 1);
    ck_assert_uint_eq(fresh.sequence, face.sequence + 1);
    json_decref(made);
    /* The same again is the same; another replacement at this use counter is none. */
    json_decref(test_expect(&ticketing, "POST", "/v1/tickets", request, 200));
    json_t *another = test_ticket_request(&card, TEST_RAIL, next);
    json_object_set_new(another, "replaces_tid", json_string(tid));
    json_object_set_new(another, "usage", json_string(later_hex));
    test_refused(&ticketing, "POST", "/v1/tickets", json_incref(another), CODE(ALREADY_REPLACED));
    /* At a higher one it is: the card moved on, the first cannot be loaded any more. */
    test_card_event(&card, &face, &later, EVENT_EXIT, &usage, hex);
    json_object_set_new(another, "usage", json_string(hex));
    json_decref(test_expect(&ticketing, "POST", "/v1/tickets", another, 201));
    test_card_fetch(&card, &kiosk, next, "exchange", &fresh);
    ck_assert_uint_eq(fresh.replaces_use_counter, 2);
    test_card_free(&card);
}
END_TEST

START_TEST(a_ticket_of_another_card_is_not_replaced)
{
    struct test_card card = new_card(TEST_RAIL), other = new_card(TEST_RAIL);
    struct ticket_face face;
    struct usage_record usage;
    char tid[TID_TEXT], next[TID_TEXT], hex[USAGE_TEXT];
    issue(&card, TEST_RAIL, &face, tid);
    test_card_event(&card, &face, NULL, EVENT_LOADED, &usage, hex);
    json_t *request = test_ticket_request(&other, TEST_RAIL, next);
    json_object_set_new(request, "replaces_tid", json_string(tid));
    json_object_set_new(request, "usage", json_string(hex));
    test_refused(&ticketing, "POST", "/v1/tickets", request, CODE(TICKET_UNKNOWN));
    /* A void order without a ticket orders nothing. */
    request = test_ticket_request(&card, TEST_RAIL, next);
    json_object_set_new(json_object_get(request, "face"), "profile", json_integer(PROFILE_VOID));
    test_refused(&ticketing, "POST", "/v1/tickets", request, TALLY_PROBLEM(INVALID_FIELD)->code);
    test_card_free(&card);
    test_card_free(&other);
}
END_TEST

START_TEST(malformed_requests_change_nothing)
{
    struct test_card card = new_card(TEST_RAIL);
    struct ticket_face face;
    char tid[TID_TEXT];
    const int invalid = TALLY_PROBLEM(INVALID_FIELD)->code;
    json_t *good = test_ticket_request(&card, TEST_RAIL, tid);
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(good, "face"), name, value)
    {
        json_t *bad = json_deep_copy(good);
        json_object_set_new(json_object_get(bad, "face"), name, json_real(0.5));
        test_refused(&ticketing, "POST", "/v1/tickets", bad, invalid);
        bad = json_deep_copy(good);
        json_object_del(json_object_get(bad, "face"), name);
        test_refused(&ticketing, "POST", "/v1/tickets", bad, invalid);
    }
    /* Members that only the authentication server sets, unknown ones, and members that do not agree. */
    json_t *bad = json_deep_copy(good);
    json_object_set_new(json_object_get(bad, "face"), "sequence", json_integer(9));
    test_refused(&ticketing, "POST", "/v1/tickets", bad, invalid);
    bad = json_deep_copy(good);
    json_object_set_new(bad, "extra", json_integer(1));
    test_refused(&ticketing, "POST", "/v1/tickets", bad, invalid);
    bad = json_deep_copy(good);
    json_object_set_new(json_object_get(bad, "face"), "valid_to", json_integer(1));
    test_refused(&ticketing, "POST", "/v1/tickets", bad, invalid);
    test_refused(&ticketing, "POST", "/v1/tickets", json_pack("[i]", 1), TALLY_PROBLEM(MALFORMED_JSON)->code);
    test_refused(&kiosk, "GET", path_of("/v1/tickets/%s/ciphertext", tid), NULL, CODE(TICKET_UNKNOWN));
    test_refused(&kiosk, "GET", "/v1/tickets/xyz/ciphertext", NULL, TALLY_PROBLEM(NO_SUCH_RESOURCE)->code);
    /* No number was used up by all this. */
    json_decref(test_expect(&ticketing, "POST", "/v1/tickets", good, 201));
    test_card_fetch(&card, &kiosk, tid, "load", &face);
    ck_assert_uint_eq(face.sequence, 1);
    test_card_free(&card);
}
END_TEST

int main(int argc, char **argv)
{
    if (!test_services_choose(&services, argc, argv))
        return 1;
    Suite *suite = suite_create("tally-authd");
    TCase *shared = tcase_create("shared");
    tcase_add_unchecked_fixture(shared, start_shared, stop_shared);
    tcase_add_checked_fixture(shared, open_callers, close_callers);
    tcase_add_test(shared, tickets_of_all_suites);
    tcase_add_test(shared, the_same_request_gives_the_same_ciphertext);
    tcase_add_test(shared, a_second_card_gets_none);
    tcase_add_test(shared, only_registered_cards_with_the_operator);
    tcase_add_test(shared, cards_are_registered_once);
    tcase_add_test(shared, a_blocked_card_gets_nothing);
    tcase_add_test(shared, roles_are_kept_apart);
    tcase_add_test(shared, packages_count_up_and_repeat_by_key);
    tcase_add_test(shared, an_exchange_needs_the_cards_receipt);
    tcase_add_test(shared, a_ticket_of_another_card_is_not_replaced);
    tcase_add_test(shared, malformed_requests_change_nothing);
    tcase_set_timeout(shared, 120);
    suite_add_tcase(suite, shared);
    return test_services_end(&services, tally_check_main(suite, NULL));
}
