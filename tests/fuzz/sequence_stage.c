#include "tests/fuzz/sequence_stage.h"

#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_METHOD has no successor that the default context takes */
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <string.h>

#include "card/wire/be.h"
#include "host/crypto/certificate.h"
#include "host/crypto/kdf.h"
#include "tests/support/must.h"
#include "tests/support/scp03_peer.h"

enum { SECOND_ID = 0x0404, SEED = 5, OPERATOR_AT_ID = 1, OPERATOR_AT_VERSION = 5 };

static struct stage stage, beginning;
static void *card_then;

/* ---- The same keys in every process, so that a finding can be repeated ---- */

static int same_bytes(unsigned char *out, int n)
{
    static uint32_t drawn;
    uint8_t in[4], block[SHA256_DIGEST_LENGTH];
    while (n > 0) {
        int piece = n < (int)sizeof block ? n : (int)sizeof block;
        be32_put(in, drawn++);
        SHA256(in, sizeof in, block);
        memcpy(out, block, (size_t)piece);
        out += piece;
        n -= piece;
    }
    return 1;
}

static int always(void)
{
    return 1;
}

static void fix_openssl_random(void)
{
    static const RAND_METHOD method = {NULL, same_bytes, NULL, NULL, same_bytes, always};
    must(RAND_set_rand_method(&method) == 1);
}

/* ---- Making ---- */

struct operator_world *stage_operator(struct stage *s, unsigned n)
{
    return n % 2 == 0 ? &s->world.rail : &s->second;
}

static void make_second(struct operator_world *op)
{
    *op = (struct operator_world){
        .id = SECOND_ID, .suite = SUITE_P256, .key6_version = 3, .vmk_version = 2, .enrolment_version = 1};
    memset(op->vmk, 0x66, sizeof op->vmk);
    must(tally_key_generate(SUITE_P256, &op->key1) == TALLY_OK);
    must(tally_key_generate(SUITE_P256, &op->authority) == TALLY_OK);
    must(tally_key_generate(SUITE_P256, &op->anchor) == TALLY_OK);
}

static struct ideal_message *add(struct stage *s, const struct operator_world *op)
{
    must(s->count < STAGE_MESSAGES);
    struct ideal_message *m = &s->messages[s->count++];
    m->operator_id = op->id;
    return m;
}

static void add_order(struct stage *s, struct operator_world *op, const struct ticket_face *face)
{
    struct ideal_message *m = add(s, op);
    struct message *sealed = &s->sealed[s->count - 1];
    struct ticket_face f = *face;
    f.service_minute = f.profile == PROFILE_VOID ? 0 : (uint16_t)(500 + s->count);
    face_seal(&s->world, op, &f, sealed);
    face_encode(&f, m->face);
    m->data = sealed->data;
    m->n = sealed->n;
    s->orders = s->count;
}

static void add_package(struct stage *s, struct operator_world *op, uint32_t ahead)
{
    struct ideal_message *m = add(s, op);
    struct message *sealed = &s->sealed[s->count - 1];
    struct tally_package p = package_of(&s->world, op);
    p.version += ahead;
    package_seal(&s->world, op, &p, sealed);
    *m = (struct ideal_message){true, op->id, p.version, {0}, sealed->data, sealed->n};
}

/* For each operator: three tickets, what replaces the first when it is unused and when it was used once, a
 * void order for the second; and a ticket for another card. */
static void add_orders(struct stage *s, struct operator_world *op)
{
    struct ticket_face faces[3], other;
    for (size_t i = 0; i < 3; i++) {
        faces[i] = face_of(&s->world, op);
        add_order(s, op, &faces[i]);
    }
    for (uint16_t used = 0; used < 2; used++) {
        other = face_replacing(&s->world, op, &faces[0], used);
        add_order(s, op, &other);
    }
    other = void_order_for(&s->world, op, &faces[1], 0);
    add_order(s, op, &other);
}

static void add_messages(struct stage *s)
{
    add_orders(s, &s->world.rail);
    add_orders(s, &s->second);
    struct ticket_face astray = face_of(&s->world, &s->world.rail);
    astray.serial[0] ^= 1;
    add_order(s, &s->world.rail, &astray);
    add_package(s, &s->world.rail, 0);
    add_package(s, &s->world.rail, 1);
    add_package(s, &s->second, 0);
}

