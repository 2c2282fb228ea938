/* GB/T 38635.2, clauses 8 and 9. */
#include "card/sm9/sm9.h"
#include "card/sm9/sm9_hash.h"
#include "card/sm9/wipe.h"

enum { OVERHEAD = G1_BYTES + SM9_TAG_BYTES };

static bool lengths_ok(const struct sm9_id *id, size_t key_len, size_t max)
{
    return id->len >= 1 && id->len <= SM9_ID_MAX && key_len >= 1 && key_len <= max;
}

static bool all_zero(const uint8_t *p, size_t n)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++)
        any |= p[i];
    return any == 0;
}

/* A fresh encapsulation c to the identity whose point is q, and what its key is derived from. */
static enum sm9_result encapsulate(struct sm3 *input, uint8_t c[SM9_KEM_BYTES], const struct g1_affine *q,
                                   const struct sm9_encrypt_public *key, const struct sm9_id *id,
                                   const struct sm9_random *random)
{
    struct g1_affine point;
    struct g1 p;
    struct fn r;
    struct fp12 w;
    enum sm9_result result = sm9_random_scalar(&r, random);
    if (result == SM9_OK)
        result = sm9_blinded_point(&p, q, random);
    if (result == SM9_OK) {
        g1_multiply(&p, &p, r.l);
        if (!g1_to_affine(&point, &p))
            result = SM9_E_KEY; /* the identity's point is the point at infinity */
    }
    if (result == SM9_OK) {
        g1_to_bytes(c, &point);
        gt_base_power(&w, &key->g, &r);
        sm9_kem_input(input, c, &w, id);
        sm9_wipe(&w, sizeof w);
    }
    sm9_wipe(&r, sizeof r);
    sm9_wipe(&p, sizeof p);
    sm9_wipe_stack();
    return result;
}

enum sm9_result sm9_encapsulate(uint8_t *key_out, size_t key_len, uint8_t c[SM9_KEM_BYTES],
                                const struct sm9_encrypt_public *key, const struct sm9_id *id,
                                const struct sm9_random *random)
{
    struct g1_affine q;
    struct sm3 input;
    enum sm9_result result;
    memset(c, 0, SM9_KEM_BYTES);
    if (!lengths_ok(id, key_len, SM9_DERIVED_MAX))
        return SM9_E_LENGTH;
    memset(key_out, 0, key_len);
    sm9_identity_point(&q, key, id, SM9_HID_ENCRYPT);
    do {
        result = encapsulate(&input, c, &q, key, id, random);
        if (result != SM9_OK)
            break;
        sm9_kdf(key_out, key_len, &input);
        sm9_wipe(&input, sizeof input);
    } while (all_zero(key_out, key_len));
    return result;
}

/* What the key of an encapsulation is derived from, by its receiver. */
static enum sm9_result decapsulate(struct sm3 *input, const uint8_t c[SM9_KEM_BYTES],
                                   const struct sm9_decrypt_key *own, const struct sm9_id *id)
{
    struct g1_affine point;
    struct fp12 w;
    if (!g1_from_bytes(&point, c))
        return SM9_E_POINT;
    pairing_blinded(&w, &point, &own->de, &own->blind);
    sm9_kem_input(input, c, &w, id);
    sm9_wipe(&w, sizeof w);
    sm9_wipe_stack();
    return SM9_OK;
}

enum sm9_result sm9_decapsulate(uint8_t *key_out, size_t key_len, const uint8_t c[SM9_KEM_BYTES],
                                const struct sm9_decrypt_key *own, const struct sm9_id *id)
{
    struct sm3 input;
    if (!lengths_ok(id, key_len, SM9_DERIVED_MAX))
        return SM9_E_LENGTH;
    memset(key_out, 0, key_len);
    enum sm9_result result = decapsulate(&input, c, own, id);
    if (result != SM9_OK)
        return result;
    sm9_kdf(key_out, key_len, &input);
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

/* out = in XOR K1, where the key is K1 (len) || K2. Returns whether K1 is all zeros. */
static bool xor_key(uint8_t *out, const uint8_t *in, size_t len, const struct sm3 *input)
{
    uint8_t block[SM3_SIZE], any = 0;
    for (size_t at = 0; at < len; at++) {
        if (at % SM3_SIZE == 0)
            sm9_kdf_block(block, input, (uint32_t)(at / SM3_SIZE + 1));
        any |= block[at % SM3_SIZE];
        out[at] = in[at] ^ block[at % SM3_SIZE];
    }
    sm9_wipe(block, sizeof block);
    return any == 0;
}

/* The tag of c2 with the K2 that follows the K1 of its length. */
static void tag_by_key(uint8_t tag[SM9_TAG_BYTES], const uint8_t *c2, size_t len, const struct sm3 *input)
{
    uint8_t blocks[2 * SM3_SIZE];
    uint32_t first = (uint32_t)(len / SM3_SIZE + 1);
    sm9_kdf_block(blocks, input, first);
    sm9_kdf_block(blocks + SM3_SIZE, input, first + 1);
    sm9_tag(tag, c2, len, blocks + len % SM3_SIZE, SM9_TAG_BYTES);
    sm9_wipe(blocks, sizeof blocks);
}

enum sm9_result sm9_encrypt(uint8_t *out, const struct sm9_encrypt_public *key, const struct sm9_id *id,
                            const uint8_t *message, size_t len, const struct sm9_random *random)
{
    struct g1_affine q;
    struct sm3 input;
    uint8_t *c3 = out + G1_BYTES, *c2 = c3 + SM9_TAG_BYTES;
    enum sm9_result result;
    if (!lengths_ok(id, len, SM9_ENCRYPT_MAX))
        return SM9_E_LENGTH;
    memset(out, 0, OVERHEAD + len);
    sm9_identity_point(&q, key, id, SM9_HID_ENCRYPT);
    do {
        result = encapsulate(&input, out, &q, key, id, random);
    } while (result == SM9_OK && xor_key(c2, message, len, &input));
    if (result == SM9_OK)
        tag_by_key(c3, c2, len, &input);
    else
        memset(out, 0, OVERHEAD + len);
    sm9_wipe(&input, sizeof input);
    return result;
}

enum sm9_result sm9_decrypt(uint8_t *message, const uint8_t *in, size_t len,
                            const struct sm9_decrypt_key *own, const struct sm9_id *id)
{
    struct sm3 input;
    uint8_t tag[SM9_TAG_BYTES], diff = 0;
    if (len <= OVERHEAD)
        return SM9_E_LENGTH;
    size_t n = len - OVERHEAD;
    if (!lengths_ok(id, n, SM9_ENCRYPT_MAX))
        return SM9_E_LENGTH;
    memset(message, 0, n);
    enum sm9_result result = decapsulate(&input, in, own, id);
    if (result != SM9_OK)
        return result;
    tag_by_key(tag, in + OVERHEAD, n, &input);
    for (size_t i = 0; i < SM9_TAG_BYTES; i++)
        diff |= (uint8_t)(tag[i] ^ in[G1_BYTES + i]);
    if (diff != 0) {
        result = SM9_E_MISMATCH;
    } else if (xor_key(message, in + OVERHEAD, n, &input)) {
        result = SM9_E_MISMATCH;
        memset(message, 0, n);
    }
    sm9_wipe(&input, sizeof input);
    return result;
}
