/* A single key centre as a real process: who gets which keys, when, and what is left behind. */
#include "tests/support/check_main.h"
#include "tests/support/keycentres.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/ec.h>

#include "host/base/bytes.h"
#include "host/crypto/hpke.h"
#include "host/service/db.h"
#include "host/service/signer.h"
#include "host/ticketing/json_values.h"
#include "host/ticketing/keycentre/answer.h"
#include "host/ticketing/keycentre/problems.h"

enum { HOUR = 3600, FILE_TEXT = 2048 };

#define CODE(id)   (KEYCENTRE_PROBLEM(id)->code)
#define COMMON(id) (TALLY_PROBLEM(id)->code)

static struct test_centres centres;
static struct keycentre_parameters parameters;
static struct test_caller operator_1, station, nobody, admin;

static void open_callers(void)
{
    test_centre_caller(&operator_1, &centres, 0, CENTRE_OPERATOR);
    test_centre_caller(&station, &centres, 0, CENTRE_STATION);
    test_centre_caller(&nobody, &centres, 0, CENTRE_NOBODY);
    test_centre_caller(&admin, &centres, 0, CENTRE_ADMIN);
}

static void close_callers(void)
{
    test_caller_close(&operator_1);
    test_caller_close(&station);
    test_caller_close(&nobody);
    test_caller_close(&admin);
}

/* Ten minutes into epoch 2. */
static void begin(void)
{
    test_centres_make(&centres, 0, 1, 2 * HOUR + 600);
    test_centres_start(&centres);
    test_centres_parameters(&centres, &parameters);
    open_callers();
}

static void finish(void)
{
    close_callers();
    test_centres_remove(&centres);
}

static json_t *ask(const char *identity, struct tally_key **key)
{
    uint8_t point[P256_POINT_SIZE] = {4};
    size_t n;
    if (*key == NULL)
        ck_assert_int_eq(tally_key_generate(SUITE_P256, key), TALLY_OK);
    memcpy(point + 1, tally_key_public(*key, &n), P256_PUBLIC_SIZE);
    json_t *body = json_pack("{s:s}", "identity", identity);
    tally_json_set_hex(body, "recipient", point, sizeof point);
    return body;
}

static void refused(struct test_caller *caller, const char *identity, int problem)
{
    struct tally_key *key = NULL;
    test_refused(caller, "POST", "/v1/keys", ask(identity, &key), problem);
    tally_key_free(key);
}

/* Opens a single centre's answer: n bytes. */
static void open_answer(const json_t *answer, const struct tally_key *key, const char *identity,
                        uint8_t *plain, size_t n)
{
    uint8_t sealed[512], index = 0;
    struct keycentre_aad aad = keycentre_aad(parameters.master, &index, identity);
    ck_assert_uint_le(n + TALLY_HPKE_OVERHEAD, sizeof sealed);
    test_hex(answer, "sealed", sealed, n + TALLY_HPKE_OVERHEAD);
    ck_assert_int_eq(
        tally_hpke_open(key, KEYCENTRE_KEY_LABEL, aad.parts, 3, sealed, n + TALLY_HPKE_OVERHEAD, plain),
        TALLY_OK);
}

/* A line of a key file; n bytes. */
static bool key_line(const char *file, const char *line_name, uint8_t *out, size_t n)
{
    char text[FILE_TEXT], want[64];
    FILE *in = fopen(test_centres_path(&centres, file), "re");
    ck_assert_ptr_nonnull(in);
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    snprintf(want, sizeof want, "\n%s ", line_name);
    const char *at = strstr(text, want);
    if (at == NULL)
        return false;
    char hex[2 * G2_BYTES + 1];
    size_t got;
    snprintf(hex, sizeof hex, "%.*s", (int)(2 * n), at + strlen(want));
    ck_assert_int_eq(at[strlen(want) + 2 * n], '\n');
    return tally_hex_decode(hex, out, n, &got) == TALLY_OK && got == n;
}

static int no_random(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    return tally_random(out, n) == TALLY_OK ? 0 : -1;
}

