/* The key centre's side: master keys and extraction. */
#include "card/sm9/fixed.h"
#include "card/sm9/sm9.h"
#include "card/sm9/sm9_hash.h"
#include "card/sm9/wipe.h"

static bool id_ok(const struct sm9_id *id)
{
    return id->len >= 1 && id->len <= SM9_ID_MAX;
}

enum sm9_result sm9_master_generate(uint8_t master[SM9_KEY_BYTES], const struct sm9_random *random)
{
    struct fn k;
    enum sm9_result result = sm9_random_scalar(&k, random);
    fn_to_bytes(master, &k);
    sm9_wipe(&k, sizeof k);
    return result;
}

static void multiply_g1_generator(uint8_t out[G1_BYTES], const struct fn *k)
{
    struct g1 p;
    struct g1_affine a;
    g1_multiply_generator(&p, k->l);
    g1_to_affine(&a, &p);
    g1_to_bytes(out, &a);
    sm9_wipe(&p, sizeof p);
    sm9_wipe(&a, sizeof a);
    sm9_wipe_stack();
}

static void multiply_g2_generator(uint8_t out[G2_BYTES], const struct fn *k)
{
    struct g2 p;
    struct g2_affine a;
    g2_multiply_generator(&p, k->l);
    g2_to_affine(&a, &p);
    g2_to_bytes(out, &a);
    sm9_wipe(&p, sizeof p);
    sm9_wipe(&a, sizeof a);
    sm9_wipe_stack();
}

enum sm9_result sm9_sign_master_public(uint8_t ppub[G2_BYTES], const uint8_t master[SM9_KEY_BYTES])
{
    struct fn k;
    memset(ppub, 0, G2_BYTES);
    if (!fn_from_bytes(&k, master))
        return SM9_E_KEY;
    multiply_g2_generator(ppub, &k);
    sm9_wipe(&k, sizeof k);
    return SM9_OK;
}

enum sm9_result sm9_encrypt_master_public(uint8_t ppub[G1_BYTES], const uint8_t master[SM9_KEY_BYTES])
{
    struct fn k;
    memset(ppub, 0, G1_BYTES);
    if (!fn_from_bytes(&k, master))
        return SM9_E_KEY;
    multiply_g1_generator(ppub, &k);
    sm9_wipe(&k, sizeof k);
    return SM9_OK;
}

/* t2 = master / (H1(id || hid) + master). */
static enum sm9_result extraction_scalar(struct fn *t2, const uint8_t master[SM9_KEY_BYTES],
                                         const struct sm9_id *id, uint8_t hid)
{
    struct fn k, t1;
    memset(t2, 0, sizeof *t2);
    if (!id_ok(id))
        return SM9_E_LENGTH;
    if (!fn_from_bytes(&k, master))
        return SM9_E_KEY;
    sm9_h1(&t1, id, hid);
    fn_add(&t1, &t1, &k);
    enum sm9_result result = fn_is_zero(&t1) ? SM9_E_UNUSABLE_ID : SM9_OK;
    fn_invert(&t1, &t1);
    fn_mul(t2, &k, &t1);
    sm9_wipe(&k, sizeof k);
    sm9_wipe(&t1, sizeof t1);
    return result;
}

enum sm9_result sm9_sign_extract(uint8_t ds[G1_BYTES], const uint8_t master[SM9_KEY_BYTES],
                                 const struct sm9_id *id)
{
    struct fn t2;
    memset(ds, 0, G1_BYTES);
    enum sm9_result result = extraction_scalar(&t2, master, id, SM9_HID_SIGN);
    if (result == SM9_OK)
        multiply_g1_generator(ds, &t2);
    sm9_wipe(&t2, sizeof t2);
    return result;
}

enum sm9_result sm9_encrypt_extract(uint8_t de[G2_BYTES], const uint8_t master[SM9_KEY_BYTES],
                                    const struct sm9_id *id, uint8_t hid)
{
    struct fn t2;
    memset(de, 0, G2_BYTES);
    enum sm9_result result = extraction_scalar(&t2, master, id, hid);
    if (result == SM9_OK)
        multiply_g2_generator(de, &t2);
    sm9_wipe(&t2, sizeof t2);
    return result;
}

