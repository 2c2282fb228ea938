#include "host/ticketing/keycentre/points.h"

#include <string.h>

#include "card/sm9/fixed.h"
#include "card/sm9/wipe.h"

void point_zero(struct point *p, enum curve_group group)
{
    p->group = group;
    p->p1 = g1_infinity;
    p->p2 = g2_infinity;
}

void point_add_generator(struct point *p, const struct fn *k)
{
    struct g1 t1;
    struct g2 t2;
    if (p->group == IN_G1) {
        g1_multiply_generator(&t1, k->l);
        g1_add(&p->p1, &p->p1, &t1);
        sm9_wipe(&t1, sizeof t1);
    } else {
        g2_multiply_generator(&t2, k->l);
        g2_add(&p->p2, &p->p2, &t2);
        sm9_wipe(&t2, sizeof t2);
    }
}

bool point_add_multiple(struct point *p, const uint8_t *q, const struct fn *k)
{
    struct g1_affine a1;
    struct g2_affine a2;
    struct g1 t1;
    struct g2 t2;
    if (p->group == IN_G1) {
        if (!g1_from_bytes(&a1, q))
            return false;
        g1_from_affine(&t1, &a1);
        g1_multiply(&t1, &t1, k->l);
        g1_add(&p->p1, &p->p1, &t1);
        return true;
    }
    if (!g2_from_bytes(&a2, q))
        return false;
    g2_from_affine(&t2, &a2);
    g2_multiply(&t2, &t2, k->l);
    g2_add(&p->p2, &p->p2, &t2);
    return true;
}

void point_scale(struct point *p, const struct fn *k)
{
    if (p->group == IN_G1)
        g1_multiply(&p->p1, &p->p1, k->l);
    else
        g2_multiply(&p->p2, &p->p2, k->l);
}

size_t point_size(enum curve_group group)
{
    return group == IN_G1 ? G1_BYTES : G2_BYTES;
}

bool point_to_bytes(uint8_t *out, const struct point *p)
{
    struct g1_affine a1;
    struct g2_affine a2;
    memset(out, 0, point_size(p->group));
    if (p->group == IN_G1) {
        if (!g1_to_affine(&a1, &p->p1))
            return false;
        g1_to_bytes(out, &a1);
    } else {
        if (!g2_to_affine(&a2, &p->p2))
            return false;
        g2_to_bytes(out, &a2);
    }
    return true;
}

struct fn scalar_of(unsigned value)
{
    return (struct fn){.l = {value}};
}

struct fn scalar_power(unsigned value, unsigned exponent)
{
    struct fn power = scalar_of(1), base = scalar_of(value);
    while (exponent-- > 0)
        fn_mul(&power, &power, &base);
    return power;
}

/* prod over j of the set, j other than i: (j - x) / (j - at). */
static struct fn product(uint8_t set, unsigned i, unsigned x, unsigned at)
{
    struct fn above = scalar_of(1), below = scalar_of(1), xs = scalar_of(x), ats = scalar_of(at), t;
    for (unsigned j = 1; set >> (j - 1) != 0; j++) {
        struct fn js = scalar_of(j);
        if ((set >> (j - 1) & 1) == 0 || j == i)
            continue;
        fn_sub(&t, &js, &xs);
        fn_mul(&above, &above, &t);
        fn_sub(&t, &js, &ats);
        fn_mul(&below, &below, &t);
    }
    fn_invert(&below, &below);
    fn_mul(&above, &above, &below);
    return above;
}

struct fn scalar_lagrange(uint8_t set, unsigned i)
{
    return product(set, i, 0, i);
}

struct fn scalar_set_weight(uint8_t set, unsigned centres, unsigned x)
{
    uint8_t outside = (uint8_t)(~set & ((1U << centres) - 1));
    return product(outside, 0, x, 0);
}
