#include "tests/support/ticket_world.h"

#include <string.h>

#include "card/crypto/hpke.h"
#include "card/wire/be.h"
#include "host/crypto/certificate.h"
#include "host/crypto/kdf.h"
#include "tests/support/scp03_peer.h"
#include "tests/support/must.h"

#define MUST(call) must((call) == TALLY_OK)

enum { CARD_KEY_VERSION = 1, SUB_KEY_FLOOR = 1 };

/* ---- Making ---- */

static void make_operator(struct operator_world *op, uint16_t id, uint8_t suite)
{
    *op = (struct operator_world){
        .id = id, .suite = suite, .key6_version = 3, .vmk_version = 2, .enrolment_version = 1};
    memset(op->vmk, 0x40 + suite, sizeof op->vmk);
    if (suite == SUITE_SM9) {
        MUST(tally_sm9_centre_make(&op->centre));
        op->key1 = server_key(op, WORLD_EPOCH);
    } else {
        MUST(tally_key_generate(suite, &op->key1));
    }
    MUST(tally_key_generate(SUITE_P256, &op->authority));
    MUST(tally_key_generate(SUITE_P256, &op->anchor));
}

/* Keys cannot be injected after personalisation, and making one on the card is slow: the record is put
 * directly. */
static void put_rsa_key(struct world *w)
{
    uint8_t record[1 + TALLY_RSA_PRIVATE_SIZE + RSA_SIZE] = {CARD_KEY_VERSION};
    struct tally_key *key;
    size_t n;
    MUST(tally_key_generate(SUITE_RSA, &key));
    MUST(tally_key_rsa_private(key, record + 1));
    memcpy(w->rsa_key, tally_key_public(key, &n), RSA_SIZE);
    memcpy(record + 1 + TALLY_RSA_PRIVATE_SIZE, w->rsa_key, RSA_SIZE);
    const struct store_change change = {REC_KEY_RSA, sizeof record, record};
    must(store_commit(&ramcard_card(w->rc)->store, &change, 1) == STORE_OK);
    tally_key_free(key);
}

static void make_card(struct world *w, uint32_t seed)
{
    struct personalised p;
    size_t n;
    w->rc = ramcard_new(seed);
    memset(&p, 0, sizeof p);
    memset(p.serial, 0x70, sizeof p.serial);
    be32_put(p.serial, seed);
    memcpy(p.enrolment_key, tally_key_public(w->enrolment, &n), P256_PUBLIC_SIZE);
    peer_personalise(w->rc, &p, false);
    memcpy(w->serial, p.serial, SERIAL_SIZE);
    memcpy(w->kem_key, p.kem_key + 1, P256_PUBLIC_SIZE);
    memcpy(w->auth_key, p.auth_key + 1, P256_PUBLIC_SIZE);
    put_rsa_key(w);
    ramcard_power_cycle(w->rc);
}

void world_init(struct world *w, uint32_t seed)
{
    memset(w, 0, sizeof *w);
    MUST(tally_key_generate(SUITE_P256, &w->enrolment));
    MUST(tally_key_generate(SUITE_P256, &w->gate_p256));
    MUST(tally_key_generate(SUITE_RSA, &w->gate_rsa));
    make_operator(&w->rail, RAIL_ID, SUITE_P256);
    make_operator(&w->park, PARK_ID, SUITE_RSA);
    make_operator(&w->metro, METRO_ID, SUITE_SM9);
    make_card(w, seed);
}

void world_second_card(const struct world *w, uint32_t seed, struct world *other)
{
    *other = *w;
    make_card(other, seed);
}

static void free_operator(struct operator_world *op)
{
    tally_key_free(op->key1);
    tally_key_free(op->authority);
    tally_key_free(op->anchor);
}

void world_free(struct world *w)
{
    ramcard_free(w->rc);
    tally_key_free(w->enrolment);
    tally_key_free(w->gate_p256);
    tally_key_free(w->gate_rsa);
    free_operator(&w->rail);
    free_operator(&w->park);
    free_operator(&w->metro);
}

uint16_t card_send(struct world *w, uint8_t ins, uint8_t p1, uint8_t p2, const void *data, size_t n,
                   struct reply *reply)
{
    const uint8_t header[4] = {CLA_PROPRIETARY, ins, p1, p2};
    ramcard_command(w->rc, header, data, n, reply);
    return reply->sw;
}

/* ---- Operator packages ---- */

static void sub_key_of(const struct world *w, const struct operator_world *op,
                       struct tally_package_sub_key *key)
{
    key->version = op->vmk_version;
    MUST(tally_derive_sub_key(op->vmk, op->vmk_version, op->id, w->serial, key->sub_key));
    MUST(tally_derive_id_key(op->vmk, op->vmk_version, op->id, key->id_key));
}

