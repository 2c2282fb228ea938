/* Scalars and points for threshold.c: sums of multiples in either group, behind one set of functions, because
 * signing and encryption differ in nothing but the groups. Constant time as card/sm9/. */
#ifndef TALLY_TICKETING_KEYCENTRE_POINTS_H
#define TALLY_TICKETING_KEYCENTRE_POINTS_H

#include "card/sm9/fn.h"
#include "card/sm9/g1.h"
#include "card/sm9/g2.h"

enum curve_group { IN_G1, IN_G2 };

struct point {
    enum curve_group group;
    struct g1 p1;
    struct g2 p2;
};

/* The point at infinity. */
void point_zero(struct point *p, enum curve_group group);
/* p += k P for the group's generator P. */
void point_add_generator(struct point *p, const struct fn *k);
/* p += k q; false, and p unchanged, when the bytes are no point of the group. */
bool point_add_multiple(struct point *p, const uint8_t *q, const struct fn *k);
/* p = k p */
void point_scale(struct point *p, const struct fn *k);
/* 64 or 128 bytes; false, and zeroes, at infinity. */
bool point_to_bytes(uint8_t *out, const struct point *p);
size_t point_size(enum curve_group group);

/* Small numbers as scalars, and 1. */
struct fn scalar_of(unsigned value);
/* value^exponent */
struct fn scalar_power(unsigned value, unsigned exponent);
/* The Lagrange coefficient at 0 of member i among the numbers of the set: prod j / (j - i), j in set. */
struct fn scalar_lagrange(uint8_t set, unsigned i);
/* f_A(x): degree n - |A|, 1 at 0 and 0 at every centre outside A. */
struct fn scalar_set_weight(uint8_t set, unsigned centres, unsigned x);

#endif
