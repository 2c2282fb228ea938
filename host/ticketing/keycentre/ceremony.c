#include "host/ticketing/keycentre/ceremony_internal.h"

#include <string.h>

#include "host/base/bytes.h"
#include "host/crypto/kdf.h"
#include "host/crypto/p256.h"

static const char message_label[] = "tally/keycentre-ceremony/1", commit_label[] = "tally/keycentre-commit/1",
                  seed_label[] = "tally/keycentre-seed/1";

/* What is drawn from the seed. */
enum drawn { DRAWN_SIGN = 1, DRAWN_ENCRYPT, DRAWN_SEALING_KEY, DRAWN_CONTRIBUTION };

static enum tally_error draw(const struct keycentre_ceremony *c, enum drawn what, unsigned number,
                             uint8_t *out, size_t n)
{
    const uint8_t which[2] = {(uint8_t)what, (uint8_t)number};
    const struct tally_bytes info[] = {{(const uint8_t *)seed_label, sizeof seed_label - 1},
                                       {c->id, sizeof c->id},
                                       {&c->index, 1},
                                       {which, sizeof which}};
    return tally_hkdf_expand(c->seed, info, 4, out, n);
}

static enum tally_error draw_polynomials(const struct keycentre_ceremony *c,
                                         struct keycentre_polynomials *polynomials)
{
    uint8_t wide[FN_HASH_BYTES];
    enum tally_error e = TALLY_OK;
    memset(polynomials, 0, sizeof *polynomials);
    for (unsigned k = 0; e == TALLY_OK && k < c->group->size.threshold; k++) {
        e = draw(c, DRAWN_SIGN, k, wide, sizeof wide);
        if (e == TALLY_OK)
            fn_from_hash(&polynomials->sign[k], wide);
        if (e == TALLY_OK)
            e = draw(c, DRAWN_ENCRYPT, k, wide, sizeof wide);
        if (e == TALLY_OK)
            fn_from_hash(&polynomials->encrypt[k], wide);
    }
    tally_wipe(wide, sizeof wide);
    return e;
}

/* A drawn number is out of range with probability 2^-32: the commit fails then, and a new seed does it. */
enum tally_error ceremony_sealing_key(const struct keycentre_ceremony *c, struct tally_key **key)
{
    uint8_t raw[P256_PRIVATE_SIZE];
    *key = NULL;
    enum tally_error e = draw(c, DRAWN_SEALING_KEY, 0, raw, sizeof raw);
    if (e == TALLY_OK)
        e = tally_key_from_private(raw, key);
    tally_wipe(raw, sizeof raw);
    return e;
}

/* --- Messages --- */

void ceremony_put(struct keycentre_message *m, const void *bytes, size_t n)
{
    memcpy(m->bytes + m->n, bytes, n);
    m->n += n;
}

enum tally_error ceremony_begin(const struct keycentre_ceremony *c, enum keycentre_message_kind kind,
                                struct keycentre_message *m)
{
    uint8_t digest[KEYCENTRE_DIGEST], kind_byte = (uint8_t)kind;
    memset(m, 0, sizeof *m);
    enum tally_error e = keycentre_group_digest(c->group, digest);
    ceremony_put(m, &kind_byte, 1);
    ceremony_put(m, c->id, sizeof c->id);
    ceremony_put(m, digest, sizeof digest);
    ceremony_put(m, &c->index, 1);
    return e;
}

enum tally_error ceremony_sign(const struct keycentre_ceremony *c, struct keycentre_message *m)
{
    uint8_t signature[ECDSA_SIZE];
    struct tally_bytes part = {m->bytes, m->n};
    enum tally_error e = tally_p256_sign(c->signing_key, message_label, &part, 1, signature);
    if (e == TALLY_OK)
        ceremony_put(m, signature, sizeof signature);
    return e;
}

/* Whether m is a message of that kind, this ceremony and group, by that centre, with a body of so many bytes.
 */
