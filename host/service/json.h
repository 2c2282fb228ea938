/* Reading JSON objects strictly: each member typed and bounded, unknown members refused, the first fault
 * remembered with the name of its member, so that a caller reads everything and checks once.
 *
 *     struct tally_json in;
 *     tally_json_begin(&in, body);
 *     const char *city = tally_json_string(&in, "city", 1, 64);
 *     int64_t price = tally_json_int(&in, "price", 0, 100000000);
 *     if (tally_json_end(&in) != TALLY_OK) ... in.field and in.reason say what is wrong
 *
 * Values stay valid as long as the object. Money is a whole number of minor units; no floating-point number
 * is read.
 */
#ifndef TALLY_SERVICE_JSON_H
#define TALLY_SERVICE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/base/error.h"

#define TALLY_JSON_MEMBERS_MAX 64 /* members of one object */

struct tally_json {
    const json_t *object;
    char field[80];     /* JSON pointer to the first faulty member, or "" */
    const char *reason; /* what is wrong with it; NULL while nothing is */
    uint64_t seen;      /* bit i: the i-th member was asked for */
    void *next;         /* the member after the last one found, and its place: members mostly come as asked */
    unsigned next_at;
};

/* A text of n bytes as JSON: repeated members refused. NULL unless it is one whole value. */
json_t *tally_json_parse(const char *text, size_t n);

/* Anything but an object is the first fault. */
void tally_json_begin(struct tally_json *in, const json_t *object);
/* True when there is such a member and it is not null; either way it counts as known. For optional members.
 */
bool tally_json_has(struct tally_json *in, const char *name);

/* Each takes a member that must be there. After a fault they return "", min, false, 0 or NULL. */
const char *tally_json_string(struct tally_json *in, const char *name, size_t min,
                              size_t max); /* bytes; no NUL inside */
int64_t tally_json_int(struct tally_json *in, const char *name, int64_t min, int64_t max);
bool tally_json_bool(struct tally_json *in, const char *name);
/* Hex digits into out, min to max bytes; returns how many. */
size_t tally_json_hex(struct tally_json *in, const char *name, uint8_t *out, size_t min, size_t max);
const json_t *tally_json_array(struct tally_json *in, const char *name, size_t min,
                               size_t max); /* elements */
const json_t *tally_json_object(struct tally_json *in, const char *name);
/* Copies a string into out (size bytes with its NUL). */
void tally_json_string_copy(struct tally_json *in, const char *name, size_t min, char *out, size_t size);

/* For rules of the caller's own. */
void tally_json_fault(struct tally_json *in, const char *name, const char *reason);

/* TALLY_OK when all was right and no member is left that nobody asked for, else TALLY_E_FORMAT. */
enum tally_error tally_json_end(struct tally_json *in);

#endif
