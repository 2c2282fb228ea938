/* VERIFY by a key of the gate's own: certificate or identity, key agreement, and the card's proof. */
#include "card/applets/ticket/gate_pair.h"

#include <string.h>

#include "card/apdu/card.h"
#include "card/applets/ticket/change.h"
#include "card/applets/ticket/session.h"
#include "card/crypto/p256.h"
#include "card/crypto/rsa.h"
#include "card/wire/be.h"

/* Offsets in a gate certificate. */
enum { AT_KIND = 1, AT_OPERATOR = 2, AT_GATE = 4, AT_EPOCH = 8, AT_KEY = 14, CERTIFICATE_VERSION = 1 };

static size_t credential_size(uint8_t mode)
{
    switch (mode) {
    case GATE_P256: return GATE_CERT_P256_SIZE;
    case GATE_RSA: return GATE_CERT_RSA_SIZE;
    default: return GATE_IDENTITY_SIZE;
    }
}

static uint16_t parse(const struct apdu_command *command, struct meeting *m)
{
    memset(m, 0, sizeof *m);
    m->mode = command->p1;
    m->credential = command->data;
    m->credential_size = credential_size(m->mode);
    size_t before = m->credential_size + GATE_NONCE_SIZE;
    if (command->len < before)
        return SW_WRONG_LENGTH;
    m->criterion = command->data + before;
    m->criterion_size = command->len - before;
    if (m->criterion_size != CRITERION_TID_SIZE && m->criterion_size != CRITERION_DATE_SIZE)
        return SW_WRONG_LENGTH;
    if (m->mode != GATE_SM9 && (m->credential[0] != CERTIFICATE_VERSION || m->credential[AT_KIND] != m->mode))
        return SW_WRONG_DATA;
    return SW_OK;
}

