/* Feldman's verifiable sharing, once in each group. */
#include <string.h>

#include "card/sm9/wipe.h"
#include "host/base/bytes.h"
#include "host/ticketing/keycentre/points.h"
#include "host/ticketing/keycentre/threshold.h"

static void commit(enum curve_group group, const struct fn *coefficient, uint8_t *out)
{
    struct point p;
    point_zero(&p, group);
    point_add_generator(&p, coefficient);
    (void)point_to_bytes(out, &p);
    sm9_wipe(&p, sizeof p);
}

void keycentre_commitments(struct keycentre_size size, const struct keycentre_polynomials *polynomials,
                           struct keycentre_masters commitments[KEYCENTRE_THRESHOLD_MAX])
{
    memset(commitments, 0, KEYCENTRE_THRESHOLD_MAX * sizeof *commitments);
    for (unsigned k = 0; k < size.threshold; k++) {
        commit(IN_G2, &polynomials->sign[k], commitments[k].sign);
        commit(IN_G1, &polynomials->encrypt[k], commitments[k].encrypt);
    }
}

/* Horner's rule. */
static void evaluate(struct keycentre_size size, const struct fn *coefficients, unsigned index,
                     uint8_t out[FN_BYTES])
{
    struct fn sum = scalar_of(0), x = scalar_of(index);
    for (unsigned k = size.threshold; k > 0; k--) {
        fn_mul(&sum, &sum, &x);
        fn_add(&sum, &sum, &coefficients[k - 1]);
    }
    fn_to_bytes(out, &sum);
    sm9_wipe(&sum, sizeof sum);
}

void keycentre_deal(struct keycentre_size size, const struct keycentre_polynomials *polynomials,
                    unsigned index, uint8_t sign[FN_BYTES], uint8_t encrypt[FN_BYTES])
{
    evaluate(size, polynomials->sign, index, sign);
    evaluate(size, polynomials->encrypt, index, encrypt);
}

enum tally_error keycentre_commitments_at(struct keycentre_size size,
                                          const struct keycentre_masters commitments[KEYCENTRE_THRESHOLD_MAX],
                                          unsigned index, struct keycentre_masters *points)
{
    struct point sign, encrypt;
    bool good = true;
    memset(points, 0, sizeof *points);
    point_zero(&sign, IN_G2);
    point_zero(&encrypt, IN_G1);
    for (unsigned k = 0; good && k < size.threshold; k++) {
        struct fn power = scalar_power(index, k);
        good = point_add_multiple(&sign, commitments[k].sign, &power) &&
               point_add_multiple(&encrypt, commitments[k].encrypt, &power);
    }
    good = good && point_to_bytes(points->sign, &sign) && point_to_bytes(points->encrypt, &encrypt);
    if (!good)
        memset(points, 0, sizeof *points);
    return good ? TALLY_OK : TALLY_E_FORMAT;
}

enum tally_error keycentre_deal_check(struct keycentre_size size,
                                      const struct keycentre_masters commitments[KEYCENTRE_THRESHOLD_MAX],
                                      unsigned index, const uint8_t sign[FN_BYTES],
                                      const uint8_t encrypt[FN_BYTES])
{
    struct keycentre_masters want, got;
    struct fn f, g;
    enum tally_error e = keycentre_commitments_at(size, commitments, index, &want);
    if (e == TALLY_OK && (!fn_from_bytes(&f, sign) || !fn_from_bytes(&g, encrypt)))
        e = TALLY_E_FORMAT;
    if (e != TALLY_OK)
        return e;
    commit(IN_G2, &f, got.sign);
    commit(IN_G1, &g, got.encrypt);
    sm9_wipe(&f, sizeof f);
    sm9_wipe(&g, sizeof g);
    return tally_equal_ct(&want, &got, sizeof got) ? TALLY_OK : TALLY_E_CRYPTO;
}

/* *sum += *add in one group; infinity in sum is zeroes, in add it is refused. */
static bool add_points(enum curve_group group, uint8_t *sum, const uint8_t *add)
{
    static const uint8_t none[G2_BYTES];
    struct fn one = scalar_of(1);
    struct point p;
    point_zero(&p, group);
    if (memcmp(sum, none, point_size(group)) != 0 && !point_add_multiple(&p, sum, &one))
        return false;
    return point_add_multiple(&p, add, &one) && point_to_bytes(sum, &p);
}

enum tally_error keycentre_masters_add(struct keycentre_masters *sum, const struct keycentre_masters *add)
{
    bool good = add_points(IN_G2, sum->sign, add->sign) && add_points(IN_G1, sum->encrypt, add->encrypt);
    return good ? TALLY_OK : TALLY_E_FORMAT;
}

/* Also 0, which fn_from_bytes refuses. */
static bool read_scalar(struct fn *r, const uint8_t in[FN_BYTES])
{
    uint8_t any = 0;
    for (size_t i = 0; i < FN_BYTES; i++)
        any |= in[i];
    return fn_from_bytes(r, in) || any == 0;
}

enum tally_error keycentre_scalar_add(uint8_t sum[FN_BYTES], const uint8_t add[FN_BYTES])
{
    struct fn a, b;
    bool good = read_scalar(&a, sum) && read_scalar(&b, add);
    if (good) {
        fn_add(&a, &a, &b);
        fn_to_bytes(sum, &a);
    }
    sm9_wipe(&a, sizeof a);
    sm9_wipe(&b, sizeof b);
    return good ? TALLY_OK : TALLY_E_FORMAT;
}
