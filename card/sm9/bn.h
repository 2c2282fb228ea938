/* The number t = 0x600000000058f98a, of which p and n are polynomials, as signed digits. */
#ifndef TALLY_SM9_BN_H
#define TALLY_SM9_BN_H

#include <stdint.h>

enum { BN_T_DIGITS = 63 };

/* The digits of t below the highest, which is 1, most significant first: weight 11. */
static const int8_t bn_t_digits[BN_T_DIGITS] = {
    0, -1, 0, 0, 0, 0, 0, 0, 0, 0,  0, 0,  0, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0,
    0, 0,  0, 0, 0, 0, 0, 1, 0, -1, 0, -1, 0, 0, 1, 0, 0, 0, 0, -1, 0, 1, 0, -1, 0, 0, 0, 1, 0, 1, 0};

#endif
