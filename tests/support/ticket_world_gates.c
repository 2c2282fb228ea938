#include "tests/support/ticket_world.h"

#include <string.h>

#include "card/crypto/sym.h"
#include "card/wire/be.h"
#include "host/crypto/certificate.h"
#include "host/crypto/kdf.h"
#include "tests/support/must.h"

#define MUST(call) must((call) == TALLY_OK)

struct gate gate_of(struct operator_world *op, uint32_t id)
{
    struct gate g;
    memset(&g, 0, sizeof g);
    g.op = op;
    g.id = id;
    g.transaction = id * 1000;
    return g;
}

struct tally_criterion by_tid(const struct ticket_face *face)
{
    struct tally_criterion c = {.by_tid = true};
    memcpy(c.tid, face->tid, TID_SIZE);
    return c;
}

struct tally_criterion by_date(uint16_t date, const char *service)
{
    struct tally_criterion c = {.date = date};
    memcpy(c.service, service, strlen(service));
    return c;
}

static void next_nonce(uint8_t nonce[GATE_NONCE_SIZE])
{
    static uint32_t count;
    memset(nonce, 0x99, GATE_NONCE_SIZE);
    be32_put(nonce, ++count);
}

/* Sends the command under preparation and opens the answer to VERIFY. */
static uint16_t verify(struct world *w, struct gate *g)
{
    if (card_send(w, g->command.ins, g->command.p1, g->command.p2, g->command.data, g->command.n,
                  &g->reply) != SW_OK)
        return g->reply.sw;
    MUST(tally_gate_open(&g->session, g->op->authority, g->reply.data, g->reply.len, &g->answer));
    must(memcmp(g->answer.serial, w->serial, SERIAL_SIZE) == 0);
    if (g->answer.found)
        MUST(tally_face_verify(g->op->key1, g->answer.face, g->answer.tfv, g->answer.tfv_size));
    return SW_OK;
}

uint16_t gate_verify(struct world *w, struct gate *g, struct tally_criterion criterion)
{
    uint8_t nonce[GATE_NONCE_SIZE];
    next_nonce(nonce);
    MUST(tally_gate_begin_sub_key(&g->session, g->op->id, g->op->suite, g->id, g->op->vmk, g->op->vmk_version,
                                  nonce, &criterion, &g->command));
    return verify(w, g);
}

static uint16_t verify_by_identity(struct world *w, struct gate *g, struct tally_criterion criterion)
{
    const struct identity identity = gate_identity(g->op, g->id);
    struct tally_sm9_key *key = holder_key(g->op, &identity);
    uint8_t nonce[GATE_NONCE_SIZE];
    next_nonce(nonce);
    MUST(tally_gate_begin_identity(&g->session, key, WORLD_EPOCH, nonce, &criterion, &g->command));
    uint16_t sw = verify(w, g);
    g->session.identity = NULL;
    tally_sm9_key_free(key);
    return sw;
}

uint16_t gate_verify_by_pair(struct world *w, struct gate *g, uint8_t mode, struct tally_criterion criterion)
{
    if (mode == GATE_SM9)
        return verify_by_identity(w, g, criterion);
    const struct tally_key *pair = mode == GATE_RSA ? w->gate_rsa : w->gate_p256;
    struct tally_gate_certificate c = {
        .kind = mode, .operator_id = g->op->id, .gate = g->id, .epoch = WORLD_EPOCH};
    uint8_t certificate[GATE_CERT_RSA_SIZE], nonce[GATE_NONCE_SIZE];
    size_t n;
    const uint8_t *key = tally_key_public(pair, &n);
    memcpy(c.public_key, key, n);
    MUST(tally_gate_certificate_make(g->op->anchor, &c, certificate, &n));
    next_nonce(nonce);
    MUST(tally_gate_begin_pair(&g->session, g->op->suite, pair, certificate, n, nonce, &criterion,
                               &g->command));
    return verify(w, g);
}

void gate_part(struct gate *g, enum usage_event event, uint8_t part[USAGE_GATE_PART])
{
    struct ticket_face face;
    struct usage_record before, after;
    uint8_t bytes[USAGE_SIZE];
    const struct usage_place place = {
        .gate = g->id, .station = g->id + 7, .time = 5000, .gate_transaction = ++g->transaction};
    must(face_decode(g->answer.face, &face));
    must(usage_decode(g->answer.usage, &before));
    must(usage_apply(&face, &before, event, &place, &after) == USAGE_ALLOWED);
    usage_encode(&after, bytes);
    memcpy(part, bytes, USAGE_GATE_PART);
}

