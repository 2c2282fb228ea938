/* The structured fields (RFC 8941) of RFC 9421, as far as the profile needs them: one pass, no recursion. */
#include <string.h>

#include "host/service/httpsig.h"

struct cursor {
    const char *at, *end;
};

static bool take_char(struct cursor *c, char want)
{
    if (c->at == c->end || *c->at != want)
        return false;
    c->at++;
    return true;
}

/* Takes the longest run, of 1 to max bytes, for which the test holds. */
static bool take_run(struct cursor *c, bool (*test)(char), size_t max, struct tally_slice *out)
{
    const char *start = c->at;
    while (c->at < c->end && test(*c->at))
        c->at++;
    *out = (struct tally_slice){start, (size_t)(c->at - start)};
    return out->size >= 1 && out->size <= max;
}

static bool is_lower(char x)
{
    return x >= 'a' && x <= 'z';
}

static bool is_digit(char x)
{
    return x >= '0' && x <= '9';
}

static bool is_key(char x)
{
    return is_lower(x) || is_digit(x) || x == '_' || x == '-' || x == '.' || x == '*';
}

static bool is_component(char x)
{
    return is_lower(x) || is_digit(x) || x == '_' || x == '-' || x == '@';
}

static bool is_plain(char x)
{
    return x >= 0x20 && x <= 0x7E && x != '"' && x != '\\';
}

/* key = ( lcalpha / "*" ) *key characters */
static bool take_key(struct cursor *c, struct tally_slice *key)
{
    return c->at < c->end && (is_lower(*c->at) || *c->at == '*') &&
           take_run(c, is_key, TALLY_HTTPSIG_NAME_MAX, key);
}

static bool take_string(struct cursor *c, struct tally_slice *out)
{
    return take_char(c, '"') && take_run(c, is_plain, TALLY_HTTPSIG_STRING_MAX, out) && take_char(c, '"');
}

/* sf-integer has at most 15 digits, so it always fits. */
static bool take_time(struct cursor *c, int64_t *out)
{
    struct tally_slice digits;
    if (!take_run(c, is_digit, 15, &digits))
        return false;
    *out = 0;
    for (size_t i = 0; i < digits.size; i++)
        *out = *out * 10 + (digits.at[i] - '0');
    return true;
}

static bool same(struct tally_slice a, struct tally_slice b)
{
    return a.size == b.size && memcmp(a.at, b.at, a.size) == 0;
}

static bool take_component(struct cursor *c, struct tally_httpsig *sig)
{
    struct tally_slice name;
    if (sig->component_count == TALLY_HTTPSIG_COMPONENTS_MAX || !take_char(c, '"') ||
        !take_run(c, is_component, TALLY_HTTPSIG_NAME_MAX, &name) || !take_char(c, '"'))
        return false;
    for (size_t i = 0; i < sig->component_count; i++)
        if (same(sig->components[i], name))
            return false;
    sig->components[sig->component_count++] = name;
    return true;
}

static bool take_components(struct cursor *c, struct tally_httpsig *sig)
{
    if (!take_char(c, '('))
        return false;
    if (take_char(c, ')'))
        return true;
    do {
        if (!take_component(c, sig))
            return false;
    } while (take_char(c, ' '));
    return take_char(c, ')');
}

static bool take_param(struct cursor *c, struct tally_httpsig *sig)
{
    const struct {
        const char *name;
        int64_t *time;
        struct tally_slice *string;
    } known[] = {{"created", &sig->created, NULL}, {"expires", &sig->expires, NULL},
                 {"nonce", NULL, &sig->nonce},     {"keyid", NULL, &sig->keyid},
                 {"tag", NULL, &sig->tag},         {"alg", NULL, &sig->alg}};
    struct tally_slice key;
    if (!take_key(c, &key) || !take_char(c, '='))
        return false;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!tally_slice_equals(key, known[i].name))
            continue;
        if (known[i].time != NULL)
            return *known[i].time < 0 && take_time(c, known[i].time);
        return known[i].string->at == NULL && take_string(c, known[i].string);
    }
    return false;
}

static bool parse_input(struct cursor c, struct tally_httpsig *sig)
{
    if (!take_key(&c, &sig->label) || !take_char(&c, '='))
        return false;
    sig->params = (struct tally_slice){c.at, (size_t)(c.end - c.at)};
    if (!take_components(&c, sig))
        return false;
    while (c.at < c.end)
        if (!take_char(&c, ';') || !take_param(&c, sig))
            return false;
    return true;
}

enum tally_error tally_httpsig_parse_input(const char *input, struct tally_httpsig *sig)
{
    size_t n = strnlen(input, TALLY_HTTPSIG_INPUT_MAX + 1);
    *sig = (struct tally_httpsig){.created = -1, .expires = -1};
    if (n <= TALLY_HTTPSIG_INPUT_MAX && parse_input((struct cursor){input, input + n}, sig))
        return TALLY_OK;
    *sig = (struct tally_httpsig){.created = -1, .expires = -1};
    return TALLY_E_FORMAT;
}

/* label=:base64: */
static bool parse_signature(struct cursor c, struct tally_httpsig *sig)
{
    struct tally_slice label;
    size_t n;
    if (!take_key(&c, &label) || !same(label, sig->label) || !take_char(&c, '=') || !take_char(&c, ':'))
        return false;
    if (c.at == c.end || c.end[-1] != ':')
        return false;
    return tally_base64_decode(c.at, (size_t)(c.end - 1 - c.at), sig->signature, sizeof sig->signature, &n) &&
           n == sizeof sig->signature;
}

enum tally_error tally_httpsig_parse(const char *input, const char *signature, struct tally_httpsig *sig)
{
    enum tally_error e = tally_httpsig_parse_input(input, sig);
    size_t n = strnlen(signature, TALLY_HTTPSIG_INPUT_MAX + 1);
    if (e == TALLY_OK && n <= TALLY_HTTPSIG_INPUT_MAX &&
        parse_signature((struct cursor){signature, signature + n}, sig))
        return TALLY_OK;
    *sig = (struct tally_httpsig){.created = -1, .expires = -1};
    return TALLY_E_FORMAT;
}

bool tally_slice_equals(struct tally_slice slice, const char *string)
{
    return slice.at != NULL && slice.size == strlen(string) && memcmp(slice.at, string, slice.size) == 0;
}

bool tally_httpsig_covers(const struct tally_httpsig *sig, const char *component)
{
    for (size_t i = 0; i < sig->component_count; i++)
        if (tally_slice_equals(sig->components[i], component))
            return true;
    return false;
}

enum tally_error tally_content_digest_parse(const char *value, uint8_t digest[TALLY_DIGEST_SIZE])
{
    static const char prefix[] = "sha-256=:";
    size_t n = strnlen(value, TALLY_CONTENT_DIGEST_SIZE), length;
    if (n == sizeof prefix - 1 + 44 + 1 && memcmp(value, prefix, sizeof prefix - 1) == 0 &&
        value[n - 1] == ':' &&
        tally_base64_decode(value + sizeof prefix - 1, 44, digest, TALLY_DIGEST_SIZE, &length) &&
        length == TALLY_DIGEST_SIZE)
        return TALLY_OK;
    memset(digest, 0, TALLY_DIGEST_SIZE);
    return TALLY_E_FORMAT;
}
