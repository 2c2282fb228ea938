#include <string.h>

#include "host/crypto/umbral_curve.h"

/* ---- Making and checking a capsule ---- */

bool umbral_capsule_check(const struct tally_umbral_capsule *capsule)
{
    umbral_scalar h;
    struct tally_umbral_point left, right;
    return umbral_hash_capsule(&capsule->e, &capsule->v, h) && umbral_base_mul(capsule->s, &left) &&
           umbral_point_mul_public(&capsule->e, h, &right) && umbral_point_add(&capsule->v, &right, &right) &&
           umbral_point_equal(&left, &right);
}

/* E = rG, V = uG, s = u + r·H(E, V); the key point is (r + u)·A. */
static enum tally_error encapsulate(const struct tally_umbral_public *delegating,
                                    const struct tally_random *random, struct tally_umbral_capsule *capsule,
                                    struct tally_umbral_point *key_point)
{
    umbral_scalar r, u, h, t;
    enum tally_error e = umbral_scalar_random(random, r);
    if (e == TALLY_OK)
        e = umbral_scalar_random(random, u);
    if (e == TALLY_OK) {
        bool good = umbral_base_mul(r, &capsule->e) && umbral_base_mul(u, &capsule->v) &&
                    umbral_hash_capsule(&capsule->e, &capsule->v, h) && umbral_scalar_mul(r, h, t) &&
                    umbral_scalar_add(u, t, capsule->s) && umbral_scalar_add(r, u, t) &&
                    umbral_point_mul(&delegating->at, t, key_point);
        e = good ? TALLY_OK : TALLY_E_BUG;
    }
    tally_wipe(r, sizeof r);
    tally_wipe(u, sizeof u);
    tally_wipe(t, sizeof t);
    return e;
}

enum tally_error tally_umbral_encrypt(const struct tally_umbral_public *delegating, const uint8_t *plaintext,
                                      size_t n, const struct tally_bytes *context, size_t count,
                                      const struct tally_random *random, struct tally_umbral_capsule *capsule,
                                      uint8_t *ciphertext)
{
    struct tally_umbral_point key_point;
    memset(capsule, 0, sizeof *capsule);
    if (n > TALLY_UMBRAL_PLAINTEXT_MAX)
        return TALLY_E_USAGE;
    enum tally_error e = encapsulate(delegating, random, capsule, &key_point);
    if (e == TALLY_OK)
        e = umbral_seal(&key_point, capsule, context, count, random, plaintext, n, ciphertext);
    else
        memset(ciphertext, 0, n + TALLY_UMBRAL_OVERHEAD);
    if (e != TALLY_OK)
        memset(capsule, 0, sizeof *capsule);
    tally_wipe(&key_point, sizeof key_point);
    return e;
}

/* TALLY_OK when n can be the size of a ciphertext. */
static enum tally_error check_size(size_t n)
{
    if (n < TALLY_UMBRAL_OVERHEAD)
        return TALLY_E_FORMAT;
    return n - TALLY_UMBRAL_OVERHEAD <= TALLY_UMBRAL_PLAINTEXT_MAX ? TALLY_OK : TALLY_E_USAGE;
}

/* ---- By the owner: a(E + V) ---- */

enum tally_error tally_umbral_decrypt_original(const struct tally_umbral_secret *delegating,
                                               const struct tally_umbral_capsule *capsule,
                                               const struct tally_bytes *context, size_t count,
                                               const uint8_t *ciphertext, size_t n, uint8_t *plaintext)
{
    struct tally_umbral_point key_point;
    enum tally_error e = check_size(n);
    if (e != TALLY_OK)
        return e;
    if (umbral_point_add(&capsule->e, &capsule->v, &key_point) &&
        umbral_point_mul(&key_point, delegating->scalar, &key_point)) {
        e = umbral_open(&key_point, capsule, context, count, ciphertext, n, plaintext);
    } else {
        e = TALLY_E_CRYPTO; /* E = -V: no capsule that anybody made */
        memset(plaintext, 0, n - TALLY_UMBRAL_OVERHEAD);
    }
    tally_wipe(&key_point, sizeof key_point);
    return e;
}

/* ---- By the receiver ---- */

/* What the receiver computes from its key and the precursor of the fragments. */
struct receiver {
    struct tally_umbral_point dh;
    struct umbral_shared shared;
    umbral_scalar d, inverse;
};

static bool meet(const struct tally_umbral_secret *receiving, const struct tally_umbral_point *precursor,
                 struct receiver *r)
{
    r->shared = (struct umbral_shared){precursor, &receiving->public_key.at, &r->dh};
    return umbral_point_mul(precursor, receiving->scalar, &r->dh) && umbral_hash_shared(&r->shared, r->d) &&
           umbral_scalar_invert(r->d, r->inverse);
}