bool ceremony_genuine(const struct keycentre_ceremony *c, const struct keycentre_message *m,
                      enum keycentre_message_kind kind, unsigned index, size_t body)
{
    uint8_t digest[KEYCENTRE_DIGEST];
    struct tally_key *key = NULL;
    if (m->n != HEADER + body + ECDSA_SIZE || m->bytes[0] != kind ||
        memcmp(m->bytes + 1, c->id, sizeof c->id) != 0 ||
        keycentre_group_digest(c->group, digest) != TALLY_OK ||
        memcmp(m->bytes + 1 + sizeof c->id, digest, sizeof digest) != 0 || m->bytes[HEADER - 1] != index)
        return false;
    struct tally_bytes part = {m->bytes, m->n - ECDSA_SIZE};
    bool good =
        tally_key_from_public(c->group->signing_keys[index - 1], P256_PUBLIC_SIZE, &key) == TALLY_OK &&
        tally_p256_verify(key, message_label, &part, 1, m->bytes + m->n - ECDSA_SIZE) == TALLY_OK;
    tally_key_free(key);
    return good;
}

enum tally_error ceremony_blame(struct keycentre_fault *fault, unsigned centre, const char *reason)
{
    *fault = (struct keycentre_fault){centre, reason};
    return TALLY_E_CRYPTO;
}

/* --- Commit --- */

enum tally_error ceremony_commitment_digest(const struct keycentre_ceremony *c, unsigned dealer,
                                            const uint8_t *commitments, uint8_t digest[KEYCENTRE_DIGEST])
{
    uint8_t index = (uint8_t)dealer;
    const struct tally_bytes parts[] = {
        {c->id, sizeof c->id}, {&index, 1}, {commitments, c->group->size.threshold * (size_t)MASTERS_BYTES}};
    return tally_sha256_labelled(commit_label, parts, 3, digest);
}

/* This centre's commitments in bytes: all of signing, then all of encryption. */
static void put_commitments(const struct keycentre_ceremony *c,
                            const struct keycentre_polynomials *polynomials, struct keycentre_message *m)
{
    struct keycentre_masters commitments[KEYCENTRE_THRESHOLD_MAX];
    keycentre_commitments(c->group->size, polynomials, commitments);
    for (unsigned k = 0; k < c->group->size.threshold; k++)
        ceremony_put(m, commitments[k].sign, G2_BYTES);
    for (unsigned k = 0; k < c->group->size.threshold; k++)
        ceremony_put(m, commitments[k].encrypt, G1_BYTES);
}

enum tally_error keycentre_ceremony_commit(const struct keycentre_ceremony *c,
                                           struct keycentre_message *commit)
{
    struct keycentre_polynomials polynomials;
    struct keycentre_message commitments = {.n = 0};
    struct tally_key *key = NULL;
    uint8_t digest[KEYCENTRE_DIGEST];
    size_t n;
    enum tally_error e = draw_polynomials(c, &polynomials);
    if (e == TALLY_OK)
        e = ceremony_sealing_key(c, &key);
    if (e == TALLY_OK)
        e = ceremony_begin(c, KEYCENTRE_COMMIT, commit);
    if (e == TALLY_OK) {
        put_commitments(c, &polynomials, &commitments);
        e = ceremony_commitment_digest(c, c->index, commitments.bytes, digest);
    }
    if (e == TALLY_OK) {
        ceremony_put(commit, tally_key_public(key, &n), P256_PUBLIC_SIZE);
        ceremony_put(commit, digest, sizeof digest);
        e = ceremony_sign(c, commit);
    }
    if (e != TALLY_OK)
        memset(commit, 0, sizeof *commit);
    tally_key_free(key);
    tally_wipe(&polynomials, sizeof polynomials);
    return e;
}

enum tally_error ceremony_check_commits(const struct keycentre_ceremony *c,
                                        const struct keycentre_message *commits,
                                        struct keycentre_fault *fault)
{
    for (unsigned i = 1; i <= c->group->size.centres; i++)
        if (!ceremony_genuine(c, &commits[i - 1], KEYCENTRE_COMMIT, i, COMMIT_BODY))
            return ceremony_blame(fault, i, "its commit is not a message of this ceremony signed by it");
    return TALLY_OK;
}

/* --- Deal --- */

