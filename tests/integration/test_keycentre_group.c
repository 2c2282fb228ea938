/* Threshold groups of key centres as real processes: the ceremony, extraction, centres that are dead, lie, or
 * are killed in the middle. */
#include "tests/support/check_main.h"
#include "tests/support/keycentres.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/bytes.h"
#include "host/ticketing/keycentre/keycentre.h"

enum { HOUR = 3600 };

#define CODE(id) (KEYCENTRE_PROBLEM(id)->code)
#define CEREMONY "00112233445566778899aabbccddeeff"

static struct test_centres centres;
static struct keycentre_parameters parameters;

static void begin(unsigned threshold, unsigned count)
{
    test_centres_make(&centres, threshold, count, 2 * HOUR + 600);
    test_centres_start(&centres);
}

static int ceremony(const char *id)
{
    unlink(test_centres_path(&centres, "ceremony.log"));
    return CENTRES_RUN(&centres, "ceremony.log", "ceremony", "--id", id, "--group",
                       test_centres_path(&centres, "group.json"), "--party", CENTRE_ADMIN, "--party-key",
                       test_centres_path(&centres, CENTRE_ADMIN ".pem"));
}

static int fetch_card(const char *out)
{
    return test_centres_fetch(&centres, CENTRE_STATION, "card:0102030405060708:1", out);
}

static bool same_file(const char *a, const char *b)
{
    char text[2][2048];
    const char *names[] = {a, b};
    size_t n[2];
    for (size_t i = 0; i < 2; i++) {
        FILE *file = fopen(test_centres_path(&centres, names[i]), "re");
        ck_assert_ptr_nonnull(file);
        n[i] = fread(text[i], 1, sizeof text[i], file);
        fclose(file);
    }
    return n[0] == n[1] && memcmp(text[0], text[1], n[0]) == 0;
}

/* As whoever holds a centre's database and passphrase could: changes its share. */
struct bend {
    struct keycentre centre;
    struct keycentre_state state;
    struct keycentre_secret secret;
};

static enum tally_error put_secret(struct tally_tx *tx, void *arg)
{
    struct bend *bend = arg;
    return keycentre_secret_put(tx, &bend->secret);
}

static void bend_share(unsigned i)
{
    static const struct tally_db_schema none[] = {{0}};
    static struct bend bend;
    struct keycentre_passphrase passphrase;
    uint8_t bytes[KEYCENTRE_SHARE_BYTES_MAX];
    struct tally_db *db;
    ck_assert_int_eq(
        tally_db_open(
            &(struct tally_db_options){.location = test_centre_database(&centres, i), .schemas = none}, &db),
        TALLY_OK);
    ck_assert_int_eq(keycentre_passphrase_read(test_centres_path(&centres, "kek"), -1, &passphrase),
                     TALLY_OK);
    ck_assert_int_eq(keycentre_open(&bend.centre, db, &passphrase, &tally_system_clock), TALLY_OK);
    keycentre_state_copy(&bend.centre, &bend.state);
    bend.state.share.sign[31] ^= 1;
    bend.state.share.encrypt[31] ^= 1;
    size_t n = keycentre_share_encode(&bend.state.share, bytes);
    ck_assert_int_eq(keycentre_secret_make(&bend.centre.wrap, "share", bytes, n, &bend.secret), TALLY_OK);
    ck_assert_int_eq(tally_db_write(db, put_secret, &bend), TALLY_OK);
    keycentre_clear(&bend.centre);
    tally_db_close(db);
}

static enum tally_error count_secrets(struct tally_tx *tx, void *arg)
{
    char names[KEYCENTRE_SECRETS_MAX][KEYCENTRE_SECRET_NAME_MAX + 1];
    return keycentre_secret_names(tx, names, arg);
}

