/* The cryptography of a party, for real: signatures on secp256k1, channel keys, grants and pledged tickets of
 * host/crypto/delegation.h. */
#ifndef TALLY_PLEDGE_UMBRAL_CRYPTO_H
#define TALLY_PLEDGE_UMBRAL_CRYPTO_H

#include "host/crypto/delegation.h"
#include "host/pledge/core/party.h"

struct pledge_umbral {
    struct pledge_crypto crypto; /* hand out &u->crypto */
    struct tally_umbral_secret secret;
    uint8_t seed[TALLY_DELEGATION_SEED_SIZE]; /* the bank's; else zeroes */
    const struct tally_random *random;
    const struct pledge_directory *directory; /* where the bank's and the provider's keys are found */
};

/* Takes a party's secret (32 bytes) and, for the bank, its seed (else NULL), and gives the role the functions
 * it needs. The struct must stay where it is. TALLY_E_FORMAT for a secret that is none. */
enum tally_error pledge_umbral_init(struct pledge_umbral *u, enum pledge_role role,
                                    const uint8_t secret[TALLY_UMBRAL_SCALAR_SIZE],
                                    const uint8_t seed[TALLY_DELEGATION_SEED_SIZE],
                                    const struct pledge_directory *directory,
                                    const struct tally_random *random);
void pledge_umbral_wipe(struct pledge_umbral *u);

#endif
