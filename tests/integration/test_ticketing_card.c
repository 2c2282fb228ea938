/* The card's own firmware, in this process or in the emulator, against the real servers: packages, tickets,
 * exchange and refund in all suites, with every receipt checked by the authentication server. */
#include "tests/support/check_main.h"
#include "tests/support/chosen_card.h"
#include "tests/support/mcucard.h"
#include "tests/support/scp03_peer.h"
#include "tests/support/ticketing.h"

#include <string.h>

#include "host/base/bytes.h"
#include "host/crypto/sm9_file.h"
#include "host/ticketing/json_values.h"
#include "host/ticketing/problems.h"

enum { PATH_TEXT = 160, TID_TEXT = 2 * TID_SIZE + 1, USAGE_TEXT = 2 * USAGE_SIZE + 1 };

static const uint8_t load[] = {CLA_PROPRIETARY, INS_LOAD, 0, 0},
                     exchange[] = {CLA_PROPRIETARY, INS_EXCHANGE, 0, 0},
                     put_package[] = {CLA_PROPRIETARY, INS_PUT_DATA, DO_OPERATOR_PACKAGE >> 8,
                                      DO_OPERATOR_PACKAGE & 0xFF};

static struct test_services services;
static struct test_caller personaliser, ticketing, kiosk;

/* A card of silicon, as far as the servers can tell. */
struct chip {
    struct ramcard *rc;
    struct test_card known; /* serial alone: for making requests */
};

static void start(void)
{
    if (!test_services_prepare(&services) || !test_authd_start(&services))
        exit(1);
    test_caller_open(&personaliser, &services, TEST_PERSONALISER, TO_AUTHD);
    test_caller_open(&ticketing, &services, TEST_TICKETING, TO_AUTHD);
    test_caller_open(&kiosk, &services, TEST_KIOSK, TO_AUTHD);
}

static void stop(void)
{
    test_caller_close(&personaliser);
    test_caller_close(&ticketing);
    test_caller_close(&kiosk);
    ck_assert(test_services_stop(&services));
}

static void personalise(struct chip *chip, uint32_t seed)
{
    struct personalised p = {0};
    json_t *issuer = test_expect(&personaliser, "GET", "/v1/operators/1", NULL, 200);
    test_hex(issuer, "enrolment_key", p.enrolment_key, sizeof p.enrolment_key);
    json_decref(issuer);
    ck_assert_int_eq(tally_random(p.serial, SERIAL_SIZE), TALLY_OK);
    chip->rc = ramcard_new(seed);
    peer_personalise(chip->rc, &p, true);
    struct hal_identity identity = ramcard_identity(chip->rc);
    json_t *json = json_pack("{s:i}", "card_key_version", 1);
    tally_json_set_hex(json, "serial", p.serial, SERIAL_SIZE);
    tally_json_set_hex(json, "chip_id", identity.chip_id, CHIP_ID_SIZE);
    tally_json_set_hex(json, "kem_key", p.kem_key, P256_POINT_SIZE);
    tally_json_set_hex(json, "auth_key", p.auth_key, P256_POINT_SIZE);
    tally_json_set_hex(json, "rsa_modulus", p.rsa_modulus, RSA_SIZE);
    json_decref(test_expect(&personaliser, "POST", "/v1/cards", json, 201));
    memcpy(chip->known.serial, p.serial, SERIAL_SIZE);
    ck_assert_int_eq(
        tally_hex_encode(p.serial, SERIAL_SIZE, chip->known.serial_hex, sizeof chip->known.serial_hex),
        TALLY_OK);
    ramcard_select(chip->rc, TALLY_AID_TICKET);
}

