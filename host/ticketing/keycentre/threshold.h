/* The mathematics of threshold extraction: specs/keycentre.md, "Threshold". Nothing here knows of files,
 * networks or messages. Inversion of a shared value: Bar-Ilan and Beaver, PODC 1989; shares of randomness
 * and of zero without interaction: Cramer, Damgard, Ishai, TCC 2005; verifiable sharing: Feldman, FOCS 1987.
 *
 * Centres are numbered from 1. A set of centres is a bit mask, bit i - 1 for centre i. A mask set is one of
 * the sets of n - t + 1 centres that share a mask key; they are numbered from 0 by ascending bit mask.
 */
#ifndef TALLY_TICKETING_KEYCENTRE_THRESHOLD_H
#define TALLY_TICKETING_KEYCENTRE_THRESHOLD_H

#include "card/sm9/sm9.h"
#include "host/base/error.h"

enum {
    KEYCENTRE_THRESHOLD_MAX = 4,
    KEYCENTRE_CENTRES_MAX = 7,
    KEYCENTRE_SETS_MAX = 35,     /* 7 choose 3 */
    KEYCENTRE_OWN_SETS_MAX = 20, /* of them with one centre: 6 choose 3 */
    KEYCENTRE_MASK_KEY_SIZE = 32,
    KEYCENTRE_GT_SIZE = FP12_BYTES
};

struct keycentre_size {
    uint8_t threshold, centres; /* t, n: 2 <= t <= 4, 2t - 1 <= n <= 7 */
};

bool keycentre_size_valid(struct keycentre_size size);
/* Answers that extraction needs: 2t - 1. */
unsigned keycentre_answers_needed(struct keycentre_size size);

/* The mask sets, and how many there are. With member 1..n only those that it is in. */
unsigned keycentre_sets(struct keycentre_size size, unsigned member, uint8_t sets[KEYCENTRE_SETS_MAX]);

/* Keys of an identity by what they do; the value is SM9's hid. */
enum keycentre_use { KEYCENTRE_SIGN = SM9_HID_SIGN, KEYCENTRE_DECRYPT = SM9_HID_ENCRYPT };

/* Bytes of a private key: 64 (G1) to sign, 128 (G2) to decrypt; and of a master public key, the other way
 * round. */
size_t keycentre_key_size(enum keycentre_use use);
size_t keycentre_master_size(enum keycentre_use use);

/* Master public keys, by use. */
struct keycentre_masters {
    uint8_t sign[G2_BYTES], encrypt[G1_BYTES];
};

/* What everybody knows of a group. Unused entries are zero. */
struct keycentre_group_public {
    struct keycentre_size size;
    struct keycentre_masters masters;
    struct keycentre_masters shares[KEYCENTRE_CENTRES_MAX]; /* s_i P2, s_i P1 of centre i + 1 */
};

/* What one centre holds. Secret: wipe it. */
struct keycentre_share {
    struct keycentre_size size;
    uint8_t index;
    uint8_t sign[SM9_KEY_BYTES], encrypt[SM9_KEY_BYTES];
    uint8_t mask_keys[KEYCENTRE_OWN_SETS_MAX][KEYCENTRE_MASK_KEY_SIZE]; /* in the order of the own sets */
};

/* One centre's part of a private key: u_i and the point R_i (keycentre_key_size bytes, the rest zero). */
struct keycentre_partial {
    uint8_t u[FN_BYTES];
    uint8_t r[G2_BYTES];
};

/* TALLY_E_USAGE for a length of the identity that SM9 refuses, TALLY_E_CRYPTO when the sum of hash and share
 * has no inverse (never, for shares that are random). *partial is zero on failure. */
enum tally_error keycentre_partial_make(const struct keycentre_share *share, enum keycentre_use use,
                                        const struct sm9_id *id, struct keycentre_partial *partial);

/* Combines the answers of the centres in `answered` (a set of at least 2t - 1; parts[i] is centre i + 1's)
 * and checks the key. key has keycentre_key_size bytes, zero on failure. TALLY_E_USAGE: too few answers;
 * TALLY_E_FORMAT: a part is no scalar or point, and *culprit says whose (else it is 0); TALLY_E_CRYPTO: the
 * key does not verify. */
