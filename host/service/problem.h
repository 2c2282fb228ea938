/* Errors over HTTP: RFC 9457 problem details with a numbered registry.
 *
 * A problem on the wire is {"type": "urn:tally:problem:<name>", "title", "status", "code", "trace"} and,
 * where they help, "detail" and "field" (the member of the request that is wrong, as a JSON pointer). Numbers
 * and names never change once released; specs/errors.md lists them. 100-199 HTTP, 200-299 authentication,
 * 300-399 idempotency, 400-499 input and state, 500-599 the service itself; business wings define tables of
 * their own from 1000 on.
 */
#ifndef TALLY_SERVICE_PROBLEM_H
#define TALLY_SERVICE_PROBLEM_H

#include <stddef.h>

#include "host/base/error.h"

#define TALLY_PROBLEM_CONTENT_TYPE "application/problem+json"
#define TALLY_PROBLEM_TYPE_PREFIX  "urn:tally:problem:"

struct tally_problem {
    int code;         /* the registry's number */
    int status;       /* HTTP status */
    const char *name; /* last part of the type URI */
    const char *title;
};

#define TALLY_PROBLEM_LIST(X)                                                                                \
    X(MALFORMED_REQUEST, 100, 400, "malformed-request", "The request is malformed")                          \
    X(NO_SUCH_RESOURCE, 101, 404, "no-such-resource", "There is no such resource")                           \
    X(METHOD_NOT_ALLOWED, 102, 405, "method-not-allowed", "The resource does not allow this method")         \
    X(BODY_TOO_LARGE, 103, 413, "body-too-large", "The body is larger than allowed")                         \
    X(UNSUPPORTED_MEDIA, 104, 415, "unsupported-media-type", "The body is not application/json")             \
    X(MISDIRECTED, 105, 421, "misdirected-request", "The Host header does not name this service")            \
    X(SIGNATURE_MISSING, 200, 401, "signature-missing", "The request is not signed")                         \
    X(SIGNATURE_MALFORMED, 201, 401, "signature-malformed", "The signature fields are malformed")            \
    X(SIGNATURE_COVERAGE, 202, 401, "signature-coverage", "The signature leaves out what it must cover")     \
    X(SIGNATURE_TAG, 203, 401, "signature-tag", "The signature was made for another application")            \
    X(SIGNATURE_TIME, 204, 401, "signature-time", "The signature's time is outside the window")              \
    X(UNKNOWN_KEY, 205, 401, "unknown-key", "The signing key is not known here")                             \
    X(SIGNATURE_INVALID, 206, 401, "signature-invalid", "The signature does not match the request")          \
    X(DIGEST_MISMATCH, 207, 401, "digest-mismatch", "The content digest does not match the body")            \
    X(REPLAYED, 208, 401, "replayed", "The request was received before")                                     \
    X(ROLE_NOT_ALLOWED, 209, 403, "role-not-allowed", "The caller's role may not do this")                   \
    X(IDEMPOTENCY_KEY, 300, 400, "idempotency-key", "A change needs one well-formed Idempotency-Key")        \
    X(IDEMPOTENCY_REUSED, 301, 422, "idempotency-reused",                                                    \
      "The Idempotency-Key was used for another request")                                                    \
    X(IDEMPOTENCY_IN_FLIGHT, 302, 409, "idempotency-in-flight", "The same request is being processed")       \
    X(MALFORMED_JSON, 400, 400, "malformed-json", "The body is not the JSON it must be")                     \
    X(INVALID_FIELD, 401, 422, "invalid-field", "A member of the request is missing or invalid")             \
    X(REFUSED, 402, 403, "refused", "The request is refused")                                                \
    X(NOT_FOUND, 403, 404, "not-found", "What the request names does not exist")                             \
    X(EXISTS, 404, 409, "exists", "What the request would make exists already")                              \
    X(STATE, 405, 409, "state", "The request is not allowed in this state")                                  \
    X(LIMIT, 406, 409, "limit", "A limit is reached")                                                        \
    X(INTERNAL, 500, 500, "internal", "The service failed")                                                  \
    X(OVERLOADED, 501, 503, "overloaded", "The service is at its limit; try again later")                    \
    X(SHUTTING_DOWN, 502, 503, "shutting-down", "The service is stopping")                                   \
    X(UPSTREAM, 503, 502, "upstream", "Another service failed or was not reached")

#define TALLY_PROBLEM_ENUM(id, code, status, name, title) TALLY_PROBLEM_##id,
enum tally_problem_id { TALLY_PROBLEM_LIST(TALLY_PROBLEM_ENUM) TALLY_PROBLEM_COUNT };
#undef TALLY_PROBLEM_ENUM

/* The registry of this layer, indexed by enum tally_problem_id. */
extern const struct tally_problem tally_problems[TALLY_PROBLEM_COUNT];
#define TALLY_PROBLEM(id) (&tally_problems[TALLY_PROBLEM_##id])

/* The problem that tells a peer about an error when nothing more precise is known. */
const struct tally_problem *tally_problem_of_error(enum tally_error e);

/* What a client makes of an HTTP status: TALLY_OK for 2xx, else the nearest error. */
enum tally_error tally_error_of_status(int status);

/* The problem as JSON: *body is malloc'd text of *size bytes, or NULL and 0 when memory is out
 * (TALLY_E_MEMORY). trace, detail and field may be NULL. */
enum tally_error tally_problem_body(const struct tally_problem *problem, const char *trace,
                                    const char *detail, const char *field, char **body, size_t *size);

#endif
