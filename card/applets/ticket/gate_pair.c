/* VERIFY by the gate's own key pair: certificate, key agreement, and the card's proof. */
#include <string.h>

#include "card/apdu/card.h"
#include "card/applets/ticket/change.h"
#include "card/applets/ticket/gate.h"
#include "card/applets/ticket/session.h"
#include "card/crypto/p256.h"
#include "card/crypto/rsa.h"
#include "card/wire/be.h"

/* Offsets in a gate certificate. */
enum { AT_KIND = 1, AT_OPERATOR = 2, AT_GATE = 4, AT_EPOCH = 8, AT_KEY = 14, CERTIFICATE_VERSION = 1 };

/* A VERIFY command taken apart, and what follows from it. */
struct meeting {
    bool rsa;
    const uint8_t *certificate;
    size_t certificate_size;
    const uint8_t *criterion;
    size_t criterion_size;

    int slot;   /* operator */
    int ticket; /* its slot, or NO_SLOT */
    struct operator_head head;
    uint8_t serial[SERIAL_SIZE];
    uint8_t counter[4];
    uint8_t transcript[SHA256_SIZE]; /* T */
    uint8_t keys[2 * SYM_KEY_SIZE];  /* K_answer, K_write */
};

static uint16_t parse(const struct apdu_command *command, struct meeting *m)
{
    memset(m, 0, sizeof *m);
    m->rsa = command->p1 == GATE_RSA;
    m->certificate = command->data;
    m->certificate_size = m->rsa ? GATE_CERT_RSA_SIZE : GATE_CERT_P256_SIZE;
    size_t before = m->certificate_size + GATE_NONCE_SIZE;
    if (command->len < before)
        return SW_WRONG_LENGTH;
    m->criterion = command->data + before;
    m->criterion_size = command->len - before;
    if (m->criterion_size != CRITERION_TID_SIZE && m->criterion_size != CRITERION_DATE_SIZE)
        return SW_WRONG_LENGTH;
    if (m->certificate[0] != CERTIFICATE_VERSION || m->certificate[AT_KIND] != command->p1)
        return SW_WRONG_DATA;
    return SW_OK;
}

static uint16_t check_certificate(struct card *card, struct meeting *m)
{
    uint8_t anchor[P256_PUBLIC_SIZE];
    size_t signed_size = m->certificate_size - ECDSA_SIZE;
    const struct bytes content = {m->certificate, signed_size};

    m->slot = operators_find(card, be16_get(m->certificate + AT_OPERATOR), &m->head);
    if (m->slot < 0)
        return SW_KEY_ABSENT;
    if (!record_read(card, RECORD(REC_OPERATOR, m->slot), OPERATOR_AT_ANCHOR, anchor, sizeof anchor))
        return SW_MEMORY_FAILURE;
    if (be16_get(m->certificate + AT_EPOCH) < m->head.epoch_floor ||
        !p256_verify(anchor, LABEL_GATE_CERTIFICATE, &content, 1, m->certificate + signed_size))
        return SW_AUTHENTICATION;
    return SW_OK;
}

/* K and Z with an ephemeral key of the card. */
static bool agree_p256(struct card *card, const uint8_t *gate_key, uint8_t *k, uint8_t z[P256_SECRET_SIZE])
{
    uint8_t ephemeral[P256_PRIVATE_SIZE];
    bool ok = p256_generate(&card->rng, ephemeral, k) && p256_ecdh(ephemeral, gate_key, z);
    wipe(ephemeral, sizeof ephemeral);
    return ok;
}

static bool agree_rsa(struct card *card, const uint8_t *gate_key, uint8_t *k, uint8_t z[P256_SECRET_SIZE])
{
    rng_bytes(&card->rng, z, P256_SECRET_SIZE);
    return rsa_oaep_encrypt(&card->rng, gate_key, LABEL_GATE_RSA, z, P256_SECRET_SIZE, k);
}

/* Writes K (k_size bytes) and derives T and the session's keys. */
static bool agree(struct card *card, const struct apdu_command *command, struct meeting *m, uint8_t *k,
                  size_t k_size)
{
    uint8_t z[P256_SECRET_SIZE];
    const uint8_t *gate_key = m->certificate + AT_KEY;
    bool ok = m->rsa ? agree_rsa(card, gate_key, k, z) : agree_p256(card, gate_key, k, z);

    const struct bytes parts[] = {{&command->p1, 1}, {command->data, command->len}, {k, k_size}};
    const struct bytes info = {(const uint8_t *)LABEL_SESSION, sizeof LABEL_SESSION - 1};
    sha256_labelled(LABEL_GATE_PAIR, parts, 3, m->transcript);
    hkdf((struct bytes){m->transcript, SHA256_SIZE}, (struct bytes){z, sizeof z}, &info, 1, m->keys,
         sizeof m->keys);
    wipe(z, sizeof z);
    return ok;
}

