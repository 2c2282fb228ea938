/* G2: the subgroup of order n of the twist y^2 = x^3 + 5u over Fp2. The cofactor is 2p - n, so a point on the
 * curve need not be in the group; decoding checks. Constant time but for decoding, which handles public
 * bytes. */
#ifndef TALLY_SM9_G2_H
#define TALLY_SM9_G2_H

#include "card/sm9/fp2.h"

enum { G2_BYTES = 128 }; /* x || y, each u-coefficient first */

struct g2_affine {
    struct fp2 x, y;
};

struct g2 {
    struct fp2 x, y, z; /* projective; infinity is (0, 1, 0) */
};

extern const struct g2 g2_infinity;
extern const struct g2_affine g2_generator; /* P2 */

void g2_from_affine(struct g2 *r, const struct g2_affine *p);
void g2_add(struct g2 *r, const struct g2 *p, const struct g2 *q);

/* r = 3b a, where b is the constant of the curve. */
void g2_mul_3b(struct fp2 *r, const struct fp2 *a);

/* r = k p for p in the group; k below 2^256, may be secret. */
void g2_multiply(struct g2 *r, const struct g2 *p, const limb k[LIMBS]);

/* r = r + q, or r - q if the mask negative is all ones, or r itself if the mask absent is. */
void g2_add_entry(struct g2 *r, const struct g2_affine *q, limb negative, limb absent);

/* False for the point at infinity. */
bool g2_to_affine(struct g2_affine *r, const struct g2 *p);

/* The p^power-Frobenius carried to the twist; in the group it is multiplication by p^power. */
void g2_endomorphism(struct g2 *r, const struct g2 *p, unsigned power);
void g2_endomorphism_affine(struct g2_affine *r, const struct g2_affine *p, unsigned power);

/* False when a coordinate is not below p, the point is not on the curve or not in the group of order n. */
bool g2_from_bytes(struct g2_affine *r, const uint8_t in[G2_BYTES]);
void g2_to_bytes(uint8_t out[G2_BYTES], const struct g2_affine *p);

#endif
