/* One request, from its first line to its answer, in libmicrohttpd's callbacks. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/log.h"
#include "host/service/http_internal.h"

/* How much of a body that is too large is read and thrown away before the connection is cut. */
#define DISCARD_MAX 65536

/* What RFC 3986 allows in a path (or, with '?', a query) apart from percent-encoding, which paths here never
 * need. */
static bool plain(const char *text, size_t n, const char *also)
{
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)text[i]) && strchr("-._~!$&'()*+,;=:@/", text[i]) == NULL &&
            strchr(also, text[i]) == NULL)
            return false;
    return true;
}

static void split_target(struct http_exchange *exchange, const char *uri)
{
    size_t n = strlen(uri), path = strcspn(uri, "?");
    exchange->request.path = exchange->request.query = "";
    if (n >= sizeof exchange->target - 1 || uri[0] != '/' || !plain(uri, path, "") ||
        !plain(uri + path, n - path, "?%")) {
        exchange->malformed = true;
        return;
    }
    memcpy(exchange->target, uri, n + 1);
    exchange->target[path] = '\0';
    exchange->request.path = exchange->target;
    if (path < n)
        exchange->request.query = exchange->target + path + 1;
}

void *http_on_target(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct tally_http_server *server = cls;
    struct http_exchange *exchange = malloc(sizeof *exchange);
    if (exchange == NULL)
        return NULL;
    /* The large arrays at the end need no clearing. */
    memset(exchange, 0, offsetof(struct http_exchange, params));
    exchange->server = server;
    exchange->connection = connection;
    exchange->started_us = tally_clock_monotonic_us(server->options.clock);
    exchange->route = &server->unrouted;
    exchange->request.headers = exchange->headers;
    split_target(exchange, uri);
    return exchange;
}

/* From here on the request is being worked on, and draining waits for it. */
static void enter(struct http_exchange *exchange)
{
    struct tally_http_server *server = exchange->server;
    pthread_mutex_lock(&server->lock);
    server->in_flight++;
    pthread_mutex_unlock(&server->lock);
    exchange->counted = true;
    if (server->in_flight_gauge != NULL)
        tally_metric_add(server->in_flight_gauge, 1);
}

static void leave(struct http_exchange *exchange)
{
    struct tally_http_server *server = exchange->server;
    pthread_mutex_lock(&server->lock);
    if (--server->in_flight == 0)
        pthread_cond_broadcast(&server->idle);
    pthread_mutex_unlock(&server->lock);
    if (server->in_flight_gauge != NULL)
        tally_metric_add(server->in_flight_gauge, -1);
}

static void count(struct http_exchange *exchange, int status)
{
    struct tally_metrics *metrics = exchange->server->options.metrics;
    struct http_route *route = exchange->route;
    int slot = status - 100;
    if (metrics == NULL || slot < 0 || slot >= STATUS_MAX)
        return;
    struct tally_metric *metric = atomic_load(&route->by_status[slot]);
    if (metric == NULL) {
        char labels[TALLY_METRICS_LABELS_MAX] = "", number[16];
        snprintf(number, sizeof number, "%d", status);
        tally_metric_label(labels, "method", route->public->method);
        tally_metric_label(labels, "route", route->public->path);
        tally_metric_label(labels, "status", number);
        metric = tally_metrics_get(metrics, "http_requests", labels);
        atomic_store(&route->by_status[slot], metric);
    }
    tally_metric_add(metric, 1);
    if (route->seconds != NULL)
        tally_metric_observe(route->seconds, tally_clock_monotonic_us(exchange->server->options.clock) -
                                                 exchange->started_us);
}

static void log_answer(const struct http_exchange *exchange, int status)
{
    tally_log(status >= 500 ? TALLY_LOG_ERROR : TALLY_LOG_DEBUG, "http", exchange->request.trace,
              "request answered", TALLY_STR("method", exchange->request.method),
              TALLY_STR("path", exchange->request.path), TALLY_INT("status", status),
              TALLY_INT("microseconds", (int64_t)(tally_clock_monotonic_us(exchange->server->options.clock) -
                                                  exchange->started_us)));
}

