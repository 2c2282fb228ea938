/* A real server over loopback: routes, limits, hostile bytes. */
#include "host/base/log.h"
#include "host/base/random.h"
#include "host/service/auth.h"
#include "host/service/http_client.h"
#include "host/service/http_server.h"
#include "host/service/keyfile.h"
#include "tests/support/check_main.h"
#include "tests/support/service_support.h"

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
static uint16_t port;
static struct tally_http_client *client;
static EVP_PKEY *key;
static struct tally_signer signer;
static char authority[64], base_url[80];
static enum tally_error check_result;

/* Answers who signed what. */
static void echo(struct tally_http_request *request, struct tally_http_response *response, void *ctx)
{
    struct tally_caller caller;
    const char *detail;
    const struct tally_problem *problem = tally_auth_check(ctx, request, &caller, &detail);
    if (problem != NULL) {
        tally_http_respond_problem(request, response, problem, detail, NULL);
        return;
    }
    json_t *body = json_loadb(request->body, request->body_size, JSON_REJECT_DUPLICATES, NULL);
    tally_http_respond_json(request, response, 200,
                            json_pack("{s:s, s:o*}", "party", caller.party->name, "body", body));
}

/* Answers what it was asked. */
static void show(struct tally_http_request *request, struct tally_http_response *response, void *ctx)
{
    char day[16];
    (void)ctx;
    enum tally_error e = tally_http_query(request, "day", day, sizeof day);
    tally_http_respond_json(request, response, 200,
                            json_pack("{s:s, s:s, s:s, s:s, s:i, s:I}", "card",
                                      tally_http_param(request, "card"), "op",
                                      tally_http_param(request, "op"), "none", tally_http_param(request, "x"),
                                      "day", day, "error", (int)e, "size", (json_int_t)request->body_size));
}

static void forget(struct tally_http_request *request, struct tally_http_response *response, void *ctx)
{
    (void)request, (void)response, (void)ctx;
}

static enum tally_error check_ready(void *ctx)
{
    (void)ctx;
    return check_result;
}

static const struct tally_http_route routes[] = {
    {"POST", "/v1/echo", echo, &auth},
    {"GET", "/v1/echo", echo, &auth},
    {"GET", "/v1/cards/{card}/operators/{op}", show, NULL},
    {"POST", "/v1/cards/{card}/operators/{op}", show, NULL},
    {"GET", "/v1/forget", forget, NULL},
    {NULL, NULL, NULL, NULL},
};
static const struct tally_http_check checks[] = {{"demo", check_ready, NULL}, {NULL, NULL, NULL}};

static void setup(void)
{
    char pem[TALLY_PUBLIC_PEM_MAX];
    tally_log_setup(STDERR_FILENO, TALLY_LOG_OFF, &tally_system_clock);
    tally_manual_clock_init(&manual, NOW_MS);
    check_result = TALLY_OK;
    metrics = tally_metrics_new();
    keys = tally_keydir_new();
    nonces = tally_nonces_new(1000);
    key = EVP_EC_gen("P-256");
    ck_assert_int_eq(tally_public_key_write(key, pem), TALLY_OK);
    ck_assert_int_eq(tally_keydir_add(keys, "kiosk-1", "station-east", "kiosk", pem), TALLY_OK);
    struct tally_http_options options = {.address = "127.0.0.1",
                                         .connections_max = 64,
                                         .idle_timeout_s = 60,
                                         .body_timeout_s = 30,
                                         .body_max = 4096,
                                         .threads = 2,
                                         .routes = routes,
                                         .checks = checks,
                                         .metrics = metrics,
                                         .clock = &manual.clock};
    ck_assert_int_eq(tally_http_server_start(&options, &server), TALLY_OK);
    port = tally_http_server_port(server);
    snprintf(authority, sizeof authority, "127.0.0.1:%u", port);
    snprintf(base_url, sizeof base_url, "http://%s", authority);
    auth = (struct tally_auth){.keys = keys,
                               .nonces = nonces,
                               .tag = "tally-echo",
                               .authorities = {authority},
                               .clock = &manual.clock,
                               .started_s = NOW_MS / 1000};
    signer = (struct tally_signer){key, "kiosk-1", "tally-echo", &manual.clock, &tally_system_random};
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
    EVP_PKEY_free(key);
}

/* Sends bytes on a connection of their own; the status, and the whole answer to be looked at. */
static char *answer;
static int raw(const char *bytes)
{
    free(answer);
    answer = http_raw(port, bytes, strlen(bytes));
    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? atoi(answer + 9) : 0;
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
    ck_assert_int_eq(tally_http_client_json(client, "GET", "/v1/echo", NULL, NULL, &result, &problem),
                     TALLY_OK);
    json_decref(result);
}
END_TEST

