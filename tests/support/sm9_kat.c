#include "tests/support/sm9_kat.h"

#include <string.h>

#include "card/sm9/sm9.h"
#include "card/sm9/sm9_hash.h"
#include "tests/support/sm9_vectors.h"

static const struct sm9_id alice = {(const uint8_t *)SM9_VECTOR_ALICE, sizeof SM9_VECTOR_ALICE - 1};
static const struct sm9_id bob = {(const uint8_t *)SM9_VECTOR_BOB, sizeof SM9_VECTOR_BOB - 1};

/* What is large stays off the stack of a microcontroller. */
static union {
    struct sm9_sign_public sign;
    struct sm9_encrypt_public encrypt;
} public_key;
static struct fp12 value, other;

static uint8_t digit(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void unhex(uint8_t *out, size_t n, const char *hex)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
}

static void check_bytes(const struct sm9_kat *kat, const char *name, const uint8_t *got, size_t n,
                        const char *want)
{
    bool same = strlen(want) == 2 * n;
    for (size_t i = 0; same && i < n; i++)
        same = got[i] == (uint8_t)(digit(want[2 * i]) << 4 | digit(want[2 * i + 1]));
    kat->result(kat->ctx, name, same);
}

static void check_result(const struct sm9_kat *kat, const char *name, enum sm9_result r)
{
    kat->result(kat->ctx, name, r == SM9_OK);
}

static void check_fn(const struct sm9_kat *kat, const char *name, const struct fn *got, const char *want)
{
    uint8_t bytes[FN_BYTES];
    fn_to_bytes(bytes, got);
    check_bytes(kat, name, bytes, sizeof bytes, want);
}

static void check_gt(const struct sm9_kat *kat, const char *name, const struct fp12 *got, const char *want)
{
    static uint8_t bytes[FP12_BYTES];
    fp12_to_bytes(bytes, got);
    check_bytes(kat, name, bytes, sizeof bytes, want);
}

static void read_fn(struct fn *r, const char *hex)
{
    uint8_t bytes[FN_BYTES];
    unhex(bytes, sizeof bytes, hex);
    (void)fn_from_bytes(r, bytes);
}

static bool read_g1(struct g1_affine *p, const char *hex)
{
    uint8_t bytes[G1_BYTES];
    unhex(bytes, sizeof bytes, hex);
    return g1_from_bytes(p, bytes);
}

static bool read_g2(struct g2_affine *p, const char *hex)
{
    uint8_t bytes[G2_BYTES];
    unhex(bytes, sizeof bytes, hex);
    return g2_from_bytes(p, bytes);
}

/* A source that hands out the standard's r. */
static int fill_from_hex(void *ctx, uint8_t *out, size_t n)
{
    unhex(out, n, ctx);
    return 0;
}

static struct sm9_random from_hex(const char *hex)
{
    return (struct sm9_random){fill_from_hex, (void *)(uintptr_t)hex};
}

/* ---- Annex A: signature ---- */

static void extraction(const struct sm9_kat *kat)
{
    uint8_t master[SM9_KEY_BYTES], ppub[G2_BYTES], ds[G1_BYTES];
    struct fn h1, t2, k;
    unhex(master, sizeof master, sm9_vector_a_ks);
    check_result(kat, "A Ppub-s", sm9_sign_master_public(ppub, master));
    check_bytes(kat, "A Ppub-s value", ppub, sizeof ppub, sm9_vector_a_ppub);
    sm9_h1(&h1, &alice, SM9_HID_SIGN);
    check_fn(kat, "A H1", &h1, sm9_vector_a_h1);
    read_fn(&k, sm9_vector_a_ks);
    fn_add(&t2, &h1, &k);
    fn_invert(&t2, &t2);
    fn_mul(&t2, &t2, &k);
    check_fn(kat, "A t2", &t2, sm9_vector_a_t2);
    check_result(kat, "A ds", sm9_sign_extract(ds, master, &alice));
    check_bytes(kat, "A ds value", ds, sizeof ds, sm9_vector_a_ds);
}

