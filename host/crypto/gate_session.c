#include "host/crypto/gate_session.h"

#include <string.h>

#include "card/wire/be.h"
#include "host/crypto/certificate.h"
#include "host/crypto/gate_session_internal.h"
#include "host/crypto/kdf.h"
#include "host/crypto/p256.h"
#include "host/crypto/rsa.h"
#include "host/crypto/sm9.h"

enum { FOUND = 0, NOT_FOUND = 1 };

enum {
    CTC_SIZE = 4,
    TICKET_MAX = FACE_SIZE + TALLY_TFV_MAX + USAGE_SIZE,
    PROOF_SIZE = P256_PUBLIC_SIZE + 2 * ECDSA_SIZE, /* card key, card certificate, proof */
    IDENTITY_PROOF_SIZE = SM9_EPOCH_SIZE + SM9_CODE_SIZE,
    ANSWER_MAX = 1 + SERIAL_SIZE + CTC_SIZE + TICKET_MAX + PROOF_SIZE
};

void tally_gate_end(struct tally_gate_session *s)
{
    tally_wipe(s, sizeof *s);
}

/* --- VERIFY --- */

static void put_criterion(const struct tally_criterion *criterion, struct tally_gate_command *c)
{
    if (criterion->by_tid) {
        memcpy(c->data + c->n, criterion->tid, TID_SIZE);
        c->n += TID_SIZE;
    } else {
        be16_put(c->data + c->n, criterion->date);
        memcpy(c->data + c->n + 2, criterion->service, SERVICE_SIZE);
        c->n += 2 + SERVICE_SIZE;
    }
}

static void put_nonce(const uint8_t nonce[GATE_NONCE_SIZE], struct tally_gate_command *c)
{
    memcpy(c->data + c->n, nonce, GATE_NONCE_SIZE);
    c->n += GATE_NONCE_SIZE;
}

enum tally_error tally_gate_begin_sub_key(struct tally_gate_session *s, uint16_t operator_id, uint8_t suite,
                                          uint32_t gate, const uint8_t vmk[SYM_KEY_SIZE], uint8_t vmk_version,
                                          const uint8_t nonce[GATE_NONCE_SIZE],
                                          const struct tally_criterion *criterion,
                                          struct tally_gate_command *command)
{
    memset(command, 0, sizeof *command);
    tally_gate_end(s);
    if (tally_tfv_size(suite) == 0)
        return TALLY_E_USAGE;
    *s = (struct tally_gate_session){.phase = PHASE_BEGUN,
                                     .mode = GATE_SUB_KEY,
                                     .suite = suite,
                                     .key_version = vmk_version,
                                     .operator_id = operator_id};
    memcpy(s->vmk, vmk, SYM_KEY_SIZE);
    command->ins = INS_VERIFY;
    command->p1 = GATE_SUB_KEY;
    command->p2 = vmk_version;
    be16_put(command->data, operator_id);
    be32_put(command->data + 2, gate);
    command->n = 6;
    put_nonce(nonce, command);
    put_criterion(criterion, command);
    s->verify = *command;
    return TALLY_OK;
}

enum tally_error tally_gate_begin_pair(struct tally_gate_session *s, uint8_t suite,
                                       const struct tally_key *pair, const uint8_t *certificate,
                                       size_t certificate_size, const uint8_t nonce[GATE_NONCE_SIZE],
                                       const struct tally_criterion *criterion,
                                       struct tally_gate_command *command)
{
    struct tally_gate_certificate fields;
    size_t n = 0;
    const uint8_t *public_key = tally_key_public(pair, &n);
    memset(command, 0, sizeof *command);
    tally_gate_end(s);
    enum tally_error e = tally_gate_certificate_read(certificate, certificate_size, &fields);
    if (e != TALLY_OK)
        return e;
    /* The kinds of certificates are numbered as the suites of their keys. */
    if (tally_tfv_size(suite) == 0 || !tally_key_is_private(pair) || fields.kind != tally_key_suite(pair) ||
        memcmp(fields.public_key, public_key, n) != 0)
        return TALLY_E_USAGE;
    *s = (struct tally_gate_session){.phase = PHASE_BEGUN,
                                     .mode = fields.kind,
                                     .suite = suite,
                                     .operator_id = fields.operator_id,
                                     .pair = pair};
    command->ins = INS_VERIFY;
    command->p1 = fields.kind;
    memcpy(command->data, certificate, certificate_size);
    command->n = certificate_size;
    put_nonce(nonce, command);
    put_criterion(criterion, command);
    s->verify = *command;
    return TALLY_OK;
}