static unsigned common_sets(struct keycentre_size size, unsigned a, unsigned b,
                            uint8_t sets[KEYCENTRE_SETS_MAX])
{
    uint8_t own[KEYCENTRE_SETS_MAX];
    unsigned count = keycentre_sets(size, a, own), common = 0;
    for (unsigned i = 0; i < count; i++)
        if ((own[i] >> (b - 1) & 1) != 0)
            sets[common++] = own[i];
    return common;
}

size_t ceremony_package_size(struct keycentre_size size, unsigned dealer, unsigned receiver)
{
    uint8_t sets[KEYCENTRE_SETS_MAX];
    return 2 * FN_BYTES + common_sets(size, dealer, receiver, sets) * (size_t)KEYCENTRE_MASK_KEY_SIZE;
}

size_t ceremony_deal_body(struct keycentre_size size, unsigned dealer)
{
    size_t n = size.threshold * (size_t)MASTERS_BYTES;
    for (unsigned i = 1; i <= size.centres; i++)
        n += ceremony_package_size(size, dealer, i) + TALLY_HPKE_OVERHEAD;
    return n;
}

/* dealer || receiver, under the ceremony: what a package belongs to. */
struct tally_bytes *ceremony_package_aad(const struct keycentre_ceremony *c, const uint8_t pair[2],
                                         struct tally_bytes aad[2])
{
    aad[0] = (struct tally_bytes){c->id, sizeof c->id};
    aad[1] = (struct tally_bytes){pair, 2};
    return aad;
}

static enum tally_error put_package(const struct keycentre_ceremony *c,
                                    const struct keycentre_polynomials *polynomials, unsigned receiver,
                                    const struct keycentre_message *commit, struct keycentre_message *deal)
{
    uint8_t plain[PACKAGE_MAX], sets[KEYCENTRE_SETS_MAX], pair[2] = {c->index, (uint8_t)receiver};
    unsigned count = common_sets(c->group->size, c->index, receiver, sets);
    size_t n = ceremony_package_size(c->group->size, c->index, receiver);
    struct tally_bytes aad[2];
    enum tally_error e = TALLY_OK;
    keycentre_deal(c->group->size, polynomials, receiver, plain, plain + FN_BYTES);
    for (unsigned s = 0; e == TALLY_OK && s < count; s++)
        e = draw(c, DRAWN_CONTRIBUTION, sets[s], plain + 2 * FN_BYTES + s * (size_t)KEYCENTRE_MASK_KEY_SIZE,
                 KEYCENTRE_MASK_KEY_SIZE);
    if (e == TALLY_OK)
        e = tally_hpke_seal(commit->bytes + HEADER, CEREMONY_PACKAGE_LABEL,
                            ceremony_package_aad(c, pair, aad), 2, plain, n, deal->bytes + deal->n);
    if (e == TALLY_OK)
        deal->n += n + TALLY_HPKE_OVERHEAD;
    tally_wipe(plain, sizeof plain);
    return e;
}

enum tally_error keycentre_ceremony_deal(const struct keycentre_ceremony *c,
                                         const struct keycentre_message *commits,
                                         struct keycentre_message *deal, struct keycentre_fault *fault)
{
    struct keycentre_polynomials polynomials;
    *fault = (struct keycentre_fault){0, NULL};
    memset(deal, 0, sizeof *deal);
    enum tally_error e = ceremony_check_commits(c, commits, fault);
    if (e != TALLY_OK)
        return e;
    e = draw_polynomials(c, &polynomials);
    if (e == TALLY_OK)
        e = ceremony_begin(c, KEYCENTRE_DEAL, deal);
    if (e == TALLY_OK)
        put_commitments(c, &polynomials, deal);
    for (unsigned i = 1; e == TALLY_OK && i <= c->group->size.centres; i++)
        e = put_package(c, &polynomials, i, &commits[i - 1], deal);
    if (e == TALLY_OK)
        e = ceremony_sign(c, deal);
    if (e != TALLY_OK)
        memset(deal, 0, sizeof *deal);
    tally_wipe(&polynomials, sizeof polynomials);
    return e;
}