static void signing(const struct sm9_kat *kat)
{
    uint8_t ppub[G2_BYTES], ds[G1_BYTES], signature[SM9_SIGNATURE_BYTES];
    struct sm9_random random = from_hex(sm9_vector_a_r);
    struct sm9_sign_key own;
    struct fn r, h, l;
    unhex(ppub, sizeof ppub, sm9_vector_a_ppub);
    unhex(ds, sizeof ds, sm9_vector_a_ds);
    check_result(kat, "A read Ppub-s", sm9_sign_public_init(&public_key.sign, ppub));
    check_result(kat, "A read ds", sm9_sign_key_init(&own, ds));
    read_fn(&r, sm9_vector_a_r);
    gt_base_power(&value, &public_key.sign.g, &r);
    check_gt(kat, "A w = g^r", &value, sm9_vector_a_w);
    sm9_h2(&h, SM9_VECTOR_SIGNED, sizeof SM9_VECTOR_SIGNED - 1, &value);
    check_fn(kat, "A h", &h, sm9_vector_a_h);
    fn_sub(&l, &r, &h);
    check_fn(kat, "A l", &l, sm9_vector_a_l);
    check_result(kat, "A sign",
                 sm9_sign(signature, &public_key.sign, &own, SM9_VECTOR_SIGNED, sizeof SM9_VECTOR_SIGNED - 1,
                          &random));
    check_bytes(kat, "A signature h", signature, FN_BYTES, sm9_vector_a_h);
    check_bytes(kat, "A signature S", signature + FN_BYTES, 1 + G1_BYTES, sm9_vector_a_s);
}

/* With public_key as signing left it. */
static void verification(const struct sm9_kat *kat)
{
    uint8_t signature[SM9_SIGNATURE_BYTES], bytes[G2_BYTES];
    struct fn h;
    struct g1_affine s;
    struct g2 p, ppub;
    struct g2_affine q;
    read_fn(&h, sm9_vector_a_h1);
    g2_from_affine(&p, &g2_generator);
    g2_multiply(&p, &p, h.l);
    g2_from_affine(&ppub, &public_key.sign.ppub);
    g2_add(&p, &p, &ppub);
    kat->result(kat->ctx, "A P is a point", g2_to_affine(&q, &p));
    g2_to_bytes(bytes, &q);
    check_bytes(kat, "A P", bytes, sizeof bytes, sm9_vector_a_p);
    kat->result(kat->ctx, "A S is in G1", read_g1(&s, sm9_vector_a_s + 2));
    pairing(&value, &s, &q);
    check_gt(kat, "A u = e(S, P)", &value, sm9_vector_a_u);
    read_fn(&h, sm9_vector_a_h);
    gt_base_power(&value, &public_key.sign.g, &h);
    check_gt(kat, "A t = g^h", &value, sm9_vector_a_t);
    unhex(signature, FN_BYTES, sm9_vector_a_h);
    unhex(signature + FN_BYTES, 1 + G1_BYTES, sm9_vector_a_s);
    check_result(
        kat, "A verify",
        sm9_verify(signature, &public_key.sign, &alice, SM9_VECTOR_SIGNED, sizeof SM9_VECTOR_SIGNED - 1));
}

/* ---- Annex B: key exchange ---- */

struct side {
    struct sm9_exchange x;
    struct sm9_decrypt_key own;
    uint8_t mine[G1_BYTES], key[16], confirm_82[SM3_SIZE], confirm_83[SM3_SIZE];
};

static void begin(const struct sm9_kat *kat, struct side *s, const struct sm9_id *own,
                  const struct sm9_id *peer, const char *r, const char *de_hex, const char *point)
{
    uint8_t master[SM9_KEY_BYTES], de[G2_BYTES];
    struct sm9_random random = from_hex(r);
    unhex(master, sizeof master, sm9_vector_b_ke);
    check_result(kat, "B extract", sm9_encrypt_extract(de, master, own, SM9_HID_EXCHANGE));
    check_bytes(kat, "B de", de, sizeof de, de_hex);
    check_result(kat, "B read de", sm9_decrypt_key_init(&s->own, de));
    check_result(kat, "B begin", sm9_exchange_begin(&s->x, &public_key.encrypt, peer, &random));
    memcpy(s->mine, s->x.mine, sizeof s->mine);
    check_bytes(kat, "B R", s->mine, sizeof s->mine, point);
}

