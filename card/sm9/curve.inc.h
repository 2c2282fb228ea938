/* The group law of y^2 = x^3 + b in projective coordinates, once for G1 over Fp and once for G2 over Fp2.
 *
 * The includer defines: POINT, AFFINE (struct names), FIELD (a struct name), F(op) (function names of the
 * field) and MUL_3B(r, a), and includes this file. Formulas: Renes, Costello, Batina, "Complete addition
 * formulas for prime order elliptic curves", EUROCRYPT 2016, algorithms 7 and 9. They hold for every pair of
 * points of odd order, so there is nothing to branch on.
 */

static void POINT_FN(add)(struct POINT *r, const struct POINT *p, const struct POINT *q)
{
    struct FIELD t0, t1, t2, t3, t4, x, y;
    F(mul)(&t0, &p->x, &q->x);
    F(mul)(&t1, &p->y, &q->y);
    F(mul)(&t2, &p->z, &q->z);

    F(add)(&x, &p->x, &p->y);
    F(add)(&y, &q->x, &q->y);
    F(mul)(&t3, &x, &y);
    F(sub)(&t3, &t3, &t0);
    F(sub)(&t3, &t3, &t1); /* x1 y2 + x2 y1 */

    F(add)(&x, &p->y, &p->z);
    F(add)(&y, &q->y, &q->z);
    F(mul)(&t4, &x, &y);
    F(sub)(&t4, &t4, &t1);
    F(sub)(&t4, &t4, &t2); /* y1 z2 + y2 z1 */

    F(add)(&x, &p->x, &p->z);
    F(add)(&y, &q->x, &q->z);
    F(mul)(&y, &x, &y);
    F(sub)(&y, &y, &t0);
    F(sub)(&y, &y, &t2); /* x1 z2 + x2 z1 */

    F(double)(&x, &t0);
    F(add)(&t0, &x, &t0);
    MUL_3B(&t2, &t2);
    MUL_3B(&y, &y);
    F(add)(&x, &t1, &t2);
    F(sub)(&t1, &t1, &t2);

    F(mul)(&t2, &t4, &y);
    F(mul)(&r->x, &t3, &t1);
    F(sub)(&r->x, &r->x, &t2);
    F(mul)(&y, &y, &t0);
    F(mul)(&t1, &t1, &x);
    F(add)(&r->y, &t1, &y);
    F(mul)(&t0, &t0, &t3);
    F(mul)(&x, &x, &t4);
    F(add)(&r->z, &x, &t0);
}

static void POINT_FN(double)(struct POINT *r, const struct POINT *p)
{
    struct FIELD t0, t1, t2, z, xy;
    F(square)(&t0, &p->y);
    F(mul)(&t1, &p->y, &p->z);
    F(square)(&t2, &p->z);
    F(mul)(&xy, &p->x, &p->y);
    F(double)(&z, &t0);
    F(double)(&z, &z);
    F(double)(&z, &z); /* 8 y^2 */
    MUL_3B(&t2, &t2);

    F(mul)(&r->x, &t2, &z);
    F(mul)(&r->z, &t1, &z);
    F(add)(&r->y, &t0, &t2);
    F(double)(&t1, &t2);
    F(add)(&t2, &t1, &t2);
    F(sub)(&t0, &t0, &t2);
    F(mul)(&r->y, &t0, &r->y);
    F(add)(&r->y, &r->x, &r->y);
    F(mul)(&r->x, &t0, &xy);
    F(double)(&r->x, &r->x);
}

static void POINT_FN(select)(struct POINT *r, limb mask, const struct POINT *p, const struct POINT *q)
{
    F(select)(&r->x, mask, &p->x, &q->x);
    F(select)(&r->y, mask, &p->y, &q->y);
    F(select)(&r->z, mask, &p->z, &q->z);
}

/* r = k p for a secret k below 2^256: four bits at a time, every table entry read. */
static void POINT_FN(multiply)(struct POINT *r, const struct POINT *p, const limb k[LIMBS])
{
    struct POINT table[16], sum = POINT_INFINITY, entry;
    table[0] = sum;
    table[1] = *p;
    for (size_t i = 2; i < 16; i++)
        POINT_FN(add)(&table[i], &table[i - 1], p);
    for (size_t bit = 256; bit > 0; bit -= 4) {
        for (int i = 0; i < 4; i++)
            POINT_FN(double)(&sum, &sum);
        limb digit = k[(bit - 4) / LIMB_BITS] >> ((bit - 4) % LIMB_BITS) & 15;
        entry = table[0];
        for (limb i = 1; i < 16; i++) {
            limb diff = i ^ digit;
            POINT_FN(select)(&entry, limb_mask(limbs_is_zero(&diff, 1)), &table[i], &entry);
        }
        POINT_FN(add)(&sum, &sum, &entry);
    }
    *r = sum;
}

/* Affine coordinates; false (and x = y = 0) for the point at infinity. */
static bool POINT_FN(to_affine)(struct AFFINE *r, const struct POINT *p)
{
    struct FIELD z;
    F(invert)(&z, &p->z);
    F(mul)(&r->x, &p->x, &z);
    F(mul)(&r->y, &p->y, &z);
    return !F(is_zero)(&p->z);
}
