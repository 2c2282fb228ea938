#include "host/pledge/openapi.h"

#include <stdio.h>

#include "host/pledge/core/message.h"

static json_t *object_schema(const struct pledge_field *fields);

static json_t *hex_schema(size_t min, size_t max)
{
    return json_pack("{s:s, s:s, s:I, s:I}", "type", "string", "pattern", "^([0-9a-f]{2})*$", "minLength",
                     (json_int_t)(2 * min), "maxLength", (json_int_t)(2 * max));
}

static json_t *names_schema(const struct pledge_field *f)
{
    json_t *names = json_array();
    for (int64_t i = f->min; i <= f->max; i++)
        json_array_append_new(names, json_string(f->names[i]));
    return json_pack("{s:s, s:o}", "type", "string", "enum", names);
}

static json_t *field_schema(const struct pledge_field *f)
{
    switch (f->type) {
    case PLEDGE_INT:
        return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum", (json_int_t)f->min, "maximum",
                         (json_int_t)f->max);
    case PLEDGE_ENUM: return names_schema(f);
    case PLEDGE_TEXT: /* lengths are bytes of UTF-8; characters are at most as many */
        return json_pack("{s:s, s:I, s:I}", "type", "string", "minLength", (json_int_t)(f->min > 0),
                         "maxLength", (json_int_t)f->max);
    case PLEDGE_FIXED: return hex_schema(f->size, f->size);
    case PLEDGE_BYTES: return hex_schema((size_t)f->min, (size_t)f->max);
    case PLEDGE_LIST:
        return json_pack("{s:s, s:I, s:I, s:o}", "type", "array", "minItems", (json_int_t)f->min, "maxItems",
                         (json_int_t)f->max, "items", object_schema(f->items));
    }
    return NULL;
}

static json_t *object_schema(const struct pledge_field *fields)
{
    json_t *properties = json_object(), *required = json_array();
    for (const struct pledge_field *f = fields; f->name != NULL; f++) {
        json_object_set_new(properties, f->name, field_schema(f));
        json_array_append_new(required, json_string(f->name));
    }
    return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties, "required", required,
                     "additionalProperties", 0);
}

static json_t *text_schema(size_t size)
{
    return json_pack("{s:s, s:i, s:I}", "type", "string", "minLength", 1, "maxLength", (json_int_t)size - 1);
}

static json_t *message_schema(const struct pledge_kind_info *kind)
{
    char about[128];
    snprintf(about, sizeof about, "From a %s to a %s; signed with the sender's key.",
             pledge_role_names[kind->from], pledge_role_names[kind->to]);
    return json_pack("{s:s, s:s, s:{s:{s:s}, s:o, s:o, s:o, s:o, s:o, s:o}, s:[s, s, s, s, s, s, s], s:b}",
                     "description", about, "type", "object", "properties", "kind", "const", kind->name, "id",
                     text_schema(PLEDGE_ID), "from", text_schema(PLEDGE_PARTY), "to",
                     text_schema(PLEDGE_PARTY), "key", hex_schema(PLEDGE_KEY, PLEDGE_KEY), "signature",
                     hex_schema(PLEDGE_SIGNATURE, PLEDGE_SIGNATURE), "body", object_schema(kind->fields),
                     "required", "kind", "id", "from", "to", "key", "signature", "body",
                     "additionalProperties", 0);
}

static json_t *schemas(void)
{
    json_t *all = json_object(), *one_of = json_array();
    char reference[96];
    for (int i = 1; i < PLEDGE_KIND_COUNT; i++) {
        snprintf(reference, sizeof reference, "#/components/schemas/%s", pledge_kinds[i].name);
        json_object_set_new(all, pledge_kinds[i].name, message_schema(&pledge_kinds[i]));
        json_array_append_new(one_of, json_pack("{s:s}", "$ref", reference));
    }
    json_object_set_new(all, "message", json_pack("{s:o}", "oneOf", one_of));
    json_object_set_new(all, "problem",
                        json_pack("{s:s, s:[s, s, s, s], s:{s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s}}}", "type",
                                  "object", "required", "type", "title", "status", "code", "properties",
                                  "type", "type", "string", "title", "type", "string", "status", "type",
                                  "integer", "code", "type", "integer"));
    return all;
}

static json_t *content(const char *type, const char *reference)
{
    return json_pack("{s:{s:{s:s}}}", type, "schema", "$ref", reference);
}

static json_t *paths(void)
{
    static const char *const statuses[] = {"400", "401", "403", "404", "409", "422", "500", "503"};
    json_t *responses =
        json_pack("{s:{s:s, s:{s:{s:{s:s, s:[s], s:{s:{s:b}}}}}}}", "200", "description",
                  "The message was taken, now or before.", "content", "application/json", "schema", "type",
                  "object", "required", "taken", "properties", "taken", "const", 1);
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        json_object_set_new(responses, statuses[i],
                            json_pack("{s:s, s:o}", "description", "specs/errors.md", "content",
                                      content("application/problem+json", "#/components/schemas/problem")));
    return json_pack("{s:{s:{s:s, s:s, s:[{s:s, s:s, s:b, s:{s:s, s:s}}], s:{s:b, s:o}, s:o}}}",
                     "/v1/messages", "post", "operationId", "takeMessage", "summary",
                     "Takes a message of the pledge. The request is signed (RFC 9421, specs/service.md).",
                     "parameters", "name", "Idempotency-Key", "in", "header", "required", 1, "schema", "type",
                     "string", "pattern", "^[A-Za-z0-9._:-]{1,64}$", "requestBody", "required", 1, "content",
                     content("application/json", "#/components/schemas/message"), "responses", responses);
}

json_t *pledge_openapi(void)
{
    return json_pack("{s:s, s:{s:s, s:s}, s:o, s:{s:o}}", "openapi", "3.1.0", "info", "title",
                     "Tally: pledged tickets", "version", "1", "paths", paths(), "components", "schemas",
                     schemas());
}
