/* A real server and a real client over loopback: routes, limits, and what a signature protects. */
#include "host/base/random.h"
#include "host/service/auth.h"
#include "host/service/http_client.h"
#include "host/service/http_server.h"
#include "host/service/keyfile.h"
#include "tests/support/check_main.h"

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOW_MS INT64_C(1700000000000)

static struct tally_manual_clock manual;
static struct tally_metrics *metrics;
static struct tally_keydir *keys;
static struct tally_nonces *nonces;
static struct tally_auth auth;
static struct tally_http_server *server;
static struct tally_http_client *client;
static EVP_PKEY *kiosk_key;
static struct tally_signer signer;
static char authority[64], base_url[80];

static void echo(struct tally_http_request *request, struct tally_http_response *response, void *ctx)
{
    struct tally_caller caller;
    const char *detail;
    const struct tally_problem *problem =
        tally_auth_check(ctx, request, strcmp(request->method, "POST") == 0, &caller, &detail);
    if (problem != NULL) {
        tally_http_respond_problem(request, response, problem, detail, NULL);
        return;
    }
    json_t *body = json_loadb(request->body, request->body_size, JSON_REJECT_DUPLICATES, NULL);
    tally_http_respond_json(
        request, response, 200,
        json_pack("{s:s, s:s, s:o*}", "party", caller.party->name, "role", caller.party->role, "body", body));
}

static const struct tally_http_route routes[] = {
    {"POST", "/v1/echo", echo, &auth},
    {"GET", "/v1/echo", echo, &auth},
    {NULL, NULL, NULL, NULL},
};

static void setup(void)
{
    char pem[TALLY_PUBLIC_PEM_MAX];
    tally_manual_clock_init(&manual, NOW_MS);
    metrics = tally_metrics_new();
    keys = tally_keydir_new();
    nonces = tally_nonces_new(1000);
    kiosk_key = EVP_EC_gen("P-256");
    ck_assert_int_eq(tally_public_key_write(kiosk_key, pem), TALLY_OK);
    ck_assert_int_eq(tally_keydir_add(keys, "kiosk-1", "station-east", "kiosk", pem), TALLY_OK);
    struct tally_http_options options = {.address = "127.0.0.1",
                                         .connections_max = 64,
                                         .idle_timeout_s = 30,
                                         .body_timeout_s = 30,
                                         .body_max = 4096,
                                         .routes = routes,
                                         .metrics = metrics,
                                         .clock = &manual.clock};
    ck_assert_int_eq(tally_http_server_start(&options, &server), TALLY_OK);
    snprintf(authority, sizeof authority, "127.0.0.1:%u", tally_http_server_port(server));
    snprintf(base_url, sizeof base_url, "http://%s", authority);
    auth = (struct tally_auth){.keys = keys,
                               .nonces = nonces,
                               .tag = "tally-echo",
                               .authorities = {authority},
                               .clock = &manual.clock,
                               .started_s = NOW_MS / 1000};
    signer = (struct tally_signer){kiosk_key, "kiosk-1", "tally-echo", &manual.clock, &tally_system_random};
    struct tally_http_client_options client_options = {.base_url = base_url, .signer = &signer};
    ck_assert_int_eq(tally_http_client_new(&client_options, &client), TALLY_OK);
}

static void teardown(void)
{
    tally_http_client_free(client);
    tally_http_server_free(server);
    tally_nonces_free(nonces);
    tally_keydir_free(keys);
    tally_metrics_free(metrics);
    EVP_PKEY_free(kiosk_key);
}

START_TEST(a_signed_request_is_answered)
{
    json_t *body = json_pack("{s:i}", "fare", 1250), *result;
    int problem;
    ck_assert_int_eq(tally_http_client_json(client, "POST", "/v1/echo?x=1", "key-1", body, &result, &problem),
                     TALLY_OK);
    ck_assert_str_eq(json_string_value(json_object_get(result, "party")), "station-east");
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(result, "body"), "fare")), 1250);
    json_decref(result);
    json_decref(body);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http");
    TCase *signature = tcase_create("signature");
    tcase_add_checked_fixture(signature, setup, teardown);
    tcase_add_test(signature, a_signed_request_is_answered);
    suite_add_tcase(suite, signature);
    return tally_check_main(suite, NULL);
}
