#include "host/ticketing/json_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/bytes.h"

enum { HEX_MAX = 1024, SECONDS_PER_DAY = 86400, DAYS_1970_TO_2000 = 10957 };

void tally_json_reader_init(struct tally_json_reader *reader, const json_t *object)
{
    *reader = (struct tally_json_reader){.object = object};
    if (!json_is_object(object)) {
        reader->object = NULL;
        reader->wrong = "";
    }
}

void tally_json_reject(struct tally_json_reader *reader, const char *name)
{
    if (reader->wrong == NULL)
        reader->wrong = name;
}

static json_t *take(struct tally_json_reader *reader, const char *name)
{
    json_t *member = json_object_get(reader->object, name);
    if (member != NULL)
        reader->taken++;
    return member;
}

json_t *tally_json_member(struct tally_json_reader *reader, const char *name)
{
    json_t *member = take(reader, name);
    if (member == NULL)
        tally_json_reject(reader, name);
    return member;
}

json_t *tally_json_optional(struct tally_json_reader *reader, const char *name)
{
    json_t *member = take(reader, name);
    return json_is_null(member) ? NULL : member;
}

static int64_t int_of(struct tally_json_reader *reader, const char *name, const json_t *member, int64_t min,
                      int64_t max)
{
    if (json_is_integer(member)) {
        json_int_t value = json_integer_value(member);
        if (value >= min && value <= max)
            return value;
    }
    tally_json_reject(reader, name);
    return min;
}

int64_t tally_json_int(struct tally_json_reader *reader, const char *name, int64_t min, int64_t max)
{
    return int_of(reader, name, take(reader, name), min, max);
}

int64_t tally_json_int_or(struct tally_json_reader *reader, const char *name, int64_t min, int64_t max,
                          int64_t fallback)
{
    json_t *member = take(reader, name);
    return member == NULL ? fallback : int_of(reader, name, member, min, max);
}

bool tally_json_bool(struct tally_json_reader *reader, const char *name)
{
    json_t *member = take(reader, name);
    if (!json_is_boolean(member))
        tally_json_reject(reader, name);
    return json_is_true(member);
}

const char *tally_json_text(struct tally_json_reader *reader, const char *name, size_t max)
{
    json_t *member = take(reader, name);
    const char *text = json_string_value(member);
    size_t n = text == NULL ? 0 : json_string_length(member);
    bool good = n >= 1 && n <= max && strlen(text) == n;
    for (size_t i = 0; good && i < n; i++)
        good = (unsigned char)text[i] >= 0x20 && text[i] != 0x7F;
    if (!good)
        tally_json_reject(reader, name);
    return good ? text : "";
}

bool tally_hex_parse(const char *text, uint8_t *out, size_t n)
{
    size_t got = 0;
    bool good = text != NULL && strlen(text) == 2 * n && strpbrk(text, "ABCDEF") == NULL &&
                tally_hex_decode(text, out, n, &got) == TALLY_OK && got == n;
    if (!good)
        memset(out, 0, n);
    return good;
}

static void hex_of(struct tally_json_reader *reader, const char *name, const json_t *member, uint8_t *out,
                   size_t n)
{
    if (!json_is_string(member) || json_string_length(member) != 2 * n ||
        !tally_hex_parse(json_string_value(member), out, n)) {
        memset(out, 0, n);
        tally_json_reject(reader, name);
    }
}

void tally_json_hex(struct tally_json_reader *reader, const char *name, uint8_t *out, size_t n)
{
    hex_of(reader, name, take(reader, name), out, n);
}

bool tally_json_hex_or(struct tally_json_reader *reader, const char *name, uint8_t *out, size_t n)
{
    json_t *member = tally_json_optional(reader, name);
    memset(out, 0, n);
    if (member == NULL)
        return false;
    hex_of(reader, name, member, out, n);
    return true;
}

/* Days since 1970-01-01 of a proleptic Gregorian date, by counting from 1 March so that the leap day is last.
 */
static int64_t civil_to_days(int year, int month, int day)
{
    int y = month <= 2 ? year - 1 : year;
    int era = y / 400, year_of_era = y - era * 400;
    int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (int64_t)era * 146097 + day_of_era - 719468;
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

bool tally_date_parse(const char *text, uint16_t *days)
{
    *days = 0;
    if (text == NULL || strlen(text) != TALLY_DATE_TEXT - 1 || text[4] != '-' || text[7] != '-')
        return false;
    for (int i = 0; i < TALLY_DATE_TEXT - 1; i++)
        if (i != 4 && i != 7 && (text[i] < '0' || text[i] > '9'))
            return false;
    int year = atoi(text), month = atoi(text + 5), day = atoi(text + 8);
    if (month < 1 || month > 12 || day < 1 || day > month_days(year, month))
        return false;
    int64_t n = civil_to_days(year, month, day) - DAYS_1970_TO_2000;
    if (n < 0 || n > UINT16_MAX)
        return false;
    *days = (uint16_t)n;
    return true;
}

void tally_date_format(uint16_t days, char out[TALLY_DATE_TEXT])
{
    int year = 2000, month = 1, left = days;
    for (int n; left >= (n = month_days(year, 2) == 29 ? 366 : 365); left -= n)
        year++;
    for (int n; left >= (n = month_days(year, month)); left -= n)
        month++;
    char text[40];
    snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, left + 1);
    memcpy(out, text, TALLY_DATE_TEXT);
}

int64_t tally_date_seconds(uint16_t days)
{
    return ((int64_t)days + DAYS_1970_TO_2000) * SECONDS_PER_DAY;
}

uint16_t tally_json_date(struct tally_json_reader *reader, const char *name)
{
    uint16_t days;
    if (!tally_date_parse(json_string_value(take(reader, name)), &days))
        tally_json_reject(reader, name);
    return days;
}

void tally_json_padded(struct tally_json_reader *reader, const char *name, char *out, size_t n, bool dash)
{
    json_t *member = take(reader, name);
    const char *text = json_string_value(member);
    size_t length = text == NULL ? 0 : json_string_length(member);
    bool good = text != NULL && length <= n;
    memset(out, ' ', n);
    for (size_t i = 0; good && i < length; i++) {
        char c = text[i];
        good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (dash && c == '-');
        out[i] = c;
    }
    if (!good) {
        memset(out, ' ', n);
        tally_json_reject(reader, name);
    }
}

bool tally_json_complete(struct tally_json_reader *reader)
{
    if (reader->wrong != NULL)
        return false;
    if (reader->taken != json_object_size(reader->object))
        reader->wrong = "";
    return reader->wrong == NULL;
}

int tally_json_set_hex(json_t *object, const char *name, const uint8_t *bytes, size_t n)
{
    char text[2 * HEX_MAX + 1];
    if (tally_hex_encode(bytes, n, text, sizeof text) != TALLY_OK)
        return -1;
    return json_object_set_new_nocheck(object, name, json_stringn_nocheck(text, 2 * n));
}

int tally_json_set_padded(json_t *object, const char *name, const char *padded, size_t n)
{
    while (n > 0 && (padded[n - 1] == ' ' || padded[n - 1] == '\0'))
        n--;
    return json_object_set_new_nocheck(object, name, json_stringn_nocheck(padded, n));
}