START_TEST(refusals_reach_the_client_with_their_number)
{
    json_t *result;
    int problem;
    signer.tag = "tally-other";
    ck_assert_int_eq(tally_http_client_json(client, "GET", "/v1/echo", NULL, NULL, &result, &problem),
                     TALLY_E_DENIED);
    ck_assert_int_eq(problem, 203);
    ck_assert_str_eq(json_string_value(json_object_get(result, "type")), "urn:tally:problem:signature-tag");
    json_decref(result);
    ck_assert_int_eq(raw("GET /v1/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 401);
    ck_assert_ptr_nonnull(strstr(answer, "application/problem+json"));
    ck_assert_ptr_nonnull(strstr(answer, "signature-missing"));
}
END_TEST

START_TEST(a_recorded_request_cannot_be_sent_again)
{
    char bytes[4096];
    struct tally_signed_fields fields;
    struct tally_httpsig_message message = {
        .method = "GET", .authority = authority, .path = "/v1/echo", .query = ""};
    ck_assert_int_eq(tally_signer_sign(&signer, &message, NULL, 0, &fields), TALLY_OK);
    snprintf(bytes, sizeof bytes,
             "GET /v1/echo HTTP/1.1\r\nHost: %s\r\nSignature-Input: %s\r\nSignature: %s\r\nConnection: "
             "close\r\n\r\n",
             authority, fields.input, fields.signature);
    ck_assert_int_eq(raw(bytes), 200);
    ck_assert_int_eq(raw(bytes), 401);
    ck_assert_ptr_nonnull(strstr(answer, "\"code\":208"));
    /* The same fields for another request. */
    snprintf(bytes, sizeof bytes,
             "GET /v1/echo?a HTTP/1.1\r\nHost: %s\r\nSignature-Input: %s\r\nSignature: %s\r\nConnection: "
             "close\r\n\r\n",
             authority, fields.input, fields.signature);
    ck_assert_int_eq(raw(bytes), 401);
    ck_assert_ptr_nonnull(strstr(answer, "\"code\":206"));
}
END_TEST

#define GET(target) "GET " target " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

START_TEST(paths_and_queries_are_taken_apart)
{
    ck_assert_int_eq(raw(GET("/v1/cards/0042/operators/7?a=b&day=2026-01%2D31&day2=x")), 200);
    ck_assert_ptr_nonnull(
        strstr(answer, "\"card\":\"0042\",\"op\":\"7\",\"none\":\"\",\"day\":\"2026-01-31\",\"error\":0"));
    ck_assert_int_eq(raw(GET("/v1/cards/1/operators/2?day=a+b")), 200);
    ck_assert_ptr_nonnull(strstr(answer, "\"day\":\"a b\""));
    static const char *const wrong[] = {"day=1&day=2", "day=%",   "day=%4",
                                        "day=%4g",     "day=%00", "day=12345678901234567"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char bytes[256], want[32];
        snprintf(bytes, sizeof bytes, GET("/v1/cards/1/operators/2?%s"), wrong[i]);
        snprintf(want, sizeof want, "\"error\":%d", TALLY_E_FORMAT);
        ck_assert_int_eq(raw(bytes), 200);
        ck_assert_msg(strstr(answer, want) != NULL, "taken: %s", wrong[i]);
    }
}
END_TEST

START_TEST(what_is_not_there_is_said_so)
{
    ck_assert_int_eq(raw(GET("/nowhere")), 404);
    ck_assert_ptr_nonnull(strstr(answer, "no-such-resource"));
    ck_assert_int_eq(raw(GET("/v1/cards//operators/7")), 404);
    ck_assert_int_eq(raw(GET("/v1/cards/1/operators/7/")), 404);
    ck_assert_int_eq(raw(GET("/v1/cards/1/operators")), 404);
    ck_assert_int_eq(raw("DELETE /v1/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 405);
    ck_assert_ptr_nonnull(strstr(answer, "Allow: POST, GET"));
    ck_assert_int_eq(raw("HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 200);
    ck_assert_ptr_null(strstr(answer, "\"status\""));
    ck_assert_int_eq(raw(GET("/v1/forget")), 500);
    char bytes[512], segment[160];
    memset(segment, 'a', sizeof segment);
    segment[TALLY_HTTP_PARAM_SIZE - 1] = '\0';
    snprintf(bytes, sizeof bytes, GET("/v1/cards/%s/operators/7"), segment);
    ck_assert_int_eq(raw(bytes), 200);
    segment[TALLY_HTTP_PARAM_SIZE - 1] = 'a';
    segment[TALLY_HTTP_PARAM_SIZE] = '\0';
    snprintf(bytes, sizeof bytes, GET("/v1/cards/%s/operators/7"), segment);
    ck_assert_int_eq(raw(bytes), 404);
}
END_TEST

START_TEST(malformed_requests_are_refused)
{
    ck_assert_int_eq(raw(GET("/v1/%65cho")), 400);
    ck_assert_int_eq(raw(GET("/v1/echo\x80")), 400);
    ck_assert_int_eq(raw(GET("v1/echo")), 400);
    ck_assert_int_eq(raw(GET("*")), 400);
    ck_assert_int_eq(raw(GET("http://x/v1/echo")), 400);
    /* What is no request at all gets no answer. */
    ck_assert_int_eq(raw("nonsense\r\n\r\n"), 0);
    ck_assert_int_eq(raw("POST /v1/cards/1/operators/2 HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n"),
                     400);
    ck_assert_int_eq(raw("GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n"), 400);
    ck_assert_int_eq(raw("GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n"), 400);
    ck_assert_int_ne(raw("POST /v1/cards/1/operators/2 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
                         "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n"),
                     200);
    ck_assert_int_ne(raw("POST /v1/cards/1/operators/2 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
                         "Content-Length: 2\r\nConnection: close\r\n\r\nab"),
                     200);

    char *bytes = malloc(100000), *at = bytes;
    at += sprintf(at, "GET /");
    memset(at, 'a', TALLY_HTTP_TARGET_MAX);
    at += TALLY_HTTP_TARGET_MAX;
    sprintf(at, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    ck_assert_int_eq(raw(bytes), 400);

    at = bytes + sprintf(bytes, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    for (int i = 0; i < TALLY_HTTP_HEADERS_MAX; i++)
        at += sprintf(at, "x-%d: y\r\n", i);
    sprintf(at, "\r\n");
    ck_assert_int_eq(raw(bytes), 400);

    at = bytes + sprintf(bytes, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Big: ");
    memset(at, 'a', TALLY_HTTP_MEMORY);
    sprintf(at + TALLY_HTTP_MEMORY, "\r\n\r\n");
    ck_assert_int_eq(raw(bytes), 431);
    free(bytes);
    ck_assert_int_eq(raw(GET("/healthz")), 200);
}
END_TEST

/* A POST with a body of n bytes, by length or in chunks, of which the first are sent. */
static int post(size_t n, bool chunked, size_t sent)
{
    char *bytes = malloc(n + 512), *at = bytes;
    at += sprintf(at, "POST /v1/cards/1/operators/2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    at += chunked ? sprintf(at, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", n)
                  : sprintf(at, "Content-Length: %zu\r\n\r\n", n);
    memset(at, 'b', sent);
    at += sent;
    at += chunked && sent == n ? sprintf(at, "\r\n0\r\n\r\n") : 0;
    free(answer);
    answer = http_raw(port, bytes, (size_t)(at - bytes));
    free(bytes);
    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? atoi(answer + 9) : 0;
}

START_TEST(bodies_have_a_limit)
{
    ck_assert_int_eq(post(4096, false, 4096), 200);
    ck_assert_ptr_nonnull(strstr(answer, "\"size\":4096"));
    ck_assert_int_eq(post(4096, true, 4096), 200);
    ck_assert_ptr_nonnull(strstr(answer, "\"size\":4096"));
    ck_assert_int_eq(post(4097, false, 0), 413);
    ck_assert_int_eq(post(4097, true, 4097), 413);
    ck_assert_ptr_nonnull(strstr(answer, "body-too-large"));
    /* Far beyond the limit the connection is simply cut. */
    ck_assert_int_ne(post(1000000, true, 1000000), 200);
    ck_assert_int_eq(raw(GET("/healthz")), 200);
}
END_TEST

START_TEST(a_truncated_body_reaches_no_handler_and_holds_nothing_up)
{
    static const char *const cut[] = {
        "POST /v1/cards/1/operators/2 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"a\":",
        "POST /v1/cards/1/operators/2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{\"a\":",
        "POST /v1/cards/1/operators/2 HTTP/1.1\r\nHost: x\r\nContent-Le", "POST /v1/ca", "P"};
    for (size_t i = 0; i < sizeof cut / sizeof cut[0]; i++) {
        int fd = http_connect(port);
        ck_assert_int_eq(send(fd, cut[i], strlen(cut[i]), MSG_NOSIGNAL), (ssize_t)strlen(cut[i]));
        close(fd);
        ck_assert_int_eq(raw(GET("/healthz")), 200);
    }
    ck_assert_int_eq(raw(GET("/metrics")), 200);
    ck_assert_ptr_null(strstr(answer, "method=\"POST\",route=\"/v1/cards/{card}/operators/{op}\",status"));
    ck_assert_int_eq(tally_http_server_drain(server, 60000), TALLY_OK);
}
END_TEST

START_TEST(a_body_that_takes_too_long_is_cut_off)
{
    static const char head[] = "POST /v1/cards/1/operators/2 HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                               "Content-Length: 2\r\n\r\n";
    char interim[64] = "";
    for (int late = 0; late < 2; late++) {
        int fd = http_connect(port);
        ck_assert_int_eq(send(fd, head, strlen(head), MSG_NOSIGNAL), (ssize_t)strlen(head));
        /* The server's word that it has seen the fields: from here on it waits for the body. */
        ck_assert_int_gt(read(fd, interim, sizeof interim - 1), 0);
        ck_assert_int_eq(strncmp(interim, "HTTP/1.1 100", 12), 0);
        tally_manual_clock_advance_ms(&manual, late ? 30001 : 30000);
        ck_assert_int_eq(send(fd, "ab", 2, MSG_NOSIGNAL), 2);
        ck_assert_int_eq(http_read_status(fd), late ? -1 : 200);
        close(fd);
    }
}
END_TEST

START_TEST(health_readiness_and_metrics_are_built_in)
{
    ck_assert_int_eq(raw(GET("/healthz")), 200);
    ck_assert_int_eq(raw(GET("/readyz")), 200);
    ck_assert_ptr_nonnull(strstr(answer, "\"demo\":\"ok\""));
    check_result = TALLY_E_IO;
    ck_assert_int_eq(raw(GET("/readyz")), 503);
    ck_assert_ptr_nonnull(strstr(answer, "\"demo\":\"input/output failed\""));
    ck_assert_int_eq(raw(GET("/v1/cards/1/operators/2")), 200);
    ck_assert_int_eq(raw(GET("/nowhere/at/all")), 404);
    ck_assert_int_eq(raw(GET("/metrics")), 200);
    ck_assert_ptr_nonnull(strstr(answer, TALLY_METRICS_CONTENT_TYPE));
    static const char *const wanted[] = {
        "http_requests_total{method=\"GET\",route=\"/healthz\",status=\"200\"} 1\n",
        "http_requests_total{method=\"GET\",route=\"/readyz\",status=\"503\"} 1\n",
        "http_requests_total{method=\"GET\",route=\"/v1/cards/{card}/operators/{op}\",status=\"200\"} 1\n",
        "http_requests_total{method=\"\",route=\"\",status=\"404\"} 1\n",
        "http_request_seconds_count{method=\"GET\",route=\"/readyz\"} 2\n",
        "http_in_flight 1\n",
        "# EOF\n"};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        ck_assert_msg(strstr(answer, wanted[i]) != NULL, "no %s in %s", wanted[i], answer);
}
END_TEST

START_TEST(the_trace_id_is_the_callers_when_it_has_one)
{
    ck_assert_int_eq(raw("GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                         "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n"),
                     404);
    ck_assert_ptr_nonnull(strstr(answer, "\"trace\":\"4bf92f3577b34da6a3ce929d0e0e4736\""));
    ck_assert_int_eq(raw("GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                         "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e473\"-00f067aa0ba902b7-01\r\n\r\n"),
                     404);
    const char *trace = strstr(answer, "\"trace\":\"");
    ck_assert_ptr_nonnull(trace);
    ck_assert_uint_eq(strspn(trace + 9, "0123456789abcdef"), 32);
    ck_assert_int_ne(strncmp(trace + 9, "4bf92f35", 8), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http");
    TCase *all = tcase_create("server");
    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, a_signed_request_is_answered);
    tcase_add_test(all, refusals_reach_the_client_with_their_number);
    tcase_add_test(all, a_recorded_request_cannot_be_sent_again);
    tcase_add_test(all, paths_and_queries_are_taken_apart);
    tcase_add_test(all, what_is_not_there_is_said_so);
    tcase_add_test(all, malformed_requests_are_refused);
    tcase_add_test(all, bodies_have_a_limit);
    tcase_add_test(all, a_truncated_body_reaches_no_handler_and_holds_nothing_up);
    tcase_add_test(all, a_body_that_takes_too_long_is_cut_off);
    tcase_add_test(all, health_readiness_and_metrics_are_built_in);
    tcase_add_test(all, the_trace_id_is_the_callers_when_it_has_one);
    suite_add_tcase(suite, all);
    return tally_check_main(suite, NULL);
}
