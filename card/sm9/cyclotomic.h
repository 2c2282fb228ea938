/* The cyclotomic subgroup of Fp12*, of order p^4 - p^2 + 1: where the easy part of the final exponentiation
 * leads, and where GT is. Inversion there is conjugation. Constant time. */
#ifndef TALLY_SM9_CYCLOTOMIC_H
#define TALLY_SM9_CYCLOTOMIC_H

#include "card/sm9/fp12.h"

/* r = a^2 (Granger and Scott 2010). */
void fp12_square_cyclotomic(struct fp12 *r, const struct fp12 *a);

/* r = a^t, where t is the number the curve is made of. r is neither a nor scratch. */
void cyclotomic_power_t(struct fp12 *r, const struct fp12 *a, struct fp12 *scratch);

/* a = a^6 */
void cyclotomic_power_6(struct fp12 *a, struct fp12 *scratch);

#endif
