/* Which signed requests count: every covered part tampered with, times, tags, keys, replays, and the set of
 * nonces. */
#include "host/base/random.h"
#include "host/service/auth.h"
#include "host/service/keyfile.h"
#include "host/service/signer.h"
#include "tests/support/check_main.h"

#include <openssl/ec.h>
#include <string.h>

#define NOW_S 1700000000

static struct tally_manual_clock manual;
static struct tally_seeded_random seeded;
static struct tally_keydir *keys;
static struct tally_nonces *nonces;
static struct tally_auth auth;
static EVP_PKEY *key, *other_key;
static struct tally_signer signer;

/* A request as the server would hand it over, and its signature. */
static struct tally_http_header headers[8];
static struct tally_http_request request;
static struct tally_signed_fields fields;
static struct tally_caller caller;
static const char *detail;

static void setup(void)
{
    char pem[TALLY_PUBLIC_PEM_MAX];
    tally_manual_clock_init(&manual, INT64_C(1000) * NOW_S);
    tally_seeded_random_init(&seeded, 42);
    keys = tally_keydir_new();
    nonces = tally_nonces_new(1000);
    key = EVP_EC_gen("P-256");
    other_key = EVP_EC_gen("P-256");
    ck_assert_int_eq(tally_public_key_write(key, pem), TALLY_OK);
    ck_assert_int_eq(tally_keydir_add(keys, "k1", "station-east", "kiosk", pem), TALLY_OK);
    ck_assert_int_eq(tally_public_key_write(other_key, pem), TALLY_OK);
    ck_assert_int_eq(tally_keydir_add(keys, "k2", "station-west", "kiosk", pem), TALLY_OK);
    auth = (struct tally_auth){.keys = keys,
                               .nonces = nonces,
                               .tag = "tally-authd",
                               .clock = &manual.clock,
                               .authorities = {"authd.example:8443", "127.0.0.1:8443"},
                               .started_s = NOW_S - 100};
    signer = (struct tally_signer){key, "k1", "tally-authd", &manual.clock, &seeded.random};
}

static void teardown(void)
{
    tally_keydir_free(keys);
    tally_nonces_free(nonces);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other_key);
}

static void set_header(const char *name, const char *value)
{
    for (size_t i = 0; i < request.header_count; i++)
        if (strcmp(headers[i].name, name) == 0) {
            headers[i].value = value;
            return;
        }
    headers[request.header_count++] = (struct tally_http_header){name, value};
}

static void drop_header(const char *name)
{
    for (size_t i = 0; i < request.header_count; i++)
        if (strcmp(headers[i].name, name) == 0)
            headers[i] = headers[--request.header_count];
}

/* Makes and signs a change with a body. */
static void make_change(void)
{
    static const char body[] = "{\"fare\":1250}";
    request = (struct tally_http_request){.method = "POST",
                                          .path = "/v1/tickets",
                                          .query = "a=1",
                                          .body = body,
                                          .body_size = strlen(body),
                                          .headers = headers};
    set_header("host", "authd.example:8443");
    set_header("idempotency-key", "key-1");
    struct tally_httpsig_message message = {.method = "POST",
                                            .authority = "authd.example:8443",
                                            .path = "/v1/tickets",
                                            .query = "a=1",
                                            .headers = headers,
                                            .header_count = request.header_count};
    ck_assert_int_eq(tally_signer_sign(&signer, &message, body, strlen(body), &fields), TALLY_OK);
    set_header("content-digest", fields.content_digest);
    set_header("signature-input", fields.input);
    set_header("signature", fields.signature);
}

static void make_read(void)
{
    request = (struct tally_http_request){
        .method = "GET", .path = "/v1/cards", .query = "", .body = "", .headers = headers};
    set_header("host", "authd.example:8443");
    struct tally_httpsig_message message = {
        .method = "GET", .authority = "authd.example:8443", .path = "/v1/cards", .query = ""};
    ck_assert_int_eq(tally_signer_sign(&signer, &message, NULL, 0, &fields), TALLY_OK);
    set_header("signature-input", fields.input);
    set_header("signature", fields.signature);
}

/* The registry's number of the refusal, 0 when the request counts. */
static int check(void)
{
    const struct tally_problem *problem = tally_auth_check(&auth, &request, &caller, &detail);
    ck_assert_int_eq(problem == NULL, caller.party != NULL);
    return problem != NULL ? problem->code : 0;
}

