/* Serialisation: MessagePack of the one shape in which the package writes its objects: arrays of known
 * length, bin 8, booleans. */
#include <string.h>

#include "host/crypto/umbral_curve.h"

enum { ARRAY = 0x90, BIN8 = 0xc4, FALSE = 0xc2, TRUE = 0xc3 };

/* ---- Writing ---- */

static uint8_t *put_array(uint8_t *out, unsigned count)
{
    *out = (uint8_t)(ARRAY | count);
    return out + 1;
}

static uint8_t *put_bytes(uint8_t *out, const uint8_t *bytes, size_t n)
{
    out[0] = BIN8;
    out[1] = (uint8_t)n;
    memcpy(out + 2, bytes, n);
    return out + 2 + n;
}

static uint8_t *put_point(uint8_t *out, const struct tally_umbral_point *p)
{
    return put_bytes(out, p->bytes, sizeof p->bytes);
}

static uint8_t *put_bool(uint8_t *out, bool value)
{
    *out = value ? TRUE : FALSE;
    return out + 1;
}

/* ---- Reading: false on anything else than what was to come ---- */

struct reader {
    const uint8_t *at, *end;
    bool good;
};

static const uint8_t *take(struct reader *r, size_t n)
{
    if (!r->good || (size_t)(r->end - r->at) < n) {
        r->good = false;
        return NULL;
    }
    r->at += n;
    return r->at - n;
}

static void get_array(struct reader *r, unsigned count)
{
    const uint8_t *p = take(r, 1);
    r->good = p != NULL && *p == (ARRAY | count);
}

static void get_bytes(struct reader *r, uint8_t *out, size_t n)
{
    const uint8_t *p = take(r, 2 + n);
    r->good = p != NULL && p[0] == BIN8 && p[1] == n;
    if (r->good)
        memcpy(out, p + 2, n);
}

static void get_point(struct reader *r, struct tally_umbral_point *out)
{
    uint8_t bytes[TALLY_UMBRAL_POINT_SIZE];
    get_bytes(r, bytes, sizeof bytes);
    r->good = r->good && umbral_point_read(bytes, out);
}

static void get_scalar(struct reader *r, umbral_scalar out)
{
    get_bytes(r, out, TALLY_UMBRAL_SCALAR_SIZE);
    r->good = r->good && umbral_scalar_valid(out);
}

/* Both halves in 1..n-1; the package refuses others when it reads. */
static void get_signature(struct reader *r, uint8_t out[TALLY_UMBRAL_SIGNATURE_SIZE])
{
    get_bytes(r, out, TALLY_UMBRAL_SIGNATURE_SIZE);
    r->good = r->good && umbral_scalar_valid(out) && umbral_scalar_valid(out + TALLY_UMBRAL_SCALAR_SIZE);
}

static bool get_bool(struct reader *r)
{
    const uint8_t *p = take(r, 1);
    r->good = p != NULL && (*p == TRUE || *p == FALSE);
    return r->good && *p == TRUE;
}

static bool finished(const struct reader *r)
{
    return r->good && r->at == r->end;
}

/* ---- Capsule ---- */

void tally_umbral_capsule_write(const struct tally_umbral_capsule *capsule,
                                uint8_t out[TALLY_UMBRAL_CAPSULE_SIZE])
{
    out = put_array(out, 3);
    out = put_point(out, &capsule->e);
    out = put_point(out, &capsule->v);
    put_bytes(out, capsule->s, sizeof capsule->s);
}

enum tally_error tally_umbral_capsule_read(const uint8_t *in, size_t n, struct tally_umbral_capsule *capsule)
{
    struct reader r = {in, in + n, true};
    get_array(&r, 3);
    get_point(&r, &capsule->e);
    get_point(&r, &capsule->v);
    get_scalar(&r, capsule->s);
    enum tally_error e = !finished(&r)                   ? TALLY_E_FORMAT
                         : umbral_capsule_check(capsule) ? TALLY_OK
                                                         : TALLY_E_CRYPTO;
    if (e != TALLY_OK)
        memset(capsule, 0, sizeof *capsule);
    return e;
}

static uint8_t *put_plain(uint8_t *out, const uint8_t *bytes, size_t n)
{
    memcpy(out, bytes, n);
    return out + n;
}

void tally_umbral_capsule_write_simple(const struct tally_umbral_capsule *capsule,
                                       uint8_t out[TALLY_UMBRAL_CAPSULE_SIMPLE_SIZE])
{
    out = put_plain(out, capsule->e.bytes, TALLY_UMBRAL_POINT_SIZE);
    out = put_plain(out, capsule->v.bytes, TALLY_UMBRAL_POINT_SIZE);
    put_plain(out, capsule->s, TALLY_UMBRAL_SCALAR_SIZE);
}

/* ---- Key fragment: parameters, id, key, precursor, proof ---- */