static uint16_t package(struct chip *chip, struct test_caller *caller, uint16_t operator_id,
                        const char *action)
{
    char path[PATH_TEXT];
    uint8_t raw[TALLY_PACKAGE_MAX];
    size_t n;
    struct reply reply;
    snprintf(path, sizeof path, "/v1/cards/%s/operators/%u/package", chip->known.serial_hex, operator_id);
    json_t *answer = test_expect(caller, "POST", path, json_pack("{s:s}", "action", action), 200);
    ck_assert_int_eq(
        tally_hex_decode(json_string_value(json_object_get(answer, "package")), raw, sizeof raw, &n),
        TALLY_OK);
    json_decref(answer);
    ramcard_command(chip->rc, put_package, raw, n, &reply);
    return reply.sw;
}

/* Asks for the ticket, fetches its ciphertext and gives it to the card. */
static void deliver(struct chip *chip, json_t *request, const char *tid, struct reply *reply)
{
    char path[PATH_TEXT];
    uint8_t ciphertext[TEST_CIPHERTEXT_MAX];
    size_t n;
    json_decref(test_expect(&ticketing, "POST", "/v1/tickets", request, 201));
    snprintf(path, sizeof path, "/v1/tickets/%s/ciphertext", tid);
    json_t *answer = test_expect(&kiosk, "GET", path, NULL, 200);
    bool replaces = strcmp(json_string_value(json_object_get(answer, "kind")), "exchange") == 0;
    ck_assert_int_eq(tally_hex_decode(json_string_value(json_object_get(answer, "ciphertext")), ciphertext,
                                      sizeof ciphertext, &n),
                     TALLY_OK);
    json_decref(answer);
    ramcard_command(chip->rc, replaces ? exchange : load, ciphertext, n, reply);
}

/* The authentication server's word on a receipt that the card gave. */
static void check_receipt(const char *tid, const uint8_t *usage, enum usage_event event, char hex[USAGE_TEXT])
{
    ck_assert_int_eq(tally_hex_encode(usage, USAGE_SIZE, hex, USAGE_TEXT), TALLY_OK);
    json_t *answer = test_expect(&ticketing, "POST", "/v1/receipts",
                                 json_pack("{s:[{s:s, s:s}]}", "receipts", "tid", tid, "usage", hex), 200);
    const json_t *one = json_array_get(json_object_get(answer, "receipts"), 0);
    ck_assert(json_is_true(json_object_get(one, "valid")));
    ck_assert_int_eq(json_integer_value(json_object_get(one, "event")), event);
    json_decref(answer);
}

static json_t *replacing(const struct chip *chip, uint16_t operator_id, const char *tid, const char *usage,
                         char next[TID_TEXT])
{
    json_t *request = test_ticket_request(&chip->known, operator_id, next);
    json_object_set_new(request, "replaces_tid", json_string(tid));
    json_object_set_new(request, "usage", json_string(usage));
    return request;
}

static void make_void(json_t *request)
{
    static const char *const zero[] = {"service_minute", "from",      "to",          "coach",
                                       "fare_class",     "fare_type", "max_entries", "max_temporary_exits",
                                       "point_of_sale",  "zone_map",  "flags"};
    json_t *face = json_object_get(request, "face");
    json_object_set_new(face, "profile", json_integer(PROFILE_VOID));
    for (size_t i = 0; i < sizeof zero / sizeof *zero; i++)
        json_object_set_new(face, zero[i], json_integer(0));
    json_object_set_new(face, "service", json_string(""));
    json_object_set_new(face, "seat", json_string(""));
    json_object_set_new(face, "service_date", json_string("2000-01-01"));
}