/* What the keys are for: a signature that the masters verify, a secret that only the holder opens. */
static void use_keys(const char *identity, const uint8_t *sign, const uint8_t *decrypt)
{
    static struct sm9_sign_public sign_master;
    static struct sm9_encrypt_public encrypt_master;
    const struct sm9_random random = {no_random, NULL};
    const struct sm9_id id = {(const uint8_t *)identity, strlen(identity)};
    uint8_t signature[SM9_SIGNATURE_BYTES], c[SM9_KEM_BYTES], secret[32], opened[32];
    if (sign != NULL) {
        struct sm9_sign_key key;
        ck_assert_int_eq(sm9_sign_public_init(&sign_master, parameters.keys.masters.sign), SM9_OK);
        ck_assert_int_eq(sm9_sign_key_init(&key, sign), SM9_OK);
        ck_assert_int_eq(sm9_sign(signature, &sign_master, &key, "face", 4, &random), SM9_OK);
        ck_assert_int_eq(sm9_verify(signature, &sign_master, &id, "face", 4), SM9_OK);
    }
    if (decrypt != NULL) {
        struct sm9_decrypt_key key;
        ck_assert_int_eq(sm9_encrypt_public_init(&encrypt_master, parameters.keys.masters.encrypt), SM9_OK);
        ck_assert_int_eq(sm9_decrypt_key_init(&key, decrypt), SM9_OK);
        ck_assert_int_eq(sm9_encapsulate(secret, sizeof secret, c, &encrypt_master, &id, &random), SM9_OK);
        ck_assert_int_eq(sm9_decapsulate(opened, sizeof opened, c, &key, &id), SM9_OK);
        ck_assert_mem_eq(secret, opened, sizeof secret);
    }
}

START_TEST(each_scheme_gets_its_keys_in_a_file)
{
    static const struct {
        const char *party, *identity;
        bool sign, decrypt;
    } cases[] = {{CENTRE_OPERATOR, "authd:0001:2", true, false},
                 {CENTRE_OPERATOR, "gate:0001:0002:0003:2", false, true},
                 {CENTRE_STATION, "card:0102030405060708:1", true, true}};
    uint8_t sign[G1_BYTES], decrypt[G2_BYTES];
    struct stat info;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(test_centres_fetch(&centres, cases[i].party, cases[i].identity, "key"), 0);
        ck_assert_int_eq(key_line("key", "sign-key", sign, sizeof sign), cases[i].sign);
        ck_assert_int_eq(key_line("key", "decrypt-key", decrypt, sizeof decrypt), cases[i].decrypt);
        ck_assert(test_centres_said(&centres, "fetch.log", "record http://127.0.0.1:"));
        use_keys(cases[i].identity, cases[i].sign ? sign : NULL, cases[i].decrypt ? decrypt : NULL);
        ck_assert_int_eq(stat(test_centres_path(&centres, "key"), &info), 0);
        ck_assert_int_eq(info.st_mode & 07777, 0600);
    }
    /* A file that is there is not overwritten; an identity that is none is not asked for. */
    ck_assert_int_eq(CENTRES_RUN(&centres, "fetch.log", "fetch", "--identity", "authd:0001:2", "--parameters",
                                 test_centres_path(&centres, "parameters.json"), "--party", CENTRE_OPERATOR,
                                 "--party-key", test_centres_path(&centres, CENTRE_OPERATOR ".pem"), "--out",
                                 test_centres_path(&centres, "key")),
                     1);
    ck_assert_int_eq(test_centres_fetch(&centres, CENTRE_OPERATOR, "authd:1:2", "other"), 2);
}
END_TEST

START_TEST(only_granted_identities_are_given)
{
    refused(&operator_1, "authd:0002:2", CODE(IDENTITY_NOT_GRANTED));
    refused(&operator_1, "gate:0002:0002:0003:2", CODE(IDENTITY_NOT_GRANTED));
    refused(&operator_1, "card:0102030405060708:1", CODE(IDENTITY_NOT_GRANTED));
    refused(&station, "authd:0001:2", CODE(IDENTITY_NOT_GRANTED));
    refused(&nobody, "gate:0001:0002:0003:2", CODE(IDENTITY_NOT_GRANTED));
    refused(&admin, "authd:0001:2", COMMON(ROLE_NOT_ALLOWED));
    ck_assert_int_eq(test_centres_fetch(&centres, CENTRE_OPERATOR, "authd:0002:2", "key"), 1);
    ck_assert_int_ne(access(test_centres_path(&centres, "key"), F_OK), 0);
    /* A grant and its end take effect at once. */
    ck_assert_int_eq(CENTRES_RUN(&centres, "commands.log", "allow", "--database",
                                 test_centre_database(&centres, 0), "--party", CENTRE_NOBODY, "--pattern",
                                 "gate:0001:0002:*"),
                     0);
    ck_assert_int_eq(test_centres_fetch(&centres, CENTRE_NOBODY, "gate:0001:0002:0003:2", "key"), 0);
    refused(&nobody, "gate:0001:0003:0003:2", CODE(IDENTITY_NOT_GRANTED));
    ck_assert_int_eq(CENTRES_RUN(&centres, "commands.log", "disallow", "--database",
                                 test_centre_database(&centres, 0), "--party", CENTRE_NOBODY, "--pattern",
                                 "gate:0001:0002:*"),
                     0);
    refused(&nobody, "gate:0001:0002:0003:2", CODE(IDENTITY_NOT_GRANTED));
}
END_TEST

