/* An HTTP/1.1 server: routes, requests, responses, over libmicrohttpd.
 *
 * N threads (one a core) each run an epoll loop; a connection stays with its thread, and handlers run there.
 * A handler that must wait (for a commit, for another service) defers: the connection is put aside, the
 * thread goes on, and whoever has the answer finishes the request from any thread. So a few threads serve
 * many requests that wait.
 *
 * Built in: GET /healthz (the process lives), /readyz (the checks pass and it is not stopping), /metrics.
 * Errors are RFC 9457 problems. Listening beyond loopback without TLS is refused.
 */
#ifndef TALLY_SERVICE_HTTP_SERVER_H
#define TALLY_SERVICE_HTTP_SERVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/base/clock.h"
#include "host/base/error.h"
#include "host/service/http.h"
#include "host/service/metrics.h"
#include "host/service/problem.h"

#define TALLY_HTTP_TARGET_MAX        2048 /* bytes of path and query; longer is answered 400 */
#define TALLY_HTTP_HEADERS_MAX       64   /* fields; more is answered 400 */
#define TALLY_HTTP_MEMORY            16384 /* bytes a connection may use for its request line and fields; more: 431 */
#define TALLY_HTTP_PARAMS_MAX        4
#define TALLY_HTTP_PARAM_SIZE        129 /* bytes of a path parameter with its NUL; longer matches no route */
#define TALLY_HTTP_ROUTES_MAX        64
#define TALLY_HTTP_REPLY_HEADERS_MAX 4
#define TALLY_HTTP_REPLY_HEADER_SIZE 128
#define TALLY_HTTP_TRACE_SIZE        33

struct tally_http_request {
    const char *method;
    const char *path;  /* as received: never percent-encoded, other characters are refused */
    const char *query; /* as received, without '?'; "" for none */
    const char *body;  /* body_size bytes, then a NUL */
    size_t body_size;
    const struct tally_http_header *headers;
    size_t header_count;
    char trace[TALLY_HTTP_TRACE_SIZE]; /* 32 hex digits, from a traceparent field or new */
    void *user;                        /* for the handler; NULL at first */
};

struct tally_http_response {
    int status; /* 0: not answered yet */
    const char *content_type;
    char *body; /* malloc'd, owned by the response */
    size_t body_size;
    size_t header_count;
    struct {
        const char *name;
        char value[TALLY_HTTP_REPLY_HEADER_SIZE];
    } headers[TALLY_HTTP_REPLY_HEADERS_MAX];
};

/* Answers, or defers. Request and response live until the response is sent; a handler that neither answers
 * nor defers has made the answer 500. */
typedef void tally_http_handler(struct tally_http_request *request, struct tally_http_response *response,
                                void *ctx);

struct tally_http_route {
    const char *method; /* a table ends with a NULL method; GET also serves HEAD */
    const char *path;   /* "/v1/tickets/{id}": each {name} takes one whole segment */
    tally_http_handler *handler;
    void *ctx;
};

/* A readiness check: TALLY_OK when the service can do its work. Called in a server thread; must be quick. */
struct tally_http_check {
    const char *name; /* a table ends with a NULL name */
    enum tally_error (*check)(void *ctx);
    void *ctx;
};

struct tally_http_options {
    const char *address;     /* numeric IPv4 or IPv6 */
    uint16_t port;           /* 0: the system chooses */
    const char *unix_socket; /* instead of address and port, when not NULL; made with mode 0660 */
    const char *port_file;   /* when not NULL: gets "<port>\n" once the server listens */
    const char *tls_certificate, *tls_key; /* PEM files, both or neither */
    unsigned threads;                      /* 0: one a core */
    unsigned connections_max;
    unsigned idle_timeout_s; /* a connection on which nothing moves is closed */
    unsigned body_timeout_s; /* a body must be complete after so long */
    size_t body_max;
    const struct tally_http_route *routes;
    const struct tally_http_check *checks; /* may be NULL */
    struct tally_metrics *metrics;         /* may be NULL: then /metrics is empty */
    const struct tally_clock *clock;
    /* Called once the port is known and before the first request is taken; may be NULL. */
    void (*listening)(void *ctx, uint16_t port);
    void *listening_ctx;
};

struct tally_http_server;

/* The options' strings and tables must outlive the server. *server is NULL on failure: TALLY_E_USAGE for
 * options that are refused (TLS missing beyond loopback, half of TLS, a bad address), TALLY_E_IO when it
 * cannot listen or read the files; the reason is logged. */
enum tally_error tally_http_server_start(const struct tally_http_options *options,
                                         struct tally_http_server **server);

/* The port listened on; 0 for a unix socket. */
uint16_t tally_http_server_port(const struct tally_http_server *server);

/* Accepts nothing new, answers /readyz with 503, and waits until no request is being worked on or deadline_ms
 * have passed (TALLY_E_STATE). Answers say "Connection: close". */
enum tally_error tally_http_server_drain(struct tally_http_server *server, unsigned deadline_ms);

/* Closes all connections and frees the server. Every deferred request must be finished before. NULL is
 * allowed. */
void tally_http_server_free(struct tally_http_server *server);

/* Request helpers. */
const char *tally_http_header(const struct tally_http_request *request,
                              const char *name); /* as tally_http_header_find */
/* The value of a path parameter of the matched route; "" when the route has none of that name. */
const char *tally_http_param(const struct tally_http_request *request, const char *name);
/* The percent-decoded value of a query parameter into out (always a string). TALLY_E_NOT_FOUND when absent,
 * TALLY_E_FORMAT when given twice, badly encoded, with a NUL, or longer than size - 1. */
enum tally_error tally_http_query(const struct tally_http_request *request, const char *name, char *out,
                                  size_t size);

/* Response helpers; each sets the whole answer and frees what was there. body passes to the response. */
void tally_http_respond(struct tally_http_response *response, int status, const char *content_type,
                        char *body, size_t body_size);
/* Takes the reference to json; NULL (out of memory while it was built) becomes a 500. */
void tally_http_respond_json(const struct tally_http_request *request, struct tally_http_response *response,
                             int status, json_t *json);
void tally_http_respond_problem(const struct tally_http_request *request,
                                struct tally_http_response *response, const struct tally_problem *problem,
                                const char *detail, const char *field);
/* name must be a constant; the value is cut to what fits, and the fifth field is dropped. */
void tally_http_respond_header(struct tally_http_response *response, const char *name, const char *value);

/* Called by a handler, once, before it hands the request to another thread; the handler then returns without
 * touching it again. */
void tally_http_defer(struct tally_http_request *request);
/* The response of a deferred request; whoever finishes fills it. */
struct tally_http_response *tally_http_deferred_response(struct tally_http_request *request);
/* Sends the response of a deferred request; request and response must not be touched afterwards. Any thread.
 */
void tally_http_finish(struct tally_http_request *request);

#endif