static void finish(const struct sm9_kat *kat, struct side *s, bool initiator, const uint8_t peer[G1_BYTES])
{
    check_result(kat, "B finish",
                 sm9_exchange_finish(&s->x, &public_key.encrypt, &s->own, initiator, &alice, &bob, peer,
                                     s->key, sizeof s->key, s->confirm_82, s->confirm_83));
    check_bytes(kat, "B SK", s->key, sizeof s->key, sm9_vector_b_sk);
    check_bytes(kat, "B SB", s->confirm_82, sizeof s->confirm_82, sm9_vector_b_confirm_82);
    check_bytes(kat, "B SA", s->confirm_83, sizeof s->confirm_83, sm9_vector_b_confirm_83);
}

static void exchange(const struct sm9_kat *kat)
{
    static struct side a, b;
    uint8_t ppub[G1_BYTES];
    struct g1_affine rb;
    struct fn ra;
    unhex(ppub, sizeof ppub, sm9_vector_b_ppub);
    check_result(kat, "B read Ppub-e", sm9_encrypt_public_init(&public_key.encrypt, ppub));
    begin(kat, &a, &alice, &bob, sm9_vector_b_ra, sm9_vector_b_de_a, sm9_vector_b_point_a);
    begin(kat, &b, &bob, &alice, sm9_vector_b_rb, sm9_vector_b_de_b, sm9_vector_b_point_b);
    read_fn(&ra, sm9_vector_b_ra);
    gt_base_power(&value, &public_key.encrypt.g, &ra);
    check_gt(kat, "B g1", &value, sm9_vector_b_g1);
    (void)g1_from_bytes(&rb, b.mine);
    pairing(&other, &rb, &a.own.de);
    check_gt(kat, "B g2", &other, sm9_vector_b_g2);
    gt_power(&value, &other, &ra);
    check_gt(kat, "B g3", &value, sm9_vector_b_g3);
    finish(kat, &a, true, b.mine);
    finish(kat, &b, false, a.mine);
}

/* ---- Annexes C and D: encapsulation and encryption ---- */

static void encapsulation(const struct sm9_kat *kat)
{
    uint8_t bytes[G1_BYTES], k[32];
    struct sm9_random random = from_hex(sm9_vector_c_r);
    struct g1_affine q;
    struct fn n;
    unhex(bytes, sizeof bytes, sm9_vector_c_ppub);
    check_result(kat, "C read Ppub-e", sm9_encrypt_public_init(&public_key.encrypt, bytes));
    sm9_h1(&n, &bob, SM9_HID_ENCRYPT);
    check_fn(kat, "C H1", &n, sm9_vector_c_h1);
    sm9_identity_point(&q, &public_key.encrypt, &bob, SM9_HID_ENCRYPT);
    g1_to_bytes(bytes, &q);
    check_bytes(kat, "C QB", bytes, sizeof bytes, sm9_vector_c_q);
    pairing(&value, &public_key.encrypt.ppub, &g2_generator);
    check_gt(kat, "C g", &value, sm9_vector_c_g);
    read_fn(&n, sm9_vector_c_r);
    gt_base_power(&value, &public_key.encrypt.g, &n);
    check_gt(kat, "C w", &value, sm9_vector_c_w);
    check_result(kat, "C encapsulate",
                 sm9_encapsulate(k, sizeof k, bytes, &public_key.encrypt, &bob, &random));
    check_bytes(kat, "C C", bytes, sizeof bytes, sm9_vector_c_c);
    check_bytes(kat, "C K", k, sizeof k, sm9_vector_c_k);
}

