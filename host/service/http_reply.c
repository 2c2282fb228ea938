/* What handlers call to look at a request and to answer it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/service/http_internal.h"

const char *tally_http_header(const struct tally_http_request *request, const char *name)
{
    return tally_http_header_find(request->headers, request->header_count, name);
}

const char *tally_http_param(const struct tally_http_request *request, const char *name)
{
    const struct http_exchange *exchange = (const struct http_exchange *)request;
    for (size_t i = 0; i < exchange->param_count; i++)
        if (strlen(name) == exchange->params[i].name_size &&
            memcmp(name, exchange->params[i].name, exchange->params[i].name_size) == 0)
            return exchange->params[i].value;
    return "";
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes n characters of a query value; false when it is malformed or does not fit. */
static bool percent_decode(const char *in, size_t n, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        char c = in[i] == '+' ? ' ' : in[i];
        if (c == '%') {
            int high = n - i > 2 ? hex_digit(in[i + 1]) : -1, low = n - i > 2 ? hex_digit(in[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (c == '\0' || used + 1 >= size)
            return false;
        out[used++] = c;
    }
    out[used] = '\0';
    return true;
}

enum tally_error tally_http_query(const struct tally_http_request *request, const char *name, char *out,
                                  size_t size)
{
    const char *found = NULL;
    size_t found_size = 0, name_size = strlen(name);
    out[0] = '\0';
    for (const char *at = request->query; *at != '\0';) {
        size_t n = strcspn(at, "&"), key = strcspn(at, "=&");
        if (key == name_size && memcmp(at, name, key) == 0) {
            if (found != NULL)
                return TALLY_E_FORMAT;
            found = at + key + (at[key] == '=' ? 1 : 0);
            found_size = n - (size_t)(found - at);
        }
        at += n + (at[n] == '&' ? 1 : 0);
    }
    if (found == NULL)
        return TALLY_E_NOT_FOUND;
    if (percent_decode(found, found_size, out, size))
        return TALLY_OK;
    out[0] = '\0';
    return TALLY_E_FORMAT;
}

void tally_http_respond(struct tally_http_response *response, int status, const char *content_type,
                        char *body, size_t body_size)
{
    free(response->body);
    response->status = status;
    response->content_type = content_type;
    response->body = body;
    response->body_size = body_size;
}

void tally_http_respond_json(const struct tally_http_request *request, struct tally_http_response *response,
                             int status, json_t *json)
{
    char *body = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (body != NULL)
        tally_http_respond(response, status, "application/json", body, strlen(body));
    else
        tally_http_respond_problem(request, response, TALLY_PROBLEM(INTERNAL), NULL, NULL);
}

void tally_http_respond_problem(const struct tally_http_request *request,
                                struct tally_http_response *response, const struct tally_problem *problem,
                                const char *detail, const char *field)
{
    char *body;
    size_t size;
    /* Without memory the status alone still tells the peer. */
    (void)tally_problem_body(problem, request->trace, detail, field, &body, &size);
    tally_http_respond(response, problem->status, TALLY_PROBLEM_CONTENT_TYPE, body, size);
}

void tally_http_respond_header(struct tally_http_response *response, const char *name, const char *value)
{
    if (response->header_count == TALLY_HTTP_REPLY_HEADERS_MAX)
        return;
    size_t i = response->header_count++;
    response->headers[i].name = name;
    snprintf(response->headers[i].value, sizeof response->headers[i].value, "%s", value);
}

void tally_http_defer(struct tally_http_request *request)
{
    struct http_exchange *exchange = (struct http_exchange *)request;
    exchange->deferred = true;
    MHD_suspend_connection(exchange->connection);
}

struct tally_http_response *tally_http_deferred_response(struct tally_http_request *request)
{
    return &((struct http_exchange *)request)->response;
}

void tally_http_finish(struct tally_http_request *request)
{
    struct http_exchange *exchange = (struct http_exchange *)request;
    atomic_store(&exchange->state, EXCHANGE_READY);
    MHD_resume_connection(exchange->connection);
}