START_TEST(a_good_request_tells_its_caller)
{
    uint8_t digest[TALLY_DIGEST_SIZE];
    make_change();
    ck_assert_int_eq(check(), 0);
    ck_assert_str_eq(caller.party->name, "station-east");
    ck_assert_str_eq(caller.party->role, "kiosk");
    ck_assert_int_eq(tally_sha256(request.body, request.body_size, digest), TALLY_OK);
    ck_assert_mem_eq(caller.body_digest, digest, sizeof digest);
    make_read();
    ck_assert_int_eq(check(), 0);
}
END_TEST

START_TEST(any_covered_part_tampered_with_is_noticed)
{
    make_change();
    request.method = "PUT";
    ck_assert_int_eq(check(), 206);
    make_change();
    request.path = "/v1/ticket";
    ck_assert_int_eq(check(), 206);
    make_change();
    request.query = "a=2";
    ck_assert_int_eq(check(), 206);
    make_change();
    set_header("host", "127.0.0.1:8443");
    ck_assert_int_eq(check(), 206);
    make_change();
    set_header("idempotency-key", "key-2");
    ck_assert_int_eq(check(), 206);
    make_change();
    request.body = "{\"fare\":1251}";
    ck_assert_int_eq(check(), 207);
    char digest_text[TALLY_CONTENT_DIGEST_SIZE];
    uint8_t digest[TALLY_DIGEST_SIZE];
    ck_assert_int_eq(tally_sha256(request.body, request.body_size, digest), TALLY_OK);
    tally_content_digest_write(digest, digest_text);
    set_header("content-digest", digest_text);
    ck_assert_int_eq(check(), 206);
}
END_TEST

START_TEST(every_changed_character_of_the_fields_is_noticed)
{
    make_change();
    char input[sizeof fields.input], signature[sizeof fields.signature];
    for (size_t i = 0; i < strlen(fields.input); i++) {
        memcpy(input, fields.input, sizeof input);
        input[i] = input[i] == '7' ? '8' : '7';
        set_header("signature-input", input);
        ck_assert_int_ne(check(), 0);
    }
    set_header("signature-input", fields.input);
    for (size_t i = 0; i < strlen(fields.signature); i++) {
        memcpy(signature, fields.signature, sizeof signature);
        signature[i] = signature[i] == 'A' ? 'B' : 'A';
        set_header("signature", signature);
        ck_assert_int_ne(check(), 0);
    }
    /* None of it used the nonce up. */
    set_header("signature", fields.signature);
    ck_assert_int_eq(check(), 0);
}
END_TEST

START_TEST(a_replay_is_refused_until_its_signature_has_expired_anyway)
{
    make_change();
    ck_assert_int_eq(check(), 0);
    ck_assert_int_eq(check(), 208);
    tally_manual_clock_advance_ms(&manual, 1000 * TALLY_SIGNATURE_LIFETIME_S);
    ck_assert_int_eq(check(), 208);
    tally_manual_clock_advance_ms(&manual, 1000);
    ck_assert_int_eq(check(), 204);
}
END_TEST

START_TEST(times_outside_the_window_are_refused)
{
    make_change();
    tally_manual_clock_advance_ms(&manual, 1000 * TALLY_SIGNATURE_LIFETIME_S);
    ck_assert_int_eq(check(), 0);
    make_change();
    tally_manual_clock_advance_ms(&manual, 1000 * (TALLY_SIGNATURE_LIFETIME_S + 1));
    ck_assert_int_eq(check(), 204);
    ck_assert_str_eq(detail, "expired");

    /* A signer whose clock is ahead by the window, and by a second more. */
    struct tally_manual_clock ahead;
    tally_manual_clock_init(&ahead, tally_clock_wall_ms(&manual.clock) + 1000 * TALLY_AUTH_WINDOW_S);
    signer.clock = &ahead.clock;
    make_change();
    ck_assert_int_eq(check(), 0);
    tally_manual_clock_advance_ms(&ahead, 1000);
    make_change();
    ck_assert_int_eq(check(), 204);
}
END_TEST

