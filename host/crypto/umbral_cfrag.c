#include <string.h>

#include "host/crypto/umbral_curve.h"

/* E1 = rk·E, V1 = rk·V; and that the same rk was used as in U1 = rk·U: E2 = kE, V2 = kV, U2 = kU, z = k +
 * h·rk.
 */
static enum tally_error transform(const struct tally_umbral_capsule *c, const umbral_scalar rk,
                                  const struct tally_random *random, struct tally_umbral_cfrag *f)
{
    umbral_scalar k, h;
    enum tally_error e = umbral_scalar_random(random, k);
    if (e != TALLY_OK)
        return e;
    bool good = umbral_point_mul(&c->e, rk, &f->e1) && umbral_point_mul(&c->v, rk, &f->v1) &&
                umbral_point_mul(&c->e, k, &f->e2) && umbral_point_mul(&c->v, k, &f->v2) &&
                umbral_u_mul(k, &f->u2) && umbral_hash_cfrag(c, f, h) && umbral_scalar_mul(rk, h, h) &&
                umbral_scalar_add(k, h, f->z);
    tally_wipe(k, sizeof k);
    tally_wipe(h, sizeof h);
    return good ? TALLY_OK : TALLY_E_BUG;
}

enum tally_error tally_umbral_reencrypt(const struct tally_umbral_capsule *capsule,
                                        const struct tally_umbral_verified_kfrag *kfrag,
                                        const struct tally_random *random,
                                        struct tally_umbral_verified_cfrag *cfrag)
{
    const struct tally_umbral_kfrag *k = &kfrag->kfrag;
    struct tally_umbral_cfrag *f = &cfrag->cfrag;
    memset(cfrag, 0, sizeof *cfrag);
    f->precursor = k->precursor;
    f->commitment = k->commitment;
    memcpy(f->id, k->id, sizeof f->id);
    memcpy(f->for_receiver, k->for_receiver, sizeof f->for_receiver);
    enum tally_error e = transform(capsule, k->key, random, f);
    if (e != TALLY_OK)
        tally_wipe(cfrag, sizeof *cfrag);
    return e;
}

/* zP = P2 + hP1, the left side given. */
static bool proves(const struct tally_umbral_point *zp, const struct tally_umbral_point *p1,
                   const struct tally_umbral_point *p2, const umbral_scalar h)
{
    struct tally_umbral_point right;
    return umbral_point_mul_public(p1, h, &right) && umbral_point_add(&right, p2, &right) &&
           umbral_point_equal(zp, &right);
}

static bool proof_holds(const struct tally_umbral_cfrag *f, const struct tally_umbral_capsule *c)
{
    umbral_scalar h;
    struct tally_umbral_point left;
    return umbral_hash_cfrag(c, f, h) && umbral_point_mul_public(&c->e, f->z, &left) &&
           proves(&left, &f->e1, &f->e2, h) && umbral_point_mul_public(&c->v, f->z, &left) &&
           proves(&left, &f->v1, &f->v2, h) && umbral_u_mul(f->z, &left) &&
           proves(&left, &f->commitment, &f->u2, h);
}

enum tally_error tally_umbral_cfrag_verify(const struct tally_umbral_cfrag *cfrag,
                                           const struct tally_umbral_capsule *capsule,
                                           const struct tally_umbral_public *verifying,
                                           const struct tally_umbral_public *delegating,
                                           const struct tally_umbral_public *receiving,
                                           struct tally_umbral_verified_cfrag *verified)
{
    uint8_t message[UMBRAL_KFRAG_MESSAGE_MAX];
    const struct tally_umbral_cfrag copy = *cfrag; /* verified may be where it came from */
    size_t n =
        umbral_kfrag_message(copy.id, &copy.commitment, &copy.precursor, delegating, receiving, message);
    enum tally_error e =
        tally_umbral_verify(verifying, &(struct tally_bytes){message, n}, 1, copy.for_receiver);
    if (e == TALLY_OK && !proof_holds(&copy, capsule))
        e = TALLY_E_CRYPTO;
    if (e == TALLY_OK)
        verified->cfrag = copy;
    else
        memset(verified, 0, sizeof *verified);
    return e;
}
