/* GB/T 38635.2, clause 6. */
#include "card/sm9/fixed.h"
#include "card/sm9/sm9.h"
#include "card/sm9/sm9_hash.h"
#include "card/sm9/wipe.h"

enum sm9_result sm9_sign(uint8_t signature[SM9_SIGNATURE_BYTES], const struct sm9_sign_public *key,
                         const struct sm9_sign_key *own, const void *message, size_t len,
                         const struct sm9_random *random)
{
    struct g1_affine s;
    struct g1 p;
    struct fn r, h, l;
    struct fp12 w;
    memset(signature, 0, SM9_SIGNATURE_BYTES);
    enum sm9_result result = sm9_blinded_point(&p, &own->ds, random);
    do {
        if (result == SM9_OK)
            result = sm9_random_scalar(&r, random);
        if (result != SM9_OK)
            goto out;
        gt_base_power(&w, &key->g, &r);
        sm9_h2(&h, message, len, &w);
        fn_sub(&l, &r, &h);
    } while (fn_is_zero(&l));

    g1_multiply(&p, &p, l.l);
    g1_to_affine(&s, &p);
    fn_to_bytes(signature, &h);
    signature[FN_BYTES] = 4;
    g1_to_bytes(signature + FN_BYTES + 1, &s);
out:
    sm9_wipe(&r, sizeof r);
    sm9_wipe(&l, sizeof l);
    sm9_wipe(&w, sizeof w);
    sm9_wipe(&p, sizeof p);
    sm9_wipe_stack();
    return result;
}

/* P = [H1(id || 01)] P2 + Ppub-s. Not inlined, as its points need no place on the stack during the pairing.
 */
__attribute__((noinline)) static void signer_point(struct g2_affine *q, const struct sm9_sign_public *key,
                                                   const struct sm9_id *id)
{
    struct fn h;
    struct g2 p, ppub;
    sm9_h1(&h, id, SM9_HID_SIGN);
    g2_multiply_generator(&p, h.l);
    g2_from_affine(&ppub, &key->ppub);
    g2_add(&p, &p, &ppub);
    g2_to_affine(q, &p);
}

enum sm9_result sm9_verify(const uint8_t signature[SM9_SIGNATURE_BYTES], const struct sm9_sign_public *key,
                           const struct sm9_id *id, const void *message, size_t len)
{
    struct fn h, h2;
    struct g1_affine s;
    struct g2_affine p;
    struct fp12 t, u;
    if (id->len < 1 || id->len > SM9_ID_MAX)
        return SM9_E_LENGTH;
    if (!fn_from_bytes(&h, signature))
        return SM9_E_RANGE;
    if (signature[FN_BYTES] != 4 || !g1_from_bytes(&s, signature + FN_BYTES + 1))
        return SM9_E_POINT;

    gt_base_power(&t, &key->g, &h);
    signer_point(&p, key, id);
    pairing(&u, &s, &p);
    fp12_mul(&u, &u, &t);
    sm9_h2(&h2, message, len, &u);
    fn_sub(&h2, &h2, &h);
    return fn_is_zero(&h2) ? SM9_OK : SM9_E_MISMATCH;
}