static uint16_t check_certificate(struct card *card, struct meeting *m)
{
    uint8_t anchor[P256_PUBLIC_SIZE];
    size_t signed_size = m->credential_size - ECDSA_SIZE;
    const struct bytes content = {m->credential, signed_size};

    m->slot = operators_find(card, be16_get(m->credential + AT_OPERATOR), &m->head);
    if (m->slot < 0 || m->head.suite == SUITE_SM9) /* which has no gate anchor */
        return SW_KEY_ABSENT;
    m->gate = be32_get(m->credential + AT_GATE);
    if (!record_read(card, RECORD(REC_OPERATOR, m->slot), OPERATOR_AT_ANCHOR, anchor, sizeof anchor))
        return SW_MEMORY_FAILURE;
    if (be16_get(m->credential + AT_EPOCH) < m->head.epoch_floor ||
        !p256_verify(anchor, LABEL_GATE_CERTIFICATE, &content, 1, m->credential + signed_size))
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

static bool agree_on(struct card *card, const struct meeting *m, uint8_t *k, uint8_t z[P256_SECRET_SIZE])
{
    switch (m->mode) {
    case GATE_P256: return agree_p256(card, m->credential + AT_KEY, k, z);
    case GATE_RSA: return agree_rsa(card, m->credential + AT_KEY, k, z);
    default: return gate_identity_agree(card, m, k, z);
    }
}

/* Writes K (k_size bytes) and derives T and the session's keys. */
static bool agree(struct card *card, const struct apdu_command *command, struct meeting *m, uint8_t *k,
                  size_t k_size)
{
    uint8_t z[P256_SECRET_SIZE];
    bool ok = agree_on(card, m, k, z);

    const struct bytes parts[] = {{&command->p1, 1}, {command->data, command->len}, {k, k_size}};
    const struct bytes info = {(const uint8_t *)LABEL_SESSION, sizeof LABEL_SESSION - 1};
    sha256_labelled(LABEL_GATE_PAIR, parts, 3, m->transcript);
    hkdf((struct bytes){m->transcript, SHA256_SIZE}, (struct bytes){z, sizeof z}, &info, 1, m->keys,
         sizeof m->keys);
    wipe(z, sizeof z);
    return ok;
}

/* Writes card key, card certificate and proof, 192 bytes. */
static bool prove_p256(struct card *card, const struct meeting *m, const struct bytes *parts, size_t count,
                       uint8_t *out)
{
    uint8_t private_key[P256_PRIVATE_SIZE];
    bool ok = record_read(card, REC_KEY_AUTH, KEY_P256_PRIVATE, private_key, sizeof private_key) &&
              record_read(card, REC_KEY_AUTH, KEY_P256_PUBLIC, out, P256_PUBLIC_SIZE) &&
              record_read(card, RECORD(REC_OPERATOR, m->slot), OPERATOR_AT_CERTIFICATE,
                          out + P256_PUBLIC_SIZE, ECDSA_SIZE) &&
              p256_sign(private_key, LABEL_CARD_PROOF, parts, count, out + P256_PUBLIC_SIZE + ECDSA_SIZE);
    wipe(private_key, sizeof private_key);
    return ok;
}

/* Writes what shows that this card answers now; its length, or 0 when the memory failed. */
static size_t prove(struct card *card, const struct meeting *m, const uint8_t *status,
                    const uint8_t tid[TID_SIZE], uint8_t *out)
{
    const struct bytes parts[] = {{m->transcript, SHA256_SIZE},
                                  {status, 1},
                                  {m->serial, SERIAL_SIZE},
                                  {m->counter, sizeof m->counter},
                                  {tid, TID_SIZE}};
    if (m->mode == GATE_SM9)
        return gate_identity_prove(card, m, parts, 5, out) ? GATE_IDENTITY_PROOF_SIZE : 0;
    return prove_p256(card, m, parts, 5, out) ? P256_PUBLIC_SIZE + 2 * ECDSA_SIZE : 0;
}

/* K || CCM(status, serial, CTC, TF_A, TF_V, TF_B, proof) || tag. */
static uint16_t answer(struct card *card, const struct apdu_command *command, struct meeting *m,
                       struct apdu_response *response)
{
    size_t k_size = m->mode == GATE_RSA ? RSA_SIZE : P256_PUBLIC_SIZE; /* of suite SM9, too */
    uint8_t *body = response->data + k_size, *ticket = body + ANSWER_HEAD_SIZE + SERIAL_SIZE;
    if (!agree(card, command, m, response->data, k_size))
        return SW_AUTHENTICATION;

    m->ticket = gate_select(card, m->head.id, m->criterion, m->criterion_size);
    body[0] = m->ticket == NO_SLOT ? ANSWER_NOT_FOUND : ANSWER_FOUND;
    memcpy(body + 1, m->serial, SERIAL_SIZE);
    memcpy(body + 1 + SERIAL_SIZE, m->counter, sizeof m->counter);
    size_t n = ticket_copy(card, m->ticket, m->head.suite, ticket);
    size_t proof = n > 0 ? prove(card, m, body, ticket + FACE_AT_TID, ticket + n) : 0;
    if (proof == 0)
        return SW_MEMORY_FAILURE;

    n += ANSWER_HEAD_SIZE + SERIAL_SIZE + proof;
    const uint8_t header[] = {command->cla, command->ins, command->p1, command->p2};
    const struct bytes aad[] = {{header, sizeof header}, {m->transcript, SHA256_SIZE}};
    session_seal_answer(m->keys, aad, 2, body, n);
    response->len = k_size + n + SESSION_TAG_SIZE;
    return SW_OK;
}

static uint8_t authority(uint8_t mode)
{
    switch (mode) {
    case GATE_P256: return BY_GATE_P256;
    case GATE_RSA: return BY_GATE_RSA;
    default: return BY_GATE_SM9;
    }
}

/* Receipts of this session are made with the operator's newest sub-key. */
static bool open_session(struct card *card, const struct meeting *m)
{
    struct gate_session *session = &card->ticket.gate;
    struct sub_key sub;
    if (!operators_newest_sub_key(card, m->slot, &sub))
        return false;
    *session = (struct gate_session){.open = true,
                                     .authority = authority(m->mode),
                                     .operator_slot = (uint8_t)m->slot,
                                     .slot = (int16_t)m->ticket,
                                     .receipt_key_version = sub.version,
                                     .operator_id = m->head.id,
                                     .gate = m->gate};
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
        sw = m.mode == GATE_SM9 ? gate_identity_check(card, &m) : check_certificate(card, &m);
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