struct tally_package package_of(struct world *w, struct operator_world *op)
{
    struct tally_package p = {.operator_id = op->id,
                              .card_key_version = CARD_KEY_VERSION,
                              .action = TALLY_PACKAGE_SET,
                              .version = op->package_version + 1,
                              .sub_key_floor = SUB_KEY_FLOOR,
                              .epoch_floor = WORLD_EPOCH,
                              .suite = op->suite,
                              .key6_count = 1,
                              .sub_key_count = 1};
    size_t n;
    memcpy(p.serial, w->serial, SERIAL_SIZE);
    p.key6[0].version = op->key6_version;
    const uint8_t *key6 = tally_key_public(op->key1, &n);
    if (op->suite == SUITE_SM9) {
        const struct identity card = card_identity(w);
        memcpy(p.key6[0].key, key6 + 2, SM9_EPOCH_SIZE);
        MUST(tally_sm9_extract(&op->centre, &card, &p.holder));
    } else {
        memcpy(p.key6[0].key, key6, n);
    }
    memcpy(p.gate_anchor, tally_key_public(op->anchor, &n), P256_PUBLIC_SIZE);
    MUST(tally_card_certificate_make(op->authority, op->id, w->serial, w->auth_key, p.card_certificate));
    sub_key_of(w, op, &p.sub_keys[0]);
    return p;
}

static void enrolment_of(const struct world *w, const struct operator_world *op, uint8_t out[ENROLMENT_SIZE])
{
    struct tally_enrolment e = {.operator_id = op->id, .version = op->enrolment_version};
    size_t n;
    memcpy(e.authority_key, tally_key_public(op->authority, &n), P256_PUBLIC_SIZE);
    MUST(tally_enrolment_make(w->enrolment, &e, out));
}

void package_seal(struct world *w, struct operator_world *op, const struct tally_package *package,
                  struct message *out)
{
    uint8_t enrolment[ENROLMENT_SIZE];
    enrolment_of(w, op, enrolment);
    MUST(tally_package_seal(package, enrolment, op->authority, w->kem_key, out->data, &out->n));
}

void package_craft(struct world *w, struct operator_world *op, uint16_t header_operator,
                   const struct tally_key *authority, const uint8_t *plain, size_t n, struct message *out)
{
    uint8_t key[P256_PRIVATE_SIZE], *header = out->data,
                                    *enc = header + TALLY_PACKAGE_HEADER_SIZE + ENROLMENT_SIZE;
    uint8_t *body = enc + P256_POINT_SIZE;
    const struct bytes aad = {header, TALLY_PACKAGE_HEADER_SIZE + ENROLMENT_SIZE};
    const struct bytes parts[] = {{header, TALLY_PACKAGE_HEADER_SIZE}, {plain, n}};
    memcpy(header, (const uint8_t[]){1, 1, 0, 0, CARD_KEY_VERSION}, TALLY_PACKAGE_HEADER_SIZE);
    be16_put(header + 2, header_operator);
    enrolment_of(w, op, header + TALLY_PACKAGE_HEADER_SIZE);
    memcpy(body, plain, n);
    MUST(tally_key_p256_private(authority, key));
    must(p256_sign(key, LABEL_OPERATOR_PACKAGE, parts, 2, body + n));
    must(hpke_seal(&ramcard_card(w->rc)->rng, w->kem_key, LABEL_OPERATOR_PACKAGE, &aad, 1, enc, body,
                   n + ECDSA_SIZE));
    out->n = (size_t)(body - out->data) + n + ECDSA_SIZE + AEAD_TAG_SIZE;
}

uint16_t package_send(struct world *w, const struct message *message)
{
    struct reply reply;
    return card_send(w, INS_PUT_DATA, DO_OPERATOR_PACKAGE >> 8, DO_OPERATOR_PACKAGE & 0xff, message->data,
                     message->n, &reply);
}

static void put_package(struct world *w, struct operator_world *op, uint8_t action)
{
    struct tally_package p = package_of(w, op);
    struct message m;
    p.action = action;
    package_seal(w, op, &p, &m);
    must(package_send(w, &m) == SW_OK);
    op->package_version = p.version;
}

void enrol(struct world *w, struct operator_world *op)
{
    put_package(w, op, TALLY_PACKAGE_SET);
}

void remove_operator(struct world *w, struct operator_world *op)
{
    put_package(w, op, TALLY_PACKAGE_REMOVE);
}

/* ---- Tickets ---- */