enum tally_error tally_gate_begin_identity(struct tally_gate_session *s, const struct tally_sm9_key *gate,
                                           uint16_t card_epoch_floor, const uint8_t nonce[GATE_NONCE_SIZE],
                                           const struct tally_criterion *criterion,
                                           struct tally_gate_command *command)
{
    const struct identity *identity = tally_sm9_key_identity(gate);
    memset(command, 0, sizeof *command);
    tally_gate_end(s);
    if (identity->scheme != IDENTITY_GATE || !tally_sm9_key_is_private(gate))
        return TALLY_E_USAGE;
    *s = (struct tally_gate_session){.phase = PHASE_BEGUN,
                                     .mode = GATE_SM9,
                                     .suite = SUITE_SM9,
                                     .operator_id = identity->operator_id,
                                     .identity = gate,
                                     .card_epoch_floor = card_epoch_floor};
    command->ins = INS_VERIFY;
    command->p1 = GATE_SM9;
    be16_put(command->data, identity->operator_id);
    be32_put(command->data + 2, identity->gate);
    be16_put(command->data + 6, identity->epoch);
    command->n = GATE_IDENTITY_SIZE;
    put_nonce(nonce, command);
    put_criterion(criterion, command);
    s->verify = *command;
    return TALLY_OK;
}

/* --- ciphertext 2 --- */

/* Decrypts P, which gives the serial, and derives K_sub and the keys of this tap's answer. */
static enum tally_error meet_sub_key(struct tally_gate_session *s, const uint8_t p[PSEUDONYM_SIZE],
                                     uint8_t answer_key[SYM_KEY_SIZE])
{
    uint8_t id_key[SYM_KEY_SIZE], identity[TALLY_BLOCK_SIZE];
    const struct tally_bytes x[] = {{s->verify.data, 2},
                                    {&s->key_version, 1},
                                    {s->verify.data + 2, 4 + GATE_NONCE_SIZE},
                                    {p, PSEUDONYM_SIZE}};
    enum tally_error e = tally_derive_id_key(s->vmk, s->key_version, s->operator_id, id_key);
    if (e == TALLY_OK)
        e = tally_aes_decrypt(id_key, p, identity);
    if (e == TALLY_OK) {
        memcpy(s->serial, identity, SERIAL_SIZE);
        e = tally_derive_sub_key(s->vmk, s->key_version, s->operator_id, s->serial, s->sub_key);
    }
    if (e == TALLY_OK)
        e = tally_kdf_cmac(s->sub_key, LABEL_ANSWER, x, 4, answer_key, SYM_KEY_SIZE);
    tally_wipe(id_key, sizeof id_key);
    tally_wipe(identity, sizeof identity);
    return e;
}

/* K_write needs the card's counter, which is in the answer. */
static enum tally_error derive_write_key(struct tally_gate_session *s, const uint8_t p[PSEUDONYM_SIZE],
                                         const uint8_t ctc[CTC_SIZE])
{
    const struct tally_bytes x[] = {{s->verify.data, 2},
                                    {&s->key_version, 1},
                                    {s->verify.data + 2, 4 + GATE_NONCE_SIZE},
                                    {p, PSEUDONYM_SIZE},
                                    {ctc, CTC_SIZE}};
    return tally_kdf_cmac(s->sub_key, LABEL_WRITE, x, 5, s->write_key, SYM_KEY_SIZE);
}

/* Takes Z out of K. */
static enum tally_error agree(const struct tally_gate_session *s, const uint8_t *k,
                              uint8_t z[TALLY_P256_SECRET_SIZE])
{
    uint8_t message[TALLY_OAEP_MAX];
    size_t n;
    if (s->mode == GATE_P256)
        return tally_p256_ecdh(s->pair, k, z);
    if (s->mode == GATE_SM9)
        return tally_sm9_decapsulate(s->identity, k, z);
    enum tally_error e = tally_oaep_decrypt(s->pair, LABEL_GATE_RSA, k, message, &n);
    if (e == TALLY_OK && n != TALLY_P256_SECRET_SIZE)
        e = TALLY_E_CRYPTO;
    memcpy(z, message, TALLY_P256_SECRET_SIZE);
    tally_wipe(message, sizeof message);
    return e;
}