enum sm9_result sm9_sign_public_init(struct sm9_sign_public *key, const uint8_t ppub[G2_BYTES])
{
    struct fp12 g;
    memset(key, 0, sizeof *key);
    if (!g2_from_bytes(&key->ppub, ppub)) {
        memset(key, 0, sizeof *key);
        return SM9_E_KEY;
    }
    pairing(&g, &g1_generator, &key->ppub);
    gt_base_init(&key->g, &g);
    return SM9_OK;
}

enum sm9_result sm9_encrypt_public_init(struct sm9_encrypt_public *key, const uint8_t ppub[G1_BYTES])
{
    struct fp12 g;
    memset(key, 0, sizeof *key);
    if (!g1_from_bytes(&key->ppub, ppub)) {
        memset(key, 0, sizeof *key);
        return SM9_E_KEY;
    }
    pairing(&g, &key->ppub, &g2_generator);
    gt_base_init(&key->g, &g);
    return SM9_OK;
}

void sm9_sign_public_save(const struct sm9_sign_public *key, uint8_t g[FP12_BYTES])
{
    fp12_to_bytes(g, gt_base_element(&key->g));
}

void sm9_encrypt_public_save(const struct sm9_encrypt_public *key, uint8_t g[FP12_BYTES])
{
    fp12_to_bytes(g, gt_base_element(&key->g));
}

static bool load_base(struct gt_base *base, const uint8_t bytes[FP12_BYTES])
{
    struct fp12 g;
    if (!fp12_from_bytes(&g, bytes))
        return false;
    gt_base_init(base, &g);
    return true;
}

enum sm9_result sm9_sign_public_load(struct sm9_sign_public *key, const uint8_t ppub[G2_BYTES],
                                     const uint8_t g[FP12_BYTES])
{
    memset(key, 0, sizeof *key);
    if ((ppub == NULL || g2_from_bytes(&key->ppub, ppub)) && load_base(&key->g, g))
        return SM9_OK;
    memset(key, 0, sizeof *key);
    return SM9_E_KEY;
}

enum sm9_result sm9_encrypt_public_load(struct sm9_encrypt_public *key, const uint8_t ppub[G1_BYTES],
                                        const uint8_t g[FP12_BYTES])
{
    memset(key, 0, sizeof *key);
    if (g1_from_bytes(&key->ppub, ppub) && load_base(&key->g, g))
        return SM9_OK;
    memset(key, 0, sizeof *key);
    return SM9_E_KEY;
}

enum sm9_result sm9_sign_key_init(struct sm9_sign_key *key, const uint8_t ds[G1_BYTES])
{
    if (g1_from_bytes(&key->ds, ds))
        return SM9_OK;
    sm9_wipe(key, sizeof *key);
    return SM9_E_KEY;
}

enum sm9_result sm9_decrypt_key_init(struct sm9_decrypt_key *key, const uint8_t de[G2_BYTES])
{
    key->blind = fp2_one;
    if (g2_from_bytes(&key->de, de))
        return SM9_OK;
    sm9_wipe(key, sizeof *key);
    return SM9_E_KEY;
}

enum sm9_result sm9_decrypt_key_blind(struct sm9_decrypt_key *key, const struct sm9_random *random)
{
    struct fn c0, c1;
    enum sm9_result result = sm9_random_scalar(&c0, random);
    if (result == SM9_OK)
        result = sm9_random_scalar(&c1, random);
    /* Not zero, and below n, which is below p: some element. */
    if (result == SM9_OK) {
        memcpy(key->blind.c0.l, c0.l, sizeof c0.l);
        memcpy(key->blind.c1.l, c1.l, sizeof c1.l);
    }
    sm9_wipe(&c0, sizeof c0);
    sm9_wipe(&c1, sizeof c1);
    return result;
}