void tally_umbral_kfrag_write(const struct tally_umbral_kfrag *kfrag, uint8_t out[TALLY_UMBRAL_KFRAG_SIZE])
{
    out = put_array(out, 5);
    out = put_array(out, 1);
    out = put_bytes(out, umbral_u_bytes, TALLY_UMBRAL_POINT_SIZE);
    out = put_bytes(out, kfrag->id, sizeof kfrag->id);
    out = put_bytes(out, kfrag->key, sizeof kfrag->key);
    out = put_point(out, &kfrag->precursor);
    out = put_array(out, 5);
    out = put_point(out, &kfrag->commitment);
    out = put_bytes(out, kfrag->for_proxy, sizeof kfrag->for_proxy);
    out = put_bytes(out, kfrag->for_receiver, sizeof kfrag->for_receiver);
    out = put_bool(out, kfrag->delegating_signed);
    put_bool(out, kfrag->receiving_signed);
}

enum tally_error tally_umbral_kfrag_read(const uint8_t *in, size_t n, struct tally_umbral_kfrag *kfrag)
{
    struct reader r = {in, in + n, true};
    uint8_t u[TALLY_UMBRAL_POINT_SIZE] = {0};
    memset(kfrag, 0, sizeof *kfrag);
    get_array(&r, 5);
    get_array(&r, 1);
    get_bytes(&r, u, sizeof u);
    r.good = r.good && memcmp(u, umbral_u_bytes, sizeof u) == 0;
    get_bytes(&r, kfrag->id, sizeof kfrag->id);
    get_scalar(&r, kfrag->key);
    get_point(&r, &kfrag->precursor);
    get_array(&r, 5);
    get_point(&r, &kfrag->commitment);
    get_signature(&r, kfrag->for_proxy);
    get_signature(&r, kfrag->for_receiver);
    kfrag->delegating_signed = get_bool(&r);
    kfrag->receiving_signed = get_bool(&r);
    if (finished(&r))
        return TALLY_OK;
    tally_wipe(kfrag, sizeof *kfrag);
    return TALLY_E_FORMAT;
}

/* ---- Capsule fragment: E1, V1, id, precursor, proof ---- */

void tally_umbral_cfrag_write(const struct tally_umbral_cfrag *cfrag, uint8_t out[TALLY_UMBRAL_CFRAG_SIZE])
{
    out = put_array(out, 5);
    out = put_point(out, &cfrag->e1);
    out = put_point(out, &cfrag->v1);
    out = put_bytes(out, cfrag->id, sizeof cfrag->id);
    out = put_point(out, &cfrag->precursor);
    out = put_array(out, 6);
    out = put_point(out, &cfrag->e2);
    out = put_point(out, &cfrag->v2);
    out = put_point(out, &cfrag->commitment);
    out = put_point(out, &cfrag->u2);
    out = put_bytes(out, cfrag->z, sizeof cfrag->z);
    put_bytes(out, cfrag->for_receiver, sizeof cfrag->for_receiver);
}

enum tally_error tally_umbral_cfrag_read(const uint8_t *in, size_t n, struct tally_umbral_cfrag *cfrag)
{
    struct reader r = {in, in + n, true};
    memset(cfrag, 0, sizeof *cfrag);
    get_array(&r, 5);
    get_point(&r, &cfrag->e1);
    get_point(&r, &cfrag->v1);
    get_bytes(&r, cfrag->id, sizeof cfrag->id);
    get_point(&r, &cfrag->precursor);
    get_array(&r, 6);
    get_point(&r, &cfrag->e2);
    get_point(&r, &cfrag->v2);
    get_point(&r, &cfrag->commitment);
    get_point(&r, &cfrag->u2);
    get_scalar(&r, cfrag->z);
    get_signature(&r, cfrag->for_receiver);
    if (finished(&r))
        return TALLY_OK;
    memset(cfrag, 0, sizeof *cfrag);
    return TALLY_E_FORMAT;
}

void tally_umbral_cfrag_write_simple(const struct tally_umbral_cfrag *cfrag,
                                     uint8_t out[TALLY_UMBRAL_CFRAG_SIMPLE_SIZE])
{
    enum { N = TALLY_UMBRAL_POINT_SIZE };
    out = put_plain(out, cfrag->e1.bytes, N);
    out = put_plain(out, cfrag->v1.bytes, N);
    out = put_plain(out, cfrag->id, sizeof cfrag->id);
    out = put_plain(out, cfrag->precursor.bytes, N);
    out = put_plain(out, cfrag->e2.bytes, N);
    out = put_plain(out, cfrag->v2.bytes, N);
    out = put_plain(out, cfrag->commitment.bytes, N);
    out = put_plain(out, cfrag->u2.bytes, N);
    out = put_plain(out, cfrag->z, sizeof cfrag->z);
    put_plain(out, cfrag->for_receiver, sizeof cfrag->for_receiver);
}
