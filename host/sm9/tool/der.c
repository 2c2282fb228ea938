#include "host/sm9/tool/der.h"

#include <string.h>

enum { LONG_FORM = 0x80, LENGTH_BYTES_MAX = 4, POINT_PREFIX = 4, NUMBER = 32 };

static const struct der nothing = {NULL, 0, false};

/* Bytes of the length itself. */
static size_t length_size(size_t n)
{
    size_t size = 1;
    if (n >= LONG_FORM)
        for (size_t rest = n; rest > 0; rest >>= 8)
            size++;
    return size;
}

/* False unless there is a length in its shortest spelling, with as much behind it. */
static bool read_length(const struct der *d, size_t *n, size_t *spelled)
{
    *n = d->left > 1 ? d->at[1] : 0;
    *spelled = 1;
    if (d->left < 2)
        return false;
    if (*n >= LONG_FORM) {
        size_t count = *n - LONG_FORM;
        if (count == 0 || count > LENGTH_BYTES_MAX || d->left < 2 + count)
            return false;
        *n = 0;
        for (size_t i = 0; i < count; i++)
            *n = *n << 8 | d->at[2 + i];
        *spelled = 1 + count;
    }
    return *spelled == length_size(*n) && *n <= d->left - 1 - *spelled;
}

struct der der_enter(struct der *d, uint8_t tag)
{
    size_t n, spelled;
    d->good = d->good && d->left > 0 && d->at[0] == tag && read_length(d, &n, &spelled);
    if (!d->good)
        return nothing;
    struct der content = {d->at + 1 + spelled, n, true};
    d->at = content.at + n;
    d->left -= 1 + spelled + n;
    return content;
}

const uint8_t *der_octets(struct der *d, size_t *n)
{
    struct der content = der_enter(d, DER_OCTET_STRING);
    *n = content.left;
    return content.at;
}

const uint8_t *der_point(struct der *d, size_t n)
{
    struct der content = der_enter(d, DER_BIT_STRING);
    /* No unused bits; uncompressed. */
    d->good = d->good && content.left == 2 + n && content.at[0] == 0 && content.at[1] == POINT_PREFIX;
    return d->good ? content.at + 2 : NULL;
}

void der_number(struct der *d, uint8_t out[NUMBER])
{
    struct der content = der_enter(d, DER_INTEGER);
    memset(out, 0, NUMBER);
    if (content.left > 1 && content.at[0] == 0) {
        /* Only in front of what would otherwise be negative. */
        d->good = d->good && content.at[1] >= 0x80;
        content.at++;
        content.left--;
    } else {
        d->good = d->good && content.left > 0 && content.at[0] < 0x80;
    }
    d->good = d->good && content.left <= NUMBER;
    if (d->good)
        memcpy(out + NUMBER - content.left, content.at, content.left);
}

bool der_done(const struct der *d)
{
    return d->good && d->left == 0;
}

size_t der_size(size_t n)
{
    return 1 + length_size(n) + n;
}

uint8_t *der_put_header(uint8_t *at, uint8_t tag, size_t n)
{
    size_t spelled = length_size(n);
    *at++ = tag;
    if (spelled == 1) {
        *at++ = (uint8_t)n;
        return at;
    }
    *at++ = (uint8_t)(LONG_FORM + spelled - 1);
    for (size_t i = spelled - 1; i-- > 0;)
        *at++ = (uint8_t)(n >> (8 * i));
    return at;
}

uint8_t *der_put(uint8_t *at, uint8_t tag, const uint8_t *content, size_t n)
{
    at = der_put_header(at, tag, n);
    memcpy(at, content, n);
    return at + n;
}

size_t der_point_size(size_t n)
{
    return der_size(2 + n);
}

uint8_t *der_put_point(uint8_t *at, const uint8_t *point, size_t n)
{
    at = der_put_header(at, DER_BIT_STRING, 2 + n);
    *at++ = 0;
    *at++ = POINT_PREFIX;
    memcpy(at, point, n);
    return at + n;
}

/* Where the number begins, and whether a zero goes in front. */
static size_t significant(const uint8_t number[NUMBER], bool *zero)
{
    size_t i = 0;
    while (i + 1 < NUMBER && number[i] == 0)
        i++;
    *zero = number[i] >= 0x80;
    return i;
}

size_t der_number_size(const uint8_t number[NUMBER])
{
    bool zero;
    size_t i = significant(number, &zero);
    return der_size(NUMBER - i + zero);
}

uint8_t *der_put_number(uint8_t *at, const uint8_t number[NUMBER])
{
    bool zero;
    size_t i = significant(number, &zero);
    at = der_put_header(at, DER_INTEGER, NUMBER - i + zero);
    if (zero)
        *at++ = 0;
    memcpy(at, number + i, NUMBER - i);
    return at + NUMBER - i;
}
