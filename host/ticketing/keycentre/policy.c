#include "host/ticketing/keycentre/policy.h"

#include <stdio.h>
#include <string.h>

enum { HEX16 = 4, FIELDS_MAX = 3 };

/* What stands in the place of a "*" while the rest is read as an identity. */
static const char *const filler[] = {[IDENTITY_CARD] = "0000000000000000", [IDENTITY_GATE] = "0001"};

struct fields {
    size_t count;
    const char *text[FIELDS_MAX];
    size_t n[FIELDS_MAX];
    bool any[FIELDS_MAX];
};

/* The fields behind the scheme; an empty one is a fault that shows when the identity is read. */
static bool split(const char *text, struct fields *fields)
{
    fields->count = 0;
    while (text != NULL && fields->count < FIELDS_MAX) {
        const char *colon = strchr(text, ':');
        size_t i = fields->count++;
        fields->text[i] = text;
        fields->n[i] = colon != NULL ? (size_t)(colon - text) : strlen(text);
        fields->any[i] = fields->n[i] == 1 && text[0] == '*';
        text = colon != NULL ? colon + 1 : NULL;
    }
    return text == NULL && fields->count > 0;
}

static enum identity_scheme scheme_of(const char *text, size_t n)
{
    if (n == 5 && memcmp(text, "authd", n) == 0)
        return IDENTITY_AUTHD;
    if (n == 4 && memcmp(text, "card", n) == 0)
        return IDENTITY_CARD;
    return n == 4 && memcmp(text, "gate", n) == 0 ? IDENTITY_GATE : (enum identity_scheme)0;
}

/* The pattern with every "*" filled and an epoch, so that one parser knows how identities are spelt. */
static bool fill(const char *scheme_name, enum identity_scheme scheme, const struct fields *fields,
                 struct identity *identity)
{
    char full[4 * IDENTITY_MAX];
    const char *any = scheme == IDENTITY_CARD ? filler[IDENTITY_CARD] : filler[IDENTITY_GATE];
    int at = snprintf(full, sizeof full, "%s", scheme_name);
    for (size_t i = 0; i < fields->count; i++) {
        if (fields->n[i] > IDENTITY_MAX)
            return false;
        at += fields->any[i] ? snprintf(full + at, sizeof full - (size_t)at, ":%s", any)
                             : snprintf(full + at, sizeof full - (size_t)at, ":%.*s", (int)fields->n[i],
                                        fields->text[i]);
    }
    at += snprintf(full + at, sizeof full - (size_t)at, ":0");
    return identity_parse(full, (size_t)at, identity);
}

bool keycentre_pattern_parse(const char *text, struct keycentre_pattern *pattern)
{
    struct identity identity;
    struct fields fields;
    char scheme_name[8] = "";
    size_t n = strcspn(text, ":");
    memset(pattern, 0, sizeof *pattern);
    enum identity_scheme scheme = scheme_of(text, n);
    if (scheme == 0 || text[n] != ':' || !split(text + n + 1, &fields))
        return false;
    memcpy(scheme_name, text, n);
    if (fields.count != (scheme == IDENTITY_GATE ? 3 : 1) || !fill(scheme_name, scheme, &fields, &identity))
        return false;
    pattern->scheme = scheme;
    if (scheme == IDENTITY_CARD) {
        pattern->any_serial = fields.any[0];
        memcpy(pattern->serial, identity.serial, SERIAL_SIZE);
        return true;
    }
    pattern->any_operator = fields.any[0];
    pattern->operator_id = identity.operator_id;
    pattern->any_station = scheme == IDENTITY_GATE && fields.any[1];
    pattern->any_unit = scheme == IDENTITY_GATE && fields.any[2];
    pattern->station = (uint16_t)(identity.gate >> 16);
    pattern->unit = (uint16_t)identity.gate;
    return true;
}

bool keycentre_pattern_matches(const struct keycentre_pattern *pattern, const struct identity *identity)
{
    if (pattern->scheme != identity->scheme)
        return false;
    if (pattern->scheme == IDENTITY_CARD)
        return pattern->any_serial || memcmp(pattern->serial, identity->serial, SERIAL_SIZE) == 0;
    if (!pattern->any_operator && pattern->operator_id != identity->operator_id)
        return false;
    if (pattern->scheme == IDENTITY_AUTHD)
        return true;
    return (pattern->any_station || pattern->station == identity->gate >> 16) &&
           (pattern->any_unit || pattern->unit == (identity->gate & 0xffff));
}

bool keycentre_holder_valid(const char *text)
{
    struct keycentre_pattern pattern;
    return strchr(text, '*') == NULL && keycentre_pattern_parse(text, &pattern);
}

void keycentre_holder_print(const struct identity *identity, char out[KEYCENTRE_HOLDER_MAX + 1])
{
    identity_print(identity, out);
    char *colon = strrchr(out, ':');
    if (colon != NULL)
        *colon = '\0';
}
