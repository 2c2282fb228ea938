/* Operator packages: how operators join a card, roll their keys and leave (specs/formats.md). */
#ifndef TALLY_APPLETS_TICKET_PACKAGE_H
#define TALLY_APPLETS_TICKET_PACKAGE_H

#include <stdint.h>

#include "card/crypto/hpke.h"

struct card;
struct apdu_command;
struct apdu_response;

enum {
    PACKAGE_PREFIX_SIZE = CIPHERTEXT_1_HEADER_SIZE + ENROLMENT_SIZE,
    PACKAGE_PLAIN_MIN = SERIAL_SIZE + 1 + 4 + 1 + 2 + ECDSA_SIZE, /* of a removal */
    PACKAGE_MIN = PACKAGE_PREFIX_SIZE + HPKE_OVERHEAD + PACKAGE_PLAIN_MIN
};

/* PUT DATA 03 01. */
uint16_t package_put(struct card *card, const struct apdu_command *command, struct apdu_response *response);

#endif
