#include "card/sm9/pairing.h"

#include "card/sm9/cyclotomic.h"

/* The signed digits of 6t + 2 below the highest, most significant first: length 66, weight 11. */
static const int8_t loop_digits[] = {0, 0,  1, 0,  0, 0, 0, 0,  0, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0, 0,
                                     0, 0,  0, 0,  0, 0, 0, 0,  0, 0,  0, 0, 0, 0, 0, 0, 0, 1, 0, 0,  0, 1,
                                     0, -1, 0, -1, 0, 0, 0, -1, 0, -1, 0, 0, 1, 0, 1, 0, 0, 0, 0, -1, 0};

/* A line l0.b0 + l2 w^2 + l0.b1 w^3, scaled by factors that the final exponentiation removes. */
struct line {
    struct fp4 l0;
    struct fp2 l2;
};

/* t = 2t, and the tangent at t evaluated at P: with slope s = 3x^2/2yz on the twist it is
 * yP w^3 - s xP w^2 + (s x - y)/z, here times 2yz and with z y^2 = x^3 + b z^3.
 * Costello, Lange, Naehrig, "Faster pairing computations on curves with high-degree twists", PKC 2010. */
static void double_step(struct g2 *t, struct line *l, const struct g1_affine *p)
{
    struct fp2 a, b, d, e, s;
    fp2_square(&a, &t->x);
    fp2_square(&b, &t->y);
    fp2_square(&d, &t->z);

    fp2_add(&e, &t->x, &t->y);
    fp2_square(&e, &e);
    fp2_sub(&e, &e, &a);
    fp2_sub(&e, &e, &b); /* 2xy */
    fp2_add(&s, &t->y, &t->z);
    fp2_square(&s, &s);
    fp2_sub(&s, &s, &b);
    fp2_sub(&s, &s, &d); /* 2yz */
    g2_mul_3b(&d, &d);   /* 3b z^2 */

    fp2_mul_fp(&l->l0.b1, &s, &p->y);
    fp2_sub(&l->l0.b0, &b, &d);
    fp2_triple(&a, &a);
    fp2_mul_fp(&a, &a, &p->x);
    fp2_neg(&l->l2, &a);

    fp2_mul(&t->z, &b, &s);
    fp2_double(&t->z, &t->z);
    fp2_double(&t->z, &t->z);
    fp2_triple(&a, &d);
    fp2_sub(&s, &b, &a);
    fp2_mul(&t->x, &e, &s);
    fp2_add(&s, &b, &a);
    fp2_square(&s, &s);
    fp2_square(&d, &d);
    fp2_triple(&d, &d);
    fp2_double(&d, &d);
    fp2_double(&d, &d);
    fp2_sub(&t->y, &s, &d);
}

/* t = t + q, and the line through them at P: times b, with slope a/b, b yP w^3 - a xP w^2 + (a xq - b yq). */
static void add_step(struct g2 *t, struct line *l, const struct g2_affine *q, const struct g1_affine *p)
{
    struct fp2 a, b, e, g, h;
    fp2_mul(&a, &q->y, &t->z);
    fp2_sub(&a, &t->y, &a);
    fp2_mul(&b, &q->x, &t->z);
    fp2_sub(&b, &t->x, &b);

    fp2_mul_fp(&l->l0.b1, &b, &p->y);
    fp2_mul(&l->l0.b0, &a, &q->x);
    fp2_mul(&h, &b, &q->y);
    fp2_sub(&l->l0.b0, &l->l0.b0, &h);
    fp2_mul_fp(&h, &a, &p->x);
    fp2_neg(&l->l2, &h);

    fp2_square(&h, &b);
    fp2_mul(&g, &t->x, &h);
    fp2_mul(&e, &b, &h);
    fp2_square(&h, &a);
    fp2_mul(&h, &h, &t->z);
    fp2_add(&h, &h, &e);
    fp2_sub(&h, &h, &g);
    fp2_sub(&h, &h, &g);
    fp2_mul(&t->x, &b, &h);
    fp2_sub(&g, &g, &h);
    fp2_mul(&a, &a, &g);
    fp2_mul(&h, &e, &t->y);
    fp2_sub(&t->y, &a, &h);
    fp2_mul(&t->z, &t->z, &e);
}

static void add_and_multiply(struct fp12 *f, struct g2 *t, const struct g2_affine *q,
                             const struct g1_affine *p)
{
    struct line l;
    add_step(t, &l, q, p);
    fp12_mul_line(f, f, &l.l0, &l.l2);
}