/* Lagrange's coefficient of fragment i at 0: the product of x_j / (x_j - x_i). False for two equal x. */
static bool coefficient(umbral_scalar *x, size_t count, size_t i, umbral_scalar out)
{
    umbral_scalar numerator, denominator, minus, difference;
    bool first = true, good = umbral_scalar_negate(x[i], minus);
    for (size_t j = 0; good && j < count; j++) {
        if (j == i)
            continue;
        good = umbral_scalar_add(x[j], minus, difference);
        if (first) {
            memcpy(numerator, x[j], sizeof numerator);
            memcpy(denominator, difference, sizeof denominator);
        } else {
            good = good && umbral_scalar_mul(numerator, x[j], numerator) &&
                   umbral_scalar_mul(denominator, difference, denominator);
        }
        first = false;
    }
    good = good && umbral_scalar_invert(denominator, denominator) &&
           umbral_scalar_mul(numerator, denominator, out);
    tally_wipe(numerator, sizeof numerator);
    tally_wipe(denominator, sizeof denominator);
    tally_wipe(minus, sizeof minus);
    tally_wipe(difference, sizeof difference);
    return good;
}

/* Adds weight·p to sum; the first of all sets it. */
static bool accumulate(const struct tally_umbral_point *p, const umbral_scalar weight, bool first,
                       struct tally_umbral_point *sum)
{
    struct tally_umbral_point term;
    return umbral_point_mul(p, weight, &term) &&
           (first ? (*sum = term, true) : umbral_point_add(sum, &term, sum));
}

/* E' and V': the fragments' points at share index 0, which are no secret: one proxy of 1 of 1 would have sent
 * them. */
static bool combine(const struct receiver *r, const struct tally_umbral_verified_cfrag *cfrags, size_t count,
                    struct tally_umbral_point *e, struct tally_umbral_point *v)
{
    umbral_scalar x[TALLY_UMBRAL_SHARES_MAX], weight;
    bool good = true;
    if (count == 1) {
        *e = cfrags[0].cfrag.e1;
        *v = cfrags[0].cfrag.v1;
        return true;
    }
    for (size_t i = 0; good && i < count; i++)
        good = umbral_hash_polynomial_arg(&r->shared, cfrags[i].cfrag.id, x[i]);
    for (size_t i = 0; good && i < count; i++)
        good = coefficient(x, count, i, weight) && accumulate(&cfrags[i].cfrag.e1, weight, i == 0, e) &&
               accumulate(&cfrags[i].cfrag.v1, weight, i == 0, v);
    tally_wipe(x, sizeof x);
    tally_wipe(weight, sizeof weight);
    return good;
}

/* Checks (s/d)·A = h·E' + V', then the key point is d(E' + V'). */
static bool decapsulate(const struct receiver *r, const struct tally_umbral_public *delegating,
                        const struct tally_umbral_capsule *capsule,
                        const struct tally_umbral_verified_cfrag *cfrags, size_t count,
                        struct tally_umbral_point *key_point)
{
    umbral_scalar h, t;
    struct tally_umbral_point e, v, left, right;
    bool good = combine(r, cfrags, count, &e, &v) && umbral_hash_capsule(&capsule->e, &capsule->v, h) &&
                umbral_scalar_mul(capsule->s, r->inverse, t) && umbral_point_mul(&delegating->at, t, &left) &&
                umbral_point_mul_public(&e, h, &right) && umbral_point_add(&right, &v, &right) &&
                umbral_point_equal(&left, &right) && umbral_point_add(&e, &v, key_point) &&
                umbral_point_mul(key_point, r->d, key_point);
    tally_wipe(t, sizeof t);
    tally_wipe(&left, sizeof left);
    return good;
}

static bool of_one_delegation(const struct tally_umbral_verified_cfrag *cfrags, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (!umbral_point_equal(&cfrags[0].cfrag.precursor, &cfrags[i].cfrag.precursor))
            return false;
    return true;
}

enum tally_error tally_umbral_decrypt_reencrypted(const struct tally_umbral_secret *receiving,
                                                  const struct tally_umbral_public *delegating,
                                                  const struct tally_umbral_capsule *capsule,
                                                  const struct tally_umbral_verified_cfrag *cfrags,
                                                  size_t cfrag_count, const struct tally_bytes *context,
                                                  size_t count, const uint8_t *ciphertext, size_t n,
                                                  uint8_t *plaintext)
{
    struct tally_umbral_point key_point;
    struct receiver r;
    enum tally_error e = check_size(n);
    if (e != TALLY_OK)
        return e;
    if (cfrag_count == 0 || cfrag_count > TALLY_UMBRAL_SHARES_MAX)
        e = TALLY_E_USAGE;
    else if (!of_one_delegation(cfrags, cfrag_count) || !meet(receiving, &cfrags[0].cfrag.precursor, &r) ||
             !decapsulate(&r, delegating, capsule, cfrags, cfrag_count, &key_point))
        e = TALLY_E_CRYPTO;
    if (e == TALLY_OK)
        e = umbral_open(&key_point, capsule, context, count, ciphertext, n, plaintext);
    else
        memset(plaintext, 0, n - TALLY_UMBRAL_OVERHEAD);
    tally_wipe(&key_point, sizeof key_point);
    tally_wipe(&r, sizeof r);
    return e;
}
