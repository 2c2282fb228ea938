/* JSON members of the ticketing services beyond host/service/json.h: dates, padded codes, hex out. */
#ifndef TALLY_TICKETING_JSON_VALUES_H
#define TALLY_TICKETING_JSON_VALUES_H

#include "host/service/json.h"

/* Exactly n bytes as lower-case hex; zeroes after a fault. */
void tally_json_bytes(struct tally_json *in, const char *name, uint8_t *out, size_t n);
/* "YYYY-MM-DD", 2000-01-01 to 2179-06-06, as days since 2000-01-01; 0 after a fault. */
uint16_t tally_json_date(struct tally_json *in, const char *name);
/* At most n characters 0-9A-Z (and '-' if dash), right-padded with spaces to n; min is 0 or 1. */
void tally_json_padded(struct tally_json *in, const char *name, size_t min, char *out, size_t n, bool dash);

/* The same from texts that are not JSON, path and query parameters. False, and *out zero or spaces, when the
 * text is not of that form. */
bool tally_hex_parse(const char *text, uint8_t *out, size_t n);
bool tally_date_parse(const char *text, uint16_t *days);
bool tally_padded_parse(const char *text, char *out, size_t n, bool dash);
/* A decimal number without sign or leading zeroes, within [min, max]; *value is min when it is not. */
bool tally_number_parse(const char *text, uint32_t min, uint32_t max, uint32_t *value);

enum { TALLY_DATE_TEXT = 11 };
void tally_date_format(uint16_t days, char out[TALLY_DATE_TEXT]);
/* Seconds since 1970 of the start of that day in UTC. */
int64_t tally_date_seconds(uint16_t days);

/* Sets a member to n bytes (at most 1280) as hex; 0 or -1 as jansson's setters. */
int tally_json_set_hex(json_t *object, const char *name, const uint8_t *bytes, size_t n);
/* Sets a member to a padded text without its padding, spaces or zero bytes. */
int tally_json_set_padded(json_t *object, const char *name, const char *padded, size_t n);

#endif