enum tally_error keycentre_combine(const struct keycentre_group_public *group, enum keycentre_use use,
                                   const struct sm9_id *id, const struct keycentre_partial *parts,
                                   uint8_t answered, uint8_t *key, unsigned *culprit);

/* Whether key is the identity's private key under these master public keys: a pairing equation.
 * TALLY_E_FORMAT for what is no point, TALLY_E_CRYPTO for the wrong one. */
enum tally_error keycentre_key_check(const struct keycentre_masters *masters, enum keycentre_use use,
                                     const struct sm9_id *id, const uint8_t *key);

/* What a centre shows when a key did not verify: for each of its mask sets psi(A, 0) P, and
 * e(P1, P2)^psi(A, j) for j = 1..t-1 at d[set][j - 1]. About 26 kB. */
struct keycentre_evidence {
    struct keycentre_partial partial;
    uint8_t c[KEYCENTRE_OWN_SETS_MAX][G2_BYTES];
    uint8_t d[KEYCENTRE_OWN_SETS_MAX][KEYCENTRE_THRESHOLD_MAX - 1][KEYCENTRE_GT_SIZE];
};

/* As keycentre_partial_make. */
enum tally_error keycentre_evidence_make(const struct keycentre_share *share, enum keycentre_use use,
                                         const struct sm9_id *id, struct keycentre_evidence *evidence);

/* Looks for the culprits among the centres in `shown` (evidence[i] is centre i + 1's). *culprits: certain;
 * *suspects: pairs that contradict each other of which one at least lies. The identity's length is 1..255. */
void keycentre_judge(const struct keycentre_group_public *group, enum keycentre_use use,
                     const struct sm9_id *id, const struct keycentre_evidence *evidence, uint8_t shown,
                     uint8_t *culprits, uint8_t *suspects);

/* --- Sharing a secret: for the ceremony --- */

/* A dealer's polynomials of degree t - 1, coefficient 0 first, and the commitments to them. */
struct keycentre_polynomials {
    struct fn sign[KEYCENTRE_THRESHOLD_MAX], encrypt[KEYCENTRE_THRESHOLD_MAX];
};
void keycentre_commitments(struct keycentre_size size, const struct keycentre_polynomials *polynomials,
                           struct keycentre_masters commitments[KEYCENTRE_THRESHOLD_MAX]);

/* f(index), g(index). */
void keycentre_deal(struct keycentre_size size, const struct keycentre_polynomials *polynomials,
                    unsigned index, uint8_t sign[FN_BYTES], uint8_t encrypt[FN_BYTES]);

/* The points sum index^k C_k of both sharings: what f(index) P2 and g(index) P1 must be. TALLY_E_FORMAT when
 * a commitment is not a point, or a sum is the point at infinity. */
enum tally_error keycentre_commitments_at(struct keycentre_size size,
                                          const struct keycentre_masters commitments[KEYCENTRE_THRESHOLD_MAX],
                                          unsigned index, struct keycentre_masters *points);

/* TALLY_OK when the shares are those of the commitments; TALLY_E_FORMAT, TALLY_E_CRYPTO. */
enum tally_error keycentre_deal_check(struct keycentre_size size,
                                      const struct keycentre_masters commitments[KEYCENTRE_THRESHOLD_MAX],
                                      unsigned index, const uint8_t sign[FN_BYTES],
                                      const uint8_t encrypt[FN_BYTES]);

/* *sum += *add for points, both uses; a zeroed sum is the empty one. TALLY_E_FORMAT: not points, or infinity.
 */
enum tally_error keycentre_masters_add(struct keycentre_masters *sum, const struct keycentre_masters *add);

/* sum = sum + add mod n for scalars in bytes; either may be all zero. TALLY_E_FORMAT when add is not below n.
 */
enum tally_error keycentre_scalar_add(uint8_t sum[FN_BYTES], const uint8_t add[FN_BYTES]);

#endif