/* T, K_answer and K_write from K. */
static enum tally_error meet_pair(struct tally_gate_session *s, const uint8_t *k, size_t k_size,
                                  uint8_t t[TALLY_SHA256_SIZE], uint8_t answer_key[SYM_KEY_SIZE])
{
    uint8_t z[TALLY_P256_SECRET_SIZE], keys[2 * SYM_KEY_SIZE];
    const struct tally_bytes parts[] = {{&s->mode, 1}, {s->verify.data, s->verify.n}, {k, k_size}};
    const struct tally_bytes info = {(const uint8_t *)LABEL_SESSION, sizeof LABEL_SESSION - 1};
    enum tally_error e = agree(s, k, z);
    if (e == TALLY_OK)
        e = tally_sha256_labelled(LABEL_GATE_PAIR, parts, 3, t);
    if (e == TALLY_OK)
        e = tally_hkdf((struct tally_bytes){t, TALLY_SHA256_SIZE}, (struct tally_bytes){z, sizeof z}, &info,
                       1, keys, sizeof keys);
    if (e == TALLY_OK) {
        memcpy(answer_key, keys, SYM_KEY_SIZE);
        memcpy(s->write_key, keys + SYM_KEY_SIZE, SYM_KEY_SIZE);
    }
    tally_wipe(z, sizeof z);
    tally_wipe(keys, sizeof keys);
    return e;
}

/* Card key, card certificate and proof. */
static enum tally_error check_certified(const struct tally_gate_session *s, const struct tally_key *authority,
                                        const struct tally_bytes *parts, size_t count, const uint8_t *plain,
                                        const uint8_t *proof)
{
    struct tally_key *card = NULL;
    enum tally_error e = authority == NULL
                             ? TALLY_E_USAGE
                             : tally_card_certificate_verify(authority, s->operator_id, plain + 1, proof,
                                                             proof + P256_PUBLIC_SIZE);
    if (e == TALLY_OK)
        e = tally_key_from_public(proof, P256_PUBLIC_SIZE, &card);
    if (e == TALLY_OK)
        e = tally_p256_verify(card, LABEL_CARD_PROOF, parts, count, proof + P256_PUBLIC_SIZE + ECDSA_SIZE);
    tally_key_free(card);
    return e;
}

/* The card's identity is made of the serial that the answer names. */
static enum tally_error check_identity(const struct tally_gate_session *s, const struct tally_bytes *parts,
                                       size_t count, const uint8_t *plain, const uint8_t *proof)
{
    struct identity card = {.scheme = IDENTITY_CARD, .epoch = be16_get(proof)};
    memcpy(card.serial, plain + 1, SERIAL_SIZE);
    if (card.epoch < s->card_epoch_floor)
        return TALLY_E_CRYPTO;
    return tally_sm9_verify(s->identity, &card, LABEL_CARD_PROOF, parts, count, proof + SM9_EPOCH_SIZE);
}

/* What the card proves itself with, against what the answer says. */
static enum tally_error check_proof(const struct tally_gate_session *s, const struct tally_key *authority,
                                    const uint8_t t[TALLY_SHA256_SIZE], const uint8_t *plain,
                                    const uint8_t *tid, const uint8_t *proof)
{
    const struct tally_bytes parts[] = {
        {t, TALLY_SHA256_SIZE}, {plain, 1 + SERIAL_SIZE + CTC_SIZE}, {tid, TID_SIZE}};
    return s->mode == GATE_SM9 ? check_identity(s, parts, 3, plain, proof)
                               : check_certified(s, authority, parts, 3, plain, proof);
}

/* Status and ticket; the serial is in the session by now. */
static enum tally_error read_ticket(const struct tally_gate_session *s, uint8_t status, const uint8_t *ctc,
                                    const uint8_t *ticket, struct tally_gate_answer *answer)
{
    size_t tfv_size = tally_tfv_size(s->suite);
    if (status != FOUND && status != NOT_FOUND)
        return TALLY_E_FORMAT;
    memcpy(answer->serial, s->serial, SERIAL_SIZE);
    answer->card_transaction_counter = be32_get(ctc);
    if (status == NOT_FOUND)
        return TALLY_OK;
    /* The ticket of another card, or of another operator, has no business here. */
    if (memcmp(ticket + FACE_AT_SERIAL, s->serial, SERIAL_SIZE) != 0 ||
        be16_get(ticket + FACE_AT_OPERATOR) != s->operator_id)
        return TALLY_E_CRYPTO;
    answer->found = true;
    memcpy(answer->face, ticket, FACE_SIZE);
    memcpy(answer->tfv, ticket + FACE_SIZE, tfv_size);
    answer->tfv_size = tfv_size;
    memcpy(answer->usage, ticket + FACE_SIZE + tfv_size, USAGE_SIZE);
    return TALLY_OK;
}

