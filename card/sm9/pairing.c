#include "card/sm9/pairing.h"

/* The signed digits of 6t + 2 below the highest, most significant first: length 66, weight 11. */
static const int8_t loop_digits[] = {0, 0,  1, 0,  0, 0, 0, 0,  0, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0, 0,
                                     0, 0,  0, 0,  0, 0, 0, 0,  0, 0,  0, 0, 0, 0, 0, 0, 0, 1, 0, 0,  0, 1,
                                     0, -1, 0, -1, 0, 0, 0, -1, 0, -1, 0, 0, 1, 0, 1, 0, 0, 0, 0, -1, 0};

/* A running multiple of Q on the twist, Jacobian: (x/z^2, y/z^3). */
struct multiple {
    struct fp2 x, y, z;
};

/* A line l0 + l2 w^2, scaled by factors that the final exponentiation removes. */
struct line {
    struct fp4 l0;
    struct fp2 l2;
};

/* t = 2t, and the tangent at t evaluated at P.
 * With slope 3x^2/2yz the tangent times 2yz^3 w^3 is (3x^3 - 2y^2) - 3x^2 z^2 xP w^2 + 2yz^3 yP w^3. */
static void double_step(struct multiple *t, struct line *l, const struct g1_affine *p)
{
    struct fp2 a, b, c, d, e, zz, s;
    fp2_square(&a, &t->x);
    fp2_square(&b, &t->y);
    fp2_square(&c, &b);
    fp2_square(&zz, &t->z);
    fp2_add(&d, &t->x, &b);
    fp2_square(&d, &d);
    fp2_sub(&d, &d, &a);
    fp2_sub(&d, &d, &c);
    fp2_double(&d, &d); /* 4 x y^2 */
    fp2_triple(&e, &a); /* 3 x^2 */

    fp2_mul(&l->l0.b0, &e, &t->x);
    fp2_double(&s, &b);
    fp2_sub(&l->l0.b0, &l->l0.b0, &s);
    fp2_mul(&s, &e, &zz);
    fp2_mul_fp(&s, &s, &p->x);
    fp2_neg(&l->l2, &s);

    fp2_add(&s, &t->y, &t->z);
    fp2_square(&s, &s);
    fp2_sub(&s, &s, &b);
    fp2_sub(&t->z, &s, &zz); /* 2 y z */
    fp2_mul(&s, &t->z, &zz);
    fp2_mul_fp(&l->l0.b1, &s, &p->y);

    fp2_square(&s, &e);
    fp2_double(&a, &d);
    fp2_sub(&t->x, &s, &a);
    fp2_sub(&s, &d, &t->x);
    fp2_mul(&s, &e, &s);
    fp2_double(&c, &c);
    fp2_double(&c, &c);
    fp2_double(&c, &c);
    fp2_sub(&t->y, &s, &c);
}

/* t = t + q, and the line through them at P: (r xq - z' yq) - r xP w^2 + z' yP w^3, with r = yq z^3 - y and
 * z' = z (xq z^2 - x). */
static void add_step(struct multiple *t, struct line *l, const struct g2_affine *q, const struct g1_affine *p)
{
    struct fp2 zz, h, r, hh, hhh, v, s;
    fp2_square(&zz, &t->z);
    fp2_mul(&h, &q->x, &zz);
    fp2_sub(&h, &h, &t->x);
    fp2_mul(&zz, &zz, &t->z);
    fp2_mul(&r, &q->y, &zz);
    fp2_sub(&r, &r, &t->y);
    fp2_mul(&t->z, &t->z, &h);

    fp2_mul(&l->l0.b0, &r, &q->x);
    fp2_mul(&s, &t->z, &q->y);
    fp2_sub(&l->l0.b0, &l->l0.b0, &s);
    fp2_mul_fp(&l->l0.b1, &t->z, &p->y);
    fp2_mul_fp(&s, &r, &p->x);
    fp2_neg(&l->l2, &s);

    fp2_square(&hh, &h);
    fp2_mul(&hhh, &hh, &h);
    fp2_mul(&v, &t->x, &hh);
    fp2_square(&s, &r);
    fp2_sub(&s, &s, &hhh);
    fp2_sub(&s, &s, &v);
    fp2_sub(&t->x, &s, &v);
    fp2_sub(&v, &v, &t->x);
    fp2_mul(&v, &v, &r);
    fp2_mul(&hhh, &hhh, &t->y);
    fp2_sub(&t->y, &v, &hhh);
}

static void add_and_multiply(struct fp12 *f, struct multiple *t, const struct g2_affine *q,
                             const struct g1_affine *p)
{
    struct line l;
    add_step(t, &l, q, p);
    fp12_mul_line(f, f, &l.l0, &l.l2);
}

