/* What tally-authd can be trusted with: forged and repeated requests, signed deny lists, keys that roll over,
 * a server that is killed, a copy of the database. Each test starts the daemon anew, on the same folder. */
#include "tests/support/check_main.h"
#include "tests/support/ticketing.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/bytes.h"
#include "host/crypto/p256.h"
#include "host/ticketing/problems.h"

enum { TID_TEXT = 2 * TID_SIZE + 1, PATH_TEXT = 160 };

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

static void prepare(void)
{
    if (!test_services_prepare(&services))
        exit(1);
}

static void remove_all(void)
{
    if (!test_services_stop(&services))
        exit(1);
}

static void start(void)
{
    ck_assert(test_authd_start(&services));
    open_callers();
}

static void stop(void)
{
    close_callers();
    ck_assert(test_daemon_terminate(&services.authd));
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

/* A request that another party signed, that nobody signed, whose body or signature was changed, and a
 * repeated one. */
START_TEST(forged_and_replayed_requests_are_refused)
{
    struct test_card card = new_card(TEST_RAIL);
    char tid[TID_TEXT], path[PATH_TEXT];
    json_t *request = test_ticket_request(&card, TEST_RAIL, tid);
    char *body = json_dumps(request, JSON_COMPACT);
    const char *authority = services.authd.url + strlen("http://");
    struct tally_http_header key = {"idempotency-key", "forged-1"};
    struct tally_httpsig_message message = {.method = "POST",
                                            .authority = authority,
                                            .path = "/v1/tickets",
                                            .query = "",
                                            .headers = &key,
                                            .header_count = 1};
    struct tally_signed_fields fields;
    ck_assert_int_eq(tally_signer_sign(&ticketing.signer, &message, body, strlen(body), &fields), TALLY_OK);
    struct tally_http_client *plain;
    struct tally_http_answer answer;
    struct tally_http_client_options options = {.base_url = services.authd.url};
    ck_assert_int_eq(tally_http_client_new(&options, &plain), TALLY_OK);
    struct tally_http_header headers[] = {{"Content-Digest", fields.content_digest},
                                          {"Signature-Input", fields.input},
                                          {"Signature", fields.signature}};
    struct tally_http_call call = {.method = "POST",
                                   .path = "/v1/tickets",
                                   .body = body,
                                   .body_size = strlen(body),
                                   .idempotency_key = "forged-1"};
    /* Unsigned. */
    ck_assert_int_eq(tally_http_client_perform(plain, &call, &answer), TALLY_OK);
    ck_assert_int_eq(answer.problem, TALLY_PROBLEM(SIGNATURE_MISSING)->code);
    tally_http_answer_clear(&answer);
    /* Another body, another path, another key. */
    call.headers = headers;
    call.header_count = 3;
    char *price = strstr(body, "55300");
    price[0] = '1';
    ck_assert_int_eq(tally_http_client_perform(plain, &call, &answer), TALLY_OK);
    ck_assert_int_eq(answer.status, 401);
    tally_http_answer_clear(&answer);
    price[0] = '5';
    call.path = "/v1/receipts";
    ck_assert_int_eq(tally_http_client_perform(plain, &call, &answer), TALLY_OK);
    ck_assert_int_eq(answer.problem, TALLY_PROBLEM(SIGNATURE_INVALID)->code);
    tally_http_answer_clear(&answer);
    call.path = "/v1/tickets";
    call.idempotency_key = "forged-2";
    ck_assert_int_eq(tally_http_client_perform(plain, &call, &answer), TALLY_OK);
    ck_assert_int_eq(answer.status, 401);
    tally_http_answer_clear(&answer);
    /* Nothing of it had an effect. */
    snprintf(path, sizeof path, "/v1/tickets/%s/ciphertext", tid);
    test_refused(&kiosk, "GET", path, NULL, CODE(TICKET_UNKNOWN));
    /* The true request is taken once; recorded and sent again it is refused. */
    call.idempotency_key = "forged-1";
    ck_assert_int_eq(tally_http_client_perform(plain, &call, &answer), TALLY_OK);
    ck_assert_int_eq(answer.status, 201);
    tally_http_answer_clear(&answer);
    ck_assert_int_eq(tally_http_client_perform(plain, &call, &answer), TALLY_OK);
    ck_assert_int_eq(answer.problem, TALLY_PROBLEM(REPLAYED)->code);
    tally_http_answer_clear(&answer);
    /* A key the service does not know. */
    struct test_caller stranger = ticketing;
    stranger.signer.keyid = "stranger";
    ck_assert_int_eq(tally_signer_sign(&stranger.signer, &message, body, strlen(body), &fields), TALLY_OK);
    ck_assert_int_eq(tally_http_client_perform(plain, &call, &answer), TALLY_OK);
    ck_assert_int_eq(answer.problem, TALLY_PROBLEM(UNKNOWN_KEY)->code);
    tally_http_answer_clear(&answer);
    tally_http_client_free(plain);
    free(body);
    json_decref(request);
    test_card_free(&card);
}
END_TEST

/* The list's first line, checked against the authority key; NULL-terminated strings. */
static json_t *deny_list(const char *path)
{
    uint8_t authority[P256_PUBLIC_SIZE], signature[ECDSA_SIZE];
    struct tally_key *key;
    struct tally_http_answer answer;
    size_t n;
    json_t *keys = test_expect(&kiosk, "GET", "/v1/operators/1", NULL, 200);
    test_hex(keys, "authority_key", authority, sizeof authority);
    json_decref(keys);
    struct tally_http_call call = {.method = "GET", .path = path};
    ck_assert_int_eq(tally_http_client_perform(kiosk.http, &call, &answer), TALLY_OK);
    ck_assert_int_eq(answer.status, 200);
    char *end = strchr(answer.body, '\n');
    ck_assert_ptr_nonnull(end);
    struct tally_bytes line = {(const uint8_t *)answer.body, (size_t)(end - answer.body)};
    end[1 + 2 * ECDSA_SIZE] = '\0';
    ck_assert_int_eq(tally_hex_decode(end + 1, signature, sizeof signature, &n), TALLY_OK);
    ck_assert_int_eq(tally_key_from_public(authority, sizeof authority, &key), TALLY_OK);
    ck_assert_int_eq(tally_p256_verify(key, "tally/denylist/1", &line, 1, signature), TALLY_OK);
    signature[0] ^= 1;
    ck_assert_int_eq(tally_p256_verify(key, "tally/denylist/1", &line, 1, signature), TALLY_E_CRYPTO);
    json_t *list = json_loadb(answer.body, line.n, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(list);
    tally_key_free(key);
    tally_http_answer_clear(&answer);
    return list;
}

static bool has(const json_t *list, const char *name, const char *value)
{
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(list, name), i,
                       item) if (strcmp(json_string_value(item), value) == 0) return true;
    return false;
}

START_TEST(deny_lists_are_signed_and_count_up)
{
    struct test_card card = new_card(TEST_RAIL), other = new_card(TEST_RAIL);
    struct ticket_face face;
    char tid[TID_TEXT], path[PATH_TEXT];
    issue(&other, TEST_RAIL, &face, tid);
    json_t *before = deny_list("/v1/operators/1/denylist");
    ck_assert(!has(before, "serials", card.serial_hex));
    json_t *again = deny_list("/v1/operators/1/denylist");
    ck_assert(json_equal(before, again));
    json_t *reason = json_pack("{s:s}", "reason", "lost");
    json_decref(test_expect(&admin, "POST", path_of("/v1/cards/%s/block", card.serial_hex),
                            json_incref(reason), 200));
    json_decref(test_expect(&admin, "POST", path_of("/v1/tickets/%s/block", tid), json_incref(reason), 200));
    json_t *after = deny_list("/v1/operators/1/denylist");
    ck_assert_int_gt(number(after, "version"), number(before, "version"));
    ck_assert_int_gt(number(after, "expires"), number(after, "issued"));
    ck_assert(has(after, "serials", card.serial_hex));
    ck_assert(has(after, "tids", tid));
    /* The change since then, and back again. */
    snprintf(path, sizeof path, "/v1/operators/1/denylist?since=%d", (int)number(before, "version"));
    json_t *change = deny_list(path);
    ck_assert_int_eq(number(change, "since"), number(before, "version"));
    ck_assert_uint_eq(json_array_size(json_object_get(change, "serials")), 1);
    ck_assert(has(change, "serials", card.serial_hex) && has(change, "tids", tid));
    json_decref(test_expect(&admin, "POST", path_of("/v1/cards/%s/unblock", card.serial_hex), reason, 200));
    snprintf(path, sizeof path, "/v1/operators/1/denylist?since=%d", (int)number(after, "version"));
    json_t *back = deny_list(path);
    ck_assert(has(back, "removed_serials", card.serial_hex) && !has(back, "serials", card.serial_hex));
    /* Another operator's list does not name the card; an unknown version gets the whole list. */
    json_t *whole = deny_list("/v1/operators/1/denylist?since=999999");
    ck_assert_ptr_null(json_object_get(whole, "since"));
    json_decref(before);
    json_decref(again);
    json_decref(after);
    json_decref(change);
    json_decref(back);
    json_decref(whole);
    test_card_free(&card);
    test_card_free(&other);
}
END_TEST

START_TEST(keys_roll_over_without_a_gap)
{
    struct test_card card = new_card(TEST_RAIL);
    struct ticket_face face;
    char tid[TID_TEXT], old_tid[TID_TEXT], keys[TEST_PATH_MAX], name[TEST_PATH_MAX];
    issue(&card, TEST_RAIL, &face, old_tid);
    test_services_path(&services, "keys", keys);
    const char *const roll[] = {"roll", "--keys", keys, "--operator", "1", "--key", "key1", NULL};
    ck_assert_int_eq(test_authd_command(&services, roll), 0);
    ck_assert_int_eq(kill(services.authd.pid, SIGHUP), 0);
    /* The daemon says when it has read them. */
    for (size_t count = 1; count < 2;) {
        json_t *answer = test_expect(&kiosk, "GET", "/v1/operators/1", NULL, 200);
        count = json_array_size(json_object_get(answer, "key6"));
        json_decref(answer);
    }
    /* A card that was not refreshed goes on with the version it has. */
    issue(&card, TEST_RAIL, &face, tid);
    ck_assert_uint_eq(face.key_version, 1);
    test_card_set_operator(&card, &kiosk, TEST_RAIL);
    ck_assert_uint_eq(card.packages[0].key6_count, 2);
    issue(&card, TEST_RAIL, &face, tid);
    ck_assert_uint_eq(face.key_version, 2);
    test_card_fetch(&card, &kiosk, old_tid, "load", &face);
    ck_assert_uint_eq(face.key_version, 1);
    /* A folder that is open to others is not taken: the old keys stay in use. */
    test_services_path(&services, "keys/operator-1/vmk-v1.key", name);
    ck_assert_int_eq(chmod(name, 0644), 0);
    ck_assert_int_eq(kill(services.authd.pid, SIGHUP), 0);
    issue(&card, TEST_RAIL, &face, tid);
    ck_assert_uint_eq(face.key_version, 2);
    /* And a daemon does not start on it. */
    ck_assert(test_daemon_terminate(&services.authd));
    const char *const serve[] = {"serve", "--keys", keys, "--database", "/nonexistent/authd.db", NULL};
    ck_assert_int_ne(test_authd_command(&services, serve), 0);
    char database[TEST_PATH_MAX];
    test_services_path(&services, "other.db", database);
    const char *const open_keys[] = {"serve", "--keys", keys, "--database", database, NULL};
    ck_assert_int_ne(test_authd_command(&services, open_keys), 0);
    ck_assert_int_eq(chmod(name, 0600), 0);
    ck_assert(test_authd_start(&services));
    test_card_free(&card);
}
END_TEST

/* The answer is lost with the server that is killed; after the restart the same request gives the same
 * ticket. */
START_TEST(killed_between_order_and_answer)
{
    struct test_card card = new_card(TEST_RAIL);
    struct ticket_face face, again;
    char tid[TID_TEXT], next[TID_TEXT];
    json_t *request = test_ticket_request(&card, TEST_RAIL, tid);
    json_t *first = test_expect(&ticketing, "POST", "/v1/tickets", json_incref(request), 201);
    json_t *before = test_expect(&kiosk, "GET", path_of("/v1/tickets/%s/ciphertext", tid), NULL, 200);
    test_card_fetch(&card, &kiosk, tid, "load", &face);
    ck_assert(test_daemon_kill(&services.authd));
    int status;
    json_decref(test_call(&ticketing, "POST", "/v1/tickets", NULL, request, &status, NULL));
    ck_assert_int_eq(status, 0);
    ck_assert(test_authd_start(&services));
    json_t *second = test_expect(&ticketing, "POST", "/v1/tickets", request, 200);
    json_t *after = test_expect(&kiosk, "GET", path_of("/v1/tickets/%s/ciphertext", tid), NULL, 200);
    ck_assert(json_equal(first, second));
    ck_assert(json_equal(before, after));
    test_card_fetch(&card, &kiosk, tid, "load", &again);
    ck_assert_uint_eq(again.sequence, face.sequence);
    issue(&card, TEST_RAIL, &face, next);
    ck_assert_uint_eq(face.sequence, again.sequence + 1);
    json_decref(first);
    json_decref(second);
    json_decref(before);
    json_decref(after);
    test_card_free(&card);
}
END_TEST

START_TEST(a_backup_holds_what_was_there)
{
    struct test_card card = new_card(TEST_RAIL);
    struct ticket_face face;
    char tid[TID_TEXT], database[TEST_PATH_MAX], copy[TEST_PATH_MAX];
    issue(&card, TEST_RAIL, &face, tid);
    test_services_path(&services, "authd.db", database);
    test_services_path(&services, "copy.db", copy);
    const char *const backup[] = {"backup", "--database", database, "--out", copy, NULL};
    ck_assert_int_eq(test_authd_command(&services, backup), 0);
    ck_assert_int_ne(test_authd_command(&services, backup), 0); /* never over something */
    ck_assert(test_daemon_terminate(&services.authd));
    ck_assert_int_eq(rename(copy, database), 0);
    char wal[TEST_PATH_MAX];
    test_services_path(&services, "authd.db-wal", wal);
    unlink(wal);
    ck_assert(test_authd_start(&services));
    test_card_fetch(&card, &kiosk, tid, "load", &face);
    test_card_free(&card);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trust in tally-authd");
    TCase *own = tcase_create("own daemon");
    tcase_add_unchecked_fixture(own, prepare, remove_all);
    tcase_add_checked_fixture(own, start, stop);
    tcase_add_test(own, forged_and_replayed_requests_are_refused);
    tcase_add_test(own, deny_lists_are_signed_and_count_up);
    tcase_add_test(own, keys_roll_over_without_a_gap);
    tcase_add_test(own, killed_between_order_and_answer);
    tcase_add_test(own, a_backup_holds_what_was_there);
    tcase_set_timeout(own, 120);
    suite_add_tcase(suite, own);
    return tally_check_main(suite, NULL);
}
