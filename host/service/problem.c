#include "host/service/problem.h"

#include <jansson.h>
#include <string.h>

#define ENTRY(id, code, status, name, title) [TALLY_PROBLEM_##id] = {code, status, name, title},
const struct tally_problem tally_problems[TALLY_PROBLEM_COUNT] = {TALLY_PROBLEM_LIST(ENTRY)};
#undef ENTRY

const struct tally_problem *tally_problem_of_error(enum tally_error e)
{
    switch (e) {
    case TALLY_E_DENIED:
    case TALLY_E_CRYPTO: return TALLY_PROBLEM(REFUSED);
    case TALLY_E_NOT_FOUND: return TALLY_PROBLEM(NOT_FOUND);
    case TALLY_E_EXISTS: return TALLY_PROBLEM(EXISTS);
    case TALLY_E_STATE: return TALLY_PROBLEM(STATE);
    case TALLY_E_FULL: return TALLY_PROBLEM(LIMIT);
    case TALLY_E_USAGE:
    case TALLY_E_FORMAT: return TALLY_PROBLEM(INVALID_FIELD);
    case TALLY_E_BUSY: return TALLY_PROBLEM(OVERLOADED);
    case TALLY_E_SERVER: return TALLY_PROBLEM(UPSTREAM);
    default: return TALLY_PROBLEM(INTERNAL);
    }
}

enum tally_error tally_error_of_status(int status)
{
    if (status >= 200 && status < 300)
        return TALLY_OK;
    switch (status) {
    case 400:
    case 413:
    case 415:
    case 422: return TALLY_E_FORMAT;
    case 401:
    case 403: return TALLY_E_DENIED;
    case 404: return TALLY_E_NOT_FOUND;
    case 409: return TALLY_E_STATE;
    default: return TALLY_E_SERVER;
    }
}

static void set_optional(json_t *object, const char *key, const char *value)
{
    if (value == NULL)
        return;
    json_t *string = json_string(value);
    json_object_set_new(object, key, string != NULL ? string : json_string("(not valid UTF-8)"));
}

enum tally_error tally_problem_body(const struct tally_problem *problem, const char *trace,
                                    const char *detail, const char *field, char **body, size_t *size)
{
    *body = NULL;
    *size = 0;
    json_t *object = json_pack("{s:s+, s:s, s:i, s:i}", "type", TALLY_PROBLEM_TYPE_PREFIX, problem->name,
                               "title", problem->title, "status", problem->status, "code", problem->code);
    if (object == NULL)
        return TALLY_E_MEMORY;
    set_optional(object, "detail", detail);
    set_optional(object, "field", field);
    set_optional(object, "trace", trace);
    *body = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    if (*body == NULL)
        return TALLY_E_MEMORY;
    *size = strlen(*body);
    return TALLY_OK;
}
