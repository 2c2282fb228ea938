/* Where a chip that is not real has its random numbers from. */
#ifndef TALLY_VCARD_RANDOM_H
#define TALLY_VCARD_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bearssl.h>

/* All zero: the system's. */
struct chip_random {
    bool seeded;
    br_hmac_drbg_context drbg; /* when seeded */
};

/* Makes all numbers follow from the seed: for runs that can be repeated, not for real keys. */
void chip_random_seed(struct chip_random *r, uint64_t seed);

/* False when the system has none; buf must not be used then. */
bool chip_random_bytes(struct chip_random *r, uint8_t *buf, size_t n);

#endif
