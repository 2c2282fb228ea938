#include "card/sm9/invert.h"

#include "card/sm9/wipe.h"

#if LIMB_IS_64
typedef int64_t slimb;
typedef __int128 sdlimb;
enum { STEPS = 62, WORDS = 5, BATCHES = 10 };
#else
typedef int32_t slimb;
typedef int64_t sdlimb;
enum { STEPS = 30, WORDS = 9, BATCHES = 20 };
#endif
_Static_assert(STEPS *BATCHES >= 590, "enough division steps for 256 bits");

static const limb MASK = ((limb)1 << STEPS) - 1;

/* Words of STEPS bits, least significant first; the last one has the sign. */
struct number {
    slimb v[WORDS];
};

/* What a batch of division steps does to (f, g), times 2^STEPS. */
struct matrix {
    slimb u, v, q, r;
};

static void from_limbs(struct number *r, const limb a[LIMBS])
{
    for (unsigned i = 0; i < WORDS; i++) {
        unsigned bit = STEPS * i, at = bit / LIMB_BITS, shift = bit % LIMB_BITS;
        limb w = a[at] >> shift;
        if (shift > LIMB_BITS - STEPS && at + 1 < LIMBS)
            w |= a[at + 1] << (LIMB_BITS - shift);
        r->v[i] = (slimb)(w & MASK);
    }
}

static void to_limbs(limb r[LIMBS], const struct number *a)
{
    for (unsigned i = 0; i < LIMBS; i++)
        r[i] = 0;
    for (unsigned i = 0; i < WORDS; i++) {
        unsigned bit = STEPS * i, at = bit / LIMB_BITS, shift = bit % LIMB_BITS;
        r[at] |= (limb)a->v[i] << shift;
        if (shift > LIMB_BITS - STEPS && at + 1 < LIMBS)
            r[at + 1] |= (limb)a->v[i] >> (LIMB_BITS - shift);
    }
}

/* STEPS division steps on the low bits of f and g. zeta is -(delta + 1/2); returns the new one. */
static slimb division_steps(struct matrix *t, slimb zeta, limb f, limb g)
{
    limb u = 1, v = 0, q = 0, r = 1;
    for (int i = 0; i < STEPS; i++) {
        limb negative = limb_mask((limb)zeta >> (LIMB_BITS - 1)), odd = limb_mask(g & 1);
        g += ((f ^ negative) - negative) & odd;
        q += ((u ^ negative) - negative) & odd;
        r += ((v ^ negative) - negative) & odd;
        limb swap = negative & odd;
        zeta = (slimb)(((limb)zeta ^ swap) - 1);
        f += g & swap;
        u += q & swap;
        v += r & swap;
        g >>= 1;
        u <<= 1;
        v <<= 1;
    }
    *t = (struct matrix){(slimb)u, (slimb)v, (slimb)q, (slimb)r};
    return zeta;
}

/* (f, g) = t (f, g), exactly. */
static void update_fg(struct number *f, struct number *g, const struct matrix *t)
{
    sdlimb cf = 0, cg = 0;
    for (int i = 0; i < WORDS; i++) {
        slimb fi = f->v[i], gi = g->v[i];
        cf += (sdlimb)t->u * fi + (sdlimb)t->v * gi;
        cg += (sdlimb)t->q * fi + (sdlimb)t->r * gi;
        if (i > 0) {
            f->v[i - 1] = (slimb)((limb)cf & MASK);
            g->v[i - 1] = (slimb)((limb)cg & MASK);
        }
        cf >>= STEPS;
        cg >>= STEPS;
    }
    f->v[WORDS - 1] = (slimb)cf;
    g->v[WORDS - 1] = (slimb)cg;
}

/* (d, e) = t (d, e) modulo m: multiples of m make the division by 2^STEPS exact and keep d and e in
 * (-2m, m). */
static void update_de(struct number *d, struct number *e, const struct matrix *t, const struct number *m,
                      limb inverse)
{
    slimb sd = d->v[WORDS - 1] >> (LIMB_BITS - 1), se = e->v[WORDS - 1] >> (LIMB_BITS - 1);
    slimb md = (t->u & sd) + (t->v & se), me = (t->q & sd) + (t->r & se);
    sdlimb cd = 0, ce = 0;
    for (int i = 0; i < WORDS; i++) {
        slimb di = d->v[i], ei = e->v[i];
        cd += (sdlimb)t->u * di + (sdlimb)t->v * ei;
        ce += (sdlimb)t->q * di + (sdlimb)t->r * ei;
        if (i == 0) {
            md -= (slimb)((inverse * (limb)cd + (limb)md) & MASK);
            me -= (slimb)((inverse * (limb)ce + (limb)me) & MASK);
        }
        cd += (sdlimb)m->v[i] * md;
        ce += (sdlimb)m->v[i] * me;
        if (i > 0) {
            d->v[i - 1] = (slimb)((limb)cd & MASK);
            e->v[i - 1] = (slimb)((limb)ce & MASK);
        }
        cd >>= STEPS;
        ce >>= STEPS;
    }
    d->v[WORDS - 1] = (slimb)cd;
    e->v[WORDS - 1] = (slimb)ce;
}

/* r = r + (m if r is negative), then negated if the sign is negative. */
static void add_and_negate(struct number *r, const struct number *m, slimb sign)
{
    slimb add = r->v[WORDS - 1] >> (LIMB_BITS - 1), negate = sign >> (LIMB_BITS - 1), carry = 0;
    for (int i = 0; i < WORDS; i++) {
        slimb w = r->v[i] + (m->v[i] & add);
        w = ((w ^ negate) - negate) + carry;
        carry = w >> STEPS;
        r->v[i] = i + 1 < WORDS ? (slimb)((limb)w & MASK) : w;
    }
}

void limbs_invert(limb r[LIMBS], const limb a[LIMBS], const limb m[LIMBS], limb inverse)
{
    struct number d = {{0}}, e = {{1}}, f, g, modulus;
    struct matrix t;
    slimb zeta = -1;
    from_limbs(&modulus, m);
    f = modulus;
    from_limbs(&g, a);
    for (int i = 0; i < BATCHES; i++) {
        zeta = division_steps(&t, zeta, (limb)f.v[0], (limb)g.v[0]);
        update_de(&d, &e, &t, &modulus, inverse);
        update_fg(&f, &g, &t);
    }
    /* f is 1 or -1, or m for a = 0, where d is 0. */
    add_and_negate(&d, &modulus, f.v[WORDS - 1]);
    add_and_negate(&d, &modulus, 0);
    to_limbs(r, &d);
    sm9_wipe(&d, sizeof d);
    sm9_wipe(&e, sizeof e);
    sm9_wipe(&f, sizeof f);
    sm9_wipe(&g, sizeof g);
    sm9_wipe(&t, sizeof t);
}
