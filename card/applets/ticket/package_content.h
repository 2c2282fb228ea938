/* The plaintext of an operator package, and the operator record that is made of it. */
#ifndef TALLY_APPLETS_TICKET_PACKAGE_CONTENT_H
#define TALLY_APPLETS_TICKET_PACKAGE_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card/applets/ticket/operators.h"

/* Pointers lead into the plaintext. After a removal, only what comes before suite is set. */
struct package {
    uint16_t operator_id, enrolment_version; /* from header and enrolment, not from the plaintext */
    bool set;                                /* else remove */
    uint32_t package_version;
    uint8_t sub_key_floor;
    uint16_t epoch_floor;
    uint8_t suite;
    uint8_t key6_count, sub_key_count;
    const uint8_t *key6;      /* each: version, key */
    const uint8_t *authority; /* 128: gate anchor, card certificate; suite SM9: Ppub-s */
    const uint8_t *holder;    /* suite SM9: Ppub-e, card epoch, ds, de; else NULL */
    const uint8_t *sub_keys;  /* each: version, K_sub, K_id */
};

/* Reads n bytes, the signature not included. False when they are not a package by the rules of
 * specs/formats.md. The serial is not compared. */
bool package_parse(const uint8_t *plain, size_t n, struct package *package);

/* Writes the operator record, or its mark, and returns its length. */
size_t package_encode(const struct package *package, uint8_t record[OPERATOR_SIZE_MAX]);

#endif
