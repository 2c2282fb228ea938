/* GB/T 38635.2, clauses 8 and 9. */
#include "card/sm9/sm9.h"
#include "card/sm9/sm9_hash.h"
#include "card/sm9/wipe.h"

static bool lengths_ok(const struct sm9_id *id, size_t key_len)
{
    return id->len >= 1 && id->len <= SM9_ID_MAX && key_len >= 1 &&
           key_len <= SM9_ENCRYPT_MAX + SM9_TAG_BYTES;
}

static bool all_zero(const uint8_t *p, size_t n)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++)
        any |= p[i];
    return any == 0;
}

/* Encapsulates until the first must_not_vanish bytes of the key are not all zero. */
static enum sm9_result encapsulate(uint8_t *key_out, size_t key_len, size_t must_not_vanish,
                                   uint8_t c[SM9_KEM_BYTES], const struct sm9_encrypt_public *key,
                                   const struct sm9_id *id, const struct sm9_random *random)
{
    struct g1_affine q, point;
    struct g1 p;
    struct fn r;
    struct fp12 w;
    struct sm3 input;
    enum sm9_result result;
    sm9_identity_point(&q, key, id, SM9_HID_ENCRYPT);
    do {
        result = sm9_random_scalar(&r, random);
        if (result != SM9_OK)
            break;
        g1_from_affine(&p, &q);
        g1_multiply(&p, &p, r.l);
        if (!g1_to_affine(&point, &p)) {
            result = SM9_E_KEY; /* the identity's point is the point at infinity */
            break;
        }
        g1_to_bytes(c, &point);
        gt_base_power(&w, &key->g, &r);
        sm9_kem_input(&input, c, &w, id);
        sm9_kdf(key_out, key_len, &input);
    } while (all_zero(key_out, must_not_vanish));
    sm9_wipe(&r, sizeof r);
    sm9_wipe(&w, sizeof w);
    sm9_wipe(&input, sizeof input);
    return result;
}

enum sm9_result sm9_encapsulate(uint8_t *key_out, size_t key_len, uint8_t c[SM9_KEM_BYTES],
                                const struct sm9_encrypt_public *key, const struct sm9_id *id,
                                const struct sm9_random *random)
{
    memset(c, 0, SM9_KEM_BYTES);
    if (!lengths_ok(id, key_len))
        return SM9_E_LENGTH;
    memset(key_out, 0, key_len);
    return encapsulate(key_out, key_len, key_len, c, key, id, random);
}

enum sm9_result sm9_decapsulate(uint8_t *key_out, size_t key_len, const uint8_t c[SM9_KEM_BYTES],
                                const struct sm9_decrypt_key *own, const struct sm9_id *id)
{
    struct g1_affine point;
    struct fp12 w;
    struct sm3 input;
    if (!lengths_ok(id, key_len))
        return SM9_E_LENGTH;
    memset(key_out, 0, key_len);
    if (!g1_from_bytes(&point, c))
        return SM9_E_POINT;
    pairing(&w, &point, &own->de);
    sm9_kem_input(&input, c, &w, id);
    sm9_kdf(key_out, key_len, &input);
    sm9_wipe(&w, sizeof w);
    sm9_wipe(&input, sizeof input);
    return all_zero(key_out, key_len) ? SM9_E_MISMATCH : SM9_OK;
}

void sm9_tag(uint8_t tag[SM9_TAG_BYTES], const uint8_t *c2, size_t len, const uint8_t *k2, size_t k2_len)
{
    struct sm3 c;
    sm3_init(&c);
    sm3_update(&c, c2, len);
    sm3_update(&c, k2, k2_len);
    sm3_final(&c, tag);
}

enum sm9_result sm9_encrypt(uint8_t *out, const struct sm9_encrypt_public *key, const struct sm9_id *id,
                            const uint8_t *message, size_t len, const struct sm9_random *random)
{
    uint8_t k[SM9_ENCRYPT_MAX + SM9_TAG_BYTES];
    uint8_t *c3 = out + G1_BYTES, *c2 = c3 + SM9_TAG_BYTES;
    if (len < 1 || len > SM9_ENCRYPT_MAX || !lengths_ok(id, len))
        return SM9_E_LENGTH;
    memset(out, 0, G1_BYTES + SM9_TAG_BYTES + len);
    enum sm9_result result = encapsulate(k, len + SM9_TAG_BYTES, len, out, key, id, random);
    if (result == SM9_OK) {
        for (size_t i = 0; i < len; i++)
            c2[i] = message[i] ^ k[i];
        sm9_tag(c3, c2, len, k + len, SM9_TAG_BYTES);
    }
    sm9_wipe(k, sizeof k);
    return result;
}

enum sm9_result sm9_decrypt(uint8_t *message, const uint8_t *in, size_t len,
                            const struct sm9_decrypt_key *own, const struct sm9_id *id)
{
    enum { OVERHEAD = G1_BYTES + SM9_TAG_BYTES };
    uint8_t k[SM9_ENCRYPT_MAX + SM9_TAG_BYTES], tag[SM9_TAG_BYTES];
    if (len <= OVERHEAD || len > OVERHEAD + SM9_ENCRYPT_MAX)
        return SM9_E_LENGTH;
    size_t n = len - OVERHEAD;
    const uint8_t *c2 = in + OVERHEAD;
    memset(message, 0, n);
    enum sm9_result result = sm9_decapsulate(k, n + SM9_TAG_BYTES, in, own, id);
    if (result == SM9_OK && all_zero(k, n))
        result = SM9_E_MISMATCH;
    if (result == SM9_OK) {
        uint8_t diff = 0;
        sm9_tag(tag, c2, n, k + n, SM9_TAG_BYTES);
        for (size_t i = 0; i < SM9_TAG_BYTES; i++)
            diff |= (uint8_t)(tag[i] ^ in[G1_BYTES + i]);
        if (diff != 0)
            result = SM9_E_MISMATCH;
    }
    for (size_t i = 0; result == SM9_OK && i < n; i++)
        message[i] = c2[i] ^ k[i];
    sm9_wipe(k, sizeof k);
    return result;
}
