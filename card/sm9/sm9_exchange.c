/* GB/T 38635.2, clause 7. */
#include "card/sm9/sm9.h"
#include "card/sm9/sm9_hash.h"
#include "card/sm9/wipe.h"

enum sm9_result sm9_exchange_begin(struct sm9_exchange *x, const struct sm9_encrypt_public *key,
                                   const struct sm9_id *other, const struct sm9_random *random)
{
    struct g1_affine q;
    struct g1 p;
    memset(x, 0, sizeof *x);
    if (other->len < 1 || other->len > SM9_ID_MAX)
        return SM9_E_LENGTH;
    sm9_identity_point(&q, key, other, SM9_HID_EXCHANGE);
    enum sm9_result result = sm9_random_scalar(&x->r, random);
    if (result == SM9_OK)
        result = sm9_blinded_point(&p, &q, random);
    if (result != SM9_OK) {
        sm9_wipe(x, sizeof *x);
        return result;
    }
    g1_multiply(&p, &p, x->r.l);
    g1_to_affine(&q, &p);
    g1_to_bytes(x->mine, &q);
    sm9_wipe(&p, sizeof p);
    sm9_wipe_stack();
    return SM9_OK;
}

/* What both sides agree on: the three pairing values and the transcript. */
struct agreement {
    struct fp12 g1, g2, g3;
    const struct sm9_id *a, *b;
    const uint8_t *ra, *rb;
};

static void update_transcript(struct sm3 *c, const struct agreement *g)
{
    sm3_update(c, g->a->bytes, g->a->len);
    sm3_update(c, g->b->bytes, g->b->len);
    sm3_update(c, g->ra, G1_BYTES);
    sm3_update(c, g->rb, G1_BYTES);
}

static void confirmation(uint8_t out[32], uint8_t prefix, const struct agreement *g)
{
    struct sm3 c;
    uint8_t inner[SM3_SIZE];
    sm3_init(&c);
    sm9_update_gt(&c, &g->g2);
    sm9_update_gt(&c, &g->g3);
    update_transcript(&c, g);
    sm3_final(&c, inner);
    sm3_init(&c);
    sm3_update(&c, &prefix, 1);
    sm9_update_gt(&c, &g->g1);
    sm3_update(&c, inner, sizeof inner);
    sm3_final(&c, out);
    sm9_wipe(inner, sizeof inner);
}

static void derive(uint8_t *key_out, size_t key_len, const struct agreement *g)
{
    struct sm3 c;
    sm3_init(&c);
    update_transcript(&c, g);
    sm9_update_gt(&c, &g->g1);
    sm9_update_gt(&c, &g->g2);
    sm9_update_gt(&c, &g->g3);
    sm9_kdf(key_out, key_len, &c);
    sm9_wipe(&c, sizeof c);
}

enum sm9_result sm9_exchange_finish(struct sm9_exchange *x, const struct sm9_encrypt_public *key,
                                    const struct sm9_decrypt_key *own, bool initiator,
                                    const struct sm9_id *id_initiator, const struct sm9_id *id_responder,
                                    const uint8_t other_r[G1_BYTES], uint8_t *key_out, size_t key_len,
                                    uint8_t confirm_82[32], uint8_t confirm_83[32])
{
    struct agreement g = {.a = id_initiator, .b = id_responder};
    struct g1_affine r_other;
    struct fp12 mine, received;
    memset(confirm_82, 0, 32);
    memset(confirm_83, 0, 32);
    if (key_len < 1 || key_len > SM9_DERIVED_MAX)
        return SM9_E_LENGTH;
    memset(key_out, 0, key_len);
    if (!g1_from_bytes(&r_other, other_r))
        return SM9_E_POINT;

    /* The initiator has g1 = e(Ppub, P2)^rA and g2 = e(RB, deA); the responder the other way round; g3 joins
     * both. */
    gt_base_power(&mine, &key->g, &x->r);
    pairing_blinded(&received, &r_other, &own->de, &own->blind);
    gt_power(&g.g3, &received, &x->r);
    g.g1 = initiator ? mine : received;
    g.g2 = initiator ? received : mine;
    g.ra = initiator ? x->mine : other_r;
    g.rb = initiator ? other_r : x->mine;
    derive(key_out, key_len, &g);
    confirmation(confirm_82, 0x82, &g);
    confirmation(confirm_83, 0x83, &g);

    sm9_wipe(&g, sizeof g);
    sm9_wipe(&mine, sizeof mine);
    sm9_wipe(&received, sizeof received);
    sm9_wipe(x, sizeof *x);
    sm9_wipe_stack();
    return SM9_OK;
}
