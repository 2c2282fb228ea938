/* Inversion modulo the two primes, in constant time: D. Bernstein and B.-Y. Yang, "Fast constant-time gcd
 * computation and modular inversion", CHES 2019, with the half-delta variant of P. Wuille, G. Maxwell et al.,
 * for which 590 division steps suffice for 256 bits. */
#ifndef TALLY_SM9_INVERT_H
#define TALLY_SM9_INVERT_H

#include "card/sm9/limb.h"

/* m is odd, above 2^255; a is below m; inverse is 1/m mod 2^LIMB_BITS. r = 1/a mod m, and 0 for 0. */
void limbs_invert(limb r[LIMBS], const limb a[LIMBS], const limb m[LIMBS], limb inverse);

#endif
