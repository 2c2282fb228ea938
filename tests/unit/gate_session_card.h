/* A card and its operator, written from specs/session.md with the card's primitives: what the gate's side is
 * tested against. For one test program. */
#ifndef TALLY_TESTS_GATE_SESSION_CARD_H
#define TALLY_TESTS_GATE_SESSION_CARD_H

#include "card/crypto/p256.h"
#include "card/crypto/rsa.h"
#include "card/wire/be.h"
#include "host/crypto/certificate.h"
#include "host/crypto/gate_session.h"
#include "tests/unit/crypto_support.h"

enum { OPERATOR = 7, KV = 3, GATE = 0x01020304, RESPONSE_MAX = 1264 };

/* Everything a card and its operator have. */
struct world {
    struct rng rng;
    uint8_t vmk[16], serial[8], ng[8];
    uint8_t auth_private[32], auth_public[64];
    struct tally_key *authority, *anchor, *gate;
    uint8_t gate_cert[GATE_CERT_RSA_SIZE];
    size_t gate_cert_n;
    uint8_t suite;
    bool found;
    uint8_t ticket[FACE_SIZE + TALLY_TFV_MAX + USAGE_SIZE];
    size_t ticket_n;
    uint8_t write_key[16];
    struct tally_criterion criterion;
};

/* mode: GATE_*; with a pair the gate gets a key and a certificate. */
static void world_make(struct world *w, uint8_t mode, uint8_t suite)
{
    memset(w, 0, sizeof *w);
    seeded_rng(&w->rng, 200u + mode);
    rng_bytes(&w->rng, w->vmk, 16);
    rng_bytes(&w->rng, w->serial, 8);
    rng_bytes(&w->rng, w->ng, 8);
    ck_assert(p256_generate(&w->rng, w->auth_private, w->auth_public));
    w->suite = suite;
    w->found = true;
    w->ticket_n = FACE_SIZE + tally_tfv_size(suite) + USAGE_SIZE;
    rng_bytes(&w->rng, w->ticket, w->ticket_n);
    be16_put(w->ticket + FACE_AT_OPERATOR, OPERATOR);
    memcpy(w->ticket + FACE_AT_SERIAL, w->serial, 8);
    w->criterion = (struct tally_criterion){.by_tid = true};
    memcpy(w->criterion.tid, w->ticket + FACE_AT_TID, TID_SIZE);
    if (mode == GATE_SUB_KEY)
        return;
    struct tally_gate_certificate c = {.kind = mode, .operator_id = OPERATOR, .gate = GATE, .epoch = 1};
    ck_assert_int_eq(tally_key_generate(SUITE_P256, &w->authority), TALLY_OK);
    ck_assert_int_eq(tally_key_generate(SUITE_P256, &w->anchor), TALLY_OK);
    ck_assert_int_eq(tally_key_generate(mode, &w->gate), TALLY_OK);
    size_t n;
    const uint8_t *public_key = tally_key_public(w->gate, &n);
    memcpy(c.public_key, public_key, n);
    ck_assert_int_eq(tally_gate_certificate_make(w->anchor, &c, w->gate_cert, &w->gate_cert_n), TALLY_OK);
}

static void world_free(struct world *w)
{
    tally_key_free(w->authority);
    tally_key_free(w->anchor);
    tally_key_free(w->gate);
}

static const uint8_t ctc[4] = {0, 0, 1, 5};

static void seal_answer(const uint8_t key[16], const struct bytes *aad, uint8_t *body, size_t n)
{
    const uint8_t nonce[13] = {1};
    ccm_seal(key, nonce, aad, 2, body, n, body + n);
}

static size_t card_sub_key(struct world *w, const struct tally_gate_command *c, uint8_t *out)
{
    const uint8_t op[] = {0, OPERATOR}, kv = KV, header[] = {0x80, 0x88, c->p1, c->p2};
    const struct bytes ids[] = {{w->serial, 8}, {op, 2}, {&kv, 1}};
    uint8_t k_sub[16], k_id[16], k_answer[16], block[16];
    kdf_cmac(w->vmk, "tally/sub/1", ids, 3, k_sub, 16);
    kdf_cmac(w->vmk, "tally/id/1", ids + 1, 2, k_id, 16);
    memcpy(block, w->serial, 8);
    rng_bytes(&w->rng, block + 8, 8);
    aes128_block(k_id, block, out);
    const struct bytes x[] = {{op, 2}, {&kv, 1}, {c->data + 2, 4}, {c->data + 6, 8}, {out, 16}, {ctc, 4}};
    kdf_cmac(k_sub, "tally/answer/1", x, 5, k_answer, 16);
    kdf_cmac(k_sub, "tally/write/1", x, 6, w->write_key, 16);
    uint8_t *body = out + 16;
    body[0] = w->found ? 0 : 1;
    memcpy(body + 1, ctc, 4);
    memcpy(body + 5, w->ticket, w->ticket_n);
    if (!w->found)
        memset(body + 5, 0, w->ticket_n);
    const struct bytes aad[] = {{header, 4}, {c->data, c->n}};
    seal_answer(k_answer, aad, body, 5 + w->ticket_n);
    return 16 + 5 + w->ticket_n + 8;
}

