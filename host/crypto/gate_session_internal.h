/* What the two halves of the gate session share: VERIFY (gate_session.c), WRITE USAGE and DELETE
 * (gate_session_commands.c). */
#ifndef TALLY_CRYPTO_GATE_SESSION_INTERNAL_H
#define TALLY_CRYPTO_GATE_SESSION_INTERNAL_H

#include <string.h>

#include "card/wire/be.h"
#include "host/crypto/gate_session.h"

enum { PHASE_NONE, PHASE_BEGUN, PHASE_OPEN, PHASE_WRITING, PHASE_DELETING };
enum { TO_CARD = 0, TO_GATE = 1 };

/* The nonce of the session's CCM. */
static inline void make_nonce(uint8_t direction, uint32_t counter, uint8_t nonce[SESSION_NONCE_SIZE])
{
    memset(nonce, 0, SESSION_NONCE_SIZE);
    nonce[0] = direction;
    be32_put(nonce + 1, counter);
}

#endif
