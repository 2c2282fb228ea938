/* An HTTP client for one service, over libcurl: connections are kept and reused, every call has limits in
 * size and time, redirects are not followed, proxies from the environment are not used. Any thread may call;
 * threads that call at the same time get connections of their own. With a signer each request is signed
 * (host/service/signer.h). */
#ifndef TALLY_SERVICE_HTTP_CLIENT_H
#define TALLY_SERVICE_HTTP_CLIENT_H

#include <jansson.h>
#include <stddef.h>

#include "host/base/error.h"
#include "host/service/http.h"
#include "host/service/signer.h"

#define TALLY_HTTP_CALL_HEADERS_MAX 8
#define TALLY_HTTP_URL_MAX          2304

struct tally_http_client_options {
    const char *base_url;    /* "https://host[:port]" or "http://" to a loopback address only; no path */
    const char *ca_file;     /* PEM of the only authorities trusted; NULL: the system's */
    const char *unix_socket; /* connect there instead; NULL for TCP */
    unsigned connect_timeout_ms, timeout_ms; /* 0: 5,000 and 30,000 */
    size_t answer_max;                       /* bytes of a body; 0: 1 MiB */
    const struct tally_signer *signer;       /* NULL: requests are not signed */
};

struct tally_http_call {
    const char *method;
    const char *path; /* begins with '/', may have a query; already encoded */
    const char *body; /* NULL for none */
    size_t body_size;
    const char *content_type;                /* of the body; NULL: application/json */
    const char *idempotency_key;             /* NULL for none */
    const char *trace;                       /* 32 hex digits to be passed on; NULL for none */
    const struct tally_http_header *headers; /* more fields */
    size_t header_count;
};

struct tally_http_answer {
    int status;
    char content_type[64];
    char *body; /* malloc'd, NUL after body_size bytes; NULL when empty */
    size_t body_size;
    int problem; /* the registry's number when the body is a problem with one, else 0 */
};

struct tally_http_client;

/* *client is NULL on failure: TALLY_E_USAGE for a base URL that is refused. The options' strings are copied,
 * the signer must outlive the client. */
enum tally_error tally_http_client_new(const struct tally_http_client_options *options,
                                       struct tally_http_client **client);
/* No call may be under way. NULL is allowed. */
void tally_http_client_free(struct tally_http_client *client);

/* Makes one request. TALLY_OK when an answer came, whatever its status (tally_error_of_status tells what it
 * means); TALLY_E_SERVER when none came, TALLY_E_FULL when it was larger than allowed, TALLY_E_USAGE for a
 * call that cannot be made. *answer is set on every path and freed with tally_http_answer_clear. */
enum tally_error tally_http_client_perform(struct tally_http_client *client,
                                           const struct tally_http_call *call,
                                           struct tally_http_answer *answer);
void tally_http_answer_clear(struct tally_http_answer *answer);

/* Sends body (may be NULL; stays the caller's) as JSON and expects JSON. TALLY_OK with *result (a new
 * reference) for a 2xx answer; else the error of its status, with *problem the registry's number (0 when
 * there is none) and *result the problem or NULL. problem may be NULL. */
enum tally_error tally_http_client_json(struct tally_http_client *client, const char *method,
                                        const char *path, const char *idempotency_key, const json_t *body,
                                        json_t **result, int *problem);

#endif