static void live(struct chip *chip, uint16_t operator_id)
{
    char first[TID_TEXT], second[TID_TEXT], order[TID_TEXT], hex[USAGE_TEXT];
    struct reply reply;
    ck_assert_uint_eq(package(chip, &personaliser, operator_id, "set"), SW_OK);
    deliver(chip, test_ticket_request(&chip->known, operator_id, first), first, &reply);
    ck_assert_uint_eq(reply.sw, SW_OK);
    ck_assert_uint_eq(reply.len, USAGE_SIZE);
    check_receipt(first, reply.data, EVENT_LOADED, hex);
    /* Exchange: both receipts in one answer. */
    deliver(chip, replacing(chip, operator_id, first, hex, second), second, &reply);
    ck_assert_uint_eq(reply.sw, SW_OK);
    ck_assert_uint_eq(reply.len, 2 * USAGE_SIZE);
    uint8_t loaded[USAGE_SIZE];
    memcpy(loaded, reply.data + USAGE_SIZE, USAGE_SIZE);
    check_receipt(first, reply.data, EVENT_DELETED, hex);
    check_receipt(second, loaded, EVENT_LOADED, hex);
    /* Refund: the void order. */
    json_t *request = replacing(chip, operator_id, second, hex, order);
    make_void(request);
    deliver(chip, request, order, &reply);
    ck_assert_uint_eq(reply.sw, SW_OK);
    ck_assert_uint_eq(reply.len, USAGE_SIZE);
    check_receipt(second, reply.data, EVENT_DELETED, hex);
}

START_TEST(all_suites_on_one_card)
{
    struct chip chip = {0}, thief = {0};
    struct reply reply;
    char tid[TID_TEXT], path[PATH_TEXT], keys[TEST_PATH_MAX];
    personalise(&chip, 1);
    live(&chip, TEST_RAIL);
    live(&chip, TEST_PARK);
    live(&chip, TEST_METRO);
    /* New sub-key and key 1 by a package that the kiosk relays; tickets go on. */
    test_services_path(&services, "keys", keys);
    const char *const roll_vmk[] = {"roll", "--keys", keys, "--operator", "1", "--key", "vmk", NULL};
    const char *const roll_key1[] = {"roll", "--keys", keys, "--operator", "1", "--key", "key1", NULL};
    ck_assert_int_eq(test_authd_command(&services, roll_vmk), 0);
    ck_assert_int_eq(test_authd_command(&services, roll_key1), 0);
    ck_assert(test_daemon_terminate(&services.authd));
    ck_assert(test_authd_start(&services));
    ck_assert_uint_eq(package(&chip, &kiosk, TEST_RAIL, "set"), SW_OK);
    live(&chip, TEST_RAIL);
    /* The ciphertext of one card on another. */
    personalise(&thief, 2);
    ck_assert_uint_eq(package(&thief, &personaliser, TEST_RAIL, "set"), SW_OK);
    json_t *request = test_ticket_request(&chip.known, TEST_RAIL, tid);
    deliver(&thief, request, tid, &reply);
    ck_assert_uint_eq(reply.sw, SW_AUTHENTICATION);
    /* Removed in the field: no ticket is made any more. */
    ck_assert_uint_eq(package(&chip, &personaliser, TEST_PARK, "remove"), SW_OK);
    test_refused(&ticketing, "POST", "/v1/tickets", test_ticket_request(&chip.known, TEST_PARK, tid),
                 TICKETING_PROBLEM(OPERATOR_NOT_ON_CARD)->code);
    snprintf(path, sizeof path, "/v1/cards/%s", chip.known.serial_hex);
    json_t *view = test_expect(&personaliser, "GET", path, NULL, 200);
    ck_assert_int_eq(json_integer_value(json_object_get(view, "tickets")), 13);
    json_decref(view);
    ramcard_free(chip.rc);
    ramcard_free(thief.rc);
}
END_TEST

static void restart(void)
{
    ck_assert(test_daemon_terminate(&services.authd));
    ck_assert(test_authd_start(&services));
}

static void command(const char *first, const char *a, const char *a_value, const char *b, const char *b_value,
                    int status)
{
    char keys[TEST_PATH_MAX];
    test_services_path(&services, "keys", keys);
    const char *const arguments[] = {first, "--keys", keys, "--operator", "3", a, a_value, b, b_value, NULL};
    ck_assert_int_eq(test_authd_command(&services, arguments), status);
}

