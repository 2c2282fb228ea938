/* Elements that look random and are the same in every run: SM3 of a counter. */
#ifndef TALLY_TESTS_SM9_RANDOM_H
#define TALLY_TESTS_SM9_RANDOM_H

#include <string.h>

#include "card/sm9/sm9.h"
#include "card/sm9/sm9_hash.h"
#include "host/base/bytes.h"
#include "tests/support/check_main.h"

static inline void unhex(const char *text, uint8_t *out, size_t size)
{
    size_t n;
    ck_assert_int_eq(tally_hex_decode(text, out, size, &n), TALLY_OK);
    ck_assert_uint_eq(n, size);
}

/* A struct sm9_random's fill. */
static inline int fill_stream(void *ctx, uint8_t *out, size_t n)
{
    uint32_t *counter = ctx;
    struct sm3 c;
    sm3_init(&c);
    sm3_update(&c, counter, sizeof *counter);
    (*counter)++;
    sm9_kdf(out, n, &c);
    return 0;
}

static inline void random_fp(uint32_t *state, struct fp *r)
{
    uint8_t bytes[FP_BYTES];
    do
        fill_stream(state, bytes, sizeof bytes);
    while (!fp_from_bytes(r, bytes));
}

static inline void random_fp2(uint32_t *state, struct fp2 *r)
{
    random_fp(state, &r->c0);
    random_fp(state, &r->c1);
}

static inline void random_fp12(uint32_t *state, struct fp12 *r)
{
    struct fp2 *const parts[] = {&r->a0.b0, &r->a0.b1, &r->a1.b0, &r->a1.b1, &r->a2.b0, &r->a2.b1};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        random_fp2(state, parts[i]);
}

/* In [1, n - 1]. */
static inline void random_fn(uint32_t *state, struct fn *r)
{
    const struct sm9_random random = {fill_stream, state};
    ck_assert_int_eq(sm9_random_scalar(r, &random), SM9_OK);
}

static inline void random_g1(uint32_t *state, struct g1 *r)
{
    struct fn k;
    random_fn(state, &k);
    g1_from_affine(r, &g1_generator);
    g1_multiply(r, r, k.l);
}

static inline void random_g2(uint32_t *state, struct g2 *r)
{
    struct fn k;
    random_fn(state, &k);
    g2_from_affine(r, &g2_generator);
    g2_multiply(r, r, k.l);
}

static inline void limbs_of_hex(limb r[LIMBS], const char *hex)
{
    uint8_t bytes[32];
    unhex(hex, bytes, sizeof bytes);
    limbs_from_bytes(r, bytes);
}

/* x1 z2 = x2 z1 and y1 z2 = y2 z1. */
static inline bool same_g1(const struct g1 *p, const struct g1 *q)
{
    struct fp x1, x2, y1, y2;
    fp_mul(&x1, &p->x, &q->z);
    fp_mul(&x2, &q->x, &p->z);
    fp_mul(&y1, &p->y, &q->z);
    fp_mul(&y2, &q->y, &p->z);
    return fp_equal(&x1, &x2) && fp_equal(&y1, &y2);
}

static inline bool same_g2(const struct g2 *p, const struct g2 *q)
{
    struct fp2 x1, x2, y1, y2;
    fp2_mul(&x1, &p->x, &q->z);
    fp2_mul(&x2, &q->x, &p->z);
    fp2_mul(&y1, &p->y, &q->z);
    fp2_mul(&y2, &q->y, &p->z);
    return fp2_equal(&x1, &x2) && fp2_equal(&y1, &y2);
}

#endif
