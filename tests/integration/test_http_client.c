/* The client and the transport: limits, TLS with a pinned authority, unix sockets, and when a server refuses
 * to start. */
#include "host/base/log.h"
#include "host/service/http_client.h"
#include "host/service/http_server.h"
#include "host/service/problem.h"
#include "tests/support/check_main.h"
#include "tests/support/service_support.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], certificate[160], key[160], other_certificate[160], other_key[160], port_file[160],
    socket_path[160];
static struct tally_http_server *server;
static struct tally_http_client *client;
static char base_url[80];

static void big(struct tally_http_request *request, struct tally_http_response *response, void *ctx)
{
    char *body = malloc(5000);
    (void)request, (void)ctx;
    memset(body, 'x', 5000);
    tally_http_respond(response, 200, "text/plain", body, 5000);
}

static void elsewhere(struct tally_http_request *request, struct tally_http_response *response, void *ctx)
{
    (void)ctx;
    tally_http_respond_json(request, response, 302, json_object());
    tally_http_respond_header(response, "Location", "/big");
}

static void mirror(struct tally_http_request *request, struct tally_http_response *response, void *ctx)
{
    const char *extra = tally_http_header(request, "x-extra");
    (void)ctx;
    tally_http_respond_json(request, response, 201,
                            json_pack("{s:s, s:s, s:s, s:s}", "method", request->method, "trace",
                                      request->trace, "body", request->body, "extra",
                                      extra != NULL ? extra : ""));
}

static void refuse(struct tally_http_request *request, struct tally_http_response *response, void *ctx)
{
    (void)ctx;
    tally_http_respond_problem(request, response, TALLY_PROBLEM(STATE), NULL, NULL);
}

static const struct tally_http_route routes[] = {
    {"GET", "/big", big, NULL},       {"GET", "/elsewhere", elsewhere, NULL},
    {"PUT", "/mirror", mirror, NULL}, {"GET", "/mirror", mirror, NULL},
    {"GET", "/refuse", refuse, NULL}, {NULL, NULL, NULL, NULL},
};

static struct tally_http_options options;

static void setup(void)
{
    tally_log_setup(STDERR_FILENO, TALLY_LOG_OFF, &tally_system_clock);
    folder_make(folder);
    folder_path(folder, "cert.pem", certificate);
    folder_path(folder, "key.pem", key);
    folder_path(folder, "other-cert.pem", other_certificate);
    folder_path(folder, "other-key.pem", other_key);
    folder_path(folder, "port", port_file);
    folder_path(folder, "socket", socket_path);
    certificate_make(certificate, key);
    certificate_make(other_certificate, other_key);
    options = (struct tally_http_options){.address = "127.0.0.1",
                                          .connections_max = 32,
                                          .idle_timeout_s = 60,
                                          .body_timeout_s = 60,
                                          .body_max = 10000,
                                          .routes = routes,
                                          .clock = &tally_system_clock};
}

static void teardown(void)
{
    tally_http_client_free(client);
    tally_http_server_free(server);
    client = NULL;
    server = NULL;
    folder_remove(folder);
}

static void start(const char *scheme)
{
    ck_assert_int_eq(tally_http_server_start(&options, &server), TALLY_OK);
    snprintf(base_url, sizeof base_url, "%s://localhost:%u", scheme, tally_http_server_port(server));
}

static void connect_client(struct tally_http_client_options client_options)
{
    tally_http_client_free(client);
    if (client_options.base_url == NULL)
        client_options.base_url = base_url;
    ck_assert_int_eq(tally_http_client_new(&client_options, &client), TALLY_OK);
}

static enum tally_error get(const char *path, struct tally_http_answer *answer)
{
    struct tally_http_call call = {.method = "GET", .path = path};
    return tally_http_client_perform(client, &call, answer);
}

START_TEST(a_call_carries_all_its_parts)
{
    static const struct tally_http_header extra[] = {{"X-Extra", "more"}};
    struct tally_http_answer answer;
    start("http");
    connect_client((struct tally_http_client_options){0});
    struct tally_http_call call = {.method = "PUT",
                                   .path = "/mirror",
                                   .body = "{}",
                                   .body_size = 2,
                                   .headers = extra,
                                   .header_count = 1,
                                   .trace = "4bf92f3577b34da6a3ce929d0e0e4736"};
    ck_assert_int_eq(tally_http_client_perform(client, &call, &answer), TALLY_OK);
    ck_assert_int_eq(answer.status, 201);
    ck_assert_str_eq(answer.content_type, "application/json");
    ck_assert_str_eq(answer.body, "{\"method\":\"PUT\",\"trace\":\"4bf92f3577b34da6a3ce929d0e0e4736\","
                                  "\"body\":\"{}\",\"extra\":\"more\"}");
    ck_assert_uint_eq(answer.body_size, strlen(answer.body));
    tally_http_answer_clear(&answer);
    /* The same connection serves other methods afterwards. */
    ck_assert_int_eq(get("/mirror", &answer), TALLY_OK);
    ck_assert_ptr_nonnull(strstr(answer.body, "\"method\":\"GET\""));
    ck_assert_ptr_nonnull(strstr(answer.body, "\"body\":\"\",\"extra\":\"\""));
    tally_http_answer_clear(&answer);
}
END_TEST

