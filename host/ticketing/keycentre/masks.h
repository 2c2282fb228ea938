/* What threshold.c and judge.c share: the masks that a set of centres knows, and pairings by use. */
#ifndef TALLY_TICKETING_KEYCENTRE_MASKS_H
#define TALLY_TICKETING_KEYCENTRE_MASKS_H

#include "host/crypto/kdf.h"
#include "host/ticketing/keycentre/threshold.h"

/* psi(A, j) for the identity; j = 0 is part of r, j = 1..t-1 of z. Secret. Zero when the library fails, which
 * then shows as a key that does not verify. */
void keycentre_mask(const uint8_t mask_key[KEYCENTRE_MASK_KEY_SIZE], enum keycentre_use use, unsigned j,
                    const struct sm9_id *id, struct fn *mask);

/* f_A(index) index^j: with what psi(A, j) enters centre index's r_i or z_i. */
struct fn keycentre_mask_weight(struct keycentre_size size, uint8_t set, unsigned index, unsigned j);

/* e of a point of the keys' group and one of the masters' group, whichever of them is in G1. False when
 * either is no point. */
bool keycentre_pair(enum keycentre_use use, const uint8_t *key_side, const uint8_t *master_side,
                    struct fp12 *value);

/* h P + master, in the masters' group (keycentre_master_size bytes). False when it is no point. */
bool keycentre_identity_point(enum keycentre_use use, const struct sm9_id *id, const uint8_t *master,
                              uint8_t *point);

#endif