START_TEST(only_keys_of_open_epochs_are_given)
{
    refused(&operator_1, "authd:0001:1", CODE(EPOCH_CLOSED));
    refused(&operator_1, "authd:0001:0", CODE(EPOCH_CLOSED));
    refused(&operator_1, "authd:0001:3", CODE(EPOCH_CLOSED));
    refused(&operator_1, "authd:0001:65535", CODE(EPOCH_CLOSED));
    refused(&station, "card:0102030405060708:2", CODE(EPOCH_CLOSED));
    ck_assert_int_eq(test_centres_fetch(&centres, CENTRE_OPERATOR, "authd:0001:2", "key"), 0);
}
END_TEST

/* In the last quarter of an epoch the next one's keys are given, too. */
START_TEST(keys_of_the_next_epoch_are_given_in_time)
{
    test_centres_make(&centres, 0, 1, 2 * HOUR + 3000);
    test_centres_start(&centres);
    test_centres_parameters(&centres, &parameters);
    ck_assert_int_eq(test_centres_fetch(&centres, CENTRE_OPERATOR, "authd:0001:3", "next"), 0);
    ck_assert_int_eq(test_centres_fetch(&centres, CENTRE_OPERATOR, "authd:0001:4", "far"), 1);
    test_centres_remove(&centres);
}
END_TEST

/* The number of the last record. */
static int64_t last_record(void)
{
    int64_t after = -1, next = 0;
    while (next > after) {
        char path[64];
        after = next;
        snprintf(path, sizeof path, "/v1/audit?after=%lld", (long long)after);
        json_t *log = test_expect(&admin, "GET", path, NULL, 200);
        next = json_integer_value(json_object_get(log, "next"));
        json_decref(log);
    }
    return next;
}

static void set_revoked(bool revoked)
{
    json_decref(test_expect(
        &admin, "POST", "/v1/revocations",
        json_pack("{s:s, s:b, s:s}", "holder", "gate:0001:0002:0003", "revoked", revoked, "reason", "stolen"),
        200));
}

START_TEST(a_revoked_holder_gets_nothing)
{
    char path[64];
    snprintf(path, sizeof path, "/v1/audit?after=%lld", (long long)last_record());
    set_revoked(true);
    set_revoked(true); /* the same again changes nothing, and is no record */
    refused(&operator_1, "gate:0001:0002:0003:2", CODE(IDENTITY_REVOKED));
    ck_assert_int_eq(test_centres_fetch(&centres, CENTRE_OPERATOR, "gate:0001:0002:0004:2", "key"), 0);
    set_revoked(false);
    ck_assert_int_eq(test_centres_fetch(&centres, CENTRE_OPERATOR, "gate:0001:0002:0003:2", "key"), 0);
    test_refused(&admin, "POST", "/v1/revocations",
                 json_pack("{s:s, s:b, s:s}", "holder", "gate:0001:*:0003", "revoked", 1, "reason", "x"),
                 COMMON(INVALID_FIELD));
    test_refused(&operator_1, "POST", "/v1/revocations",
                 json_pack("{s:s, s:b, s:s}", "holder", "gate:0001:0002:0003", "revoked", 1, "reason", "x"),
                 COMMON(ROLE_NOT_ALLOWED));
    json_t *log = test_expect(&admin, "GET", path, NULL, 200);
    const json_t *records = json_object_get(log, "records");
    static const char *const events[] = {"revoke", "key", "restore", "key"};
    ck_assert_uint_eq(json_array_size(records), 4);
    for (size_t i = 0; i < 4; i++)
        ck_assert_str_eq(json_string_value(json_object_get(json_array_get(records, i), "event")), events[i]);
    json_decref(log);
}
END_TEST

