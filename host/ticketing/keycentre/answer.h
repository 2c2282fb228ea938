/* What centres seal for clients: which keys an identity has, partial keys and evidence in bytes, and what the
 * sealing is bound to. specs/keycentre.md, "HTTP". */
#ifndef TALLY_TICKETING_KEYCENTRE_ANSWER_H
#define TALLY_TICKETING_KEYCENTRE_ANSWER_H

#include "card/wire/identity.h"
#include "host/ticketing/keycentre/group.h"

#define KEYCENTRE_KEY_LABEL      "tally/keycentre-key/1"
#define KEYCENTRE_EVIDENCE_LABEL "tally/keycentre-evidence/1"

enum {
    KEYCENTRE_USES_MAX = 2,
    /* A partial key for each use is the most. */
    KEYCENTRE_ANSWER_MAX = KEYCENTRE_USES_MAX * FN_BYTES + G1_BYTES + G2_BYTES,
    KEYCENTRE_EVIDENCE_BYTES_MAX =
        FN_BYTES + G2_BYTES +
        KEYCENTRE_OWN_SETS_MAX * (G2_BYTES + (KEYCENTRE_THRESHOLD_MAX - 1) * KEYCENTRE_GT_SIZE)
};

/* Which keys an identity of this scheme has, sign first; returns how many. */
size_t keycentre_uses(enum identity_scheme scheme, enum keycentre_use uses[KEYCENTRE_USES_MAX]);

/* Additional data: master || index || identity. The pointers are kept. */
struct keycentre_aad {
    struct tally_bytes parts[3];
};
struct keycentre_aad keycentre_aad(const uint8_t master[KEYCENTRE_DIGEST], const uint8_t *index,
                                   const char *identity);

/* u || R: FN_BYTES + keycentre_key_size(use). */
size_t keycentre_partial_encode(enum keycentre_use use, const struct keycentre_partial *partial,
                                uint8_t *out);
void keycentre_partial_decode(enum keycentre_use use, const uint8_t *in, struct keycentre_partial *partial);

/* u || R || for each own set: C || the D. Encode returns the bytes. */
size_t keycentre_evidence_size(struct keycentre_size size, unsigned index, enum keycentre_use use);
size_t keycentre_evidence_encode(struct keycentre_size size, unsigned index, enum keycentre_use use,
                                 const struct keycentre_evidence *evidence, uint8_t *out);
/* TALLY_E_FORMAT for another length. */
enum tally_error keycentre_evidence_decode(struct keycentre_size size, unsigned index, enum keycentre_use use,
                                           const uint8_t *in, size_t n, struct keycentre_evidence *evidence);

#endif