static void miller_loop(struct fp12 *f, const struct g1_affine *p, const struct g2_affine *q)
{
    struct g2_affine minus_q = *q, image;
    struct multiple t = {q->x, q->y, fp2_one};
    struct line l;
    fp2_neg(&minus_q.y, &minus_q.y);
    *f = fp12_one;
    for (size_t i = 0; i < sizeof loop_digits; i++) {
        fp12_square(f, f);
        double_step(&t, &l, p);
        fp12_mul_line(f, f, &l.l0, &l.l2);
        if (loop_digits[i] != 0)
            add_and_multiply(f, &t, loop_digits[i] > 0 ? q : &minus_q, p);
    }
    g2_frobenius(&image, q);
    add_and_multiply(f, &t, &image, p);
    g2_frobenius(&image, &image);
    fp2_neg(&image.y, &image.y);
    add_and_multiply(f, &t, &image, p);
}

/* r = a^t in the cyclotomic subgroup; the signed digits of t below the highest. r is not a. */
static void power_t(struct fp12 *r, const struct fp12 *a)
{
    static const int8_t digits[] = {0, -1, 0, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0,
                                    0, 0,  0, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0,  0, 0, 0, 0, 1, 0, -1,
                                    0, -1, 0, 0, 1, 0, 0, 0, 0, -1, 0, 1, 0, -1, 0, 0, 0, 1, 0, 1, 0};
    struct fp12 inverse;
    fp12_conjugate(&inverse, a);
    *r = *a;
    for (size_t i = 0; i < sizeof digits; i++) {
        fp12_square_cyclotomic(r, r);
        if (digits[i] != 0)
            fp12_mul(r, r, digits[i] > 0 ? a : &inverse);
    }
}

/* (p^4 - p^2 + 1)/n by Scott, Benger, Charlemagne, Perez, Kachisa, "On the final exponentiation for
 * calculating pairings on ordinary elliptic curves", 2009: exact, unlike later chains, which compute a fixed
 * power of it. */
static void hard_part(struct fp12 *r, const struct fp12 *f)
{
    struct fp12 f1, f2, f3, y, t0, t1;
    power_t(&f1, f);
    power_t(&f2, &f1);
    power_t(&f3, &f2);

    fp12_frobenius(&y, &f3, 1);
    fp12_mul(&t0, &f3, &y);
    fp12_conjugate(&t0, &t0); /* y6 = 1/(f^t3 f^(t3 p)) */
    fp12_square_cyclotomic(&t0, &t0);
    fp12_frobenius(&y, &f2, 1);
    fp12_mul(&y, &y, &f1);
    fp12_conjugate(&y, &y); /* y4 = 1/(f^t f^(t2 p)) */
    fp12_mul(&t0, &t0, &y);
    fp12_conjugate(&y, &f2); /* y5 = 1/f^t2 */
    fp12_mul(&t0, &t0, &y);
    fp12_frobenius(&t1, &f1, 1);
    fp12_conjugate(&t1, &t1); /* y3 = 1/f^(t p) */
    fp12_mul(&t1, &t1, &y);
    fp12_mul(&t1, &t1, &t0);
    fp12_frobenius(&y, &f2, 2); /* y2 = f^(t2 p^2) */
    fp12_mul(&t0, &t0, &y);
    fp12_square_cyclotomic(&t1, &t1);
    fp12_mul(&t1, &t1, &t0);
    fp12_square_cyclotomic(&t1, &t1);
    fp12_conjugate(&y, f); /* y1 = 1/f */
    fp12_mul(&t0, &t1, &y);
    fp12_frobenius(&y, f, 1);
    fp12_frobenius(&f2, f, 2);
    fp12_mul(&y, &y, &f2);
    fp12_frobenius(&f2, &f2, 1);
    fp12_mul(&y, &y, &f2); /* y0 = f^(p + p^2 + p^3) */
    fp12_mul(&t1, &t1, &y);
    fp12_square_cyclotomic(&t0, &t0);
    fp12_mul(r, &t0, &t1);
}

void final_exponentiation(struct fp12 *r, const struct fp12 *a)
{
    struct fp12 f, t;
    fp12_invert(&t, a);
    fp12_conjugate(&f, a);
    fp12_mul(&f, &f, &t); /* a^(p^6 - 1) */
    fp12_frobenius(&t, &f, 2);
    fp12_mul(&f, &f, &t); /* ^(p^2 + 1) */
    hard_part(r, &f);
}

void pairing(struct fp12 *r, const struct g1_affine *p, const struct g2_affine *q)
{
    struct fp12 f;
    miller_loop(&f, p, q);
    final_exponentiation(r, &f);
}
