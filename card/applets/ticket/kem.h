/* Decryption with the card's key 2 for P-256. */
#ifndef TALLY_APPLETS_TICKET_KEM_H
#define TALLY_APPLETS_TICKET_KEM_H

#include <stddef.h>
#include <stdint.h>

#include "card/crypto/hpke.h"

struct card;

/* Opens an HPKE message of n bytes in place: prefix bytes, which are the additional data, then enc ||
 * ciphertext || tag. Returns where the plaintext of n - prefix - HPKE_OVERHEAD bytes begins, or NULL. */
uint8_t *kem_open(struct card *card, const char *info, uint8_t *message, size_t prefix, size_t n);

#endif
