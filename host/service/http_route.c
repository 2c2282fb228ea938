#include <string.h>

#include "host/base/log.h"
#include "host/service/http_internal.h"

static void serve_health(struct tally_http_request *request, struct tally_http_response *response, void *ctx)
{
    (void)ctx;
    tally_http_respond_json(request, response, 200, json_pack("{s:s}", "status", "ok"));
}

static void serve_ready(struct tally_http_request *request, struct tally_http_response *response, void *ctx)
{
    struct tally_http_server *server = ctx;
    bool ready = !atomic_load(&server->draining);
    json_t *checks = json_object();
    json_object_set_new(checks, "accepting", json_string(ready ? "ok" : "stopping"));
    for (const struct tally_http_check *c = server->options.checks; c != NULL && c->name != NULL; c++) {
        enum tally_error e = c->check(c->ctx);
        ready = ready && e == TALLY_OK;
        json_object_set_new(checks, c->name, json_string(tally_error_text(e)));
    }
    tally_http_respond_json(request, response, ready ? 200 : 503,
                            json_pack("{s:s, s:o}", "status", ready ? "ok" : "unready", "checks", checks));
}

static void serve_metrics(struct tally_http_request *request, struct tally_http_response *response, void *ctx)
{
    struct tally_http_server *server = ctx;
    char *text;
    size_t size;
    if (server->options.metrics == NULL)
        tally_http_respond_problem(request, response, TALLY_PROBLEM(NO_SUCH_RESOURCE), NULL, NULL);
    else if (tally_metrics_write(server->options.metrics, &text, &size) != TALLY_OK)
        tally_http_respond_problem(request, response, TALLY_PROBLEM(INTERNAL), NULL, NULL);
    else
        tally_http_respond(response, 200, TALLY_METRICS_CONTENT_TYPE, text, size);
}

static const struct tally_http_route built_in[] = {
    {"GET", "/healthz", serve_health, NULL},
    {"GET", "/readyz", serve_ready, NULL},
    {"GET", "/metrics", serve_metrics, NULL},
    {NULL, NULL, NULL, NULL},
};

static enum tally_error add_route(struct tally_http_server *server, const struct tally_http_route *public,
                                  void *ctx)
{
    if (server->route_count == TALLY_HTTP_ROUTES_MAX)
        return TALLY_E_FULL;
    struct http_route *route = &server->routes[server->route_count++];
    route->public = public;
    route->ctx = ctx;
    if (server->options.metrics != NULL) {
        char labels[TALLY_METRICS_LABELS_MAX] = "";
        tally_metric_label(labels, "method", public->method);
        tally_metric_label(labels, "route", public->path);
        route->seconds = tally_metrics_get(server->options.metrics, "http_request_seconds", labels);
    }
    return TALLY_OK;
}

enum tally_error http_route_setup(struct tally_http_server *server)
{
    static const struct tally_http_route unrouted = {"", "", NULL, NULL};
    enum tally_error e = TALLY_OK;
    server->unrouted.public = &unrouted;
    for (const struct tally_http_route *r = built_in; e == TALLY_OK && r->method != NULL; r++)
        e = add_route(server, r, server);
    for (const struct tally_http_route *r = server->options.routes; e == TALLY_OK && r->method != NULL; r++)
        e = add_route(server, r, r->ctx);
    if (e != TALLY_OK)
        tally_log(TALLY_LOG_ERROR, "http", NULL, "too many routes",
                  TALLY_INT("limit", TALLY_HTTP_ROUTES_MAX));
    return e;
}

/* Takes one segment of the path as the parameter whose "{name}" begins at pattern. */
static bool take_param(struct http_exchange *exchange, const char *pattern, const char *path, size_t segment)
{
    if (exchange->param_count == TALLY_HTTP_PARAMS_MAX || segment == 0 || segment >= TALLY_HTTP_PARAM_SIZE)
        return false;
    size_t i = exchange->param_count++;
    exchange->params[i].name = pattern + 1;
    exchange->params[i].name_size = strcspn(pattern + 1, "}");
    memcpy(exchange->params[i].value, path, segment);
    exchange->params[i].value[segment] = '\0';
    return true;
}

static bool match(struct http_exchange *exchange, const char *pattern, const char *path)
{
    exchange->param_count = 0;
    while (*pattern == '/' && *path == '/') {
        pattern++;
        path++;
        size_t want = strcspn(pattern, "/"), have = strcspn(path, "/");
        if (*pattern == '{') {
            if (!take_param(exchange, pattern, path, have))
                return false;
        } else if (want != have || memcmp(pattern, path, want) != 0) {
            return false;
        }
        pattern += want;
        path += have;
    }
    return *pattern == '\0' && *path == '\0';
}

static void allow(const char *method, char *allowed, size_t size)
{
    size_t used = strlen(allowed), need = strlen(method) + (used > 0 ? 2 : 0);
    if (used + need >= size)
        return;
    if (used > 0)
        strcat(allowed, ", ");
    strcat(allowed, method);
}

struct http_route *http_route_find(struct tally_http_server *server, struct http_exchange *exchange,
                                   char *allowed, size_t allowed_size)
{
    const char *method = exchange->request.method;
    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    allowed[0] = '\0';
    for (size_t i = 0; i < server->route_count; i++) {
        struct http_route *route = &server->routes[i];
        if (!match(exchange, route->public->path, exchange->request.path))
            continue;
        if (strcmp(route->public->method, method) == 0)
            return route;
        allow(route->public->method, allowed, allowed_size);
    }
    return NULL;
}
