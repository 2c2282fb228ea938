#include <string.h>

#include "host/crypto/umbral_curve.h"

enum { PARTS_MAX = 12 };

bool umbral_hash_under(struct tally_bytes dst, const struct tally_bytes *parts, size_t count,
                       umbral_scalar out)
{
    struct tally_bytes all[PARTS_MAX + 2];
    const uint8_t length[4] = {(uint8_t)(dst.n >> 24), (uint8_t)(dst.n >> 16), (uint8_t)(dst.n >> 8),
                               (uint8_t)dst.n};
    if (count > PARTS_MAX)
        return false;
    all[0] = (struct tally_bytes){length, sizeof length};
    all[1] = dst;
    if (count > 0)
        memcpy(all + 2, parts, count * sizeof *parts);
    if (tally_sha256_labelled("", all, count + 2, out) != TALLY_OK)
        return false;
    umbral_scalar_reduce_nonzero(out);
    return true;
}

bool umbral_hash(const char *dst, const struct tally_bytes *parts, size_t count, umbral_scalar out)
{
    return umbral_hash_under((struct tally_bytes){(const uint8_t *)dst, strlen(dst)}, parts, count, out);
}

static struct tally_bytes part(const struct tally_umbral_point *p)
{
    return (struct tally_bytes){p->bytes, TALLY_UMBRAL_POINT_SIZE};
}

bool umbral_hash_capsule(const struct tally_umbral_point *e, const struct tally_umbral_point *v,
                         umbral_scalar out)
{
    return umbral_hash("CAPSULE_POINTS", (struct tally_bytes[]){part(e), part(v)}, 2, out);
}

bool umbral_hash_shared(const struct umbral_shared *shared, umbral_scalar d)
{
    const struct tally_bytes parts[] = {part(shared->precursor), part(shared->receiving), part(shared->dh)};
    return umbral_hash("SHARED_SECRET", parts, 3, d);
}

bool umbral_hash_polynomial_arg(const struct umbral_shared *shared, const uint8_t id[TALLY_UMBRAL_ID_SIZE],
                                umbral_scalar out)
{
    const struct tally_bytes parts[] = {
        part(shared->precursor), part(shared->receiving), part(shared->dh), {id, TALLY_UMBRAL_ID_SIZE}};
    return umbral_hash("POLYNOMIAL_ARG", parts, 4, out);
}

bool umbral_hash_cfrag(const struct tally_umbral_capsule *c, const struct tally_umbral_cfrag *f,
                       umbral_scalar h)
{
    const struct tally_bytes u = {umbral_u_bytes, TALLY_UMBRAL_POINT_SIZE};
    const struct tally_bytes parts[] = {part(&c->e), part(&f->e1),         part(&f->e2),
                                        part(&c->v), part(&f->v1),         part(&f->v2),
                                        u,           part(&f->commitment), part(&f->u2)};
    return umbral_hash("CFRAG_VERIFICATION", parts, sizeof parts / sizeof *parts, h);
}