START_TEST(malformed_requests_change_nothing)
{
    struct tally_key *key = NULL;
    int64_t before = last_record();
    json_t *body = ask("authd:0001:02", &key);
    test_refused(&operator_1, "POST", "/v1/keys", body, COMMON(INVALID_FIELD));
    body = ask("authd:0001:2", &key);
    json_object_set_new(body, "more", json_true());
    test_refused(&operator_1, "POST", "/v1/keys", body, COMMON(INVALID_FIELD));
    body = ask("authd:0001:2", &key);
    uint8_t off_curve[P256_POINT_SIZE] = {4, 1, 2, 3};
    tally_json_set_hex(body, "recipient", off_curve, sizeof off_curve);
    test_refused(&operator_1, "POST", "/v1/keys", body, COMMON(INVALID_FIELD));
    body = ask("authd:0001:2", &key);
    json_object_del(body, "recipient");
    test_refused(&operator_1, "POST", "/v1/keys", body, COMMON(INVALID_FIELD));
    body = ask("authd:0001:2", &key);
    json_object_set_new(body, "use", json_string("sign"));
    test_refused(&operator_1, "POST", "/v1/evidence", body, CODE(NOT_THRESHOLD));
    test_refused(&admin, "POST", "/v1/ceremonies/00112233445566778899aabbccddeeff/commit", json_object(),
                 CODE(NOT_THRESHOLD));
    test_refused(&admin, "GET", "/v1/audit?after=-1", NULL, COMMON(INVALID_FIELD));
    ck_assert_int_eq(last_record(), before);
    tally_key_free(key);
}
END_TEST

/* A request that is sent twice, signed by a stranger, or changed on the way. */
START_TEST(forged_and_repeated_requests_are_refused)
{
    struct tally_key *key = NULL;
    json_t *request = ask("authd:0001:2", &key);
    char *body = json_dumps(request, JSON_COMPACT);
    struct tally_http_header idempotency = {"idempotency-key", "once"};
    struct tally_httpsig_message message = {.method = "POST",
                                            .authority = centres.at[0].url + strlen("http://"),
                                            .path = "/v1/keys",
                                            .query = "",
                                            .headers = &idempotency,
                                            .header_count = 1};
    struct tally_signed_fields fields;
    ck_assert_int_eq(tally_signer_sign(&operator_1.signer, &message, body, strlen(body), &fields), TALLY_OK);
    struct tally_http_client *plain;
    struct tally_http_answer answer;
    struct tally_http_client_options options = {.base_url = centres.at[0].url};
    ck_assert_int_eq(tally_http_client_new(&options, &plain), TALLY_OK);
    struct tally_http_header headers[] = {{"Content-Digest", fields.content_digest},
                                          {"Signature-Input", fields.input},
                                          {"Signature", fields.signature}};
    struct tally_http_call call = {.method = "POST",
                                   .path = "/v1/keys",
                                   .body = body,
                                   .body_size = strlen(body),
                                   .idempotency_key = "once",
                                   .headers = headers};
    const struct {
        char *changed; /* a byte of the body to change */
        size_t header_count;
        int problem;
    } steps[] = {{NULL, 0, COMMON(SIGNATURE_MISSING)},
                 {strstr(body, "0001"), 3, COMMON(DIGEST_MISMATCH)},           /* another identity */
                 {strstr(body, "recipient") + 14, 3, COMMON(DIGEST_MISMATCH)}, /* another recipient */
                 {NULL, 3, 0},
                 {NULL, 3, COMMON(REPLAYED)}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        call.header_count = steps[i].header_count;
        if (steps[i].changed != NULL)
            steps[i].changed[3] ^= 1;
        ck_assert_int_eq(tally_http_client_perform(plain, &call, &answer), TALLY_OK);
        ck_assert_int_eq(answer.problem, steps[i].problem);
        ck_assert_int_eq(answer.status, steps[i].problem == 0 ? 201 : 401);
        tally_http_answer_clear(&answer);
        if (steps[i].changed != NULL)
            steps[i].changed[3] ^= 1;
    }
    /* Signed by a key that is not registered. */
    EVP_PKEY *stranger = EVP_EC_gen("P-256"), *own = operator_1.signer.key;
    operator_1.signer.key = stranger;
    refused(&operator_1, "authd:0001:2", COMMON(SIGNATURE_INVALID));
    operator_1.signer.key = own;
    operator_1.signer.keyid = "somebody";
    refused(&operator_1, "authd:0001:2", COMMON(UNKNOWN_KEY));
    operator_1.signer.keyid = CENTRE_OPERATOR;
    EVP_PKEY_free(stranger);
    tally_http_client_free(plain);
    tally_key_free(key);
    json_decref(request);
    free(body);
}
END_TEST