START_TEST(signatures_from_before_the_start_are_refused)
{
    struct tally_manual_clock behind;
    tally_manual_clock_init(&behind, INT64_C(1000) * (NOW_S - 50));
    signer.clock = &behind.clock;
    auth.started_s = NOW_S - 50;
    make_change();
    ck_assert_int_eq(check(), 0);
    auth.started_s = NOW_S - 49;
    make_change();
    ck_assert_int_eq(check(), 204);
    make_read();
    ck_assert_int_eq(check(), 204);
}
END_TEST

START_TEST(an_expiry_far_away_does_not_widen_the_window)
{
    /* Signed by hand: created 301 seconds ago, expires in an hour. */
    struct tally_httpsig sig;
    char text[TALLY_HTTPSIG_BASE_MAX], input[512], value[128];
    uint8_t signature[TALLY_HTTPSIG_SIZE];
    make_read();
    snprintf(input, sizeof input,
             "s=(\"@method\" \"@authority\" \"@path\" "
             "\"@query\");created=%d;expires=%d;nonce=\"n\";keyid=\"k1\";tag=\"tally-authd\"",
             NOW_S - 301, NOW_S + 3600);
    struct tally_httpsig_message message = {
        .method = "GET", .authority = "authd.example:8443", .path = "/v1/cards", .query = ""};
    struct tally_text base, out;
    tally_text_init(&base, text, sizeof text);
    ck_assert_int_eq(tally_httpsig_parse_input(input, &sig), TALLY_OK);
    ck_assert_int_eq(tally_httpsig_base(&message, &sig, &base), TALLY_OK);
    ck_assert_int_eq(tally_httpsig_sign(key, base.data, base.length, signature), TALLY_OK);
    tally_text_init(&out, value, sizeof value);
    tally_text_string(&out, "s=:");
    tally_text_base64(&out, signature, sizeof signature);
    tally_text_char(&out, ':');
    set_header("signature-input", input);
    set_header("signature", value);
    auth.started_s = 0;
    ck_assert_int_eq(check(), 204);
}
END_TEST

START_TEST(tags_keys_and_hosts_must_be_right)
{
    signer.tag = "tally-ticketd";
    make_change();
    ck_assert_int_eq(check(), 203);
    signer.tag = "tally-authd";
    signer.keyid = "k3";
    make_change();
    ck_assert_int_eq(check(), 205);
    /* Another party's key id over our own signature, and the other way round. */
    signer.keyid = "k2";
    make_change();
    ck_assert_int_eq(check(), 206);
    signer.keyid = "k1";
    signer.key = other_key;
    make_change();
    ck_assert_int_eq(check(), 206);
    signer.key = key;
    make_change();
    set_header("host", "evil.example");
    ck_assert_int_eq(check(), 105);
    drop_header("host");
    ck_assert_int_eq(check(), 105);
}
END_TEST

START_TEST(missing_parts_are_refused)
{
    make_change();
    drop_header("signature");
    ck_assert_int_eq(check(), 200);
    make_change();
    drop_header("signature-input");
    ck_assert_int_eq(check(), 200);
    make_change();
    headers[request.header_count++] = (struct tally_http_header){"signature", fields.signature};
    ck_assert_int_eq(check(), 201);
    make_change();
    drop_header("content-digest");
    ck_assert_int_eq(check(), 207);
    make_change();
    drop_header("idempotency-key");
    ck_assert_int_eq(check(), 202);
    /* Neither a key nor a body may be slipped in. */
    make_read();
    set_header("idempotency-key", "key-1");
    ck_assert_int_eq(check(), 202);
    make_read();
    request.body = "x";
    request.body_size = 1;
    ck_assert_int_eq(check(), 202);
}
END_TEST

START_TEST(an_unsigned_component_is_not_enough)
{
    /* Cutting any covered name out of the list is refused before the signature is looked at. */
    static const char *const names[] = {"\"@method\" ", "\"@authority\" ", "\"@path\" ", "\"@query\" ",
                                        "\"content-digest\" "};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        make_change();
        char input[sizeof fields.input];
        const char *at = strstr(fields.input, names[i]);
        ck_assert_ptr_nonnull(at);
        snprintf(input, sizeof input, "%.*s%s", (int)(at - fields.input), fields.input,
                 at + strlen(names[i]));
        set_header("signature-input", input);
        ck_assert_int_eq(check(), 202);
    }
    static const char *const params[] = {";nonce=", ";expires=", ";created=", ";keyid=", ";tag="};
    for (size_t i = 0; i < sizeof params / sizeof params[0]; i++) {
        make_change();
        char input[sizeof fields.input];
        const char *at = strstr(fields.input, params[i]);
        ck_assert_ptr_nonnull(at);
        snprintf(input, sizeof input, "%.*s%s", (int)(at - fields.input), fields.input,
                 at + 1 + strcspn(at + 1, ";"));
        set_header("signature-input", input);
        ck_assert_int_eq(check(), 202);
    }
}
END_TEST

