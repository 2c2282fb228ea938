#include "host/base/text.h"

#include <string.h>

void tally_text_init(struct tally_text *text, char *data, size_t size)
{
    *text = (struct tally_text){.data = data, .size = size};
    data[0] = '\0';
}

void tally_text_bytes(struct tally_text *text, const char *bytes, size_t n)
{
    if (n >= text->size - text->length) {
        text->overflowed = true;
        return;
    }
    if (n > 0)
        memcpy(text->data + text->length, bytes, n);
    text->length += n;
    text->data[text->length] = '\0';
}

void tally_text_string(struct tally_text *text, const char *string)
{
    tally_text_bytes(text, string, strlen(string));
}

void tally_text_char(struct tally_text *text, char c)
{
    tally_text_bytes(text, &c, 1);
}

void tally_text_int(struct tally_text *text, int64_t value)
{
    char digits[21];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        digits[--at] = '-';
    tally_text_bytes(text, digits + at, sizeof digits - at);
}

/* Length of the well-formed UTF-8 sequence at s (Unicode 15 table 3-7), or 0. */
static size_t utf8_length(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    size_t n = s[0] >= 0xC2 && s[0] <= 0xDF   ? 2
               : s[0] >= 0xE0 && s[0] <= 0xEF ? 3
               : s[0] >= 0xF0 && s[0] <= 0xF4 ? 4
                                              : 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    bool overlong = (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xF0 && s[1] < 0x90);
    bool beyond = (s[0] == 0xED && s[1] > 0x9F) || (s[0] == 0xF4 && s[1] > 0x8F);
    return overlong || beyond ? 0 : n;
}

static void json_control(struct tally_text *text, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    char escape[] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    if (c == '\n')
        tally_text_string(text, "\\n");
    else if (c == '\t')
        tally_text_string(text, "\\t");
    else
        tally_text_bytes(text, escape, sizeof escape);
}

static void json_body(struct tally_text *text, const char *string)
{
    const unsigned char *s = (const unsigned char *)string;
    while (*s != '\0') {
        size_t plain = 0;
        while (s[plain] >= 0x20 && s[plain] < 0x7F && s[plain] != '"' && s[plain] != '\\')
            plain++;
        tally_text_bytes(text, (const char *)s, plain);
        s += plain;
        if (*s == '\0')
            break;
        size_t n = utf8_length(s);
        if (*s == '"' || *s == '\\') {
            char escape[] = {'\\', (char)*s};
            tally_text_bytes(text, escape, sizeof escape);
        } else if (*s < 0x20 || *s == 0x7F) {
            json_control(text, *s);
        } else if (n > 0) {
            tally_text_bytes(text, (const char *)s, n);
        } else {
            tally_text_string(text, "\\ufffd");
        }
        s += n > 0 ? n : 1;
    }
}

void tally_text_json(struct tally_text *text, const char *string)
{
    if (string == NULL) {
        tally_text_string(text, "null");
        return;
    }
    struct tally_text before = *text;
    bool overflowed = text->overflowed;
    text->overflowed = false;
    tally_text_char(text, '"');
    json_body(text, string);
    tally_text_char(text, '"');
    if (text->overflowed) {
        text->length = before.length;
        text->data[text->length] = '\0';
    }
    text->overflowed = text->overflowed || overflowed;
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void tally_text_base64(struct tally_text *text, const uint8_t *bytes, size_t n)
{
    if ((n + 2) / 3 > (text->size - text->length - 1) / 4) {
        text->overflowed = true;
        return;
    }
    for (size_t i = 0; i < n; i += 3) {
        size_t have = n - i < 3 ? n - i : 3;
        uint32_t group = (uint32_t)bytes[i] << 16;
        group |= have > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        group |= have > 2 ? bytes[i + 2] : 0;
        char quad[4] = {base64_digits[group >> 18], base64_digits[group >> 12 & 63],
                        have > 1 ? base64_digits[group >> 6 & 63] : '=',
                        have > 2 ? base64_digits[group & 63] : '='};
        tally_text_bytes(text, quad, 4);
    }
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool tally_base64_decode(const char *text, size_t n, uint8_t *out, size_t size, size_t *length)
{
    *length = 0;
    if (n % 4 != 0)
        return false;
    size_t padding = n > 0 && text[n - 1] == '=' ? (text[n - 2] == '=' ? 2 : 1) : 0;
    size_t bytes = n / 4 * 3 - padding;
    if (bytes > size)
        return false;
    uint32_t bits = 0;
    size_t done = 0;
    for (size_t i = 0; i < n - padding; i++) {
        int value = base64_value(text[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        /* Each character after a group's first completes one byte. */
        if (i % 4 != 0)
            out[done++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    uint32_t unused = padding == 2 ? bits & 15 : padding == 1 ? bits & 3 : 0;
    if (unused != 0)
        return false;
    *length = bytes;
    return true;
}
