/* What the files of the HTTP server share; nothing for others. */
#ifndef TALLY_SERVICE_HTTP_INTERNAL_H
#define TALLY_SERVICE_HTTP_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "host/service/http_server.h"

#define STATUS_MAX 512

struct http_route {
    const struct tally_http_route *public;
    void *ctx;
    struct tally_metric *seconds;
    _Atomic(struct tally_metric *) by_status[STATUS_MAX]; /* looked up when first needed */
};

struct tally_http_server {
    struct tally_http_options options;
    struct MHD_Daemon *daemon;
    int listener;
    uint16_t port;
    char *certificate, *key; /* PEM texts while TLS is on */
    struct http_route routes[TALLY_HTTP_ROUTES_MAX];
    size_t route_count;
    struct http_route unrouted; /* what no route matched is counted here */
    struct tally_metric *in_flight_gauge;
    uint64_t trace_prefix;
    _Atomic uint64_t trace_counter;
    _Atomic bool draining;
    bool quiesced;        /* the listening socket is ours to close again */
    pthread_mutex_t lock; /* guards in_flight */
    pthread_cond_t idle;
    size_t in_flight;
};

enum exchange_state { EXCHANGE_NEW, EXCHANGE_BODY, EXCHANGE_RUNNING, EXCHANGE_READY, EXCHANGE_SENT };

/* One request and its response. */
struct http_exchange {
    struct tally_http_request request; /* first: a request is cast back to its exchange */
    struct tally_http_response response;
    struct tally_http_server *server;
    struct MHD_Connection *connection;
    struct http_route *route;
    _Atomic int state; /* enum exchange_state */
    bool too_large, malformed, counted, deferred;
    size_t discarded;
    char *body;
    size_t body_size, body_capacity;
    uint64_t started_us;
    size_t param_count;
    struct {
        const char *name;
        size_t name_size;
        char value[TALLY_HTTP_PARAM_SIZE];
    } params[TALLY_HTTP_PARAMS_MAX];
    struct tally_http_header headers[TALLY_HTTP_HEADERS_MAX];
    char target[TALLY_HTTP_TARGET_MAX + 1]; /* path NUL query NUL */
};

/* libmicrohttpd's callbacks. */
void *http_on_target(void *cls, const char *uri, struct MHD_Connection *connection);
enum MHD_Result http_on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_size, void **state);
void http_on_completed(void *cls, struct MHD_Connection *connection, void **state,
                       enum MHD_RequestTerminationCode code);

/* Finds the route and fills the parameters. NULL when none matches; *allowed then lists the methods the path
 * has
 * ("" for none), for a 405. */
struct http_route *http_route_find(struct tally_http_server *server, struct http_exchange *exchange,
                                   char *allowed, size_t allowed_size);
/* Takes the built-in and the given routes into the table. */
enum tally_error http_route_setup(struct tally_http_server *server);

/* Reads the TLS files, checks the address rules, binds and listens. */
enum tally_error http_listen(struct tally_http_server *server);
enum tally_error http_write_port_file(const struct tally_http_server *server);

#endif
