/* The gate's side of specs/session.md against a card that is written here from the specification, with the
 * card's primitives. */
#include "card/crypto/p256.h"
#include "card/crypto/rsa.h"
#include "card/wire/be.h"
#include "host/crypto/certificate.h"
#include "host/crypto/gate_session.h"
#include "host/crypto/kdf.h"
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

static const uint8_t *raw(const struct tally_key *key)
{
    size_t n;
    return tally_key_public(key, &n);
}

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

static void begin(const struct world *w, uint8_t mode, struct tally_gate_session *s,
                  struct tally_gate_command *c)
{
    if (mode == GATE_SUB_KEY)
        ck_assert_int_eq(
            tally_gate_begin_sub_key(s, OPERATOR, w->suite, GATE, w->vmk, KV, w->ng, &w->criterion, c),
            TALLY_OK);
    else
        ck_assert_int_eq(tally_gate_begin_pair(s, w->suite, w->gate, w->gate_cert, w->gate_cert_n, w->ng,
                                               &w->criterion, c),
                         TALLY_OK);
}

/* Begins, lets the card answer, opens. */
static void meet(struct world *w, uint8_t mode, struct tally_gate_session *s)
{
    struct tally_gate_command c;
    struct tally_gate_answer a;
    uint8_t response[RESPONSE_MAX];
    begin(w, mode, s, &c);
    size_t n = card_verify(w, &c, response);
    ck_assert_int_eq(tally_gate_open(s, w->authority, response, n, &a), TALLY_OK);
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

static void check_tap(uint8_t mode, uint8_t suite, size_t command_size, size_t response_size)
{
    struct world w;
    struct tally_gate_session s = {0};
    struct tally_gate_command c;
    struct tally_gate_answer a;
    uint8_t response[RESPONSE_MAX], plain[64], usage[40], back[40];
    world_make(&w, mode, suite);
    begin(&w, mode, &s, &c);
    ck_assert_uint_eq(c.n, command_size);
    size_t n = card_verify(&w, &c, response);
    ck_assert_uint_eq(n, response_size);
    ck_assert_int_eq(tally_gate_open(&s, w.authority, response, n, &a), TALLY_OK);
    ck_assert(a.found);
    ck_assert_mem_eq(a.serial, w.serial, 8);
    ck_assert_uint_eq(a.card_transaction_counter, 0x105);
    ck_assert_mem_eq(a.face, w.ticket, FACE_SIZE);
    ck_assert_bytes_eq(a.tfv, a.tfv_size, w.ticket + FACE_SIZE, tally_tfv_size(suite));
    ck_assert_mem_eq(a.usage, w.ticket + w.ticket_n - USAGE_SIZE, USAGE_SIZE);

    rng_bytes(&w.rng, usage, sizeof usage);
    ck_assert_int_eq(tally_gate_write(&s, w.criterion.tid, usage, &c), TALLY_OK);
    ck_assert(c.ins == 0xdc && c.p1 == 0 && c.p2 == 0);
    ck_assert(card_reads(&w, &c, 1, plain));
    ck_assert_mem_eq(plain, w.criterion.tid, 16);
    ck_assert_mem_eq(plain + 16, usage, 26);
    card_receipt(&w, usage);
    n = card_answer(&w, 0xdc, 1, usage + 26, 14, response);
    ck_assert_int_eq(tally_gate_written(&s, response, n, back), TALLY_OK);
    ck_assert_mem_eq(back, usage, 40);

    ck_assert_int_eq(tally_gate_delete(&s, w.criterion.tid, &c), TALLY_OK);
    ck_assert_uint_eq(c.ins, 0xe4);
    ck_assert(card_reads(&w, &c, 2, plain));
    usage[1] = EVENT_DELETED;
    card_receipt(&w, usage);
    n = card_answer(&w, 0xe4, 2, usage, 40, response);
    ck_assert_int_eq(tally_gate_deleted(&s, response, n, back), TALLY_OK);
    ck_assert_mem_eq(back, usage, 40);
    tally_gate_end(&s);
    ck_assert(all_zero((uint8_t *)&s, sizeof s));
    world_free(&w);
}

START_TEST(whole_taps)
{
    check_tap(GATE_SUB_KEY, SUITE_P256, 6 + 8 + 16, 16 + 5 + 219 + 8);
    check_tap(GATE_SUB_KEY, SUITE_RSA, 6 + 8 + 16, 16 + 5 + 411 + 8);
    check_tap(GATE_P256, SUITE_P256, 142 + 8 + 16, 64 + 13 + 219 + 192 + 8);
    check_tap(GATE_P256, SUITE_RSA, 142 + 8 + 16, 64 + 13 + 411 + 192 + 8);
    check_tap(GATE_RSA, SUITE_P256, 334 + 8 + 16, 256 + 13 + 219 + 192 + 8);
    check_tap(GATE_RSA, SUITE_RSA, 334 + 8 + 16, 256 + 13 + 411 + 192 + 8);
}
END_TEST

static const uint8_t modes[] = {GATE_SUB_KEY, GATE_P256, GATE_RSA};

START_TEST(criterion_by_date_and_service)
{
    struct world w;
    struct tally_gate_session s = {0};
    struct tally_gate_command c;
    world_make(&w, GATE_SUB_KEY, SUITE_P256);
    w.criterion = (struct tally_criterion){.date = 0x2345, .service = {'G', '7'}};
    begin(&w, GATE_SUB_KEY, &s, &c);
    ck_assert_uint_eq(c.n, 6 + 8 + 10);
    const uint8_t expected[] = {0x23, 0x45, 'G', '7', 0, 0, 0, 0, 0, 0};
    ck_assert_mem_eq(c.data + 14, expected, sizeof expected);
    ck_assert_uint_eq(be16_get(c.data), OPERATOR);
    ck_assert_uint_eq(be32_get(c.data + 2), GATE);
    ck_assert_mem_eq(c.data + 6, w.ng, 8);
    ck_assert_uint_eq(c.p2, KV);
    tally_gate_end(&s);
}
END_TEST

START_TEST(not_found)
{
    for (size_t i = 0; i < 3; i++) {
        struct world w;
        struct tally_gate_session s = {0};
        struct tally_gate_command c;
        struct tally_gate_answer a;
        uint8_t response[RESPONSE_MAX];
        world_make(&w, modes[i], SUITE_P256);
        w.found = false;
        begin(&w, modes[i], &s, &c);
        size_t n = card_verify(&w, &c, response);
        ck_assert_int_eq(tally_gate_open(&s, w.authority, response, n, &a), TALLY_OK);
        ck_assert(!a.found);
        ck_assert_mem_eq(a.serial, w.serial, 8);
        tally_gate_end(&s);
        world_free(&w);
    }
}
END_TEST

/* Opens the response in a copy of the session: false, nothing given out, and the session over. */
static bool refused(const struct world *w, const struct tally_gate_session *begun, const uint8_t *response,
                    size_t n)
{
    struct tally_gate_session s = *begun;
    struct tally_gate_command c;
    struct tally_gate_answer a;
    enum tally_error e = tally_gate_open(&s, w->authority, response, n, &a);
    if (e == TALLY_OK)
        return false;
    ck_assert(all_zero((uint8_t *)&a, sizeof a));
    ck_assert(all_zero((uint8_t *)&s, sizeof s));
    ck_assert_int_eq(tally_gate_write(&s, w->criterion.tid, w->ticket, &c), TALLY_E_STATE);
    return true;
}

START_TEST(changed_answers_are_refused)
{
    for (size_t m = 0; m < 3; m++) {
        struct world w;
        struct tally_gate_session s = {0}, other;
        struct tally_gate_command c;
        uint8_t response[RESPONSE_MAX];
        world_make(&w, modes[m], SUITE_P256);
        begin(&w, modes[m], &s, &c);
        size_t n = card_verify(&w, &c, response);
        ck_assert(!refused(&w, &s, response, n));
        ck_assert(refused(&w, &s, response, n - 1));
        ck_assert(refused(&w, &s, response, n + 1));
        ck_assert(refused(&w, &s, response, 0));
        for (size_t i = 0; i < n; i += 7) {
            response[i] ^= 0x40;
            ck_assert(refused(&w, &s, response, n));
            response[i] ^= 0x40;
        }
        /* Recorded: the same card, another gate nonce. */
        w.ng[0] ^= 1;
        begin(&w, modes[m], &other, &c);
        ck_assert(refused(&w, &other, response, n));
        tally_gate_end(&s);
        world_free(&w);
    }
}
END_TEST

START_TEST(a_ticket_of_another_card_or_operator_is_refused)
{
    for (size_t m = 0; m < 3; m++)
        for (size_t at = FACE_AT_OPERATOR; at <= FACE_AT_SERIAL; at += FACE_AT_SERIAL - FACE_AT_OPERATOR) {
            struct world w;
            struct tally_gate_session s = {0};
            struct tally_gate_command c;
            uint8_t response[RESPONSE_MAX];
            world_make(&w, modes[m], SUITE_P256);
            w.ticket[at] ^= 1;
            begin(&w, modes[m], &s, &c);
            size_t n = card_verify(&w, &c, response);
            ck_assert(refused(&w, &s, response, n));
            tally_gate_end(&s);
            world_free(&w);
        }
}
END_TEST

/* Whoever knows the gate's public key can encrypt an answer; only the certified card can prove itself. */
START_TEST(a_card_without_its_key_or_certificate_is_refused)
{
    struct world w;
    struct tally_gate_session s = {0};
    struct tally_gate_command c;
    uint8_t response[RESPONSE_MAX];
    size_t n;
    world_make(&w, GATE_P256, SUITE_P256);
    begin(&w, GATE_P256, &s, &c);
    w.auth_private[5] ^= 1; /* a copy of the card's memory without the key */
    n = card_verify(&w, &c, response);
    ck_assert(refused(&w, &s, response, n));
    w.auth_private[5] ^= 1;

    struct tally_key *authority = w.authority;
    ck_assert_int_eq(tally_key_generate(SUITE_P256, &w.authority), TALLY_OK);
    n = card_verify(&w, &c, response); /* certified by a stranger */
    tally_key_free(w.authority);
    w.authority = authority;
    ck_assert(refused(&w, &s, response, n));
    w.authority = NULL;
    ck_assert(refused(&w, &s, response, n));
    w.authority = authority;
    tally_gate_end(&s);
    world_free(&w);
}
END_TEST

START_TEST(a_card_of_another_vmk_is_refused)
{
    struct world w;
    struct tally_gate_session s = {0};
    struct tally_gate_command c;
    uint8_t response[RESPONSE_MAX];
    world_make(&w, GATE_SUB_KEY, SUITE_P256);
    begin(&w, GATE_SUB_KEY, &s, &c);
    w.vmk[0] ^= 1;
    size_t n = card_verify(&w, &c, response);
    ck_assert(refused(&w, &s, response, n));
    tally_gate_end(&s);
}
END_TEST

START_TEST(changed_receipts_are_refused)
{
    struct world w;
    uint8_t response[RESPONSE_MAX], usage[40] = {1, 1}, back[40];
    world_make(&w, GATE_SUB_KEY, SUITE_P256);
    for (size_t i = 0; i < 24; i++) {
        struct tally_gate_session s = {0};
        struct tally_gate_command c;
        meet(&w, GATE_SUB_KEY, &s);
        ck_assert_int_eq(tally_gate_write(&s, w.criterion.tid, usage, &c), TALLY_OK);
        card_receipt(&w, usage);
        if (i == 22)
            usage[39] ^= 1; /* well encrypted, but the MAC is wrong */
        size_t n = card_answer(&w, 0xdc, 1, usage + 26, 14, response);
        if (i < 22)
            response[i] ^= 1;
        if (i == 23)
            n--;
        ck_assert_int_eq(tally_gate_written(&s, response, n, back),
                         i == 23 ? TALLY_E_FORMAT : TALLY_E_CRYPTO);
        ck_assert(all_zero(back, sizeof back));
        ck_assert_int_eq(tally_gate_written(&s, response, n, back), TALLY_E_STATE);
        tally_gate_end(&s);
    }
}
END_TEST

START_TEST(answers_out_of_order_are_refused)
{
    struct world w;
    struct tally_gate_session s = {0};
    struct tally_gate_command c;
    uint8_t first[64], response[64], usage[40] = {1, 1}, back[40];
    world_make(&w, GATE_SUB_KEY, SUITE_P256);
    meet(&w, GATE_SUB_KEY, &s);
    ck_assert_int_eq(tally_gate_write(&s, w.criterion.tid, usage, &c), TALLY_OK);
    card_receipt(&w, usage);
    size_t n = card_answer(&w, 0xdc, 1, usage + 26, 14, first);
    ck_assert_int_eq(tally_gate_written(&s, first, n, back), TALLY_OK);
    ck_assert_int_eq(tally_gate_write(&s, w.criterion.tid, usage, &c), TALLY_OK);
    ck_assert_int_eq(tally_gate_written(&s, first, n, back), TALLY_E_CRYPTO); /* the first again */

    meet(&w, GATE_SUB_KEY, &s);
    ck_assert_int_eq(tally_gate_write(&s, w.criterion.tid, usage, &c), TALLY_OK);
    ck_assert_int_eq(tally_gate_write(&s, w.criterion.tid, usage, &c), TALLY_E_STATE); /* not answered yet */

    meet(&w, GATE_SUB_KEY, &s);
    ck_assert_int_eq(tally_gate_written(&s, first, n, back), TALLY_E_STATE); /* nothing asked */

    meet(&w, GATE_SUB_KEY, &s);
    ck_assert_int_eq(tally_gate_delete(&s, w.criterion.tid, &c), TALLY_OK);
    card_receipt(&w, usage);
    n = card_answer(&w, 0xe4, 1, usage, 40, response); /* a receipt, but not of a deletion */
    ck_assert_int_eq(tally_gate_deleted(&s, response, n, back), TALLY_E_FORMAT);
    tally_gate_end(&s);
}
END_TEST

START_TEST(a_pair_must_fit_its_certificate)
{
    struct world w;
    struct tally_gate_session s = {0};
    struct tally_gate_command c;
    struct tally_key *public_key;
    world_make(&w, GATE_P256, SUITE_P256);
    ck_assert_int_eq(
        tally_gate_begin_pair(&s, SUITE_P256, w.anchor, w.gate_cert, w.gate_cert_n, w.ng, &w.criterion, &c),
        TALLY_E_USAGE);
    ck_assert_int_eq(tally_key_from_public(raw(w.gate), 64, &public_key), TALLY_OK);
    ck_assert_int_eq(
        tally_gate_begin_pair(&s, SUITE_P256, public_key, w.gate_cert, w.gate_cert_n, w.ng, &w.criterion, &c),
        TALLY_E_USAGE);
    ck_assert_int_eq(
        tally_gate_begin_pair(&s, SUITE_P256, w.gate, w.gate_cert, w.gate_cert_n - 1, w.ng, &w.criterion, &c),
        TALLY_E_FORMAT);
    ck_assert_int_eq(
        tally_gate_begin_sub_key(&s, OPERATOR, SUITE_SM9, GATE, w.vmk, KV, w.ng, &w.criterion, &c),
        TALLY_E_USAGE);
    ck_assert_uint_eq(c.n, 0);
    tally_key_free(public_key);
    world_free(&w);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("gate session");
    TCase *t = tcase_create("tap");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, whole_taps);
    tcase_add_test(t, criterion_by_date_and_service);
    tcase_add_test(t, not_found);
    tcase_add_test(t, changed_answers_are_refused);
    tcase_add_test(t, a_ticket_of_another_card_or_operator_is_refused);
    tcase_add_test(t, a_card_without_its_key_or_certificate_is_refused);
    tcase_add_test(t, a_card_of_another_vmk_is_refused);
    tcase_add_test(t, changed_receipts_are_refused);
    tcase_add_test(t, answers_out_of_order_are_refused);
    tcase_add_test(t, a_pair_must_fit_its_certificate);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tally_check_main(suite(), NULL);
}