static void make_certificates(struct stage *s)
{
    for (unsigned i = 0; i < 4; i++) {
        const struct operator_world *op = stage_operator(s, i / 2);
        struct ideal_certificate *k = &s->certificates[i];
        struct tally_gate_certificate c = {.kind = GATE_P256,
                                           .operator_id = op->id,
                                           .gate = i % 2 == 0 ? GATE_1 : GATE_2,
                                           .epoch = WORLD_EPOCH};
        uint8_t made[GATE_CERT_RSA_SIZE];
        size_t n;
        const uint8_t *key = tally_key_public(s->world.gate_p256, &n);
        memcpy(c.public_key, key, n);
        must(tally_gate_certificate_make(op->anchor, &c, made, &n) == TALLY_OK);
        memcpy(k->data, made, sizeof k->data);
        k->operator_id = op->id;
        k->gate = c.gate;
    }
}

static void make_ideal(struct stage *s)
{
    struct ideal_card *c = &s->ideal;
    c->certificates = s->certificates;
    c->certificate_count = 4;
    memcpy(c->serial, s->world.serial, SERIAL_SIZE);
    c->kem_point[0] = c->auth_point[0] = 4;
    memcpy(c->kem_point + 1, s->world.kem_key, P256_PUBLIC_SIZE);
    memcpy(c->auth_point + 1, s->world.auth_key, P256_PUBLIC_SIZE);
    c->messages = s->messages;
    c->message_count = s->count;
    c->kept =
        (struct ideal_kept){.life = LIFE_PERSONALISED, .tries = PIN_TRIES, .pin_len = sizeof TEST_PIN - 1};
    memcpy(c->kept.pin, TEST_PIN, c->kept.pin_len);
    for (unsigned i = 0; i < IDEAL_OPERATORS; i++) {
        const struct operator_world *op = stage_operator(s, i);
        struct ideal_operator *o = &c->kept.operators[i];
        uint8_t sub_key[SYM_KEY_SIZE];
        *o = (struct ideal_operator){.id = op->id, .version = op->package_version, .kv = op->vmk_version};
        must(tally_derive_sub_key(op->vmk, op->vmk_version, op->id, c->serial, sub_key) == TALLY_OK);
        must(tally_derive_receipt_key(sub_key, o->receipt_key) == TALLY_OK);
        c->kept.counter++; /* its package was one change */
    }
}

static void see_pin(struct stage *s)
{
    must(card_record(ramcard_card(s->world.rc), REC_PIN, s->pin_record, sizeof s->pin_record));
    s->pin_seen = s->ideal.kept.pin_changes;
}

/* The first ticket of either operator is on the card from the beginning. */
static void load_first(struct stage *s)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct message *m = &s->sealed[i * 6];
        uint8_t apdu[STAGE_APDU_MAX] = {CLA_PROPRIETARY, INS_LOAD, 0, 0, 0};
        struct reply reply;
        be16_put(apdu + 5, (uint16_t)m->n);
        memcpy(apdu + 7, m->data, m->n);
        memset(apdu + 7 + m->n, 0, 2);
        must(stage_transmit(s, apdu, 7 + m->n + 2, &reply) && reply.sw == SW_OK);
    }
}

static void make(struct stage *s)
{
    fix_openssl_random();
    world_init(&s->world, SEED);
    make_second(&s->second);
    enrol(&s->world, &s->world.rail);
    enrol(&s->world, &s->second);
    add_messages(s);
    make_certificates(s);
    make_ideal(s);
    see_pin(s);
    ramcard_power_cycle(s->world.rc);
    stage_check(s);
    load_first(s);
    beginning = *s;
    card_then = ramcard_save(s->world.rc);
}

struct stage *stage_begin(void)
{
    if (card_then == NULL)
        make(&stage);
    stage = beginning;
    ramcard_restore(stage.world.rc, card_then);
    return &stage;
}

/* ---- What the card holds ---- */

static bool holds_tickets(const struct ideal_kept *k, const struct store *store)
{
    struct store_cursor cursor = store_first(REC_FACE >> 8);
    size_t here = 0, found = 0;
    for (size_t i = 0; i < IDEAL_TICKETS; i++)
        here += k->tickets[i].here;
    while (store_next(store, &cursor)) {
        uint8_t face[FACE_SIZE], usage[USAGE_SIZE];
        if (store_read(store, cursor.id, 0, face, sizeof face) != STORE_OK ||
            store_read(store, (uint16_t)(REC_USAGE | (cursor.id & 0xff)), 0, usage, sizeof usage) != STORE_OK)
            return false;
        const struct ideal_ticket *t = ideal_find(k, (uint16_t)be16_get(face + 2), face + 6);
        if (t == NULL || memcmp(t->face, face, sizeof face) != 0 ||
            memcmp(t->usage, usage, sizeof usage) != 0)
            return false;
        found++;
    }
    return found == here;
}

