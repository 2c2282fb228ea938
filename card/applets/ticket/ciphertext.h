/* Ciphertext 1: from the issuer's bytes to a face that is known to be the issuer's (specs/formats.md). */
#ifndef TALLY_APPLETS_TICKET_CIPHERTEXT_H
#define TALLY_APPLETS_TICKET_CIPHERTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "card/wire/face.h"

struct card;

/* An authentic face; the bytes lie in the buffer that was decrypted. */
struct order {
    int operator_slot;
    struct ticket_face face;
    const uint8_t *bytes; /* TF_A || TF_V */
    size_t size;
};

/* Decrypts the n bytes in place and checks TF_V and that header, operator and face agree. 9000; 6A80, 6A88 by
 * the header alone; 6988 for whatever is wrong inside; 6581. *order is zero unless 9000. The caller wipes the
 * n bytes. */
uint16_t ciphertext_open(struct card *card, uint8_t *data, size_t n, struct order *order);

#endif