static enum MHD_Result send_response(struct http_exchange *exchange)
{
    struct tally_http_response *response = &exchange->response;
    if (response->status == 0)
        tally_http_respond_problem(&exchange->request, response, TALLY_PROBLEM(INTERNAL), NULL, NULL);
    struct MHD_Response *out = MHD_create_response_from_buffer(
        response->body_size, response->body,
        response->body != NULL ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (out == NULL)
        return MHD_NO;
    response->body = NULL;
    if (response->content_type != NULL)
        MHD_add_response_header(out, MHD_HTTP_HEADER_CONTENT_TYPE, response->content_type);
    for (size_t i = 0; i < response->header_count; i++)
        MHD_add_response_header(out, response->headers[i].name, response->headers[i].value);
    if (atomic_load(&exchange->server->draining))
        MHD_add_response_header(out, MHD_HTTP_HEADER_CONNECTION, "close");
    atomic_store(&exchange->state, EXCHANGE_SENT);
    count(exchange, response->status);
    log_answer(exchange, response->status);
    enum MHD_Result result = MHD_queue_response(exchange->connection, (unsigned)response->status, out);
    MHD_destroy_response(out);
    return result;
}

static enum MHD_Result collect_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct http_exchange *exchange = cls;
    (void)kind;
    if (exchange->request.header_count == TALLY_HTTP_HEADERS_MAX) {
        exchange->malformed = true;
        return MHD_NO;
    }
    exchange->headers[exchange->request.header_count++] =
        (struct tally_http_header){name, value != NULL ? value : ""};
    return MHD_YES;
}

/* The trace id of a W3C traceparent field ("00-<32 hex>-<16 hex>-<2 hex>"), or a new one. */
static void set_trace(struct http_exchange *exchange)
{
    const char *parent = tally_http_header(&exchange->request, "traceparent");
    if (parent != NULL && strlen(parent) == 55 && strncmp(parent, "00-", 3) == 0 &&
        strspn(parent + 3, "0123456789abcdef") == 32) {
        memcpy(exchange->request.trace, parent + 3, 32);
        exchange->request.trace[32] = '\0';
        return;
    }
    struct tally_http_server *server = exchange->server;
    static const char digits[] = "0123456789abcdef";
    uint64_t parts[2] = {server->trace_prefix, atomic_fetch_add(&server->trace_counter, 1)};
    for (int i = 0; i < 32; i++)
        exchange->request.trace[i] = digits[parts[i / 16] >> (60 - 4 * (i % 16)) & 15];
    exchange->request.trace[32] = '\0';
}

/* One Host, and one way of telling where the body ends: else proxies and we might see different requests. */
static bool well_framed(const struct http_exchange *exchange)
{
    const struct tally_http_header *headers = exchange->headers;
    size_t n = exchange->request.header_count;
    size_t lengths = tally_http_header_count(headers, n, "content-length");
    size_t codings = tally_http_header_count(headers, n, "transfer-encoding");
    return tally_http_header_count(headers, n, "host") == 1 && lengths + codings <= 1;
}

/* First call for a request: its fields are there, its body is not. An answer given here closes the
 * connection. */
static enum MHD_Result begin(struct http_exchange *exchange, const char *method)
{
    const struct tally_problem *problem = NULL;
    exchange->request.method = method;
    atomic_store(&exchange->state, EXCHANGE_BODY);
    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, collect_header, exchange);
    set_trace(exchange);
    const char *length = tally_http_header(&exchange->request, "content-length");
    if (exchange->malformed || !well_framed(exchange))
        problem = TALLY_PROBLEM(MALFORMED_REQUEST);
    else if (length != NULL && strtoull(length, NULL, 10) > exchange->server->options.body_max)
        problem = TALLY_PROBLEM(BODY_TOO_LARGE);
    if (problem == NULL)
        return MHD_YES;
    tally_http_respond_problem(&exchange->request, &exchange->response, problem, NULL, NULL);
    return send_response(exchange);
}

