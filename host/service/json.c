#include "host/service/json.h"

#include <stdio.h>
#include <string.h>

#include "host/base/bytes.h"

json_t *tally_json_parse(const char *text, size_t n)
{
    return json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
}

void tally_json_fault(struct tally_json *in, const char *name, const char *reason)
{
    if (in->reason != NULL)
        return;
    in->reason = reason;
    snprintf(in->field, sizeof in->field, "%s%s", name[0] != '\0' ? "/" : "", name);
}

void tally_json_begin(struct tally_json *in, const json_t *object)
{
    *in = (struct tally_json){.object = object};
    if (!json_is_object(object))
        tally_json_fault(in, "", "must be an object");
    else if (json_object_size(object) > TALLY_JSON_MEMBERS_MAX)
        tally_json_fault(in, "", "has too many members");
}

/* Marks the member, which is there, as known: looks where the last search ended, then from the start. */
static void mark(struct tally_json *in, const char *name)
{
    json_t *object = (json_t *)in->object;
    if (in->next == NULL || strcmp(json_object_iter_key(in->next), name) != 0) {
        in->next = json_object_iter(object);
        in->next_at = 0;
        while (strcmp(json_object_iter_key(in->next), name) != 0) {
            in->next = json_object_iter_next(object, in->next);
            in->next_at++;
        }
    }
    in->seen |= UINT64_C(1) << in->next_at++;
    in->next = json_object_iter_next(object, in->next);
}

static const json_t *take(struct tally_json *in, const char *name)
{
    if (in->reason != NULL)
        return NULL;
    const json_t *value = json_object_get(in->object, name);
    if (value == NULL)
        tally_json_fault(in, name, "is missing");
    else
        mark(in, name);
    return value;
}

bool tally_json_has(struct tally_json *in, const char *name)
{
    if (in->reason != NULL)
        return false;
    const json_t *value = json_object_get(in->object, name);
    if (value != NULL)
        mark(in, name);
    return value != NULL && !json_is_null(value);
}

const char *tally_json_string(struct tally_json *in, const char *name, size_t min, size_t max)
{
    const json_t *value = take(in, name);
    const char *text = json_string_value(value);
    size_t n = json_string_length(value);
    if (value != NULL && text == NULL)
        tally_json_fault(in, name, "must be a string");
    else if (value != NULL && (n < min || n > max))
        tally_json_fault(in, name, "has a wrong length");
    else if (value != NULL && strlen(text) != n)
        tally_json_fault(in, name, "has a NUL character");
    return in->reason == NULL ? text : "";
}

void tally_json_string_copy(struct tally_json *in, const char *name, size_t min, char *out, size_t size)
{
    const char *text = tally_json_string(in, name, min, size - 1);
    memcpy(out, text, strlen(text) + 1);
}

int64_t tally_json_int(struct tally_json *in, const char *name, int64_t min, int64_t max)
{
    const json_t *value = take(in, name);
    int64_t number = json_integer_value(value);
    if (value != NULL && !json_is_integer(value))
        tally_json_fault(in, name, "must be a whole number");
    else if (value != NULL && (number < min || number > max))
        tally_json_fault(in, name, "is outside its limits");
    return in->reason == NULL ? number : min;
}

bool tally_json_bool(struct tally_json *in, const char *name)
{
    const json_t *value = take(in, name);
    if (value != NULL && !json_is_boolean(value))
        tally_json_fault(in, name, "must be true or false");
    return in->reason == NULL && json_is_true(value);
}

size_t tally_json_hex(struct tally_json *in, const char *name, uint8_t *out, size_t min, size_t max)
{
    size_t n = 0;
    memset(out, 0, max);
    const char *text = tally_json_string(in, name, 2 * min, 2 * max);
    if (in->reason == NULL && tally_hex_decode(text, out, max, &n) != TALLY_OK)
        tally_json_fault(in, name, "must be hex digits");
    return in->reason == NULL ? n : 0;
}

const json_t *tally_json_array(struct tally_json *in, const char *name, size_t min, size_t max)
{
    const json_t *value = take(in, name);
    if (value != NULL && !json_is_array(value))
        tally_json_fault(in, name, "must be an array");
    else if (value != NULL && (json_array_size(value) < min || json_array_size(value) > max))
        tally_json_fault(in, name, "has a wrong number of elements");
    return in->reason == NULL ? value : NULL;
}

const json_t *tally_json_object(struct tally_json *in, const char *name)
{
    const json_t *value = take(in, name);
    if (value != NULL && !json_is_object(value))
        tally_json_fault(in, name, "must be an object");
    return in->reason == NULL ? value : NULL;
}

enum tally_error tally_json_end(struct tally_json *in)
{
    const char *key;
    json_t *value;
    unsigned i = 0;
    if (in->reason == NULL)
        json_object_foreach((json_t *)in->object, key, value)
        {
            if ((in->seen >> i & 1) == 0)
                tally_json_fault(in, key, "is not known");
            i++;
        }
    return in->reason == NULL ? TALLY_OK : TALLY_E_FORMAT;
}
