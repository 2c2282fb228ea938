/* Takes a JSON object apart, member by member, and remembers the first member that is wrong.
 *
 * Read everything, then ask tally_json_complete once: a reader that has met an error gives fallback values
 * and never fails in between, so handlers have one place where malformed input ends.
 */
#ifndef TALLY_TICKETING_JSON_READ_H
#define TALLY_TICKETING_JSON_READ_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tally_json_reader {
    const json_t *object; /* borrowed */
    size_t taken;         /* members asked for that are there */
    const char *wrong;    /* the first member that is missing or invalid; NULL while all is well */
};

/* object may be NULL or not an object: then every member is missing. */
void tally_json_reader_init(struct tally_json_reader *reader, const json_t *object);

/* The member, borrowed; NULL and wrong when it is missing. */
json_t *tally_json_member(struct tally_json_reader *reader, const char *name);
/* The member, borrowed; NULL when it is missing or null. */
json_t *tally_json_optional(struct tally_json_reader *reader, const char *name);

/* A whole number within [min, max]; min when wrong. */
int64_t tally_json_int(struct tally_json_reader *reader, const char *name, int64_t min, int64_t max);
/* The same, with a value for a member that is not there. */
int64_t tally_json_int_or(struct tally_json_reader *reader, const char *name, int64_t min, int64_t max,
                          int64_t fallback);
/* false when wrong. */
bool tally_json_bool(struct tally_json_reader *reader, const char *name);
/* A text of 1 to max bytes without control characters, borrowed; "" when wrong. */
const char *tally_json_text(struct tally_json_reader *reader, const char *name, size_t max);
/* Exactly n bytes as lower-case hex; zeroes when wrong. */
void tally_json_hex(struct tally_json_reader *reader, const char *name, uint8_t *out, size_t n);
/* The same; false when the member is not there or null. */
bool tally_json_hex_or(struct tally_json_reader *reader, const char *name, uint8_t *out, size_t n);
/* "YYYY-MM-DD", 2000-01-01 to 2179-06-06, as days since 2000-01-01; 0 when wrong. */
uint16_t tally_json_date(struct tally_json_reader *reader, const char *name);
/* ASCII of the class 0-9A-Z (and '-' if dash), at most n characters, right-padded with spaces to n. */
void tally_json_padded(struct tally_json_reader *reader, const char *name, char *out, size_t n, bool dash);

/* Marks a member as wrong from outside: a rule over several members. */
void tally_json_reject(struct tally_json_reader *reader, const char *name);

/* True when nothing was wrong and every member of the object was asked for. Unknown members are refused:
 * a misspelt optional member must not be ignored. */
bool tally_json_complete(struct tally_json_reader *reader);

/* The strings and numbers the readers take. False when the text is not of that form; *out is then zero. */
bool tally_hex_parse(const char *text, uint8_t *out, size_t n);
bool tally_date_parse(const char *text, uint16_t *days);
enum { TALLY_DATE_TEXT = 11 };
void tally_date_format(uint16_t days, char out[TALLY_DATE_TEXT]);
/* Seconds since 1970 of the start of that day in UTC. */
int64_t tally_date_seconds(uint16_t days);

/* Adds n bytes as hex; 0 or -1 as jansson's setters. */
int tally_json_set_hex(json_t *object, const char *name, const uint8_t *bytes, size_t n);
/* Adds a padded text without its padding, spaces or zero bytes. */
int tally_json_set_padded(json_t *object, const char *name, const char *padded, size_t n);

#endif