static size_t secrets_of(unsigned i)
{
    static const struct tally_db_schema none[] = {{0}};
    struct tally_db *db;
    size_t count;
    ck_assert_int_eq(
        tally_db_open(
            &(struct tally_db_options){.location = test_centre_database(&centres, i), .schemas = none}, &db),
        TALLY_OK);
    ck_assert_int_eq(tally_db_read(db, count_secrets, &count), TALLY_OK);
    tally_db_close(db);
    return count;
}

static void restart(unsigned i)
{
    test_centre_stop(&centres, i);
    test_centre_start(&centres, i);
}

/* 2 of 3: no key before the ceremony; then all three answer, and the key is one that masters vouch for (the
 * tool checked it by pairing). No centre's database has a whole master key. */
START_TEST(two_of_three_extract_together)
{
    struct test_caller station, admin;
    begin(2, 3);
    test_centre_caller(&station, &centres, 0, CENTRE_STATION);
    test_centre_caller(&admin, &centres, 0, CENTRE_ADMIN);
    test_refused(&station, "POST", "/v1/keys", json_object(), CODE(NOT_SET_UP));
    test_refused(&station, "GET", "/v1/parameters", NULL, CODE(NOT_SET_UP));
    test_refused(&station, "POST", "/v1/ceremonies/" CEREMONY "/commit", json_object(),
                 TALLY_PROBLEM(ROLE_NOT_ALLOWED)->code);
    test_centres_set_up(&centres);
    ck_assert_uint_eq(secrets_of(0), 2); /* signing key and share: the seed is gone */
    test_centres_parameters(&centres, &parameters);
    ck_assert(parameters.threshold && parameters.keys.size.threshold == 2 && parameters.count == 3);
    ck_assert_int_eq(fetch_card("key"), 0);
    ck_assert_int_eq(fetch_card("again"), 0);
    ck_assert(same_file("key", "again"));
    ck_assert_int_eq(test_centres_fetch(&centres, CENTRE_OPERATOR, "authd:0001:2", "authd"), 0);
    ck_assert_int_eq(test_centres_fetch(&centres, CENTRE_OPERATOR, "gate:0001:0002:0003:2", "gate"), 0);
    /* Each centre has rules of its own. */
    ck_assert_int_eq(test_centres_fetch(&centres, CENTRE_STATION, "authd:0001:2", "other"), 1);
    ck_assert_int_eq(CENTRES_RUN(&centres, "commands.log", "disallow", "--database",
                                 test_centre_database(&centres, 2), "--party", CENTRE_STATION, "--pattern",
                                 "card:*"),
                     0);
    ck_assert_int_eq(fetch_card("other"), 1);
    /* The group has its keys: there is no second ceremony. */
    test_refused(&admin, "POST", "/v1/ceremonies/" CEREMONY "/commit", json_object(), CODE(SET_UP_ALREADY));
    test_caller_close(&station);
    test_caller_close(&admin);
    test_centres_remove(&centres);
}
END_TEST

/* 2 of 4, three needed: one may be dead; one may lie and is named; with both there is no key. */
START_TEST(a_dead_and_a_lying_centre)
{
    begin(2, 4);
    test_centres_set_up(&centres);
    test_centres_parameters(&centres, &parameters);
    ck_assert_int_eq(fetch_card("key"), 0);
    test_centre_kill(&centres, 0);
    ck_assert_int_eq(fetch_card("without-1"), 0);
    ck_assert(same_file("key", "without-1"));
    test_centre_start(&centres, 0);
    bend_share(1);
    restart(1);
    ck_assert_int_eq(fetch_card("without-2"), 0);
    ck_assert(test_centres_said(&centres, "fetch.log", "centre 2, "));
    ck_assert(test_centres_said(&centres, "fetch.log", "answered wrongly"));
    ck_assert(!test_centres_said(&centres, "fetch.log", "centre 1, "));
    ck_assert(same_file("key", "without-2"));
    test_centre_kill(&centres, 0);
    ck_assert_int_eq(fetch_card("none"), 6);
    ck_assert_int_ne(access(test_centres_path(&centres, "none"), F_OK), 0);
    test_centre_kill(&centres, 3);
    ck_assert_int_eq(fetch_card("none"), 8);
    test_centres_remove(&centres);
}
END_TEST

