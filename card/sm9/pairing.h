/* The R-ate pairing of SM9 (GB/T 38635.1, annex on pairings; Lee, Lee, Park 2009): e: G1 x G2 -> GT. */
#ifndef TALLY_SM9_PAIRING_H
#define TALLY_SM9_PAIRING_H

#include "card/sm9/fp12.h"
#include "card/sm9/g1.h"
#include "card/sm9/g2.h"

/* r = e(p, q). Neither is the point at infinity. Constant time in both. */
void pairing(struct fp12 *r, const struct g1_affine *p, const struct g2_affine *q);

/* The same, where the multiples of q are computed in coordinates scaled by blind, which is not zero: with a
 * secret q and a blind that was drawn, nothing that meets the other side's p can be told from one use to the
 * next. */
void pairing_blinded(struct fp12 *r, const struct g1_affine *p, const struct g2_affine *q,
                     const struct fp2 *blind);

/* The first half of it, the Miller loop: e(p, q) up to the final exponentiation. */
void miller_loop(struct fp12 *f, const struct g1_affine *p, const struct g2_affine *q,
                 const struct fp2 *blind);

/* r = a^((p^12 - 1)/n), exactly, because elements of GT are hashed. */
void final_exponentiation(struct fp12 *r, const struct fp12 *a);

#endif