START_TEST(answers_have_a_limit_and_redirects_are_not_followed)
{
    struct tally_http_answer answer;
    start("http");
    connect_client((struct tally_http_client_options){.answer_max = 4999});
    ck_assert_int_eq(get("/big", &answer), TALLY_E_FULL);
    ck_assert_ptr_null(answer.body);
    connect_client((struct tally_http_client_options){.answer_max = 5000});
    ck_assert_int_eq(get("/big", &answer), TALLY_OK);
    ck_assert_uint_eq(answer.body_size, 5000);
    tally_http_answer_clear(&answer);
    ck_assert_int_eq(get("/elsewhere", &answer), TALLY_OK);
    ck_assert_int_eq(answer.status, 302);
    ck_assert_int_eq(tally_error_of_status(answer.status), TALLY_E_SERVER);
    tally_http_answer_clear(&answer);
}
END_TEST

START_TEST(problems_become_errors)
{
    json_t *result;
    int problem;
    start("http");
    connect_client((struct tally_http_client_options){0});
    ck_assert_int_eq(tally_http_client_json(client, "GET", "/refuse", NULL, NULL, &result, &problem),
                     TALLY_E_STATE);
    ck_assert_int_eq(problem, 405);
    json_decref(result);
    ck_assert_int_eq(tally_http_client_json(client, "GET", "/nowhere", NULL, NULL, &result, &problem),
                     TALLY_E_NOT_FOUND);
    ck_assert_int_eq(problem, 101);
    json_decref(result);
    ck_assert_int_eq(tally_http_client_json(client, "GET", "/big", NULL, NULL, &result, &problem),
                     TALLY_E_FORMAT);
    ck_assert_ptr_null(result);
}
END_TEST

START_TEST(calls_that_cannot_be_made_are_refused)
{
    static const char *const urls[] = {
        "ftp://localhost", "http://example.com",          "http://127.0.0.1:80/path",
        "https://",        "http://10.0.0.1:80",          "https://a@b",
        "localhost:80",    "http://127.0.0.1.example.com"};
    static const struct tally_http_header evil[] = {{"X-Evil", "a\r\nHost: b"}};
    struct tally_http_answer answer;
    struct tally_http_client *none;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct tally_http_client_options bad = {.base_url = urls[i]};
        ck_assert_msg(tally_http_client_new(&bad, &none) == TALLY_E_USAGE, "taken: %s", urls[i]);
        ck_assert_ptr_null(none);
    }
    start("http");
    connect_client((struct tally_http_client_options){0});
    struct tally_http_call call = {.method = "GET", .path = "/mirror", .headers = evil, .header_count = 1};
    ck_assert_int_eq(tally_http_client_perform(client, &call, &answer), TALLY_E_USAGE);
    ck_assert_int_eq(get("mirror", &answer), TALLY_E_USAGE);
    char path[TALLY_HTTP_URL_MAX + 1];
    memset(path, '/', sizeof path);
    path[TALLY_HTTP_URL_MAX] = '\0';
    ck_assert_int_eq(get(path, &answer), TALLY_E_USAGE);
}
END_TEST

START_TEST(no_answer_is_an_error_of_the_server)
{
    struct tally_http_answer answer;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int mute = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(mute, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(getsockname(mute, (struct sockaddr *)&address, &size), 0);
    snprintf(base_url, sizeof base_url, "http://127.0.0.1:%u", ntohs(address.sin_port));
    /* Bound but not listening: refused. */
    connect_client((struct tally_http_client_options){.timeout_ms = 200});
    ck_assert_int_eq(get("/", &answer), TALLY_E_SERVER);
    /* Listening and never answering: given up. */
    ck_assert_int_eq(listen(mute, 1), 0);
    ck_assert_int_eq(get("/", &answer), TALLY_E_SERVER);
    close(mute);
}
END_TEST

static void *call_often(void *arg)
{
    (void)arg;
    for (int i = 0; i < 50; i++) {
        struct tally_http_answer answer;
        if (get("/mirror", &answer) != TALLY_OK || answer.status != 201)
            return client;
        tally_http_answer_clear(&answer);
    }
    return NULL;
}

START_TEST(threads_share_a_client)
{
    pthread_t threads[4];
    void *failed;
    start("http");
    connect_client((struct tally_http_client_options){0});
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, call_often, NULL), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &failed);
        ck_assert_ptr_null(failed);
    }
}
END_TEST

