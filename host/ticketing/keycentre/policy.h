/* Which identities a party may ask for: patterns of identities without epoch, every field literal or "*"
 * (authd:0001, card:*, gate:0001:*:*). specs/keycentre.md, "Who may ask". */
#ifndef TALLY_TICKETING_KEYCENTRE_POLICY_H
#define TALLY_TICKETING_KEYCENTRE_POLICY_H

#include "card/wire/identity.h"

/* A holder is an identity without its epoch. */
enum { KEYCENTRE_HOLDER_MAX = IDENTITY_MAX, KEYCENTRE_GRANTS_MAX = 64 };

struct keycentre_pattern {
    enum identity_scheme scheme;
    bool any_operator, any_station, any_unit, any_serial;
    uint16_t operator_id, station, unit;
    uint8_t serial[SERIAL_SIZE];
};

/* False, and the pattern zero, for anything but a pattern in its only spelling. */
bool keycentre_pattern_parse(const char *text, struct keycentre_pattern *pattern);

bool keycentre_pattern_matches(const struct keycentre_pattern *pattern, const struct identity *identity);

/* A pattern without "*" is one holder. */
bool keycentre_holder_valid(const char *text);
/* The holder of an identity: it without ":EPOCH". */
void keycentre_holder_print(const struct identity *identity, char out[KEYCENTRE_HOLDER_MAX + 1]);

#endif
