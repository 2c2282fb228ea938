/* Ciphertext 1 of suite SM9. In a file of its own, so that its keys and those of the other suites are not in
 * memory at the same time. */
#ifndef TALLY_APPLETS_TICKET_CIPHERTEXT_SM9_H
#define TALLY_APPLETS_TICKET_CIPHERTEXT_SM9_H

#include "card/applets/ticket/ciphertext.h"

/* Decrypts the data, header included, in place with the key of the card's identity. Returns where the
 * plaintext of plain bytes begins, or NULL. */
uint8_t *sm9_ciphertext_open(struct card *card, int operator_slot, uint8_t *data, size_t plain);

/* TF_V by the identity of the operator's authentication server in the epoch of key 6. */
bool sm9_code_is_right(struct card *card, const struct order *order);

#endif
