/* Cryptography whose insides a test can see: same interface, same promises towards everybody but the test,
 * and fast. Keys are names in 33 bytes; a signature is a keyed checksum; a sealed ticket is masked by its
 * key. */
#ifndef TALLY_TESTS_SIM_DOUBLES_H
#define TALLY_TESTS_SIM_DOUBLES_H

#include "host/pledge/core/party.h"

#define DOUBLE_MARK "tally-ticket-in-clear:" /* begins every ticket in clear */

struct double_crypto {
    struct pledge_crypto crypto; /* hand out &d->crypto */
    uint8_t key[PLEDGE_KEY];
    bool trusting; /* mutant: signatures are not checked */
};

/* Gives the role what it needs and nothing else. */
void double_init(struct double_crypto *d, enum pledge_role role, const char *name);
void double_key(const char *name, uint8_t key[PLEDGE_KEY]);

#endif
