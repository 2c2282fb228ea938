#include "card/sm9/cyclotomic.h"

/* r = 3 s + 2 t, or 3 s - 2 t. */
static void triple_plus_double(struct fp4 *r, const struct fp4 *s, const struct fp4 *t)
{
    struct fp4 sum;
    fp4_add(&sum, s, t);
    fp4_double(&sum, &sum);
    fp4_add(r, &sum, s);
}

static void triple_minus_double(struct fp4 *r, const struct fp4 *s, const struct fp4 *t)
{
    struct fp4 diff;
    fp4_sub(&diff, s, t);
    fp4_double(&diff, &diff);
    fp4_add(r, &diff, s);
}

void fp12_square_cyclotomic(struct fp12 *r, const struct fp12 *a)
{
    struct fp4 s0, s1, s2, c;
    fp4_square(&s0, &a->a0);
    fp4_square(&s1, &a->a1);
    fp4_square(&s2, &a->a2);
    fp4_conjugate(&c, &a->a0);
    triple_minus_double(&r->a0, &s0, &c);
    fp4_conjugate(&c, &a->a1);
    fp4_mul_v(&s2, &s2);
    triple_plus_double(&r->a1, &s2, &c);
    fp4_conjugate(&c, &a->a2);
    triple_minus_double(&r->a2, &s1, &c);
}

/* a = a b, or a / b for b in the cyclotomic subgroup. */
static void multiply_or_divide(struct fp12 *a, const struct fp12 *b, bool divide)
{
    if (divide)
        fp12_conjugate(a, a);
    fp12_mul(a, a, b);
    if (divide)
        fp12_conjugate(a, a);
}

/* Over the signed digits 0, 1 and 3 of t. The highest is 3. */
void cyclotomic_power_t(struct fp12 *r, const struct fp12 *a, struct fp12 *cube)
{
    static const int8_t digits[] = {0, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0,
                                    0, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 1,  0, 0, 3,
                                    0, 0, 1, 0, 0, 0, 0, -1, 0, 0, 0, 3, 0, 0, 1, 0, 0, -3, 0};
    fp12_square_cyclotomic(cube, a);
    fp12_mul(cube, cube, a);
    *r = *cube;
    for (size_t i = 0; i < sizeof digits; i++) {
        fp12_square_cyclotomic(r, r);
        if (digits[i] == 3 || digits[i] == -3)
            multiply_or_divide(r, cube, digits[i] < 0);
        else if (digits[i] != 0)
            multiply_or_divide(r, a, digits[i] < 0);
    }
}

void cyclotomic_power_6(struct fp12 *a, struct fp12 *scratch)
{
    fp12_square_cyclotomic(scratch, a);
    fp12_mul(a, a, scratch);
    fp12_square_cyclotomic(a, a);
}