uint16_t gate_write(struct world *w, struct gate *g, const uint8_t tid[TID_SIZE],
                    const uint8_t part[USAGE_GATE_PART], uint8_t usage[USAGE_SIZE])
{
    uint8_t record[USAGE_SIZE];
    MUST(tally_gate_write(&g->session, tid, part, &g->command));
    if (card_send(w, g->command.ins, g->command.p1, g->command.p2, g->command.data, g->command.n,
                  &g->reply) != SW_OK)
        return g->reply.sw;
    MUST(tally_gate_written(&g->session, g->reply.data, g->reply.len, record));
    if (usage != NULL)
        memcpy(usage, record, USAGE_SIZE);
    return SW_OK;
}

uint16_t gate_delete_ticket(struct world *w, struct gate *g, const uint8_t tid[TID_SIZE],
                            uint8_t usage[USAGE_SIZE])
{
    uint8_t record[USAGE_SIZE];
    MUST(tally_gate_delete(&g->session, tid, &g->command));
    if (card_send(w, g->command.ins, g->command.p1, g->command.p2, g->command.data, g->command.n,
                  &g->reply) != SW_OK)
        return g->reply.sw;
    MUST(tally_gate_deleted(&g->session, g->reply.data, g->reply.len, record));
    if (usage != NULL)
        memcpy(usage, record, USAGE_SIZE);
    return SW_OK;
}

uint16_t tap(struct world *w, struct gate *g, const struct ticket_face *face, enum usage_event event)
{
    uint8_t part[USAGE_GATE_PART];
    uint16_t sw = gate_verify(w, g, by_tid(face));
    if (sw != SW_OK)
        return sw;
    must(g->answer.found);
    gate_part(g, event, part);
    return gate_write(w, g, face->tid, part, NULL);
}

bool receipt_is_right(struct world *w, struct operator_world *op, const uint8_t tid[TID_SIZE],
                      const uint8_t usage[USAGE_SIZE])
{
    uint8_t sub_key[SYM_KEY_SIZE], receipt_key[SYM_KEY_SIZE];
    MUST(tally_derive_sub_key(op->vmk, op->vmk_version, op->id, w->serial, sub_key));
    MUST(tally_derive_receipt_key(sub_key, receipt_key));
    return usage[26] == op->vmk_version &&
           tally_receipt_verify(receipt_key, w->serial, op->id, tid, usage) == TALLY_OK;
}

/* ---- What the card holds ---- */

struct snapshot take_snapshot(struct world *w)
{
    const struct store *store = &ramcard_card(w->rc)->store;
    struct snapshot s;
    struct sha256 h;
    sha256_init(&h);
    for (unsigned type = 1; type < 256; type++) {
        struct store_cursor cursor = store_first((uint8_t)type);
        while (store_next(store, &cursor)) {
            uint8_t data[STORE_DATA_MAX], id[2];
            size_t n;
            if (cursor.id == REC_PIN_TRIES)
                continue;
            must(store_size(store, cursor.id, &n) == STORE_OK);
            must(store_read(store, cursor.id, 0, data, n) == STORE_OK);
            be16_put(id, cursor.id);
            sha256_add(&h, id, sizeof id);
            sha256_add(&h, &n, sizeof n);
            sha256_add(&h, data, n);
        }
    }
    sha256_final(&h, s.digest);
    return s;
}

bool snapshot_equal(const struct snapshot *a, const struct snapshot *b)
{
    return memcmp(a->digest, b->digest, sizeof a->digest) == 0;
}

void assert_unchanged(struct world *w, const struct snapshot *before)
{
    struct snapshot now = take_snapshot(w);
    must(memcmp(now.digest, before->digest, sizeof now.digest) == 0);
}

bool stored_usage(struct world *w, const struct ticket_face *face, uint8_t usage[USAGE_SIZE])
{
    const struct store *store = &ramcard_card(w->rc)->store;
    struct store_cursor cursor = store_first(REC_FACE >> 8);
    uint8_t head[FACE_SIZE];
    while (store_next(store, &cursor)) {
        must(store_read(store, cursor.id, 0, head, sizeof head) == STORE_OK);
        if (memcmp(head + FACE_AT_TID, face->tid, TID_SIZE) == 0)
            return store_read(store, (uint16_t)(REC_USAGE | (cursor.id & 0xff)), 0, usage, USAGE_SIZE) ==
                   STORE_OK;
    }
    memset(usage, 0, USAGE_SIZE);
    return false;
}