START_TEST(tls_is_taken_from_the_pinned_authority_only)
{
    struct tally_http_answer answer;
    options.tls_certificate = certificate;
    options.tls_key = key;
    start("https");
    connect_client((struct tally_http_client_options){.ca_file = certificate});
    ck_assert_int_eq(get("/mirror", &answer), TALLY_OK);
    ck_assert_int_eq(answer.status, 201);
    tally_http_answer_clear(&answer);
    connect_client((struct tally_http_client_options){.ca_file = other_certificate});
    ck_assert_int_eq(get("/mirror", &answer), TALLY_E_SERVER);
    connect_client((struct tally_http_client_options){0});
    ck_assert_int_eq(get("/mirror", &answer), TALLY_E_SERVER);
    /* The right authority, another name. */
    snprintf(base_url, sizeof base_url, "https://127.0.0.2:%u", tally_http_server_port(server));
    connect_client((struct tally_http_client_options){.ca_file = certificate});
    ck_assert_int_eq(get("/mirror", &answer), TALLY_E_SERVER);
}
END_TEST

static void ck_refused(enum tally_error expected)
{
    ck_assert_int_eq(tally_http_server_start(&options, &server), expected);
    ck_assert_ptr_null(server);
}

START_TEST(a_server_beyond_loopback_needs_tls)
{
    options.address = "0.0.0.0";
    ck_refused(TALLY_E_USAGE);
    options.address = "::";
    ck_refused(TALLY_E_USAGE);
    options.tls_certificate = certificate;
    options.tls_key = key;
    options.address = "0.0.0.0";
    start("https");
}
END_TEST

START_TEST(half_broken_and_open_tls_files_are_refused)
{
    char junk[160];
    options.tls_certificate = certificate;
    ck_refused(TALLY_E_USAGE);
    options.tls_certificate = NULL;
    options.tls_key = key;
    ck_refused(TALLY_E_USAGE);
    options.tls_certificate = certificate;
    ck_assert_int_eq(chmod(key, 0640), 0);
    ck_refused(TALLY_E_USAGE);
    ck_assert_int_eq(chmod(key, 0600), 0);
    options.tls_certificate = "/nonexistent/cert.pem";
    ck_refused(TALLY_E_IO);
    folder_path(folder, "junk.pem", junk);
    file_write(junk, "junk", 0600);
    options.tls_certificate = junk;
    ck_refused(TALLY_E_IO);
    /* A key that does not belong to the certificate. */
    options.tls_certificate = certificate;
    options.tls_key = other_key;
    ck_refused(TALLY_E_IO);
}
END_TEST

START_TEST(bad_addresses_are_refused)
{
    options.address = "localhost";
    ck_refused(TALLY_E_USAGE);
    options.address = "127.0.0.1:80";
    ck_refused(TALLY_E_USAGE);
    options.address = "127.0.0.1";
    start("http");
    struct tally_http_server *first = server;
    options.port = tally_http_server_port(first);
    ck_refused(TALLY_E_IO);
    server = first;
}
END_TEST

START_TEST(the_port_is_told_in_a_file)
{
    options.port_file = port_file;
    start("http");
    char *text = file_read(port_file);
    ck_assert_int_eq(atoi(text), tally_http_server_port(server));
    ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
    free(text);
    tally_http_server_free(server);
    server = NULL;
    options.port_file = "/nonexistent/port";
    ck_refused(TALLY_E_IO);
}
END_TEST

START_TEST(a_unix_socket_serves_and_goes_away)
{
    struct stat info;
    struct tally_http_answer answer;
    options.unix_socket = socket_path;
    start("http");
    ck_assert_int_eq(stat(socket_path, &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0660);
    connect_client(
        (struct tally_http_client_options){.base_url = "http://localhost", .unix_socket = socket_path});
    ck_assert_int_eq(get("/mirror", &answer), TALLY_OK);
    ck_assert_int_eq(answer.status, 201);
    tally_http_answer_clear(&answer);
    tally_http_server_free(server);
    server = NULL;
    ck_assert_int_ne(stat(socket_path, &info), 0);
    /* What is in the way and is no socket stays. */
    file_write(socket_path, "precious", 0600);
    ck_refused(TALLY_E_IO);
    char *text = file_read(socket_path);
    ck_assert_str_eq(text, "precious");
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_client");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, a_call_carries_all_its_parts);
    tcase_add_test(all, answers_have_a_limit_and_redirects_are_not_followed);
    tcase_add_test(all, problems_become_errors);
    tcase_add_test(all, calls_that_cannot_be_made_are_refused);
    tcase_add_test(all, no_answer_is_an_error_of_the_server);
    tcase_add_test(all, threads_share_a_client);
    tcase_add_test(all, tls_is_taken_from_the_pinned_authority_only);
    tcase_add_test(all, a_server_beyond_loopback_needs_tls);
    tcase_add_test(all, half_broken_and_open_tls_files_are_refused);
    tcase_add_test(all, bad_addresses_are_refused);
    tcase_add_test(all, the_port_is_told_in_a_file);
    tcase_add_test(all, a_unix_socket_serves_and_goes_away);
    suite_add_tcase(suite, all);
    return tally_check_main(suite, NULL);
}
