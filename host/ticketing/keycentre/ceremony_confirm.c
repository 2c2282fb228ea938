/* What a centre makes of the deals, and of the others' confirms. */
#include <string.h>

#include "host/base/bytes.h"
#include "host/ticketing/keycentre/ceremony_internal.h"

static const char mask_key_label[] = "tally/keycentre-mask-key/1",
                  mask_check_label[] = "tally/keycentre-mask-check/1",
                  transcript_label[] = "tally/keycentre-transcript/1";

/* The contributions to this centre's mask keys, by own set and dealer. Secret. */
struct contributions {
    uint8_t at[KEYCENTRE_OWN_SETS_MAX][KEYCENTRE_CENTRES_MAX][KEYCENTRE_MASK_KEY_SIZE];
};

static void read_commitments(struct keycentre_size size, const struct keycentre_message *deal,
                             struct keycentre_masters out[KEYCENTRE_THRESHOLD_MAX])
{
    const uint8_t *at = deal->bytes + HEADER;
    memset(out, 0, KEYCENTRE_THRESHOLD_MAX * sizeof *out);
    for (unsigned k = 0; k < size.threshold; k++, at += G2_BYTES)
        memcpy(out[k].sign, at, G2_BYTES);
    for (unsigned k = 0; k < size.threshold; k++, at += G1_BYTES)
        memcpy(out[k].encrypt, at, G1_BYTES);
}

/* Opens this centre's package of a deal. */
static enum tally_error open_package(const struct keycentre_ceremony *c, const struct tally_key *key,
                                     unsigned dealer, const struct keycentre_message *deal, uint8_t *plain)
{
    struct keycentre_size size = c->group->size;
    const uint8_t *at = deal->bytes + HEADER + size.threshold * (size_t)MASTERS_BYTES;
    const uint8_t pair[2] = {(uint8_t)dealer, c->index};
    struct tally_bytes aad[2];
    for (unsigned i = 1; i < c->index; i++)
        at += ceremony_package_size(size, dealer, i) + TALLY_HPKE_OVERHEAD;
    return tally_hpke_open(key, CEREMONY_PACKAGE_LABEL, ceremony_package_aad(c, pair, aad), 2, at,
                           ceremony_package_size(size, dealer, c->index) + TALLY_HPKE_OVERHEAD, plain);
}

static void keep_contributions(const struct keycentre_ceremony *c, unsigned dealer, const uint8_t *plain,
                               struct contributions *contributions)
{
    uint8_t own[KEYCENTRE_SETS_MAX];
    unsigned count = keycentre_sets(c->group->size, c->index, own);
    const uint8_t *at = plain + 2 * FN_BYTES;
    for (unsigned s = 0; s < count; s++) {
        if ((own[s] >> (dealer - 1) & 1) == 0)
            continue;
        memcpy(contributions->at[s][dealer - 1], at, KEYCENTRE_MASK_KEY_SIZE);
        at += KEYCENTRE_MASK_KEY_SIZE;
    }
}

/* Adds what a commitment says of every centre to what is public. */
static enum tally_error add_public(struct keycentre_group_public *group,
                                   const struct keycentre_masters commitments[KEYCENTRE_THRESHOLD_MAX])
{
    struct keycentre_masters points;
    enum tally_error e = TALLY_OK;
    for (unsigned i = 0; e == TALLY_OK && i <= group->size.centres; i++) {
        e = keycentre_commitments_at(group->size, commitments, i, &points);
        if (e == TALLY_OK)
            e = keycentre_masters_add(i == 0 ? &group->masters : &group->shares[i - 1], &points);
    }
    return e;
}

