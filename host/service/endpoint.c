#include "host/service/endpoint.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "host/base/bytes.h"
#include "host/base/log.h"

/* An endpoint bound to its context: the ctx of its route. Routes and bindings are one allocation. */
struct binding {
    const struct tally_endpoint_context *context;
    const struct tally_endpoint *endpoint;
};

/* A change under way. */
struct change {
    struct tally_call call;
    const struct binding *binding;
    struct tally_idempotency id;
    struct tally_db_job job;
    bool claimed, prepared, applied;
    _Alignas(max_align_t) uint8_t state[]; /* the state, and then how it was before apply ran first */
};

enum tally_error tally_call_answer(struct tally_call *call, int status, json_t *json)
{
    tally_http_respond_json(call->request, call->response, status, json);
    return TALLY_OK;
}

enum tally_error tally_call_problem(struct tally_call *call, const struct tally_problem *problem,
                                    const char *detail)
{
    tally_http_respond_problem(call->request, call->response, problem, detail, NULL);
    return TALLY_E_DENIED;
}

enum tally_error tally_call_invalid(struct tally_call *call, const char *field, const char *reason)
{
    tally_http_respond_problem(call->request, call->response, TALLY_PROBLEM(INVALID_FIELD), reason, field);
    return TALLY_E_FORMAT;
}

enum tally_error tally_call_end_json(struct tally_call *call, struct tally_json *in)
{
    if (tally_json_end(in) == TALLY_OK)
        return TALLY_OK;
    return tally_call_invalid(call, in->field, in->reason);
}

/* A failed step must have left a problem; where it left none or a success, its error becomes one. */
static void settle(struct tally_call *call, enum tally_error e)
{
    if (e != TALLY_OK && call->response->status < 400)
        tally_http_respond_problem(call->request, call->response, tally_problem_of_error(e), NULL, NULL);
}

static bool role_allowed(const struct tally_endpoint *endpoint, const char *role)
{
    for (size_t i = 0; i < TALLY_ROLES_MAX && endpoint->roles[i] != NULL; i++)
        if (strcmp(endpoint->roles[i], "*") == 0 || strcmp(endpoint->roles[i], role) == 0)
            return true;
    return false;
}

/* application/json, with or without parameters. */
static bool is_json(const char *type)
{
    static const char want[] = "application/json";
    size_t n = sizeof want - 1;
    return type != NULL && strncasecmp(type, want, n) == 0 &&
           (type[n] == '\0' || type[n] == ';' || type[n] == ' ');
}

static const struct tally_problem *read_body(struct tally_call *call)
{
    const struct tally_http_request *request = call->request;
    if (request->body_size == 0)
        return NULL;
    if (!is_json(tally_http_header(request, "content-type")))
        return TALLY_PROBLEM(UNSUPPORTED_MEDIA);
    call->body = tally_json_parse(request->body, request->body_size);
    return json_is_object(call->body) ? NULL : TALLY_PROBLEM(MALFORMED_JSON);
}

/* Signature, role, body. False when the request is answered. */
static bool admit(const struct binding *binding, struct tally_call *call)
{
    const struct tally_endpoint *endpoint = binding->endpoint;
    const struct tally_problem *problem = NULL;
    const char *detail = NULL;
    if (endpoint->roles[0] != NULL) {
        problem = tally_auth_check(binding->context->auth, call->request, &call->caller, &detail);
        if (problem == NULL && !role_allowed(endpoint, call->caller.party->role))
            problem = TALLY_PROBLEM(ROLE_NOT_ALLOWED);
    }
    if (problem != NULL && problem->status < 500)
        tally_log(TALLY_LOG_INFO, "auth", call->request->trace, "request refused",
                  TALLY_STR("problem", problem->name), TALLY_STR("path", call->request->path));
    if (problem == NULL)
        problem = read_body(call);
    if (problem != NULL)
        tally_http_respond_problem(call->request, call->response, problem, detail, NULL);
    return problem == NULL;
}