START_TEST(the_same_key_gives_the_same_answer_after_a_crash)
{
    struct tally_key *key = NULL;
    int status, problem;
    begin();
    json_t *body = ask("authd:0001:2", &key), *first, *again;
    first = test_call(&operator_1, "POST", "/v1/keys", "key-1", body, &status, &problem);
    ck_assert_int_eq(status, 201);
    test_centre_kill(&centres, 0);
    test_centre_start(&centres, 0);
    again = test_call(&operator_1, "POST", "/v1/keys", "key-1", body, &status, &problem);
    /* Signatures from the second of the start may count as older than it. */
    if (problem == COMMON(SIGNATURE_TIME)) {
        json_decref(again);
        again = test_call(&operator_1, "POST", "/v1/keys", "key-1", body, &status, &problem);
    }
    ck_assert_int_eq(status, 201);
    ck_assert(json_equal(first, again));
    json_object_set_new(body, "identity", json_string("gate:0001:0002:0003:2"));
    json_decref(test_call(&operator_1, "POST", "/v1/keys", "key-1", body, &status, &problem));
    ck_assert_int_eq(problem, COMMON(IDEMPOTENCY_REUSED));
    /* One record for the one key. */
    json_t *log = test_expect(&admin, "GET", "/v1/audit?after=1", NULL, 200);
    ck_assert_uint_eq(json_array_size(json_object_get(log, "records")), 1);
    json_decref(log);
    json_decref(first);
    json_decref(again);
    json_decref(body);
    tally_key_free(key);
    finish();
}
END_TEST

static bool contains(const char *path, const uint8_t *bytes, size_t n)
{
    static char content[1 << 22];
    FILE *file = fopen(path, "re");
    size_t size = file != NULL ? fread(content, 1, sizeof content, file) : 0;
    if (file != NULL)
        fclose(file);
    return memmem(content, size, bytes, n) != NULL;
}

/* Neither database nor log has the key that went out, raw or in hex, nor the passphrase. */
START_TEST(keys_are_nowhere_in_clear)
{
    static const char passphrase[] = "correct horse";
    static const char *const files[] = {"centre-0.db", "centre-0.db-wal", "centre-0.log", "init-0.log",
                                        "commands.log"};
    uint8_t key[G1_BYTES];
    char hex[2 * G1_BYTES + 1], raw_path[CENTRE_PATH_MAX + 64];
    struct tally_key *recipient = NULL;
    json_t *answer = test_expect(&operator_1, "POST", "/v1/keys", ask("authd:0001:2", &recipient), 201);
    open_answer(answer, recipient, "authd:0001:2", key, sizeof key);
    use_keys("authd:0001:2", key, NULL);
    ck_assert_int_eq(tally_hex_encode(key, sizeof key, hex, sizeof hex), TALLY_OK);
    char *text = json_dumps(answer, 0);
    ck_assert_ptr_null(strstr(text, hex));
    free(text);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(raw_path, sizeof raw_path, "%s", test_centres_path(&centres, files[i]));
        ck_assert_msg(!contains(raw_path, key, G1_BYTES / 2), "%s", files[i]);
        ck_assert_msg(!contains(raw_path, (const uint8_t *)hex, G1_BYTES), "%s", files[i]);
        ck_assert_msg(!contains(raw_path, (const uint8_t *)passphrase, sizeof passphrase - 1), "%s",
                      files[i]);
    }
    /* The search finds what is there: the identity in the database. */
    snprintf(raw_path, sizeof raw_path, "%s", test_centres_path(&centres, "centre-0.db-wal"));
    ck_assert(contains(raw_path, (const uint8_t *)"authd:0001:2", 12));
    json_decref(answer);
    tally_key_free(recipient);
}
END_TEST

static void change_database(const char *sql);

static int serve_with(const char *kek)
{
    return CENTRES_RUN(&centres, "serve.log", "serve", "--database", test_centre_database(&centres, 0),
                       "--kek-file", test_centres_path(&centres, kek));
}