static bool holds_operator(const struct ideal_operator *o, const struct store *store, unsigned slot)
{
    uint8_t window[12] = {0}, deletion[4 + TID_SIZE + USAGE_SIZE], expected[sizeof deletion];
    (void)store_read(store, (uint16_t)(REC_SEQUENCE | slot), 0, window, sizeof window);
    if (be32_get(window) != o->highest ||
        ((uint64_t)be32_get(window + 4) << 32 | be32_get(window + 8)) != o->loaded)
        return false;
    if (!o->deleted)
        return true;
    be32_put(expected, o->deletion_order);
    memcpy(expected + 4, o->deleted_tid, TID_SIZE);
    memcpy(expected + 4 + TID_SIZE, o->deleted_usage, USAGE_SIZE);
    return store_read(store, (uint16_t)(REC_LAST_DELETION | slot), 0, deletion, sizeof deletion) ==
               STORE_OK &&
           memcmp(deletion, expected, sizeof deletion) == 0;
}

static bool holds_operators(const struct ideal_kept *k, const struct store *store)
{
    struct store_cursor cursor = store_first(REC_OPERATOR >> 8);
    unsigned found = 0;
    while (store_next(store, &cursor)) {
        uint8_t head[OPERATOR_AT_VERSION + 4];
        if (store_read(store, cursor.id, 0, head, sizeof head) != STORE_OK)
            return false;
        for (size_t i = 0; i < IDEAL_OPERATORS; i++) {
            const struct ideal_operator *o = &k->operators[i];
            found += o->id == be16_get(head + OPERATOR_AT_ID) && head[0] == 1 &&
                     o->version == be32_get(head + OPERATOR_AT_VERSION) &&
                     holds_operator(o, store, cursor.id & 0xff);
        }
    }
    return found == IDEAL_OPERATORS;
}

static bool holds(const struct stage *s, const struct ideal_kept *k)
{
    struct card *card = ramcard_card(s->world.rc);
    uint8_t counter[4], tries, pin[sizeof s->pin_record];
    return card_life(card) == k->life && card_record(card, REC_COUNTER, counter, sizeof counter) &&
           be32_get(counter) == k->counter && card_record(card, REC_PIN_TRIES, &tries, 1) &&
           tries == k->tries && card_record(card, REC_PIN, pin, sizeof pin) &&
           (memcmp(pin, s->pin_record, sizeof pin) != 0) == (k->pin_changes != s->pin_seen) &&
           holds_tickets(k, &card->store) && holds_operators(k, &card->store);
}

void stage_check(struct stage *s)
{
    must(holds(s, &s->ideal.kept));
    see_pin(s);
}

/* ---- Both cards at once ---- */

void stage_reset(struct stage *s)
{
    card_reset(ramcard_card(s->world.rc));
    ideal_reset(&s->ideal);
    s->resets++;
}

void stage_power_cycle(struct stage *s)
{
    ramcard_power_cycle(s->world.rc);
    ideal_reset(&s->ideal);
    stage_check(s);
}

/* A command whose power was lost has happened, or not, or as far as it is allowed to. */
static void power_lost(struct stage *s)
{
    struct ideal_card *c = &s->ideal;
    ramcard_power_cycle(s->world.rc);
    ideal_reset(c);
    size_t i = 0;
    while (i < c->outcome_count && !holds(s, &c->outcomes[i]))
        i++;
    must(i < c->outcome_count);
    c->kept = c->outcomes[i];
    see_pin(s);
}

static void compare(const struct ideal_expected *e, const struct reply *reply)
{
    bool right = e->anything;
    for (size_t i = 0; i < e->status_count; i++)
        right = right || reply->sw == e->statuses[i];
    if (right && (e->anything ||
                  (reply->len == e->len && (e->data == NULL || memcmp(reply->data, e->data, e->len) == 0))))
        return;
    fprintf(stderr, "answered %04X with %zu bytes instead of", reply->sw, reply->len);
    for (size_t i = 0; i < e->status_count; i++)
        fprintf(stderr, " %04X", e->statuses[i]);
    fprintf(stderr, " with %zu%s\n", e->len, e->data != NULL ? " others" : "");
    abort();
}

bool stage_transmit(struct stage *s, const uint8_t *apdu, size_t n, struct reply *reply)
{
    struct ideal_expected expected;
    ideal_transmit(&s->ideal, apdu, n, &expected);
    ramcard_transmit(s->world.rc, apdu, n, reply);
    if (ramcard_flash(s->world.rc)->dead) {
        power_lost(s);
        return false;
    }
    compare(&expected, reply);
    stage_check(s);
    if (expected.lost_track)
        stage_reset(s);
    return true;
}