static enum tally_error take_deal(const struct keycentre_ceremony *c, const struct tally_key *key,
                                  unsigned dealer, const struct keycentre_message *commit,
                                  const struct keycentre_message *deal, struct keycentre_outcome *outcome,
                                  struct contributions *contributions, struct keycentre_fault *fault)
{
    struct keycentre_masters commitments[KEYCENTRE_THRESHOLD_MAX];
    uint8_t plain[PACKAGE_MAX], digest[KEYCENTRE_DIGEST];
    if (!ceremony_genuine(c, deal, KEYCENTRE_DEAL, dealer, ceremony_deal_body(c->group->size, dealer)))
        return ceremony_blame(fault, dealer, "its deal is not a message of this ceremony signed by it");
    if (ceremony_commitment_digest(c, dealer, deal->bytes + HEADER, digest) != TALLY_OK ||
        memcmp(digest, commit->bytes + HEADER + P256_PUBLIC_SIZE, sizeof digest) != 0)
        return ceremony_blame(fault, dealer, "it deals what it did not commit to");
    read_commitments(c->group->size, deal, commitments);
    enum tally_error e = open_package(c, key, dealer, deal, plain);
    if (e != TALLY_OK)
        e = ceremony_blame(fault, dealer, "its package does not open");
    else if (keycentre_deal_check(c->group->size, commitments, c->index, plain, plain + FN_BYTES) != TALLY_OK)
        e = ceremony_blame(fault, dealer, "its share does not match its commitments");
    else if (keycentre_scalar_add(outcome->share.sign, plain) != TALLY_OK ||
             keycentre_scalar_add(outcome->share.encrypt, plain + FN_BYTES) != TALLY_OK ||
             add_public(&outcome->group, commitments) != TALLY_OK)
        e = ceremony_blame(fault, dealer, "its commitments are not usable");
    else
        keep_contributions(c, dealer, plain, contributions);
    tally_wipe(plain, sizeof plain);
    return e;
}

static enum tally_error make_mask_keys(const struct keycentre_ceremony *c,
                                       const struct contributions *contributions,
                                       struct keycentre_share *share)
{
    uint8_t own[KEYCENTRE_SETS_MAX];
    unsigned count = keycentre_sets(c->group->size, c->index, own);
    enum tally_error e = TALLY_OK;
    for (unsigned s = 0; e == TALLY_OK && s < count; s++) {
        struct tally_bytes parts[2 + KEYCENTRE_CENTRES_MAX] = {{c->id, sizeof c->id}, {&own[s], 1}};
        size_t n = 2;
        for (unsigned i = 0; i < c->group->size.centres; i++)
            if ((own[s] >> i & 1) != 0)
                parts[n++] = (struct tally_bytes){contributions->at[s][i], KEYCENTRE_MASK_KEY_SIZE};
        e = tally_sha256_labelled(mask_key_label, parts, n, share->mask_keys[s]);
    }
    return e;
}

static enum tally_error transcript_digest(const struct keycentre_ceremony *c,
                                          const struct keycentre_message *deals,
                                          uint8_t digest[KEYCENTRE_DIGEST])
{
    struct tally_bytes parts[KEYCENTRE_CENTRES_MAX];
    for (unsigned i = 0; i < c->group->size.centres; i++)
        parts[i] = (struct tally_bytes){deals[i].bytes, deals[i].n};
    return tally_sha256_labelled(transcript_label, parts, c->group->size.centres, digest);
}

static enum tally_error make_confirm(const struct keycentre_ceremony *c,
                                     const struct keycentre_message *deals,
                                     const struct keycentre_share *share, struct keycentre_message *confirm)
{
    uint8_t own[KEYCENTRE_SETS_MAX], digest[KEYCENTRE_DIGEST];
    unsigned count = keycentre_sets(c->group->size, c->index, own);
    enum tally_error e = ceremony_begin(c, KEYCENTRE_CONFIRM, confirm);
    if (e == TALLY_OK)
        e = transcript_digest(c, deals, digest);
    if (e == TALLY_OK)
        ceremony_put(confirm, digest, sizeof digest);
    for (unsigned s = 0; e == TALLY_OK && s < count; s++) {
        const struct tally_bytes parts[] = {{&own[s], 1}, {share->mask_keys[s], KEYCENTRE_MASK_KEY_SIZE}};
        e = tally_sha256_labelled(mask_check_label, parts, 2, digest);
        if (e == TALLY_OK)
            ceremony_put(confirm, digest, sizeof digest);
    }
    return e == TALLY_OK ? ceremony_sign(c, confirm) : e;
}