static void decapsulation(const struct sm9_kat *kat)
{
    uint8_t master[SM9_KEY_BYTES], de[G2_BYTES], c[SM9_KEM_BYTES], k[32];
    struct sm9_decrypt_key own;
    unhex(master, sizeof master, sm9_vector_c_ke);
    check_result(kat, "C extract", sm9_encrypt_extract(de, master, &bob, SM9_HID_ENCRYPT));
    check_bytes(kat, "C de", de, sizeof de, sm9_vector_c_de);
    check_result(kat, "C read de", sm9_decrypt_key_init(&own, de));
    unhex(c, sizeof c, sm9_vector_c_c);
    check_result(kat, "C decapsulate", sm9_decapsulate(k, sizeof k, c, &own, &bob));
    check_bytes(kat, "C K again", k, sizeof k, sm9_vector_c_k);
}

/* Of the block mode what is SM9's own: the key, and the tag over its ciphertext. */
static void block_mode(const struct sm9_kat *kat, const uint8_t c1[G1_BYTES],
                       const struct sm9_decrypt_key *own)
{
    uint8_t k[16 + SM9_TAG_BYTES], c2[32], tag[SM9_TAG_BYTES];
    check_result(kat, "D block key", sm9_decapsulate(k, sizeof k, c1, own, &bob));
    check_bytes(kat, "D block K", k, sizeof k, sm9_vector_d_block_k);
    unhex(c2, sizeof c2, sm9_vector_d_block_c2);
    sm9_tag(tag, c2, sizeof c2, k + 16, SM9_TAG_BYTES);
    check_bytes(kat, "D block C3", tag, sizeof tag, sm9_vector_d_block_c3);
}

/* With public_key as encapsulation left it. */
static void encryption(const struct sm9_kat *kat)
{
    enum { N = sizeof SM9_VECTOR_ENCRYPTED - 1, SIZE = G1_BYTES + SM9_TAG_BYTES + N };
    static uint8_t out[SIZE], back[N], k[N + SM9_TAG_BYTES];
    struct sm9_random random = from_hex(sm9_vector_d_r);
    uint8_t de[G2_BYTES];
    struct sm9_decrypt_key own;
    struct fn r;
    unhex(de, sizeof de, sm9_vector_c_de);
    check_result(kat, "D read de", sm9_decrypt_key_init(&own, de));
    read_fn(&r, sm9_vector_d_r);
    gt_base_power(&value, &public_key.encrypt.g, &r);
    check_gt(kat, "D w", &value, sm9_vector_d_w);
    check_result(
        kat, "D encrypt",
        sm9_encrypt(out, &public_key.encrypt, &bob, (const uint8_t *)SM9_VECTOR_ENCRYPTED, N, &random));
    check_bytes(kat, "D C1", out, G1_BYTES, sm9_vector_d_c1);
    check_bytes(kat, "D C3", out + G1_BYTES, SM9_TAG_BYTES, sm9_vector_d_c3);
    check_bytes(kat, "D C2", out + G1_BYTES + SM9_TAG_BYTES, N, sm9_vector_d_c2);
    check_bytes(kat, "D C", out, sizeof out, sm9_vector_d_c);
    check_result(kat, "D key", sm9_decapsulate(k, sizeof k, out, &own, &bob));
    check_bytes(kat, "D K", k, sizeof k, sm9_vector_d_k);
    check_result(kat, "D decrypt", sm9_decrypt(back, out, sizeof out, &own, &bob));
    kat->result(kat->ctx, "D M", memcmp(back, SM9_VECTOR_ENCRYPTED, N) == 0);
    block_mode(kat, out, &own);
}

void sm9_kat_run(const struct sm9_kat *kat)
{
    struct g2_affine q;
    pairing(&value, &g1_generator, &g2_generator);
    check_gt(kat, "e(P1, P2)", &value, sm9_vector_params_e);
    extraction(kat);
    kat->result(kat->ctx, "A Ppub-s is in G2", read_g2(&q, sm9_vector_a_ppub));
    pairing(&value, &g1_generator, &q);
    check_gt(kat, "A g", &value, sm9_vector_a_g);
    signing(kat);
    verification(kat);
    exchange(kat);
    encapsulation(kat);
    decapsulation(kat);
    encryption(kat);
}
