/* Epochs: when an identity's keys are given out. specs/keycentre.md, "Epochs". */
#ifndef TALLY_TICKETING_KEYCENTRE_EPOCH_H
#define TALLY_TICKETING_KEYCENTRE_EPOCH_H

#include "card/wire/identity.h"

enum { KEYCENTRE_EPOCH_LENGTH_MIN = 60, KEYCENTRE_EPOCH_LENGTH_MAX = 10 * 366 * 86400 }; /* seconds */

struct keycentre_epochs {
    int64_t start;               /* of epoch 0, seconds since 1970 */
    int64_t length, card_length; /* seconds */
    int64_t lead;                /* seconds before an epoch in which its keys are given already */
};

/* Start not negative, lengths within the limits, lead from 0 to the shorter length. */
bool keycentre_epochs_valid(const struct keycentre_epochs *epochs);

/* The epoch in force; -1 before epoch 0 and after epoch 65535. */
int32_t keycentre_epoch_now(const struct keycentre_epochs *epochs, enum identity_scheme scheme, int64_t now);

/* Whether keys of that epoch are given out now. */
bool keycentre_epoch_open(const struct keycentre_epochs *epochs, enum identity_scheme scheme, uint16_t epoch,
                          int64_t now);

#endif