static size_t card_agree(struct world *w, uint8_t mode, const uint8_t *gate_key, uint8_t *k, uint8_t z[32])
{
    uint8_t ephemeral[32];
    if (mode == GATE_P256) {
        ck_assert(p256_generate(&w->rng, ephemeral, k));
        ck_assert(p256_ecdh(ephemeral, gate_key, z));
        return 64;
    }
    rng_bytes(&w->rng, z, 32);
    ck_assert(rsa_oaep_encrypt(&w->rng, gate_key, "tally/gate-rsa/1", z, 32, k));
    return 256;
}

static size_t card_pair(struct world *w, const struct tally_gate_command *c, uint8_t *out)
{
    uint8_t z[32], t[32], keys[32], header[] = {0x80, 0x88, c->p1, 0};
    size_t k_n = card_agree(w, c->p1, c->data + 14, out, z);
    const struct bytes parts[] = {{&c->p1, 1}, {c->data, c->n}, {out, k_n}};
    const struct bytes info = {(const uint8_t *)"tally/session/1", 15};
    sha256_labelled("tally/gate-pair/1", parts, 3, t);
    hkdf((struct bytes){t, 32}, (struct bytes){z, 32}, &info, 1, keys, 32);
    memcpy(w->write_key, keys + 16, 16);

    uint8_t *body = out + k_n, *at = body;
    *at++ = w->found ? 0 : 1;
    memcpy(at, w->serial, 8);
    memcpy(at + 8, ctc, 4);
    at += 12;
    memset(at, 0, w->ticket_n);
    if (w->found)
        memcpy(at, w->ticket, w->ticket_n);
    const struct bytes proven[] = {{t, 32}, {body, 13}, {at + FACE_AT_TID, 16}};
    at += w->ticket_n;
    memcpy(at, w->auth_public, 64);
    ck_assert_int_eq(tally_card_certificate_make(w->authority, OPERATOR, w->serial, w->auth_public, at + 64),
                     TALLY_OK);
    ck_assert(p256_sign(w->auth_private, "tally/card-proof/1", proven, 3, at + 128));
    at += 192;
    const struct bytes aad[] = {{header, 4}, {t, 32}};
    seal_answer(keys, aad, body, (size_t)(at - body));
    return (size_t)(at - out) + 8;
}

static size_t card_verify(struct world *w, const struct tally_gate_command *c, uint8_t *out)
{
    ck_assert_uint_eq(c->ins, 0x88);
    return c->p1 == GATE_SUB_KEY ? card_sub_key(w, c, out) : card_pair(w, c, out);
}

/* The card's answer to the n-th command. */
static size_t card_answer(const struct world *w, uint8_t ins, uint8_t n, const uint8_t *plain, size_t size,
                          uint8_t *out)
{
    const uint8_t header[] = {0x80, ins, 0, 0}, nonce[13] = {1, 0, 0, 0, n};
    const struct bytes aad = {header, 4};
    memcpy(out, plain, size);
    ccm_seal(w->write_key, nonce, &aad, 1, out, size, out + size);
    return size + 8;
}

static bool card_reads(const struct world *w, const struct tally_gate_command *c, uint8_t n, uint8_t *plain)
{
    const uint8_t header[] = {0x80, c->ins, c->p1, c->p2}, nonce[13] = {0, 0, 0, 0, n};
    const struct bytes aad = {header, 4};
    memcpy(plain, c->data, c->n);
    return ccm_open(w->write_key, nonce, &aad, 1, plain, c->n - 8, plain + c->n - 8);
}

/* A usage record with the receipt that this card makes. */
static void card_receipt(const struct world *w, uint8_t usage[40])
{
    const uint8_t op[] = {0, OPERATOR}, kv = KV;
    const struct bytes ids[] = {{w->serial, 8}, {op, 2}, {&kv, 1}};
    const struct bytes maced[] = {{w->serial, 8}, {op, 2}, {w->criterion.tid, 16}, {usage, 32}};
    uint8_t k_sub[16], k_receipt[16], mac[16];
    usage[26] = KV;
    kdf_cmac(w->vmk, "tally/sub/1", ids, 3, k_sub, 16);
    kdf_cmac(k_sub, "tally/receipt/1", NULL, 0, k_receipt, 16);
    cmac(k_receipt, maced, 4, mac);
    memcpy(usage + 32, mac, 8);
}

#endif
