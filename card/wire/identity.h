/* Identities of suite SM9: who holds a key that a key centre extracted. specs/formats.md, "Identities". */
#ifndef TALLY_WIRE_IDENTITY_H
#define TALLY_WIRE_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card/wire/protocol.h"

enum { IDENTITY_MAX = 32 /* bytes of the longest identity, NUL not included */ };

enum identity_scheme {
    IDENTITY_AUTHD = 1, /* authd:OPERATOR:EPOCH, signs faces */
    IDENTITY_CARD,      /* card:SERIAL:EPOCH, decrypts ciphertext 1 and signs proofs */
    IDENTITY_GATE       /* gate:OPERATOR:STATION:UNIT:EPOCH, decrypts answers of cards */
};

/* Fields that the scheme has not are zero. */
struct identity {
    enum identity_scheme scheme;
    uint16_t operator_id; /* authd, gate; not 0 */
    uint32_t gate;        /* gate: station 2 || unit 2 */
    uint8_t serial[SERIAL_SIZE];
    uint16_t epoch;
};

/* Writes the identity's only spelling and a NUL; returns the bytes before the NUL. 0 and "" when the scheme
 * is none of the three or operator_id is 0 where there is one. */
size_t identity_print(const struct identity *identity, char out[IDENTITY_MAX + 1]);

/* False, and *identity zero, unless the n bytes are an identity in its only spelling. */
bool identity_parse(const char *text, size_t n, struct identity *identity);

#endif