/* 3 of 5, all five needed. */
START_TEST(three_of_five)
{
    begin(3, 5);
    test_centres_set_up(&centres);
    test_centres_parameters(&centres, &parameters);
    ck_assert_int_eq(test_centres_fetch(&centres, CENTRE_OPERATOR, "gate:0001:0002:0003:2", "key"), 0);
    bend_share(4);
    restart(4);
    ck_assert_int_eq(test_centres_fetch(&centres, CENTRE_OPERATOR, "gate:0001:0002:0003:2", "none"), 6);
    ck_assert(test_centres_said(&centres, "fetch.log", "centre 5, "));
    ck_assert(!test_centres_said(&centres, "fetch.log", "centre 4, "));
    test_centres_remove(&centres);
}
END_TEST

/* One round at one centre, by hand; the message it answers. */
static json_t *round_at(unsigned i, const char *name, json_t *body)
{
    struct test_caller admin;
    char path[64];
    test_centre_caller(&admin, &centres, i, CENTRE_ADMIN);
    snprintf(path, sizeof path, "/v1/ceremonies/" CEREMONY "/%s", name);
    int status;
    json_t *answer = test_call(&admin, "POST", path, NULL, body, &status, NULL);
    /* Signatures from the second of a start may count as older than it. */
    for (int again = 0; status == 401 && again < 3; again++) {
        json_decref(answer);
        answer = test_call(&admin, "POST", path, NULL, body, &status, NULL);
    }
    ck_assert_int_eq(status, 200);
    test_caller_close(&admin);
    return answer;
}

static json_t *commit_at(unsigned i)
{
    json_t *empty = json_object(), *answer = round_at(i, "commit", empty);
    json_decref(empty);
    return answer;
}

static void add_message(json_t *messages, json_t *answer)
{
    json_array_append(json_object_get(messages, "messages"), json_object_get(answer, "message"));
    json_decref(answer);
}

/* Killed after every round, at another centre each time; the ceremony goes on where it was. */
START_TEST(a_ceremony_survives_kill_9)
{
    json_t *commits = json_pack("{s:[]}", "messages"), *deals = json_pack("{s:[]}", "messages");
    begin(2, 3);
    for (unsigned i = 0; i < 3; i++)
        add_message(commits, commit_at(i));
    test_centre_kill(&centres, 2);
    ck_assert_int_eq(ceremony(CEREMONY), 8);
    test_centre_start(&centres, 2);
    for (unsigned i = 0; i < 3; i++)
        add_message(deals, round_at(i, "deal", commits));
    test_centre_kill(&centres, 0);
    test_centre_start(&centres, 0);
    json_decref(round_at(0, "confirm", deals));
    test_centre_kill(&centres, 0);
    test_centre_kill(&centres, 1);
    test_centre_start(&centres, 0);
    test_centre_start(&centres, 1);
    ck_assert_int_eq(ceremony(CEREMONY), 0);
    ck_assert(test_centres_said(&centres, "ceremony.log", "master "));
    test_centre_kill(&centres, 1);
    test_centre_start(&centres, 1);
    ck_assert_int_eq(ceremony(CEREMONY), 0); /* again: the same answers */
    test_centres_parameters(&centres, &parameters);
    ck_assert_int_eq(fetch_card("key"), 0);
    json_decref(commits);
    json_decref(deals);
    test_centres_remove(&centres);
}
END_TEST

static void refused_round(unsigned i, const char *name, json_t *body, int problem)
{
    struct test_caller admin;
    char path[64];
    test_centre_caller(&admin, &centres, i, CENTRE_ADMIN);
    snprintf(path, sizeof path, "/v1/ceremonies/" CEREMONY "/%s", name);
    test_refused(&admin, "POST", path, json_incref(body), problem);
    test_caller_close(&admin);
}

