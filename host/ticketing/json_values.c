#include "host/ticketing/json_values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/bytes.h"

enum { HEX_MAX = 1280, SECONDS_PER_DAY = 86400, DAYS_1970_TO_2000 = 10957 };

bool tally_hex_parse(const char *text, uint8_t *out, size_t n)
{
    size_t got = 0;
    bool good = strlen(text) == 2 * n && strpbrk(text, "ABCDEF") == NULL &&
                tally_hex_decode(text, out, n, &got) == TALLY_OK && got == n;
    if (!good)
        memset(out, 0, n);
    return good;
}

bool tally_padded_parse(const char *text, char *out, size_t n, bool dash)
{
    size_t length = strlen(text);
    bool good = length <= n;
    memset(out, ' ', n);
    for (size_t i = 0; good && i < length; i++) {
        char c = text[i];
        good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (dash && c == '-');
        out[i] = c;
    }
    if (!good)
        memset(out, ' ', n);
    return good;
}

bool tally_number_parse(const char *text, uint32_t min, uint32_t max, uint32_t *value)
{
    enum { DIGITS_MAX = 10 };
    uint64_t number = 0;
    size_t n = strspn(text, "0123456789");
    *value = min;
    if (n == 0 || n > DIGITS_MAX || text[n] != '\0' || (text[0] == '0' && n > 1))
        return false;
    for (size_t i = 0; i < n; i++)
        number = number * 10 + (uint64_t)(text[i] - '0');
    if (number < min || number > max)
        return false;
    *value = (uint32_t)number;
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
    if (strlen(text) != TALLY_DATE_TEXT - 1 || text[4] != '-' || text[7] != '-')
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

void tally_json_bytes(struct tally_json *in, const char *name, uint8_t *out, size_t n)
{
    memset(out, 0, n);
    const char *text = tally_json_string(in, name, 2 * n, 2 * n);
    if (in->reason == NULL && !tally_hex_parse(text, out, n))
        tally_json_fault(in, name, "must be lower-case hex digits");
}

uint16_t tally_json_date(struct tally_json *in, const char *name)
{
    uint16_t days = 0;
    const char *text = tally_json_string(in, name, TALLY_DATE_TEXT - 1, TALLY_DATE_TEXT - 1);
    if (in->reason == NULL && !tally_date_parse(text, &days))
        tally_json_fault(in, name, "must be a date as YYYY-MM-DD");
    return days;
}

void tally_json_padded(struct tally_json *in, const char *name, size_t min, char *out, size_t n, bool dash)
{
    memset(out, ' ', n);
    const char *text = tally_json_string(in, name, min, n);
    if (in->reason == NULL && !tally_padded_parse(text, out, n, dash))
        tally_json_fault(in, name, "must be digits and capital letters");
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