enum tally_error keycentre_ceremony_confirm(const struct keycentre_ceremony *c,
                                            const struct keycentre_message *commits,
                                            const struct keycentre_message *deals,
                                            struct keycentre_outcome *outcome, struct keycentre_fault *fault)
{
    struct contributions contributions;
    struct tally_key *key = NULL;
    *fault = (struct keycentre_fault){0, NULL};
    memset(outcome, 0, sizeof *outcome);
    outcome->share.size = outcome->group.size = c->group->size;
    outcome->share.index = c->index;
    enum tally_error e = ceremony_check_commits(c, commits, fault);
    if (e == TALLY_OK)
        e = ceremony_sealing_key(c, &key);
    for (unsigned i = 1; e == TALLY_OK && i <= c->group->size.centres; i++)
        e = take_deal(c, key, i, &commits[i - 1], &deals[i - 1], outcome, &contributions, fault);
    if (e == TALLY_OK)
        e = make_mask_keys(c, &contributions, &outcome->share);
    if (e == TALLY_OK)
        e = make_confirm(c, deals, &outcome->share, &outcome->confirm);
    if (e != TALLY_OK)
        tally_wipe(outcome, sizeof *outcome);
    tally_key_free(key);
    tally_wipe(&contributions, sizeof contributions);
    return e;
}

/* --- Finish --- */

/* Whether two confirms say the same of every mask key that both centres hold. */
static bool same_mask_keys(struct keycentre_size size, const uint8_t *a, unsigned index_a, const uint8_t *b,
                           unsigned index_b)
{
    uint8_t sets_a[KEYCENTRE_SETS_MAX], sets_b[KEYCENTRE_SETS_MAX];
    unsigned count_a = keycentre_sets(size, index_a, sets_a), count_b = keycentre_sets(size, index_b, sets_b);
    for (unsigned i = 0; i < count_a; i++)
        for (unsigned j = 0; j < count_b; j++)
            if (sets_a[i] == sets_b[j] && memcmp(a + i * (size_t)KEYCENTRE_DIGEST,
                                                 b + j * (size_t)KEYCENTRE_DIGEST, KEYCENTRE_DIGEST) != 0)
                return false;
    return true;
}

enum tally_error keycentre_ceremony_finish(const struct keycentre_ceremony *c,
                                           const struct keycentre_message *own,
                                           const struct keycentre_message *confirms,
                                           struct keycentre_fault *fault)
{
    struct keycentre_size size = c->group->size;
    uint8_t sets[KEYCENTRE_SETS_MAX];
    const uint8_t *mine = own->bytes + HEADER;
    *fault = (struct keycentre_fault){0, NULL};
    for (unsigned i = 1; i <= size.centres; i++) {
        size_t body = (1U + keycentre_sets(size, i, sets)) * (size_t)KEYCENTRE_DIGEST;
        const uint8_t *theirs = confirms[i - 1].bytes + HEADER;
        if (!ceremony_genuine(c, &confirms[i - 1], KEYCENTRE_CONFIRM, i, body))
            return ceremony_blame(fault, i, "its confirm is not a message of this ceremony signed by it");
        if (memcmp(mine, theirs, KEYCENTRE_DIGEST) != 0)
            return ceremony_blame(fault, i, "it was shown other deals");
        if (!same_mask_keys(size, mine + KEYCENTRE_DIGEST, c->index, theirs + KEYCENTRE_DIGEST, i))
            return ceremony_blame(fault, i, "it holds another mask key");
    }
    return TALLY_OK;
}
