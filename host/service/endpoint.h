/* What a business wing offers over HTTP: reads and changes by signed callers.
 *
 * A read runs whole in a server thread. A change has two steps. `prepare`, in a server thread, checks the
 * request and does whatever is costly (signing, encrypting) without touching anything; `apply`, in the
 * database writer's thread, has the effect and answers. The answer is stored with the effect in one
 * transaction under the caller's Idempotency-Key and sent after the commit; meanwhile the server thread
 * serves others.
 */
#ifndef TALLY_SERVICE_ENDPOINT_H
#define TALLY_SERVICE_ENDPOINT_H

#include "host/service/auth.h"
#include "host/service/db.h"
#include "host/service/http_server.h"
#include "host/service/idempotency.h"
#include "host/service/json.h"

#define TALLY_ROLES_MAX      6
#define TALLY_CALL_STATE_MAX 65536 /* bytes of a change's state */

/* A request that has passed the checks. */
struct tally_call {
    struct tally_http_request *request;
    struct tally_http_response *response;
    struct tally_caller caller; /* party is NULL on an endpoint without roles */
    json_t *body;               /* the body, an object; NULL for a request without one */
    struct tally_db *db;
    const struct tally_clock *clock;
    void *wing; /* the wing's own */
};

struct tally_endpoint {
    const char *method; /* a table ends with a NULL method */
    const char *path;
    const char *roles[TALLY_ROLES_MAX]; /* who may call; "*": every known party; none: everybody, unsigned */
    /* A read. It answers; or it returns an error, which becomes the problem unless it gave one. */
    enum tally_error (*read)(struct tally_call *call);
    /* A change, when read is NULL. Errors as above; an error of apply undoes what apply did and stores
     * nothing. An apply that answers and returns TALLY_OK is stored whatever the status it gave. It may run
     * more than once (db.h): the state is as prepare left it each time, so apply must not put there what
     * release has to free. */
    size_t state_size; /* bytes of zeroed memory for the two steps, wiped and freed after release */
    enum tally_error (*prepare)(struct tally_call *call, void *state); /* may be NULL */
    enum tally_error (*apply)(struct tally_call *call, void *state, struct tally_tx *tx);
    void (*release)(
        void *state); /* frees what the state points to; may be NULL; called also after failures */
};

/* What endpoints stand on; must outlive the server. */
struct tally_endpoint_context {
    const struct tally_auth *auth; /* may be NULL when no endpoint has roles */
    struct tally_db *db;           /* may be NULL when there are no changes */
    struct tally_inflight *inflight;
    const struct tally_clock *clock;
    void *wing;
    bool
        shared; /* other processes serve with the same database: signatures of changes are remembered in it */
};

/* Makes the server's routes from a wing's endpoints. The context must stay where it is. *routes is NULL on
 * failure; the caller frees it with free() after the server. */
enum tally_error tally_endpoint_routes(const struct tally_endpoint_context *context,
                                       const struct tally_endpoint *endpoints,
                                       struct tally_http_route **routes);

/* Answers. Each returns what the step should return. json's reference is taken. */
enum tally_error tally_call_answer(struct tally_call *call, int status, json_t *json); /* TALLY_OK */
enum tally_error tally_call_problem(struct tally_call *call, const struct tally_problem *problem,
                                    const char *detail); /* TALLY_E_DENIED */
enum tally_error tally_call_invalid(struct tally_call *call, const char *field,
                                    const char *reason); /* TALLY_E_FORMAT */
/* tally_json_end, with the invalid-field problem when it fails. */
enum tally_error tally_call_end_json(struct tally_call *call, struct tally_json *in);

#endif
