#include "host/pledge/core/field.h"

#include <string.h>

void pledge_put(struct pledge_buffer *out, const void *bytes, size_t n)
{
    if (n > out->size - out->n) {
        out->overflowed = true;
        return;
    }
    if (n > 0)
        memcpy(out->data + out->n, bytes, n);
    out->n += n;
}

void pledge_put_u16(struct pledge_buffer *out, uint16_t value)
{
    const uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    pledge_put(out, bytes, sizeof bytes);
}

static void put_i64(struct pledge_buffer *out, int64_t value)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)value >> (56 - 8 * i));
    pledge_put(out, bytes, sizeof bytes);
}

void pledge_put_text(struct pledge_buffer *out, const char *text)
{
    size_t n = strlen(text);
    pledge_put_u16(out, (uint16_t)n);
    pledge_put(out, text, n);
}

static uint16_t count_of(const uint8_t *at)
{
    uint16_t n;
    memcpy(&n, at, sizeof n);
    return n;
}

static int64_t number_of(const uint8_t *at)
{
    int64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

void pledge_fields_put(const struct pledge_field *fields, const void *object, struct pledge_buffer *out)
{
    for (const struct pledge_field *f = fields; f->name != NULL; f++) {
        const uint8_t *at = (const uint8_t *)object + f->offset;
        switch (f->type) {
        case PLEDGE_INT:
        case PLEDGE_ENUM: put_i64(out, number_of(at)); break;
        case PLEDGE_TEXT: pledge_put_text(out, (const char *)at); break;
        case PLEDGE_FIXED: pledge_put(out, at, f->size); break;
        case PLEDGE_BYTES:
            pledge_put_u16(out, count_of(at));
            pledge_put(out, at + sizeof(uint16_t), count_of(at));
            break;
        case PLEDGE_LIST:
            pledge_put_u16(out, count_of(at));
            for (uint16_t i = 0; i < count_of(at); i++)
                pledge_fields_put(f->items, at + f->items_at + (size_t)i * f->item_size, out);
            break;
        }
    }
}

static bool text_fits(const struct pledge_field *f, const char *text)
{
    size_t n = strnlen(text, f->size);
    if (n >= f->size || (int64_t)n < f->min || (int64_t)n > f->max)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    for (size_t i = n; i < f->size; i++)
        if (text[i] != 0)
            return false;
    return true;
}

static bool list_fits(const struct pledge_field *f, const uint8_t *at, const char **bad)
{
    uint16_t n = count_of(at);
    if (n < f->min || n > f->max)
        return false;
    for (uint16_t i = 0; i < n; i++)
        if (pledge_fields_check(f->items, at + f->items_at + (size_t)i * f->item_size, bad) != TALLY_OK)
            return false;
    return true;
}

static bool field_fits(const struct pledge_field *f, const uint8_t *at, const char **bad)
{
    switch (f->type) {
    case PLEDGE_INT:
    case PLEDGE_ENUM: return number_of(at) >= f->min && number_of(at) <= f->max;
    case PLEDGE_TEXT: return text_fits(f, (const char *)at);
    case PLEDGE_FIXED: return true;
    case PLEDGE_BYTES: return count_of(at) >= f->min && count_of(at) <= f->max;
    case PLEDGE_LIST: return list_fits(f, at, bad);
    }
    return false;
}

enum tally_error pledge_fields_check(const struct pledge_field *fields, const void *object, const char **bad)
{
    const char *inner = NULL;
    if (bad != NULL)
        *bad = NULL;
    for (const struct pledge_field *f = fields; f->name != NULL; f++) {
        if (field_fits(f, (const uint8_t *)object + f->offset, &inner))
            continue;
        if (bad != NULL)
            *bad = f->name;
        return TALLY_E_FORMAT;
    }
    return TALLY_OK;
}

static bool field_equal(const struct pledge_field *f, const uint8_t *a, const uint8_t *b)
{
    switch (f->type) {
    case PLEDGE_INT:
    case PLEDGE_ENUM: return number_of(a) == number_of(b);
    case PLEDGE_TEXT:
    case PLEDGE_FIXED: return memcmp(a, b, f->size) == 0;
    case PLEDGE_BYTES:
        return count_of(a) == count_of(b) &&
               memcmp(a + sizeof(uint16_t), b + sizeof(uint16_t), count_of(a)) == 0;
    case PLEDGE_LIST: break;
    }
    if (count_of(a) != count_of(b))
        return false;
    for (uint16_t i = 0; i < count_of(a); i++) {
        size_t at = f->items_at + (size_t)i * f->item_size;
        if (!pledge_fields_equal(f->items, a + at, b + at))
            return false;
    }
    return true;
}

bool pledge_fields_equal(const struct pledge_field *fields, const void *a, const void *b)
{
    for (const struct pledge_field *f = fields; f->name != NULL; f++)
        if (!field_equal(f, (const uint8_t *)a + f->offset, (const uint8_t *)b + f->offset))
            return false;
    return true;
}

void pledge_text_set(char *out, size_t size, const char *text)
{
    size_t n = strnlen(text, size - 1);
    memmove(out, text, n);
    memset(out + n, 0, size - n);
}
