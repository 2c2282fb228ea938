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

/* r = p + q (algorithm 8); q is not the point at infinity, which has no affine coordinates. */
static void POINT_FN(add_affine)(struct POINT *r, const struct POINT *p, const struct AFFINE *q)
{
    struct FIELD t0, t1, t2, t3, t4, x, y;
    F(mul)(&t0, &p->x, &q->x);
    F(mul)(&t1, &p->y, &q->y);
    F(add)(&x, &q->x, &q->y);
    F(add)(&y, &p->x, &p->y);
    F(mul)(&t3, &x, &y);
    F(sub)(&t3, &t3, &t0);
    F(sub)(&t3, &t3, &t1); /* x1 y2 + x2 y1 */
    F(mul)(&t4, &q->y, &p->z);
    F(add)(&t4, &t4, &p->y); /* y1 + y2 z1 */
    F(mul)(&y, &q->x, &p->z);
    F(add)(&y, &y, &p->x); /* x1 + x2 z1 */

    F(double)(&x, &t0);
    F(add)(&t0, &x, &t0);
    MUL_3B(&t2, &p->z);
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

/* r = -p if the mask is all ones. */
static void POINT_FN(negate_if)(struct POINT *p, limb mask)
{
    struct FIELD minus_y;
    F(neg)(&minus_y, &p->y);
    F(select)(&p->y, mask, &minus_y, &p->y);
}

/* r = r + q or r - q if the mask negative is all ones, or r itself if the mask absent is: for entries of
 * tables of affine points, which have no point at infinity. */
static void POINT_FN(add_entry)(struct POINT *r, const struct AFFINE *q, limb negative, limb absent)
{
    struct AFFINE entry = {q->x, q->y};
    struct POINT sum;
    F(neg)(&entry.y, &q->y);
    F(select)(&entry.y, negative, &entry.y, &q->y);
    POINT_FN(add_affine)(&sum, r, &entry);
    F(select)(&r->x, absent, &r->x, &sum.x);
    F(select)(&r->y, absent, &r->y, &sum.y);
    F(select)(&r->z, absent, &r->z, &sum.z);
}

/* r = table[index - 1], reading all of it; infinity for index 0. */
static void POINT_FN(lookup)(struct POINT *r, const struct POINT *table, size_t entries, limb index)
{
    enum { POINT_LIMBS = sizeof(struct POINT) / sizeof(limb) };
    limbs_lookup((limb *)r, (const limb *)table, POINT_LIMBS, entries, index);
    F(select)(&r->y, limb_mask(limbs_is_zero(&index, 1)), &POINT_INFINITY.y, &r->y);
}

/* table[i] = (i + 1) p */
static void POINT_FN(multiples)(struct POINT *table, size_t entries, const struct POINT *p)
{
    table[0] = *p;
    for (size_t i = 1; i < entries; i++)
        POINT_FN(add)(&table[i], &table[i - 1], p);
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