struct ticket_face face_of(struct world *w, struct operator_world *op)
{
    struct ticket_face f = {.profile = op->suite == SUITE_P256 ? PROFILE_RAIL : PROFILE_ADMISSION,
                            .operator_id = op->id,
                            .product = 1,
                            .issued = 1000,
                            .valid_from = 1000,
                            .valid_to = 9000,
                            .sequence = ++op->sequence,
                            .service_date = WORLD_DATE,
                            .service_minute = 600,
                            .from = 1,
                            .to = 2,
                            .coach = 3,
                            .fare_class = 2,
                            .fare_type = 1,
                            .price = 5000,
                            .currency = 156,
                            .max_entries = 2,
                            .max_temporary_exits = 1,
                            .suite = op->suite,
                            .key_version = op->key6_version};
    memcpy(f.serial, w->serial, SERIAL_SIZE);
    memset(f.tid, 0x11, sizeof f.tid);
    be16_put(f.tid, op->id);
    be32_put(f.tid + 2, f.sequence);
    memcpy(f.service, "G101    ", SERVICE_SIZE);
    memcpy(f.seat, "12F", SEAT_SIZE);
    return f;
}

struct ticket_face face_replacing(struct world *w, struct operator_world *op, const struct ticket_face *old,
                                  uint16_t use_counter)
{
    struct ticket_face f = face_of(w, op);
    f.replaces = old->sequence;
    f.replaces_use_counter = use_counter;
    f.service_minute = (uint16_t)(old->service_minute + 60);
    return f;
}

struct ticket_face void_order_for(struct world *w, struct operator_world *op, const struct ticket_face *old,
                                  uint16_t use_counter)
{
    struct ticket_face f = face_of(w, op), order = {.profile = PROFILE_VOID,
                                                    .operator_id = op->id,
                                                    .issued = f.issued,
                                                    .valid_from = f.valid_from,
                                                    .valid_to = f.valid_to,
                                                    .sequence = f.sequence,
                                                    .replaces = old->sequence,
                                                    .replaces_use_counter = use_counter,
                                                    .price = old->price,
                                                    .currency = old->currency,
                                                    .suite = op->suite,
                                                    .key_version = op->key6_version};
    memcpy(order.tid, f.tid, TID_SIZE);
    memcpy(order.serial, w->serial, SERIAL_SIZE);
    return order;
}

void face_seal(struct world *w, struct operator_world *op, const struct ticket_face *face,
               struct message *out)
{
    uint8_t bytes[FACE_SIZE], code[TALLY_TFV_MAX];
    size_t n;
    face_encode(face, bytes);
    MUST(tally_face_sign(op->key1, bytes, code, &n));
    if (op->suite == SUITE_SM9) {
        MUST(tally_ciphertext_1_seal_sm9(bytes, code, tally_key_sm9(op->key1), WORLD_EPOCH, out->data,
                                         &out->n));
        return;
    }
    const uint8_t *key = op->suite == SUITE_RSA ? w->rsa_key : w->kem_key;
    size_t key_size = op->suite == SUITE_RSA ? sizeof w->rsa_key : sizeof w->kem_key;
    MUST(tally_ciphertext_1_seal(bytes, code, n, key, key_size, CARD_KEY_VERSION, out->data, &out->n));
}

void face_craft(struct world *w, const struct tally_key *key1, uint16_t header_operator,
                const struct ticket_face *face, struct message *out)
{
    uint8_t *header = out->data, *enc = header + CIPHERTEXT_1_HEADER_SIZE, *body = enc + P256_POINT_SIZE;
    const struct bytes aad = {header, CIPHERTEXT_1_HEADER_SIZE};
    size_t n;
    memcpy(header, (const uint8_t[]){1, SUITE_P256, 0, 0, CARD_KEY_VERSION}, CIPHERTEXT_1_HEADER_SIZE);
    be16_put(header + 2, header_operator);
    face_encode(face, body);
    MUST(tally_face_sign(key1, body, body + FACE_SIZE, &n));
    must(hpke_seal(&ramcard_card(w->rc)->rng, w->kem_key, LABEL_CIPHERTEXT_1, &aad, 1, enc, body,
                   FACE_SIZE + n));
    out->n = (size_t)(body - out->data) + FACE_SIZE + n + AEAD_TAG_SIZE;
}

uint16_t load_message(struct world *w, const struct message *message, struct reply *reply)
{
    return card_send(w, INS_LOAD, 0, 0, message->data, message->n, reply);
}

uint16_t exchange_message(struct world *w, const struct message *message, struct reply *reply)
{
    return card_send(w, INS_EXCHANGE, 0, 0, message->data, message->n, reply);
}

uint16_t load(struct world *w, struct operator_world *op, const struct ticket_face *face)
{
    struct message m;
    struct reply reply;
    face_seal(w, op, face, &m);
    return load_message(w, &m, &reply);
}

uint16_t exchange(struct world *w, struct operator_world *op, const struct ticket_face *face,
                  struct reply *reply)
{
    struct message m;
    face_seal(w, op, face, &m);
    return exchange_message(w, &m, reply);
}

struct ticket_face load_one(struct world *w, struct operator_world *op)
{
    struct ticket_face face = face_of(w, op);
    must(load(w, op, &face) == SW_OK);
    return face;
}
