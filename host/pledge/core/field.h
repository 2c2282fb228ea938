/* Descriptions of C structs: one table of fields per struct drives its limits, its canonical bytes (what a
 * signature covers), its JSON, its OpenAPI schema and its database columns. Described structs are always
 * zeroed before they are filled, so that equal values are equal bytes.
 */
#ifndef TALLY_PLEDGE_FIELD_H
#define TALLY_PLEDGE_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/base/error.h"

enum pledge_type {
    PLEDGE_INT,   /* int64_t */
    PLEDGE_ENUM,  /* int64_t; its names on the wire */
    PLEDGE_TEXT,  /* char[size], zero-padded, NUL at the end */
    PLEDGE_FIXED, /* uint8_t[size] */
    PLEDGE_BYTES, /* struct { uint16_t n; uint8_t data[size]; } */
    PLEDGE_LIST   /* struct { uint16_t n; struct item items[size]; } */
};

struct pledge_field {
    const char *name; /* a table ends with NULL */
    enum pledge_type type;
    uint16_t offset;
    uint16_t size;                    /* bytes of a text (its NUL included), blob; items of a list */
    int64_t min, max;                 /* a number's value; else the length of text, bytes or list */
    const char *const *names;         /* ENUM: by value, "" where there is none */
    const struct pledge_field *items; /* LIST: the fields of an item */
    uint16_t items_at, item_size;     /* LIST: where the items begin, counted from the list's n */
};

#define PLEDGE_F_INT(s, m, lo, hi)                                                                           \
    {                                                                                                        \
        .name = #m, .type = PLEDGE_INT, .offset = offsetof(struct s, m), .min = (lo), .max = (hi)            \
    }
#define PLEDGE_F_ENUM(s, m, lo, hi, table)                                                                   \
    {                                                                                                        \
        .name = #m, .type = PLEDGE_ENUM, .offset = offsetof(struct s, m), .min = (lo), .max = (hi),          \
        .names = (table)                                                                                     \
    }
#define PLEDGE_F_TEXT(s, m, lo)                                                                              \
    {                                                                                                        \
        .name = #m, .type = PLEDGE_TEXT, .offset = offsetof(struct s, m), .size = sizeof((struct s *)0)->m,  \
        .min = (lo), .max = (int64_t)sizeof((struct s *)0)->m - 1                                            \
    }
#define PLEDGE_F_FIXED(s, m)                                                                                 \
    {                                                                                                        \
        .name = #m, .type = PLEDGE_FIXED, .offset = offsetof(struct s, m), .size = sizeof((struct s *)0)->m, \
        .min = sizeof((struct s *)0)->m, .max = sizeof((struct s *)0)->m                                     \
    }
#define PLEDGE_F_BYTES(s, m, lo)                                                                             \
    {                                                                                                        \
        .name = #m, .type = PLEDGE_BYTES, .offset = offsetof(struct s, m),                                   \
        .size = sizeof((struct s *)0)->m.data, .min = (lo), .max = sizeof((struct s *)0)->m.data             \
    }
#define PLEDGE_F_LIST(s, m, lo, item, table)                                                                 \
    {                                                                                                        \
        .name = #m, .type = PLEDGE_LIST, .offset = offsetof(struct s, m),                                    \
        .size = sizeof((struct s *)0)->m.items / sizeof(struct item), .min = (lo),                           \
        .max = sizeof((struct s *)0)->m.items / sizeof(struct item), .items = (table),                       \
        .items_at = offsetof(struct s, m.items) - offsetof(struct s, m), .item_size = sizeof(struct item)    \
    }

/* A growing byte string in a buffer of the caller's; overflow is remembered. */
struct pledge_buffer {
    uint8_t *data;
    size_t size, n;
    bool overflowed;
};
void pledge_put(struct pledge_buffer *out, const void *bytes, size_t n);
void pledge_put_u16(struct pledge_buffer *out, uint16_t value);
/* Two bytes of length, then the text. */
void pledge_put_text(struct pledge_buffer *out, const char *text);

/* Appends the canonical bytes: each field in the table's order; numbers 8 bytes big-endian; texts and bytes
 * with a length of 2 bytes before them; fixed bytes as they are; lists with a count of 2 bytes. */
void pledge_fields_put(const struct pledge_field *fields, const void *object, struct pledge_buffer *out);

/* TALLY_E_FORMAT unless every field is within its limits and texts are NUL-terminated, zero-padded and free
 * of control characters. *bad (may be NULL) is then the name of the first that is not. */
enum tally_error pledge_fields_check(const struct pledge_field *fields, const void *object, const char **bad);

/* True when all fields are equal. */
bool pledge_fields_equal(const struct pledge_field *fields, const void *a, const void *b);

/* Copies a text and zero-pads; a longer text is cut. */
void pledge_text_set(char *out, size_t size, const char *text);
#define PLEDGE_SET(out, text) pledge_text_set((out), sizeof(out), (text))

#endif