/* Writes card key, card certificate and proof, 192 bytes. */
static bool prove(struct card *card, const struct meeting *m, uint8_t status, const uint8_t tid[TID_SIZE],
                  uint8_t *out)
{
    uint8_t private_key[P256_PRIVATE_SIZE];
    const struct bytes parts[] = {{m->transcript, SHA256_SIZE},
                                  {&status, 1},
                                  {m->serial, SERIAL_SIZE},
                                  {m->counter, sizeof m->counter},
                                  {tid, TID_SIZE}};
    bool ok = record_read(card, REC_KEY_AUTH, KEY_P256_PRIVATE, private_key, sizeof private_key) &&
              record_read(card, REC_KEY_AUTH, KEY_P256_PUBLIC, out, P256_PUBLIC_SIZE) &&
              record_read(card, RECORD(REC_OPERATOR, m->slot), OPERATOR_AT_CERTIFICATE,
                          out + P256_PUBLIC_SIZE, ECDSA_SIZE) &&
              p256_sign(private_key, LABEL_CARD_PROOF, parts, 5, out + P256_PUBLIC_SIZE + ECDSA_SIZE);
    wipe(private_key, sizeof private_key);
    return ok;
}

/* K || CCM(status, serial, CTC, TF_A, TF_V, TF_B, card key, card certificate, proof) || tag. */
static uint16_t answer(struct card *card, const struct apdu_command *command, struct meeting *m,
                       struct apdu_response *response)
{
    size_t k_size = m->rsa ? RSA_SIZE : P256_PUBLIC_SIZE;
    uint8_t *body = response->data + k_size, *ticket = body + ANSWER_HEAD_SIZE + SERIAL_SIZE;
    if (!agree(card, command, m, response->data, k_size))
        return SW_AUTHENTICATION;

    m->ticket = gate_select(card, m->head.id, m->criterion, m->criterion_size);
    body[0] = m->ticket == NO_SLOT ? ANSWER_NOT_FOUND : ANSWER_FOUND;
    memcpy(body + 1, m->serial, SERIAL_SIZE);
    memcpy(body + 1 + SERIAL_SIZE, m->counter, sizeof m->counter);
    size_t n = ticket_copy(card, m->ticket, m->head.suite, ticket);
    if (n == 0 || !prove(card, m, body[0], ticket + FACE_AT_TID, ticket + n))
        return SW_MEMORY_FAILURE;

    n += ANSWER_HEAD_SIZE + SERIAL_SIZE + P256_PUBLIC_SIZE + 2 * ECDSA_SIZE;
    const uint8_t header[] = {command->cla, command->ins, command->p1, command->p2};
    const struct bytes aad[] = {{header, sizeof header}, {m->transcript, SHA256_SIZE}};
    session_seal_answer(m->keys, aad, 2, body, n);
    response->len = k_size + n + SESSION_TAG_SIZE;
    return SW_OK;
}

/* Receipts of this session are made with the operator's newest sub-key. */
static bool open_session(struct card *card, const struct meeting *m)
{
    struct gate_session *session = &card->ticket.gate;
    struct sub_key sub;
    if (!operators_newest_sub_key(card, m->slot, &sub))
        return false;
    *session = (struct gate_session){.open = true,
                                     .authority = m->rsa ? BY_GATE_RSA : BY_GATE_P256,
                                     .operator_slot = (uint8_t)m->slot,
                                     .slot = (int16_t)m->ticket,
                                     .receipt_key_version = sub.version,
                                     .operator_id = m->head.id,
                                     .gate = be32_get(m->certificate + AT_GATE)};
    memcpy(session->write_key, m->keys + SYM_KEY_SIZE, SYM_KEY_SIZE);
    wipe(&sub, sizeof sub);
    return true;
}

uint16_t gate_verify_pair(struct card *card, const struct apdu_command *command,
                          struct apdu_response *response)
{
    struct meeting m;
    uint32_t counter;
    session_end(&card->ticket.gate);
    uint16_t sw = parse(command, &m);
    if (sw == SW_OK)
        sw = check_certificate(card, &m);
    if (sw == SW_OK && !(card_serial(card, m.serial) && card_counter(card, &counter)))
        sw = SW_MEMORY_FAILURE;
    if (sw == SW_OK) {
        be32_put(m.counter, counter);
        sw = answer(card, command, &m, response);
    }
    if (sw == SW_OK && !open_session(card, &m))
        sw = SW_MEMORY_FAILURE;
    if (sw != SW_OK)
        wipe(response->data, response->size);
    wipe(&m, sizeof m);
    return sw;
}
