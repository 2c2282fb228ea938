#include "host/service/http_client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "host/base/log.h"
#include "host/service/problem.h"

#define IDLE_MAX 64 /* connections kept */

struct tally_http_client {
    char *base_url, *ca_file, *unix_socket;
    const char *authority; /* within base_url */
    unsigned connect_timeout_ms, timeout_ms;
    size_t answer_max;
    const struct tally_signer *signer;
    pthread_mutex_t lock; /* guards the stack of idle handles */
    CURL *idle[IDLE_MAX];
    size_t idle_count;
};

/* One call under way. */
struct transfer {
    CURL *handle;
    struct curl_slist *fields;
    struct tally_http_answer *answer;
    size_t capacity, limit;
    bool too_large, failed;
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* True for localhost, 127.0.0.0/8 and [::1], with or without a port. */
static bool names_loopback(const char *authority)
{
    char host[64];
    struct in_addr v4;
    size_t n = authority[0] == '[' ? strcspn(authority, "]") + 1 : strcspn(authority, ":");
    if (n >= sizeof host)
        return false;
    memcpy(host, authority, n);
    host[n] = '\0';
    if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

static enum tally_error check_url(const char *url, const char **authority)
{
    bool tls = strncmp(url, "https://", 8) == 0;
    if (!tls && strncmp(url, "http://", 7) != 0)
        return TALLY_E_USAGE;
    *authority = url + (tls ? 8 : 7);
    if (**authority == '\0' || strpbrk(*authority, "/?#@ ") != NULL)
        return TALLY_E_USAGE;
    return tls || names_loopback(*authority) ? TALLY_OK : TALLY_E_USAGE;
}

static bool copy_string(char **to, const char *from)
{
    *to = from != NULL ? strdup(from) : NULL;
    return from == NULL || *to != NULL;
}

enum tally_error tally_http_client_new(const struct tally_http_client_options *options,
                                       struct tally_http_client **out)
{
    const char *authority;
    *out = NULL;
    enum tally_error e = check_url(options->base_url, &authority);
    if (e != TALLY_OK) {
        tally_log(TALLY_LOG_ERROR, "client", NULL,
                  "base URL refused: https, or http on loopback, without a path",
                  TALLY_STR("url", options->base_url));
        return e;
    }
    pthread_once(&curl_once, start_curl);
    struct tally_http_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return TALLY_E_MEMORY;
    pthread_mutex_init(&client->lock, NULL);
    client->connect_timeout_ms = options->connect_timeout_ms > 0 ? options->connect_timeout_ms : 5000;
    client->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : 30000;
    client->answer_max = options->answer_max > 0 ? options->answer_max : 1 << 20;
    client->signer = options->signer;
    if (!copy_string(&client->base_url, options->base_url) ||
        !copy_string(&client->ca_file, options->ca_file) ||
        !copy_string(&client->unix_socket, options->unix_socket)) {
        tally_http_client_free(client);
        return TALLY_E_MEMORY;
    }
    client->authority = client->base_url + (authority - options->base_url);
    *out = client;
    return TALLY_OK;
}

void tally_http_client_free(struct tally_http_client *client)
{
    if (client == NULL)
        return;
    for (size_t i = 0; i < client->idle_count; i++)
        curl_easy_cleanup(client->idle[i]);
    pthread_mutex_destroy(&client->lock);
    free(client->base_url);
    free(client->ca_file);
    free(client->unix_socket);
    free(client);
}

static CURL *make_handle(const struct tally_http_client *client)
{
    CURL *handle = curl_easy_init();
    if (handle == NULL)
        return NULL;
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
    curl_easy_setopt(handle, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, (long)client->connect_timeout_ms);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)client->timeout_ms);
    if (client->ca_file != NULL) {
        curl_easy_setopt(handle, CURLOPT_CAINFO, client->ca_file);
        curl_easy_setopt(handle, CURLOPT_CAPATH, NULL);
    }
    if (client->unix_socket != NULL)
        curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, client->unix_socket);
    return handle;
}