/* The first doubling, where f is still 1. A line of scaled coordinates is the line times an element of Fp2,
 * which the final exponentiation removes. */
static void start(struct fp12 *f, struct g2 *t, const struct g2_affine *q, const struct g1_affine *p,
                  const struct fp2 *blind)
{
    struct line l;
    fp2_mul(&t->x, &q->x, blind);
    fp2_mul(&t->y, &q->y, blind);
    t->z = *blind;
    double_step(t, &l, p);
    f->a0 = l.l0;
    f->a1 = fp4_zero;
    f->a2.b0 = l.l2;
    f->a2.b1 = fp2_zero;
}

void miller_loop(struct fp12 *f, const struct g1_affine *p, const struct g2_affine *q,
                 const struct fp2 *blind)
{
    struct g2_affine image = *q;
    struct g2 t;
    struct line l;
    start(f, &t, q, p, blind);
    for (size_t i = 1; i < sizeof loop_digits; i++) {
        fp12_square(f, f);
        double_step(&t, &l, p);
        fp12_mul_line(f, f, &l.l0, &l.l2);
        if (loop_digits[i] != 0) {
            image.y = q->y;
            if (loop_digits[i] < 0)
                fp2_neg(&image.y, &image.y);
            add_and_multiply(f, &t, &image, p);
        }
    }
    g2_endomorphism_affine(&image, q, 1);
    add_and_multiply(f, &t, &image, p);
    g2_endomorphism_affine(&image, q, 2);
    fp2_neg(&image.y, &image.y);
    add_and_multiply(f, &t, &image, p);
}

static void multiply_by_frobenius(struct fp12 *r, struct fp12 *a, unsigned power)
{
    fp12_frobenius(a, a, power);
    fp12_mul(r, r, a);
}

/* f = f^((p^4 - p^2 + 1)/n). The exponent is c0 + c1 p + c2 p^2 + p^3 with, for F1 = 6t, F2 = 6t^2 and
 * F3 = 36t^3,
 *     c2 = F2 + 1,  c1 = 1 - s,  c0 = -(s + 2 c2 + F1)  where  s = F3 + 3 F2 + 2 F1
 * (the polynomials of Scott, Benger, Charlemagne, Perez, Kachisa 2009). It has to be this exponent and not a
 * multiple of it, as in the shorter chains published since, because elements of GT are hashed. */
static void hard_part(struct fp12 *f)
{
    struct fp12 f1, f2, f3, u;
    cyclotomic_power_t(&f1, f, &u);
    cyclotomic_power_6(&f1, &u);
    cyclotomic_power_t(&f2, &f1, &u);
    cyclotomic_power_t(&f3, &f2, &u);
    cyclotomic_power_6(&f3, &u);

    fp12_mul(&u, &f2, &f1);
    fp12_square_cyclotomic(&u, &u);
    fp12_mul(&f3, &f3, &u);
    fp12_mul(&f3, &f3, &f2); /* s */
    fp12_mul(&f2, &f2, f);   /* c2 */
    fp12_square_cyclotomic(&u, &f2);
    fp12_mul(&f1, &f1, &u);
    fp12_mul(&f1, &f1, &f3);
    fp12_conjugate(&f1, &f1); /* c0 */
    fp12_conjugate(&f3, &f3);
    fp12_mul(&f3, &f3, f); /* c1 */

    multiply_by_frobenius(&f1, &f3, 1);
    multiply_by_frobenius(&f1, &f2, 2);
    fp12_frobenius(f, f, 3);
    fp12_mul(f, f, &f1);
}

/* r = a^((p^6 - 1)(p^2 + 1)). Not inlined: what it keeps has no place on the stack during the hard part. */
__attribute__((noinline)) static void easy_part(struct fp12 *r, const struct fp12 *a)
{
    struct fp12 t;
    fp12_invert(&t, a);
    fp12_conjugate(r, a);
    fp12_mul(r, r, &t);
    fp12_frobenius(&t, r, 2);
    fp12_mul(r, r, &t);
}

void final_exponentiation(struct fp12 *r, const struct fp12 *a)
{
    easy_part(r, a);
    hard_part(r);
}

void pairing_blinded(struct fp12 *r, const struct g1_affine *p, const struct g2_affine *q,
                     const struct fp2 *blind)
{
    miller_loop(r, p, q, blind);
    final_exponentiation(r, r);
}

void pairing(struct fp12 *r, const struct g1_affine *p, const struct g2_affine *q)
{
    pairing_blinded(r, p, q, &fp2_one);
}
