#include "host/pledge/wire.h"

#include <stdio.h>
#include <string.h>

#include "host/base/bytes.h"
#include "host/service/json.h"

static json_t *hex_json(const uint8_t *bytes, size_t n)
{
    char hex[2 * PLEDGE_OPENABLE + 1];
    return tally_hex_encode(bytes, n, hex, sizeof hex) == TALLY_OK ? json_string(hex) : NULL;
}

static int64_t number_at(const uint8_t *at)
{
    int64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static uint16_t count_at(const uint8_t *at)
{
    uint16_t n;
    memcpy(&n, at, sizeof n);
    return n;
}

static json_t *list_json(const struct pledge_field *f, const uint8_t *at, bool hide)
{
    json_t *array = json_array();
    for (uint16_t i = 0; array != NULL && i < count_at(at); i++)
        json_array_append_new(
            array, pledge_object_write(f->items, at + f->items_at + (size_t)i * f->item_size, hide));
    return array;
}

static json_t *field_json(const struct pledge_field *f, const uint8_t *at, bool hide)
{
    switch (f->type) {
    case PLEDGE_INT: return json_integer(number_at(at));
    case PLEDGE_ENUM: return json_string(f->names[number_at(at)]);
    case PLEDGE_TEXT: return json_string((const char *)at);
    case PLEDGE_FIXED: return hex_json(at, f->size);
    case PLEDGE_BYTES:
        return hide ? json_integer(count_at(at)) : hex_json(at + sizeof(uint16_t), count_at(at));
    case PLEDGE_LIST: return list_json(f, at, hide);
    }
    return NULL;
}

json_t *pledge_object_write(const struct pledge_field *fields, const void *object, bool hide)
{
    json_t *json = json_object();
    for (const struct pledge_field *f = fields; json != NULL && f->name != NULL; f++)
        json_object_set_new(json, f->name, field_json(f, (const uint8_t *)object + f->offset, hide));
    return json;
}

json_t *pledge_message_write(const struct pledge_message *m)
{
    const struct pledge_kind_info *kind = &pledge_kinds[m->kind];
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "kind", kind->name, "id", m->id, "from", m->from,
                     "to", m->to, "key", hex_json(m->key, PLEDGE_KEY), "signature",
                     hex_json(m->signature, PLEDGE_SIGNATURE), "body",
                     pledge_object_write(kind->fields, &m->body, false));
}

static enum tally_error object_read(const json_t *json, const struct pledge_field *fields, void *object,
                                    char where[PLEDGE_FIELD_NAME_MAX]);

static void enum_read(struct tally_json *in, const struct pledge_field *f, uint8_t *at)
{
    const char *name = tally_json_string(in, f->name, 1, 32);
    for (int64_t value = f->min; value <= f->max; value++)
        if (strcmp(f->names[value], name) == 0) {
            memcpy(at, &value, sizeof value);
            return;
        }
    tally_json_fault(in, f->name, "is none of the values there are");
}

static void list_read(struct tally_json *in, const struct pledge_field *f, uint8_t *at)
{
    char where[PLEDGE_FIELD_NAME_MAX];
    const json_t *array = tally_json_array(in, f->name, (size_t)f->min, (size_t)f->max);
    uint16_t n = (uint16_t)json_array_size(array);
    memcpy(at, &n, sizeof n);
    for (uint16_t i = 0; i < n; i++)
        if (object_read(json_array_get(array, i), f->items, at + f->items_at + (size_t)i * f->item_size,
                        where) != TALLY_OK)
            tally_json_fault(in, f->name, "has an item that is malformed");
}

static void field_read(struct tally_json *in, const struct pledge_field *f, uint8_t *at)
{
    int64_t value;
    uint16_t n;
    switch (f->type) {
    case PLEDGE_INT:
        value = tally_json_int(in, f->name, f->min, f->max);
        memcpy(at, &value, sizeof value);
        break;
    case PLEDGE_ENUM: enum_read(in, f, at); break;
    case PLEDGE_TEXT: tally_json_string_copy(in, f->name, (size_t)f->min, (char *)at, f->size); break;
    case PLEDGE_FIXED: tally_json_hex(in, f->name, at, f->size, f->size); break;
    case PLEDGE_BYTES:
        n = (uint16_t)tally_json_hex(in, f->name, at + sizeof(uint16_t), (size_t)f->min, (size_t)f->max);
        memcpy(at, &n, sizeof n);
        break;
    case PLEDGE_LIST: list_read(in, f, at); break;
    }
}

static enum tally_error object_read(const json_t *json, const struct pledge_field *fields, void *object,
                                    char where[PLEDGE_FIELD_NAME_MAX])
{
    struct tally_json in;
    tally_json_begin(&in, json);
    for (const struct pledge_field *f = fields; f->name != NULL; f++)
        field_read(&in, f, (uint8_t *)object + f->offset);
    enum tally_error e = tally_json_end(&in);
    snprintf(where, PLEDGE_FIELD_NAME_MAX, "%s", in.field);
    return e;
}

enum tally_error pledge_body_read(const json_t *json, enum pledge_kind kind, union pledge_body *body,
                                  char field[PLEDGE_FIELD_NAME_MAX])
{
    memset(body, 0, sizeof *body);
    enum tally_error e = object_read(json, pledge_kinds[kind].fields, body, field);
    if (e != TALLY_OK)
        memset(body, 0, sizeof *body);
    return e;
}

enum tally_error pledge_message_read(const json_t *json, struct pledge_message *message,
                                     char field[PLEDGE_FIELD_NAME_MAX])
{
    static const struct pledge_field envelope[] = {
        PLEDGE_F_TEXT(pledge_message, id, 1),      PLEDGE_F_TEXT(pledge_message, from, 1),
        PLEDGE_F_TEXT(pledge_message, to, 1),      PLEDGE_F_FIXED(pledge_message, key),
        PLEDGE_F_FIXED(pledge_message, signature), {.name = NULL}};
    struct tally_json in;
    char inner[PLEDGE_FIELD_NAME_MAX] = "";
    memset(message, 0, sizeof *message);
    tally_json_begin(&in, json);
    enum pledge_kind kind = pledge_kind_find(tally_json_string(&in, "kind", 1, 32));
    if (kind == PLEDGE_K_NO_KIND)
        tally_json_fault(&in, "kind", "is none there is");
    message->kind = kind;
    for (const struct pledge_field *f = envelope; f->name != NULL; f++)
        field_read(&in, f, (uint8_t *)message + f->offset);
    const json_t *body = tally_json_object(&in, "body");
    enum tally_error e = tally_json_end(&in);
    snprintf(field, PLEDGE_FIELD_NAME_MAX, "%s", in.field);
    if (e == TALLY_OK) {
        e = pledge_body_read(body, kind, &message->body, inner);
        snprintf(field, PLEDGE_FIELD_NAME_MAX, "/body%.60s", inner);
    }
    if (e != TALLY_OK)
        memset(message, 0, sizeof *message);
    return e;
}