static CURL *take_handle(struct tally_http_client *client)
{
    CURL *handle = NULL;
    pthread_mutex_lock(&client->lock);
    if (client->idle_count > 0)
        handle = client->idle[--client->idle_count];
    pthread_mutex_unlock(&client->lock);
    return handle != NULL ? handle : make_handle(client);
}

static void return_handle(struct tally_http_client *client, CURL *handle)
{
    pthread_mutex_lock(&client->lock);
    if (client->idle_count < IDLE_MAX) {
        client->idle[client->idle_count++] = handle;
        handle = NULL;
    }
    pthread_mutex_unlock(&client->lock);
    if (handle != NULL)
        curl_easy_cleanup(handle);
}

static size_t on_body(char *data, size_t one, size_t n, void *ctx)
{
    struct transfer *transfer = ctx;
    struct tally_http_answer *answer = transfer->answer;
    (void)one;
    if (n > transfer->limit - answer->body_size) {
        transfer->too_large = true;
        return 0;
    }
    if (transfer->capacity - answer->body_size <= n) {
        size_t capacity = 2 * transfer->capacity + n + 1;
        char *body = realloc(answer->body, capacity);
        if (body == NULL)
            return 0;
        answer->body = body;
        transfer->capacity = capacity;
    }
    memcpy(answer->body + answer->body_size, data, n);
    answer->body_size += n;
    answer->body[answer->body_size] = '\0';
    return n;
}

static void add_field(struct transfer *transfer, const char *name, const char *value)
{
    char line[TALLY_HTTPSIG_INPUT_MAX + 64];
    struct tally_text text;
    tally_text_init(&text, line, sizeof line);
    tally_text_string(&text, name);
    tally_text_string(&text, ": ");
    tally_text_string(&text, value);
    struct curl_slist *longer = NULL;
    if (!text.overflowed && strpbrk(line, "\r\n") == NULL)
        longer = curl_slist_append(transfer->fields, line);
    if (longer != NULL)
        transfer->fields = longer;
    else
        transfer->failed = true;
}

static void add_signature(const struct tally_http_client *client, const struct tally_http_call *call,
                          struct transfer *transfer)
{
    char path[TALLY_HTTP_URL_MAX];
    struct tally_signed_fields signature;
    size_t n = strcspn(call->path, "?");
    memcpy(path, call->path, n);
    path[n] = '\0';
    struct tally_http_header key = {"idempotency-key", call->idempotency_key};
    struct tally_httpsig_message message = {.method = call->method,
                                            .authority = client->authority,
                                            .path = path,
                                            .query = call->path[n] == '?' ? call->path + n + 1 : "",
                                            .headers = &key,
                                            .header_count = call->idempotency_key != NULL};
    if (tally_signer_sign(client->signer, &message, call->body, call->body_size, &signature) != TALLY_OK) {
        transfer->failed = true;
        return;
    }
    if (signature.content_digest[0] != '\0')
        add_field(transfer, "Content-Digest", signature.content_digest);
    add_field(transfer, "Signature-Input", signature.input);
    add_field(transfer, "Signature", signature.signature);
}

static void add_fields(const struct tally_http_client *client, const struct tally_http_call *call,
                       struct transfer *transfer)
{
    char parent[64];
    add_field(transfer, "Host", client->authority);
    if (call->body != NULL)
        add_field(transfer, "Content-Type",
                  call->content_type != NULL ? call->content_type : "application/json");
    if (call->idempotency_key != NULL)
        add_field(transfer, "Idempotency-Key", call->idempotency_key);
    if (call->trace != NULL && strlen(call->trace) == 32) {
        snprintf(parent, sizeof parent, "00-%s-%.16s-01", call->trace, call->trace + 16);
        add_field(transfer, "traceparent", parent);
    }
    for (size_t i = 0; i < call->header_count; i++)
        add_field(transfer, call->headers[i].name, call->headers[i].value);
    if (client->signer != NULL)
        add_signature(client, call, transfer);
    /* An empty value takes out a field that libcurl would add: nothing is to be waited for before a body is
     * sent. */
    struct curl_slist *longer = curl_slist_append(transfer->fields, "Expect:");
    transfer->failed = transfer->failed || longer == NULL;
    transfer->fields = longer != NULL ? longer : transfer->fields;
}

