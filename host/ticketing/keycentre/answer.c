#include "host/ticketing/keycentre/answer.h"

#include <string.h>

size_t keycentre_uses(enum identity_scheme scheme, enum keycentre_use uses[KEYCENTRE_USES_MAX])
{
    size_t n = 0;
    if (scheme == IDENTITY_AUTHD || scheme == IDENTITY_CARD)
        uses[n++] = KEYCENTRE_SIGN;
    if (scheme == IDENTITY_GATE || scheme == IDENTITY_CARD)
        uses[n++] = KEYCENTRE_DECRYPT;
    return n;
}

struct keycentre_aad keycentre_aad(const uint8_t master[KEYCENTRE_DIGEST], const uint8_t *index,
                                   const char *identity)
{
    return (struct keycentre_aad){
        {{master, KEYCENTRE_DIGEST}, {index, 1}, {(const uint8_t *)identity, strlen(identity)}}};
}

size_t keycentre_partial_encode(enum keycentre_use use, const struct keycentre_partial *partial, uint8_t *out)
{
    memcpy(out, partial->u, FN_BYTES);
    memcpy(out + FN_BYTES, partial->r, keycentre_key_size(use));
    return FN_BYTES + keycentre_key_size(use);
}

void keycentre_partial_decode(enum keycentre_use use, const uint8_t *in, struct keycentre_partial *partial)
{
    memset(partial, 0, sizeof *partial);
    memcpy(partial->u, in, FN_BYTES);
    memcpy(partial->r, in + FN_BYTES, keycentre_key_size(use));
}

size_t keycentre_evidence_size(struct keycentre_size size, unsigned index, enum keycentre_use use)
{
    uint8_t sets[KEYCENTRE_SETS_MAX];
    size_t point = keycentre_key_size(use), masks = (size.threshold - 1U) * (size_t)KEYCENTRE_GT_SIZE;
    return FN_BYTES + point + keycentre_sets(size, index, sets) * (point + masks);
}

size_t keycentre_evidence_encode(struct keycentre_size size, unsigned index, enum keycentre_use use,
                                 const struct keycentre_evidence *evidence, uint8_t *out)
{
    uint8_t sets[KEYCENTRE_SETS_MAX], *at = out + keycentre_partial_encode(use, &evidence->partial, out);
    unsigned count = keycentre_sets(size, index, sets);
    size_t point = keycentre_key_size(use), masks = (size.threshold - 1U) * (size_t)KEYCENTRE_GT_SIZE;
    for (unsigned s = 0; s < count; s++) {
        memcpy(at, evidence->c[s], point);
        memcpy(at + point, evidence->d[s], masks);
        at += point + masks;
    }
    return (size_t)(at - out);
}

enum tally_error keycentre_evidence_decode(struct keycentre_size size, unsigned index, enum keycentre_use use,
                                           const uint8_t *in, size_t n, struct keycentre_evidence *evidence)
{
    uint8_t sets[KEYCENTRE_SETS_MAX];
    unsigned count = keycentre_sets(size, index, sets);
    size_t point = keycentre_key_size(use), masks = (size.threshold - 1U) * (size_t)KEYCENTRE_GT_SIZE;
    memset(evidence, 0, sizeof *evidence);
    if (n != keycentre_evidence_size(size, index, use))
        return TALLY_E_FORMAT;
    keycentre_partial_decode(use, in, &evidence->partial);
    in += FN_BYTES + point;
    for (unsigned s = 0; s < count; s++, in += point + masks) {
        memcpy(evidence->c[s], in, point);
        memcpy(evidence->d[s], in + point, masks);
    }
    return TALLY_OK;
}
