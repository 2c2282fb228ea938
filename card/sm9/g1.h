/* G1: the points of y^2 = x^3 + 5 over Fp. Order n, cofactor 1. Constant time but for decoding, which handles
 * public bytes. */
#ifndef TALLY_SM9_G1_H
#define TALLY_SM9_G1_H

#include "card/sm9/fp.h"

enum { G1_BYTES = 64 }; /* x || y, big-endian; the leading 04 of the wire format is the caller's */

struct g1_affine {
    struct fp x, y;
};

struct g1 {
    struct fp x, y, z; /* projective: (x/z, y/z); infinity is (0, 1, 0) */
};

extern const struct g1 g1_infinity;
extern const struct g1_affine g1_generator; /* P1 */

void g1_from_affine(struct g1 *r, const struct g1_affine *p);
void g1_add(struct g1 *r, const struct g1 *p, const struct g1 *q);
void g1_double(struct g1 *r, const struct g1 *p);
void g1_neg(struct g1 *r, const struct g1 *p);

/* r = b p for the integer b of split2. */
void g1_endomorphism(struct g1 *r, const struct g1 *p);

/* r = k p; k below 2^256, may be secret. */
void g1_multiply(struct g1 *r, const struct g1 *p, const limb k[LIMBS]);

/* r = r + q, or r - q if the mask negative is all ones, or r itself if the mask absent is. */
void g1_add_entry(struct g1 *r, const struct g1_affine *q, limb negative, limb absent);

/* False for the point at infinity. */
bool g1_to_affine(struct g1_affine *r, const struct g1 *p);

/* False when a coordinate is not below p or the point is not on the curve. On the curve means in the group.
 */
bool g1_from_bytes(struct g1_affine *r, const uint8_t in[G1_BYTES]);
void g1_to_bytes(uint8_t out[G1_BYTES], const struct g1_affine *p);

#endif