static void set_request(const struct tally_http_call *call, const char *url, struct transfer *transfer)
{
    CURL *handle = transfer->handle;
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, transfer->fields);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, transfer);
    if (call->body != NULL) {
        curl_easy_setopt(handle, CURLOPT_POST, 1L);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, call->body);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_size);
    } else {
        curl_easy_setopt(handle, CURLOPT_HTTPGET, 1L);
    }
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, call->method);
}

static void read_problem(struct tally_http_answer *answer)
{
    if (answer->body == NULL || strcasecmp(answer->content_type, TALLY_PROBLEM_CONTENT_TYPE) != 0)
        return;
    json_t *problem = json_loadb(answer->body, answer->body_size, JSON_REJECT_DUPLICATES, NULL);
    json_int_t code = json_integer_value(json_object_get(problem, "code"));
    answer->problem = code > 0 && code < 1000000 ? (int)code : 0;
    json_decref(problem);
}

static enum tally_error run(struct transfer *transfer, const char *url)
{
    struct tally_http_answer *answer = transfer->answer;
    long status = 0;
    const char *type = NULL;
    CURLcode result = curl_easy_perform(transfer->handle);
    if (transfer->too_large)
        return TALLY_E_FULL;
    if (result != CURLE_OK) {
        tally_log(TALLY_LOG_WARN, "client", NULL, "no answer", TALLY_STR("url", url),
                  TALLY_STR("reason", curl_easy_strerror(result)));
        return TALLY_E_SERVER;
    }
    curl_easy_getinfo(transfer->handle, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(transfer->handle, CURLINFO_CONTENT_TYPE, &type);
    answer->status = (int)status;
    if (type != NULL && strcspn(type, ";") < sizeof answer->content_type)
        memcpy(answer->content_type, type, strcspn(type, ";"));
    read_problem(answer);
    return TALLY_OK;
}

enum tally_error tally_http_client_perform(struct tally_http_client *client,
                                           const struct tally_http_call *call,
                                           struct tally_http_answer *answer)
{
    char url[TALLY_HTTP_URL_MAX];
    struct tally_text text;
    enum tally_error e = TALLY_E_USAGE;
    *answer = (struct tally_http_answer){0};
    struct transfer transfer = {.answer = answer, .limit = client->answer_max};
    tally_text_init(&text, url, sizeof url);
    tally_text_string(&text, client->base_url);
    tally_text_string(&text, call->path);
    if (text.overflowed || call->path[0] != '/')
        return e;
    transfer.handle = take_handle(client);
    if (transfer.handle == NULL)
        return TALLY_E_MEMORY;
    add_fields(client, call, &transfer);
    if (!transfer.failed) {
        set_request(call, url, &transfer);
        e = run(&transfer, url);
    }
    return_handle(client, transfer.handle);
    curl_slist_free_all(transfer.fields);
    if (e != TALLY_OK)
        tally_http_answer_clear(answer);
    return e;
}

void tally_http_answer_clear(struct tally_http_answer *answer)
{
    free(answer->body);
    *answer = (struct tally_http_answer){0};
}

enum tally_error tally_http_client_json(struct tally_http_client *client, const char *method,
                                        const char *path, const char *idempotency_key, const json_t *body,
                                        json_t **result, int *problem)
{
    struct tally_http_answer answer = {0};
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    *result = NULL;
    if (problem != NULL)
        *problem = 0;
    if (body != NULL && text == NULL)
        return TALLY_E_MEMORY;
    struct tally_http_call call = {.method = method,
                                   .path = path,
                                   .body = text,
                                   .body_size = text != NULL ? strlen(text) : 0,
                                   .idempotency_key = idempotency_key};
    enum tally_error e = tally_http_client_perform(client, &call, &answer);
    if (e == TALLY_OK) {
        e = tally_error_of_status(answer.status);
        if (answer.body != NULL)
            *result =
                json_loadb(answer.body, answer.body_size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
        if (e == TALLY_OK && *result == NULL)
            e = TALLY_E_FORMAT;
        if (problem != NULL)
            *problem = answer.problem;
    }
    tally_http_answer_clear(&answer);
    free(text);
    return e;
}