START_TEST(a_full_set_of_nonces_refuses_rather_than_forgets)
{
    uint8_t id[TALLY_NONCE_ID_SIZE];
    struct tally_nonces *set = tally_nonces_new(100);
    int taken = 0;
    enum tally_error e;
    tally_seeded_random_init(&seeded, 1);
    do {
        ck_assert_int_eq(tally_random_fill(&seeded.random, id, sizeof id), TALLY_OK);
        e = tally_nonces_take(set, id, 1000, 500);
        taken += e == TALLY_OK;
    } while (e == TALLY_OK);
    ck_assert_int_eq(e, TALLY_E_FULL);
    ck_assert_int_ge(taken, 100);
    /* All that were taken are still known. */
    tally_seeded_random_init(&seeded, 1);
    for (int i = 0; i < taken; i++) {
        ck_assert_int_eq(tally_random_fill(&seeded.random, id, sizeof id), TALLY_OK);
        ck_assert_int_eq(tally_nonces_take(set, id, 1000, 1000), TALLY_E_EXISTS);
    }
    /* Not even as time goes on, while none of them expires. */
    for (int64_t now = 501; now < 901; now++) {
        for (int i = 0; i < 20; i++) {
            ck_assert_int_eq(tally_random_fill(&seeded.random, id, sizeof id), TALLY_OK);
            taken += tally_nonces_take(set, id, 1000, now) == TALLY_OK;
        }
    }
    ck_assert_int_le(taken, 16 * 192);
    /* Once expired they make room. */
    ck_assert_int_eq(tally_random_fill(&seeded.random, id, sizeof id), TALLY_OK);
    ck_assert_int_eq(tally_nonces_take(set, id, 2000, 1001), TALLY_OK);
    ck_assert_int_eq(tally_nonces_take(set, id, 2000, 1001), TALLY_E_EXISTS);
    tally_nonces_free(set);
}
END_TEST

START_TEST(the_set_of_nonces_grows_and_keeps_all)
{
    uint8_t id[TALLY_NONCE_ID_SIZE];
    struct tally_nonces *set = tally_nonces_new(100000);
    tally_seeded_random_init(&seeded, 9);
    for (int i = 0; i < 60000; i++) {
        ck_assert_int_eq(tally_random_fill(&seeded.random, id, sizeof id), TALLY_OK);
        ck_assert_int_eq(tally_nonces_take(set, id, 1000 + i % 2, 500), TALLY_OK);
    }
    tally_seeded_random_init(&seeded, 9);
    for (int i = 0; i < 60000; i++) {
        ck_assert_int_eq(tally_random_fill(&seeded.random, id, sizeof id), TALLY_OK);
        ck_assert_int_eq(tally_nonces_take(set, id, 2000, 1001), i % 2 == 0 ? TALLY_OK : TALLY_E_EXISTS);
    }
    tally_nonces_free(set);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("service_auth");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, a_good_request_tells_its_caller);
    tcase_add_test(all, any_covered_part_tampered_with_is_noticed);
    tcase_add_test(all, every_changed_character_of_the_fields_is_noticed);
    tcase_add_test(all, a_replay_is_refused_until_its_signature_has_expired_anyway);
    tcase_add_test(all, times_outside_the_window_are_refused);
    tcase_add_test(all, signatures_from_before_the_start_are_refused);
    tcase_add_test(all, an_expiry_far_away_does_not_widen_the_window);
    tcase_add_test(all, tags_keys_and_hosts_must_be_right);
    tcase_add_test(all, missing_parts_are_refused);
    tcase_add_test(all, an_unsigned_component_is_not_enough);
    tcase_add_test(all, a_full_set_of_nonces_refuses_rather_than_forgets);
    tcase_add_test(all, the_set_of_nonces_grows_and_keeps_all);
    suite_add_tcase(suite, all);
    return tally_check_main(suite, NULL);
}
