#include "card/wire/identity.h"

#include <string.h>

static const char *const scheme_name[] = {
    [IDENTITY_AUTHD] = "authd:", [IDENTITY_CARD] = "card:", [IDENTITY_GATE] = "gate:"};

enum { HEX16_DIGITS = 4, EPOCH_DIGITS_MAX = 5 };

static char *print_hex16(char *p, unsigned v)
{
    static const char digits[] = "0123456789ABCDEF";
    for (int shift = 12; shift >= 0; shift -= 4)
        *p++ = digits[v >> shift & 15];
    return p;
}

static char *print_decimal(char *p, unsigned v)
{
    char reversed[EPOCH_DIGITS_MAX];
    size_t n = 0;
    do {
        reversed[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    while (n > 0)
        *p++ = reversed[--n];
    return p;
}

static bool printable(const struct identity *i)
{
    return i->scheme == IDENTITY_CARD ||
           ((i->scheme == IDENTITY_AUTHD || i->scheme == IDENTITY_GATE) && i->operator_id != 0);
}

size_t identity_print(const struct identity *identity, char out[IDENTITY_MAX + 1])
{
    char *p = out;
    *p = '\0';
    if (!printable(identity))
        return 0;
    size_t n = strlen(scheme_name[identity->scheme]);
    memcpy(p, scheme_name[identity->scheme], n);
    p += n;
    if (identity->scheme == IDENTITY_CARD) {
        for (size_t i = 0; i < SERIAL_SIZE; i += 2)
            p = print_hex16(p, (unsigned)(identity->serial[i] << 8 | identity->serial[i + 1]));
    } else {
        p = print_hex16(p, identity->operator_id);
    }
    if (identity->scheme == IDENTITY_GATE) {
        *p++ = ':';
        p = print_hex16(p, identity->gate >> 16);
        *p++ = ':';
        p = print_hex16(p, identity->gate & 0xffff);
    }
    *p++ = ':';
    p = print_decimal(p, identity->epoch);
    *p = '\0';
    return (size_t)(p - out);
}

/* What is left to read; ok turns false at the first thing that is not as it must be. */
struct text {
    const char *p;
    size_t left;
    bool ok;
};

static char next(struct text *t)
{
    t->ok = t->ok && t->left > 0;
    if (!t->ok)
        return '\0';
    t->left--;
    return *t->p++;
}

static void expect(struct text *t, const char *literal)
{
    for (; *literal != '\0'; literal++)
        if (next(t) != *literal)
            t->ok = false;
}

static uint16_t read_hex16(struct text *t)
{
    unsigned v = 0;
    for (int i = 0; i < HEX16_DIGITS; i++) {
        char c = next(t);
        if (c >= '0' && c <= '9')
            v = v << 4 | (unsigned)(c - '0');
        else if (c >= 'A' && c <= 'F')
            v = v << 4 | (unsigned)(c - 'A' + 10);
        else
            t->ok = false;
    }
    return (uint16_t)v;
}

/* The rest of the text: 0-65535, no leading zeros. */
static uint16_t read_epoch(struct text *t)
{
    unsigned v = 0;
    bool zero_first = t->left > 1 && *t->p == '0';
    if (t->left < 1 || t->left > EPOCH_DIGITS_MAX || zero_first)
        t->ok = false;
    while (t->ok && t->left > 0) {
        char c = next(t);
        if (c < '0' || c > '9')
            t->ok = false;
        v = v * 10 + (unsigned)(c - '0');
    }
    if (v > UINT16_MAX)
        t->ok = false;
    return (uint16_t)v;
}

static void read_fields(struct text *t, struct identity *identity)
{
    if (identity->scheme == IDENTITY_CARD) {
        for (size_t i = 0; i < SERIAL_SIZE; i += 2) {
            uint16_t v = read_hex16(t);
            identity->serial[i] = (uint8_t)(v >> 8);
            identity->serial[i + 1] = (uint8_t)v;
        }
    } else {
        identity->operator_id = read_hex16(t);
        if (identity->operator_id == 0)
            t->ok = false;
    }
    if (identity->scheme == IDENTITY_GATE) {
        expect(t, ":");
        uint32_t station = read_hex16(t);
        expect(t, ":");
        identity->gate = station << 16 | read_hex16(t);
    }
    expect(t, ":");
    identity->epoch = read_epoch(t);
}

bool identity_parse(const char *text, size_t n, struct identity *identity)
{
    for (int scheme = IDENTITY_AUTHD; scheme <= IDENTITY_GATE; scheme++) {
        struct text t = {text, n, true};
        memset(identity, 0, sizeof *identity);
        identity->scheme = (enum identity_scheme)scheme;
        expect(&t, scheme_name[scheme]);
        if (!t.ok)
            continue;
        read_fields(&t, identity);
        if (t.ok)
            return true;
    }
    memset(identity, 0, sizeof *identity);
    return false;
}