static void start_call(const struct binding *binding, struct tally_http_request *request,
                       struct tally_http_response *response, struct tally_call *call)
{
    *call = (struct tally_call){.request = request,
                                .response = response,
                                .db = binding->context->db,
                                .clock = binding->context->clock,
                                .wing = binding->context->wing};
}

static void serve_read(struct tally_http_request *request, struct tally_http_response *response, void *ctx)
{
    const struct binding *binding = ctx;
    struct tally_call call;
    start_call(binding, request, response, &call);
    if (admit(binding, &call))
        settle(&call, binding->endpoint->read(&call));
    json_decref(call.body);
}

static void free_change(struct change *change)
{
    const struct tally_endpoint *endpoint = change->binding->endpoint;
    if (change->claimed)
        tally_idempotency_release(change->binding->context->inflight, &change->id);
    if (change->prepared && endpoint->release != NULL)
        endpoint->release(change->state);
    json_decref(change->call.body);
    tally_wipe(change->state, 2 * endpoint->state_size);
    free(change);
}

/* Answers with what is known of the key. False when nothing is. */
static bool answer_known(struct tally_call *call, struct tally_idempotency_known *known)
{
    struct tally_stored_answer *answer = &known->answer;
    if (known->problem != NULL)
        tally_http_respond_problem(call->request, call->response, known->problem, NULL, NULL);
    if (known->problem != NULL || answer->status == 0)
        return known->problem != NULL;
    /* Only these two are ever stored, and the response keeps a pointer to a constant. */
    bool is_problem = strcmp(answer->content_type, TALLY_PROBLEM_CONTENT_TYPE) == 0;
    tally_http_respond(call->response, answer->status,
                       is_problem ? TALLY_PROBLEM_CONTENT_TYPE : "application/json", answer->body,
                       answer->body_size);
    tally_http_respond_header(call->response, "Idempotency-Replayed", "true");
    return true;
}

/* The writer may run an operation again when the database lost its transaction: every run starts alike. */
static void start_apply(struct change *change)
{
    size_t n = change->binding->endpoint->state_size;
    uint8_t *kept = change->state + n;
    memcpy(change->applied ? change->state : kept, change->applied ? kept : change->state, n);
    if (change->applied)
        tally_http_respond(change->call.response, 0, NULL, NULL, 0);
    change->call.response->header_count = 0;
    change->applied = true;
}

static enum tally_error apply_change(struct tally_tx *tx, void *arg)
{
    struct change *change = arg;
    start_apply(change);
    struct tally_call *call = &change->call;
    struct tally_idempotency_known known;
    enum tally_error e = tally_idempotency_look(tx, &change->id, &known);
    if (e != TALLY_OK || answer_known(call, &known))
        return e;
    e = change->binding->endpoint->apply(call, change->state, tx);
    if (e == TALLY_OK && call->response->status == 0)
        e = TALLY_E_BUG;
    if (e == TALLY_OK)
        e = tally_idempotency_store(tx, &change->id, call->response, tally_clock_wall_s(call->clock));
    return e;
}

/* Stays also when the change is refused: else another process could be made to try it again. */
static enum tally_error take_nonce(struct tally_tx *tx, void *arg)
{
    struct change *change = arg;
    const struct tally_caller *caller = &change->call.caller;
    enum tally_error e = tally_nonces_take_shared(tx, caller->nonce, caller->nonce_expires,
                                                  tally_clock_wall_s(change->call.clock));
    return e == TALLY_E_EXISTS ? tally_call_problem(&change->call, TALLY_PROBLEM(REPLAYED), NULL) : e;
}

static enum tally_error look_only(struct tally_tx *tx, void *arg)
{
    struct change *change = arg;
    struct tally_idempotency_known known;
    enum tally_error e = tally_idempotency_look(tx, &change->id, &known);
    if (e == TALLY_OK)
        (void)answer_known(&change->call, &known);
    return e;
}

