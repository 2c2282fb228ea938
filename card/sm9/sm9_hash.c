#include "card/sm9/sm9_hash.h"

#include "card/sm9/fixed.h"
#include "card/sm9/wipe.h"
#include "card/wire/be.h"

void sm9_kdf_block(uint8_t out[SM3_SIZE], const struct sm3 *input, uint32_t i)
{
    uint8_t counter[4];
    struct sm3 c = *input;
    be32_put(counter, i);
    sm3_update(&c, counter, sizeof counter);
    sm3_final(&c, out);
}

void sm9_kdf(uint8_t *out, size_t len, const struct sm3 *input)
{
    uint8_t block[SM3_SIZE];
    for (uint32_t i = 1; len > 0; i++) {
        sm9_kdf_block(block, input, i);
        size_t take = len < SM3_SIZE ? len : SM3_SIZE;
        memcpy(out, block, take);
        out += take;
        len -= take;
    }
    sm9_wipe(block, sizeof block);
}

/* 40 bytes of the same construction, modulo n - 1, plus 1. */
static void hash_to_scalar(struct fn *r, const struct sm3 *input)
{
    uint8_t wide[FN_HASH_BYTES];
    sm9_kdf(wide, sizeof wide, input);
    fn_from_hash(r, wide);
    sm9_wipe(wide, sizeof wide);
}

void sm9_h1(struct fn *r, const struct sm9_id *id, uint8_t hid)
{
    static const uint8_t prefix = 1;
    struct sm3 c;
    sm3_init(&c);
    sm3_update(&c, &prefix, 1);
    sm3_update(&c, id->bytes, id->len);
    sm3_update(&c, &hid, 1);
    hash_to_scalar(r, &c);
}

void sm9_update_gt(struct sm3 *c, const struct fp12 *a)
{
    uint8_t bytes[FP12_BYTES];
    fp12_to_bytes(bytes, a);
    sm3_update(c, bytes, sizeof bytes);
    sm9_wipe(bytes, sizeof bytes);
}

void sm9_h2(struct fn *r, const void *message, size_t len, const struct fp12 *w)
{
    static const uint8_t prefix = 2;
    struct sm3 c;
    sm3_init(&c);
    sm3_update(&c, &prefix, 1);
    sm3_update(&c, message, len);
    sm9_update_gt(&c, w);
    hash_to_scalar(r, &c);
    sm9_wipe(&c, sizeof c);
}

void sm9_kem_input(struct sm3 *input, const uint8_t c[G1_BYTES], const struct fp12 *w,
                   const struct sm9_id *id)
{
    sm3_init(input);
    sm3_update(input, c, G1_BYTES);
    sm9_update_gt(input, w);
    sm3_update(input, id->bytes, id->len);
}

enum sm9_result sm9_random_scalar(struct fn *r, const struct sm9_random *random)
{
    /* A draw is out of range with probability 0.29; 128 in a row do not happen with a working source. */
    uint8_t bytes[FN_BYTES];
    enum sm9_result result = SM9_E_RANDOM;
    for (int i = 0; i < 128 && result != SM9_OK; i++) {
        if (random->fill(random->ctx, bytes, sizeof bytes) != 0)
            break;
        if (fn_from_bytes(r, bytes))
            result = SM9_OK;
    }
    sm9_wipe(bytes, sizeof bytes);
    if (result != SM9_OK)
        memset(r, 0, sizeof *r);
    return result;
}

enum sm9_result sm9_blinded_point(struct g1 *r, const struct g1_affine *p, const struct sm9_random *random)
{
    struct fp z;
    struct fn scalar;
    enum sm9_result result = sm9_random_scalar(&scalar, random);
    /* Not zero, and below n, which is below p: some element. */
    memcpy(z.l, scalar.l, sizeof z.l);
    fp_mul(&r->x, &p->x, &z);
    fp_mul(&r->y, &p->y, &z);
    r->z = z;
    sm9_wipe(&z, sizeof z);
    sm9_wipe(&scalar, sizeof scalar);
    return result;
}

void sm9_identity_point(struct g1_affine *q, const struct sm9_encrypt_public *key, const struct sm9_id *id,
                        uint8_t hid)
{
    struct fn h;
    struct g1 p, ppub;
    sm9_h1(&h, id, hid);
    g1_multiply_generator(&p, h.l);
    g1_from_affine(&ppub, &key->ppub);
    g1_add(&p, &p, &ppub);
    g1_to_affine(q, &p);
}