static void write_kek(const char *name, const char *text, mode_t mode)
{
    FILE *file = fopen(test_centres_path(&centres, name), "we");
    ck_assert(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
    ck_assert_int_eq(chmod(test_centres_path(&centres, name), mode), 0);
}

START_TEST(the_passphrase_opens_the_master_keys_and_nothing_else_does)
{
    begin();
    ck_assert_int_eq(test_centres_fetch(&centres, CENTRE_OPERATOR, "authd:0001:2", "before"), 0);
    close_callers();
    test_centre_stop(&centres, 0);
    write_kek("wrong", "incorrect horse battery staple\n", 0600);
    write_kek("open", "correct horse battery staple\n", 0640);
    write_kek("short", "fifteen letters\n", 0600);
    ck_assert_int_eq(serve_with("wrong"), 6);
    ck_assert_int_eq(serve_with("open"), 1);
    ck_assert_int_eq(serve_with("short"), 2);
    ck_assert_int_eq(serve_with("missing"), 1);
    ck_assert_int_eq(
        CENTRES_RUN(&centres, "serve.log", "serve", "--database", test_centre_database(&centres, 0)), 2);
    /* init never makes a second set of keys. */
    ck_assert_int_eq(CENTRES_RUN(&centres, "commands.log", "init", "--database",
                                 test_centre_database(&centres, 0), "--kek-file",
                                 test_centres_path(&centres, "kek")),
                     1);
    ck_assert_int_eq(CENTRES_RUN(&centres, "commands.log", "rewrap", "--database",
                                 test_centre_database(&centres, 0), "--kek-file",
                                 test_centres_path(&centres, "kek"), "--new-kek-file",
                                 test_centres_path(&centres, "wrong")),
                     0);
    ck_assert_int_eq(serve_with("kek"), 6);
    /* Secrets that changed places do not open. */
    change_database("UPDATE secrets SET name = 'x' WHERE name = 'sign'");
    change_database("UPDATE secrets SET name = 'sign' WHERE name = 'encrypt'");
    change_database("UPDATE secrets SET name = 'encrypt' WHERE name = 'x'");
    ck_assert_int_eq(serve_with("wrong"), 6);
    change_database("UPDATE secrets SET name = 'x' WHERE name = 'sign'");
    change_database("UPDATE secrets SET name = 'sign' WHERE name = 'encrypt'");
    change_database("UPDATE secrets SET name = 'encrypt' WHERE name = 'x'");
    write_kek("kek", "incorrect horse battery staple\n", 0600);
    test_centre_start(&centres, 0);
    ck_assert_int_eq(test_centres_fetch(&centres, CENTRE_OPERATOR, "authd:0001:2", "after"), 0);
    uint8_t before[G1_BYTES], after[G1_BYTES];
    ck_assert(key_line("before", "sign-key", before, sizeof before));
    ck_assert(key_line("after", "sign-key", after, sizeof after));
    ck_assert_mem_eq(before, after, sizeof before);
    test_centres_remove(&centres);
}
END_TEST

/* Through the environment, and through a pipe. */
START_TEST(the_passphrase_comes_by_other_ways)
{
    char fd_text[16];
    int fds[2];
    test_centres_make(&centres, 0, 1, 0);
    ck_assert_int_eq(setenv("TALLY_KEYCENTRE_PASSPHRASE", "by the environment", 1), 0);
    ck_assert_int_eq(
        CENTRES_RUN(&centres, "commands.log", "init", "--database", test_centres_path(&centres, "e.db")), 0);
    unsetenv("TALLY_KEYCENTRE_PASSPHRASE");
    write_kek("env", "by the environment", 0600);
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(write(fds[1], "through the pipe\n", 17), 17);
    close(fds[1]);
    snprintf(fd_text, sizeof fd_text, "%d", fds[0]);
    ck_assert_int_eq(CENTRES_RUN(&centres, "commands.log", "init", "--database",
                                 test_centres_path(&centres, "f.db"), "--kek-fd", fd_text),
                     0);
    close(fds[0]);
    write_kek("pipe", "through the pipe", 0600);
    write_kek("new", "something new at last", 0600);
    static const char *const pairs[][3] = {{"e.db", "pipe", "env"}, {"f.db", "env", "pipe"}};
    for (size_t i = 0; i < 2; i++)
        for (size_t right = 0; right < 2; right++)
            ck_assert_int_eq(CENTRES_RUN(&centres, "commands.log", "rewrap", "--database",
                                         test_centres_path(&centres, pairs[i][0]), "--kek-file",
                                         test_centres_path(&centres, pairs[i][1 + right]), "--new-kek-file",
                                         test_centres_path(&centres, "new")),
                             right == 1 ? 0 : 6);
    test_centres_remove(&centres);
}
END_TEST

static int audit_alone(void)
{
    return CENTRES_RUN(&centres, "audit.log", "audit", "--database", test_centre_database(&centres, 0));
}

static int audit(const char *expect)
{
    return CENTRES_RUN(&centres, "audit.log", "audit", "--database", test_centre_database(&centres, 0),
                       "--expect", expect);
}

/* A changed row, a missing row, a log that was cut off or written anew are found. */
START_TEST(the_audit_log_shows_what_was_done_to_it)
{
    struct tally_key *recipient = NULL;
    char expect[96];
    begin();
    json_t *answer = test_expect(&operator_1, "POST", "/v1/keys", ask("authd:0001:2", &recipient), 201);
    const json_t *record = json_object_get(answer, "record");
    snprintf(expect, sizeof expect, "%lld:%s",
             (long long)json_integer_value(json_object_get(record, "number")),
             json_string_value(json_object_get(record, "hash")));
    ck_assert_int_eq(test_centres_fetch(&centres, CENTRE_OPERATOR, "gate:0001:0002:0003:2", "key"), 0);
    ck_assert_int_eq(audit(expect), 0);
    ck_assert(test_centres_said(&centres, "audit.log", "key operator-1 authd:0001:2"));
    close_callers();
    test_centre_stop(&centres, 0);
    change_database("UPDATE audit SET subject = 'authd:0001:3' WHERE number = 2");
    ck_assert_int_eq(audit_alone(), 6);
    ck_assert_int_eq(audit(expect), 6);
    change_database("UPDATE audit SET subject = 'authd:0001:2' WHERE number = 2");
    ck_assert_int_eq(audit(expect), 0);
    change_database("DELETE FROM audit WHERE number = 2");
    ck_assert_int_eq(audit_alone(), 6);
    change_database("DELETE FROM audit WHERE number > 1");
    ck_assert_int_eq(audit_alone(), 0);
    ck_assert_int_eq(audit(expect), 6);
    json_decref(answer);
    tally_key_free(recipient);
    test_centres_remove(&centres);
}
END_TEST

/* As whoever holds the file could. */
static enum tally_error run_sql(struct tally_tx *tx, void *arg)
{
    return tally_run(tally_db_prepare(tx, arg));
}

static void change_database(const char *sql)
{
    static const struct tally_db_schema none[] = {{0}};
    struct tally_db *db;
    ck_assert_int_eq(
        tally_db_open(
            &(struct tally_db_options){.location = test_centre_database(&centres, 0), .schemas = none}, &db),
        TALLY_OK);
    ck_assert_int_eq(tally_db_write(db, run_sql, (void *)sql), TALLY_OK);
    tally_db_close(db);
}

int main(void)
{
    Suite *suite = suite_create("keycentre");
    TCase *shared = tcase_create("one centre"), *own = tcase_create("its own centre");
    tcase_set_timeout(shared, 120);
    tcase_set_timeout(own, 120);
    tcase_add_unchecked_fixture(shared, begin, finish);
    tcase_add_test(shared, each_scheme_gets_its_keys_in_a_file);
    tcase_add_test(shared, only_granted_identities_are_given);
    tcase_add_test(shared, only_keys_of_open_epochs_are_given);
    tcase_add_test(shared, a_revoked_holder_gets_nothing);
    tcase_add_test(shared, malformed_requests_change_nothing);
    tcase_add_test(shared, forged_and_repeated_requests_are_refused);
    tcase_add_test(shared, keys_are_nowhere_in_clear);
    tcase_add_test(own, keys_of_the_next_epoch_are_given_in_time);
    tcase_add_test(own, the_same_key_gives_the_same_answer_after_a_crash);
    tcase_add_test(own, the_passphrase_opens_the_master_keys_and_nothing_else_does);
    tcase_add_test(own, the_passphrase_comes_by_other_ways);
    tcase_add_test(own, the_audit_log_shows_what_was_done_to_it);
    suite_add_tcase(suite, shared);
    suite_add_tcase(suite, own);
    return tally_check_main(suite, NULL);
}