/* The key file of an identity as the operator's key centre makes it, into a file of the services' folder. */
static void fetch(const struct tally_sm9_centre *centre, const struct identity *identity, const char *name)
{
    char path[TEST_PATH_MAX];
    struct tally_sm9_holder holder;
    test_services_path(&services, name, path);
    ck_assert_int_eq(tally_sm9_extract(centre, identity, &holder), TALLY_OK);
    ck_assert_int_eq(tally_sm9_holder_save(path, &holder), TALLY_OK);
}

static void fetch_card(const struct tally_sm9_centre *centre, const struct chip *chip, uint16_t epoch)
{
    struct identity card = {.scheme = IDENTITY_CARD, .epoch = epoch};
    char text[IDENTITY_MAX + 1], name[TEST_PATH_MAX];
    memcpy(card.serial, chip->known.serial, SERIAL_SIZE);
    identity_print(&card, text);
    for (char *c = text; *c != '\0'; c++)
        *c = *c == ':' ? '-' : *c;
    snprintf(name, sizeof name, "keys/operator-3/holders/%s.sm9", text);
    fetch(centre, &card, name);
}

/* The operator's own key centre first; then one elsewhere, which knows the card only once its file has come.
 */
START_TEST(identities_roll_and_come_from_a_key_centre)
{
    struct chip chip = {0};
    struct tally_sm9_centre centre;
    struct reply reply;
    char tid[TID_TEXT], path[PATH_TEXT], file[TEST_PATH_MAX];
    personalise(&chip, 1);
    live(&chip, TEST_METRO);
    command("roll", "--key", "key1", NULL, NULL, 0);
    command("card-epochs", "--epoch", "2", "--floor", "1", 0);
    command("card-epochs", "--epoch", "1", "--floor", "1", 1); /* none sinks */
    restart();
    deliver(&chip, test_ticket_request(&chip.known, TEST_METRO, tid), tid, &reply);
    ck_assert_uint_eq(reply.sw, SW_OK); /* the card's package is the old one still */
    live(&chip, TEST_METRO);            /* a new one */

    const struct identity server = {.scheme = IDENTITY_AUTHD, .operator_id = TEST_METRO, .epoch = 9};
    const struct identity stranger = {.scheme = IDENTITY_AUTHD, .operator_id = TEST_RAIL, .epoch = 9};
    ck_assert_int_eq(tally_sm9_centre_make(&centre), TALLY_OK);
    fetch(&centre, &stranger, "stranger.sm9");
    fetch(&centre, &server, "server.sm9");
    test_services_path(&services, "stranger.sm9", file);
    command("roll", "--key", "key1", "--key1-file", file, 6);
    test_services_path(&services, "server.sm9", file);
    command("roll", "--key", "key1", "--key1-file", file, 0);
    test_services_path(&services, "keys/operator-3/centre.key", file);
    ck_assert_int_eq(remove(file), 0);
    restart();
    deliver(&chip, test_ticket_request(&chip.known, TEST_METRO, tid), tid, &reply);
    ck_assert_uint_eq(reply.sw, SW_OK); /* under the masters the card has */
    snprintf(path, sizeof path, "/v1/cards/%s/operators/3/package", chip.known.serial_hex);
    test_refused(&personaliser, "POST", path, json_pack("{s:s}", "action", "set"),
                 TICKETING_PROBLEM(CARD_LACKS_KEY)->code);
    fetch_card(&centre, &chip, 2);
    live(&chip, TEST_METRO);
    ramcard_free(chip.rc);
}
END_TEST

/* The machines end with this process; each makes other keys. */
static void move_to_emulator(struct ramcard *rc)
{
    static uint64_t seed;
    (void)mcucard_take(rc, false, ++seed);
}

int main(void)
{
    if (!chosen_available())
        return CARD_SKIPPED;
    if (chosen_mcu())
        ramcard_settle = move_to_emulator;
    Suite *suite = suite_create("firmware and servers");
    TCase *tc = tcase_create("card");
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, all_suites_on_one_card);
    tcase_add_test(tc, identities_roll_and_come_from_a_key_centre);
    tcase_set_timeout(tc, 120);
    suite_add_tcase(suite, tc);
    return tally_check_main(suite, NULL);
}