static enum tally_error open_sub_key(struct tally_gate_session *s, const uint8_t *response, size_t n,
                                     struct tally_gate_answer *answer)
{
    uint8_t key[SYM_KEY_SIZE], nonce[SESSION_NONCE_SIZE], plain[ANSWER_MAX];
    const uint8_t header[] = {CLA_PROPRIETARY, INS_VERIFY, s->verify.p1, s->verify.p2};
    const struct tally_bytes aad[] = {{header, sizeof header}, {s->verify.data, s->verify.n}};
    size_t size = 1 + CTC_SIZE + FACE_SIZE + tally_tfv_size(s->suite) + USAGE_SIZE;
    if (n != PSEUDONYM_SIZE + size + SESSION_TAG_SIZE)
        return TALLY_E_FORMAT;
    make_nonce(TO_GATE, 0, nonce);
    enum tally_error e = meet_sub_key(s, response, key);
    if (e == TALLY_OK)
        e = tally_ccm_open(key, nonce, aad, 2, response + PSEUDONYM_SIZE, n - PSEUDONYM_SIZE, plain);
    if (e == TALLY_OK)
        e = derive_write_key(s, response, plain + 1);
    if (e == TALLY_OK)
        e = read_ticket(s, plain[0], plain + 1, plain + 1 + CTC_SIZE, answer);
    tally_wipe(key, sizeof key);
    tally_wipe(plain, sizeof plain);
    return e;
}

static enum tally_error open_pair(struct tally_gate_session *s, const struct tally_key *authority,
                                  const uint8_t *response, size_t n, struct tally_gate_answer *answer)
{
    uint8_t key[SYM_KEY_SIZE], t[TALLY_SHA256_SIZE], nonce[SESSION_NONCE_SIZE], plain[ANSWER_MAX];
    const uint8_t header[] = {CLA_PROPRIETARY, INS_VERIFY, s->verify.p1, s->verify.p2};
    const struct tally_bytes aad[] = {{header, sizeof header}, {t, sizeof t}};
    size_t k_size = s->mode == GATE_RSA ? RSA_SIZE : P256_PUBLIC_SIZE; /* of suite SM9, too */
    size_t proof_size = s->mode == GATE_SM9 ? IDENTITY_PROOF_SIZE : PROOF_SIZE;
    size_t head = 1 + SERIAL_SIZE + CTC_SIZE;
    size_t ticket_size = FACE_SIZE + tally_tfv_size(s->suite) + USAGE_SIZE;
    const uint8_t *ticket = plain + head;
    if (n != k_size + head + ticket_size + proof_size + SESSION_TAG_SIZE)
        return TALLY_E_FORMAT;
    make_nonce(TO_GATE, 0, nonce);
    enum tally_error e = meet_pair(s, response, k_size, t, key);
    if (e == TALLY_OK)
        e = tally_ccm_open(key, nonce, aad, 2, response + k_size, n - k_size, plain);
    if (e == TALLY_OK)
        e = check_proof(s, authority, t, plain, ticket + FACE_AT_TID, ticket + ticket_size);
    if (e == TALLY_OK) {
        memcpy(s->serial, plain + 1, SERIAL_SIZE);
        e = read_ticket(s, plain[0], plain + 1 + SERIAL_SIZE, ticket, answer);
    }
    tally_wipe(key, sizeof key);
    tally_wipe(plain, sizeof plain);
    return e;
}

enum tally_error tally_gate_open(struct tally_gate_session *s, const struct tally_key *authority,
                                 const uint8_t *response, size_t n, struct tally_gate_answer *answer)
{
    memset(answer, 0, sizeof *answer);
    enum tally_error e = TALLY_E_STATE;
    if (s->phase == PHASE_BEGUN && s->mode == GATE_SUB_KEY)
        e = open_sub_key(s, response, n, answer);
    else if (s->phase == PHASE_BEGUN)
        e = open_pair(s, authority, response, n, answer);
    tally_wipe(s->vmk, sizeof s->vmk);
    s->phase = PHASE_OPEN;
    if (e != TALLY_OK) {
        memset(answer, 0, sizeof *answer);
        tally_gate_end(s);
    }
    return e;
}
