/* Scalars split over an endomorphism, so that a multiple of a point or a power is made of short ones.
 * Constant time.
 *
 * The lattice of the vectors (k0, k1, ...) with k0 + k1 e + ... = 0 mod n, where e is the endomorphism's
 * eigenvalue, is known for these curves; the multiple of it nearest to (k, 0, ...) is subtracted (Babai), and
 * a fixed vector of it is added that makes every part positive. S. Galbraith and M. Scott, "Exponentiation in
 * pairing-friendly groups using homomorphisms", Pairing 2008.
 */
#ifndef TALLY_SM9_SPLIT_H
#define TALLY_SM9_SPLIT_H

#include "card/sm9/limb.h"

enum {
    PART_LIMBS = 192 / LIMB_BITS,
    SPLIT2_BITS = 129, /* parts of a scalar in G1 */
    SPLIT4_BITS = 66   /* parts of a scalar in G2 and GT */
};

/* A part of a scalar: not negative, below 2^SPLIT2_BITS or 2^SPLIT4_BITS. */
struct part {
    limb l[PART_LIMBS];
};

/* k = r[0] + r[1] b mod n, where (x, y) -> (bx x, y) is multiplication by b in G1. k is below 2^256. */
void split2(struct part r[2], const limb k[LIMBS]);

/* k = r[0] + r[1] p + r[2] p^2 + r[3] p^3 mod n. With odd, r[0] is odd. k is below 2^256. */
void split4(struct part r[4], const limb k[LIMBS], bool odd);

/* Adds what makes the digits of width bits, read by part_digit, run from -2^(width-1): for count digits. */
void part_recode(struct part *k, unsigned width, unsigned count);

/* Digit i of width bits: its absolute value, at most 2^(width-1), and all ones in *negative if it is
 * negative. k is recoded. */
limb part_digit(const struct part *k, unsigned i, unsigned width, limb *negative);

#endif