static enum MHD_Result discard(struct http_exchange *exchange, size_t n)
{
    exchange->too_large = true;
    exchange->discarded += n;
    return exchange->discarded <= DISCARD_MAX ? MHD_YES : MHD_NO;
}

static enum MHD_Result take_body(struct http_exchange *exchange, const char *data, size_t n)
{
    const struct tally_http_options *options = &exchange->server->options;
    uint64_t elapsed = tally_clock_monotonic_us(options->clock) - exchange->started_us;
    if (elapsed > (uint64_t)options->body_timeout_s * 1000000)
        return MHD_NO;
    if (exchange->too_large || n > options->body_max - exchange->body_size)
        return discard(exchange, n);
    if (exchange->body_capacity - exchange->body_size <= n) {
        size_t capacity = 2 * exchange->body_capacity + n + 1;
        char *body = realloc(exchange->body, capacity);
        if (body == NULL)
            return MHD_NO;
        exchange->body = body;
        exchange->body_capacity = capacity;
    }
    memcpy(exchange->body + exchange->body_size, data, n);
    exchange->body_size += n;
    return MHD_YES;
}

/* The whole request is there: run its handler. */
static void dispatch(struct http_exchange *exchange)
{
    struct tally_http_request *request = &exchange->request;
    struct tally_http_response *response = &exchange->response;
    char allowed[TALLY_HTTP_REPLY_HEADER_SIZE];
    if (exchange->body != NULL)
        exchange->body[exchange->body_size] = '\0';
    request->body = exchange->body != NULL ? exchange->body : "";
    request->body_size = exchange->body_size;
    struct http_route *route = http_route_find(exchange->server, exchange, allowed, sizeof allowed);
    if (exchange->too_large) {
        tally_http_respond_problem(request, response, TALLY_PROBLEM(BODY_TOO_LARGE), NULL, NULL);
    } else if (route != NULL) {
        exchange->route = route;
        route->public->handler(request, response, route->ctx);
    } else if (allowed[0] != '\0') {
        tally_http_respond_problem(request, response, TALLY_PROBLEM(METHOD_NOT_ALLOWED), NULL, NULL);
        tally_http_respond_header(response, MHD_HTTP_HEADER_ALLOW, allowed);
    } else {
        tally_http_respond_problem(request, response, TALLY_PROBLEM(NO_SUCH_RESOURCE), NULL, NULL);
    }
}

enum MHD_Result http_on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_size, void **state)
{
    (void)cls, (void)connection, (void)url, (void)version;
    struct http_exchange *exchange = *state;
    if (exchange == NULL)
        return MHD_NO;
    switch (atomic_load(&exchange->state)) {
    case EXCHANGE_NEW: return begin(exchange, method);
    case EXCHANGE_READY: return send_response(exchange);
    case EXCHANGE_BODY: break;
    default: return MHD_YES;
    }
    if (*upload_size > 0) {
        size_t n = *upload_size;
        *upload_size = 0;
        return take_body(exchange, upload, n);
    }
    atomic_store(&exchange->state, EXCHANGE_RUNNING);
    enter(exchange);
    dispatch(exchange);
    /* Resuming happens in this thread alone, so a deferred exchange is still here even if it is finished
     * already. */
    return exchange->deferred ? MHD_YES : send_response(exchange);
}

void http_on_completed(void *cls, struct MHD_Connection *connection, void **state,
                       enum MHD_RequestTerminationCode code)
{
    (void)cls, (void)connection, (void)code;
    struct http_exchange *exchange = *state;
    if (exchange == NULL)
        return;
    *state = NULL;
    if (exchange->counted)
        leave(exchange);
    free(exchange->response.body);
    free(exchange->body);
    free(exchange);
}
