/* A group of centres as all of its members and clients know it, and the byte forms of what centres keep.
 * specs/keycentre.md, "Ceremony". */
#ifndef TALLY_TICKETING_KEYCENTRE_GROUP_H
#define TALLY_TICKETING_KEYCENTRE_GROUP_H

#include <jansson.h>

#include "host/crypto/key.h"
#include "host/ticketing/keycentre/epoch.h"
#include "host/ticketing/keycentre/threshold.h"

enum {
    KEYCENTRE_DIGEST = TALLY_SHA256_SIZE,
    KEYCENTRE_URL_MAX = 250,
    KEYCENTRE_GROUP_FILE_MAX = 16384, /* bytes of a group file */
    /* threshold, centres, signing keys, epochs */
    KEYCENTRE_GROUP_BYTES_MAX = 2 + KEYCENTRE_CENTRES_MAX * P256_PUBLIC_SIZE + 4 * 8,
    /* master and shares, sign and encrypt */
    KEYCENTRE_PUBLIC_BYTES_MAX = (1 + KEYCENTRE_CENTRES_MAX) * (G2_BYTES + G1_BYTES),
    KEYCENTRE_SHARE_BYTES_MAX = 2 * SM9_KEY_BYTES + KEYCENTRE_OWN_SETS_MAX * KEYCENTRE_MASK_KEY_SIZE
};

struct keycentre_group {
    struct keycentre_size size;
    uint8_t signing_keys[KEYCENTRE_CENTRES_MAX][P256_PUBLIC_SIZE]; /* x || y of centre i + 1 */
    struct keycentre_epochs epochs;
    char urls[KEYCENTRE_CENTRES_MAX][KEYCENTRE_URL_MAX + 1]; /* for clients; no part of the digest */
};

/* Reads a group file's JSON. TALLY_E_FORMAT, with the reason in *reason (a constant text). */
enum tally_error keycentre_group_read(const json_t *json, struct keycentre_group *group, const char **reason);

/* The bytes of which the digest is made; returns how many. */
size_t keycentre_group_encode(const struct keycentre_group *group, uint8_t out[KEYCENTRE_GROUP_BYTES_MAX]);
/* TALLY_E_FORMAT for anything that encode does not write. URLs are empty. */
enum tally_error keycentre_group_decode(const uint8_t *in, size_t n, struct keycentre_group *group);
enum tally_error keycentre_group_digest(const struct keycentre_group *group,
                                        uint8_t digest[KEYCENTRE_DIGEST]);

/* The number of the centre with this signing key; 0 when it is no member. */
unsigned keycentre_group_index(const struct keycentre_group *group, const uint8_t key[P256_PUBLIC_SIZE]);

/* What names master keys: SHA-256 over both public halves. */
enum tally_error keycentre_masters_digest(const struct keycentre_masters *masters,
                                          uint8_t digest[KEYCENTRE_DIGEST]);

/* master || shares; decode needs the size. */
size_t keycentre_public_encode(const struct keycentre_group_public *group,
                               uint8_t out[KEYCENTRE_PUBLIC_BYTES_MAX]);
enum tally_error keycentre_public_decode(const uint8_t *in, size_t n, struct keycentre_size size,
                                         struct keycentre_group_public *group);

/* A centre's share: secret bytes, which the caller wipes. */
size_t keycentre_share_encode(const struct keycentre_share *share, uint8_t out[KEYCENTRE_SHARE_BYTES_MAX]);
enum tally_error keycentre_share_decode(const uint8_t *in, size_t n, struct keycentre_size size,
                                        unsigned index, struct keycentre_share *share);

#endif