/* In the writer's thread, after the commit. The claim ends first: a retry that comes now finds the stored
 * answer. */
static void finish_change(struct tally_db_job *job, void *arg)
{
    struct change *change = arg;
    struct tally_http_request *request = change->call.request;
    settle(&change->call, job->result);
    free_change(change);
    tally_http_finish(request);
}

/* All that happens before the writer. False when the request is answered. */
static bool prepare_change(struct change *change)
{
    struct tally_call *call = &change->call;
    const struct tally_endpoint *endpoint = change->binding->endpoint;
    if (!admit(change->binding, call))
        return false;
    const struct tally_problem *problem = tally_idempotency_read(call->request, &call->caller, &change->id);
    if (problem == NULL) {
        change->claimed =
            tally_idempotency_claim(change->binding->context->inflight, &change->id) == TALLY_OK;
        problem = change->claimed ? NULL : TALLY_PROBLEM(IDEMPOTENCY_IN_FLIGHT);
    }
    if (problem != NULL) {
        tally_http_respond_problem(call->request, call->response, problem, NULL, NULL);
        return false;
    }
    change->prepared = true;
    enum tally_error e = endpoint->prepare != NULL ? endpoint->prepare(call, change->state) : TALLY_OK;
    if (e == TALLY_OK)
        return true;
    settle(call, e);
    /* What is refused now may have been done before: then its answer stands. */
    (void)tally_db_read(call->db, look_only, change);
    return false;
}

static void serve_change(struct tally_http_request *request, struct tally_http_response *response, void *ctx)
{
    const struct binding *binding = ctx;
    struct change *change = calloc(1, sizeof *change + 2 * binding->endpoint->state_size);
    if (change == NULL) {
        tally_http_respond_problem(request, response, TALLY_PROBLEM(OVERLOADED), NULL, NULL);
        return;
    }
    change->binding = binding;
    change->job = (struct tally_db_job){.first = binding->context->shared ? take_nonce : NULL,
                                        .op = apply_change,
                                        .arg = change,
                                        .done = finish_change};
    start_call(binding, request, response, &change->call);
    if (!prepare_change(change)) {
        free_change(change);
        return;
    }
    tally_http_defer(request);
    enum tally_error e = tally_db_submit(binding->context->db, &change->job);
    if (e != TALLY_OK) {
        const struct tally_problem *problem =
            e == TALLY_E_FULL ? TALLY_PROBLEM(OVERLOADED) : TALLY_PROBLEM(SHUTTING_DOWN);
        tally_http_respond_problem(request, response, problem, NULL, NULL);
        free_change(change);
        tally_http_finish(request);
    }
}

enum tally_error tally_endpoint_routes(const struct tally_endpoint_context *context,
                                       const struct tally_endpoint *endpoints,
                                       struct tally_http_route **routes)
{
    size_t n = 0;
    while (endpoints[n].method != NULL)
        n++;
    *routes = calloc(1, (n + 1) * sizeof **routes + n * sizeof(struct binding));
    if (*routes == NULL)
        return TALLY_E_MEMORY;
    struct binding *bindings = (struct binding *)(*routes + n + 1);
    for (size_t i = 0; i < n; i++) {
        const struct tally_endpoint *endpoint = &endpoints[i];
        if (endpoint->state_size > TALLY_CALL_STATE_MAX ||
            (endpoint->read == NULL) == (endpoint->apply == NULL) ||
            (endpoint->roles[0] == NULL && endpoint->read == NULL)) {
            free(*routes);
            *routes = NULL;
            return TALLY_E_BUG;
        }
        bindings[i] = (struct binding){context, endpoint};
        (*routes)[i] =
            (struct tally_http_route){endpoint->method, endpoint->path,
                                      endpoint->read != NULL ? serve_read : serve_change, &bindings[i]};
    }
    return TALLY_OK;
}