/* A relay that leaves steps out, shows other messages the second time, or bends one. */
START_TEST(a_dishonest_relay_gets_nowhere)
{
    json_t *commits = json_pack("{s:[]}", "messages"), *empty = json_pack("{s:[]}", "messages");
    begin(2, 3);
    refused_round(0, "deal", empty, CODE(CEREMONY_CONFLICT));
    for (unsigned i = 0; i < 3; i++)
        add_message(commits, commit_at(i));
    refused_round(0, "deal", empty, TALLY_PROBLEM(INVALID_FIELD)->code);
    refused_round(0, "confirm", commits, CODE(CEREMONY_CONFLICT));
    json_decref(round_at(0, "deal", commits));
    /* Its own commit left out; another commit of a centre after the deal. */
    json_t *list = json_object_get(commits, "messages");
    json_t *swapped = json_pack("{s:[O, O, O]}", "messages", json_array_get(list, 1), json_array_get(list, 0),
                                json_array_get(list, 2));
    refused_round(0, "deal", swapped, CODE(CEREMONY_CONFLICT));
    refused_round(1, "deal", swapped, CODE(CEREMONY_CONFLICT)); /* and that does not end it there */
    char *bent = strdup(json_string_value(json_array_get(list, 2)));
    bent[300] = bent[300] == '0' ? '1' : '0';
    json_t *other =
        json_pack("{s:[O, O, s]}", "messages", json_array_get(list, 0), json_array_get(list, 1), bent);
    refused_round(0, "deal", other, CODE(CEREMONY_CONFLICT));
    /* Before the deal it ends the ceremony at that centre, which names the one it does not believe. */
    refused_round(1, "deal", other, CODE(CEREMONY_FAILED));
    refused_round(1, "deal", commits, CODE(CEREMONY_CONFLICT));
    ck_assert_uint_eq(secrets_of(1), 1); /* its signing key */
    ck_assert(test_centres_said(&centres, "centre-1.log", "a centre's contribution is wrong\",\"centre\":3"));
    /* A passphrase that was changed beside the service: what it wraps now could not be read later. */
    FILE *file = fopen(test_centres_path(&centres, "new"), "we");
    ck_assert(file != NULL && fputs("another passphrase", file) >= 0 && fclose(file) == 0);
    ck_assert_int_eq(chmod(test_centres_path(&centres, "new"), 0600), 0);
    ck_assert_int_eq(CENTRES_RUN(&centres, "commands.log", "rewrap", "--database",
                                 test_centre_database(&centres, 2), "--kek-file",
                                 test_centres_path(&centres, "kek"), "--new-kek-file",
                                 test_centres_path(&centres, "new")),
                     0);
    ck_assert_int_eq(ceremony("ee112233445566778899aabbccddeeff"), 1);
    ck_assert_int_eq(CENTRES_RUN(&centres, "commands.log", "rewrap", "--database",
                                 test_centre_database(&centres, 2), "--kek-file",
                                 test_centres_path(&centres, "new"), "--new-kek-file",
                                 test_centres_path(&centres, "kek")),
                     0);
    restart(2);
    /* Another ceremony is free to succeed. */
    ck_assert_int_eq(ceremony("ff112233445566778899aabbccddeeff"), 0);
    free(bent);
    json_decref(commits);
    json_decref(empty);
    json_decref(swapped);
    json_decref(other);
    test_centres_remove(&centres);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keycentre group");
    TCase *c = tcase_create("group");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, two_of_three_extract_together);
    tcase_add_test(c, a_dead_and_a_lying_centre);
    tcase_add_test(c, three_of_five);
    tcase_add_test(c, a_ceremony_survives_kill_9);
    tcase_add_test(c, a_dishonest_relay_gets_nowhere);
    suite_add_tcase(suite, c);
    return tally_check_main(suite, NULL);
}
