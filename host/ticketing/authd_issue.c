/* Making a ticket: complete the face, sign it, encrypt it to the card, store it once. */
#include <stdio.h>
#include <string.h>

#include "card/wire/be.h"
#include "host/crypto/ticket_crypto.h"
#include "host/ticketing/authd.h"
#include "host/ticketing/face_json.h"

enum { USAGE_AT_USE_COUNTER = 24 };

/* Reading the request. */

static enum tally_error invalid_face(struct tally_call *call, const struct tally_json *in)
{
    char field[sizeof in->field + 8];
    snprintf(field, sizeof field, "/face%s", in->field);
    return tally_call_invalid(call, field, in->reason);
}

static enum tally_error read_replaced(struct tally_call *call, struct tally_json *in,
                                      struct authd_issue *state)
{
    state->replacing = tally_json_has(in, "replaces_tid");
    if (state->replacing) {
        tally_json_bytes(in, "replaces_tid", state->ticket.replaces_tid, TID_SIZE);
        tally_json_bytes(in, "usage", state->usage, USAGE_SIZE);
        state->ticket.replaces_any = true;
        state->ticket.replaces_use_counter = be16_get(state->usage + USAGE_AT_USE_COUNTER);
    }
    return tally_call_end_json(call, in);
}

/* Of everything the ticket depends on: what makes a repeated request the same. */
static enum tally_error digest_content(struct authd_issue *state)
{
    uint8_t face[FACE_SIZE];
    const struct tally_bytes parts[] = {
        {face, sizeof face}, {state->ticket.replaces_tid, TID_SIZE}, {state->usage, USAGE_SIZE}};
    face_encode(&state->face, face);
    return tally_sha256_labelled("tally/authd-content/1", parts, state->replacing ? 3 : 1,
                                 state->ticket.digest);
}

static enum tally_error read_request(struct tally_call *call, struct authd_issue *state)
{
    struct tally_json in, face_in;
    tally_json_begin(&in, call->body);
    const json_t *face = tally_json_object(&in, "face");
    enum tally_error e = read_replaced(call, &in, state);
    if (e != TALLY_OK)
        return e;
    if (tally_face_from_json(face, &state->face, &face_in) != TALLY_OK)
        return invalid_face(call, &face_in);
    if (state->face.profile == PROFILE_VOID && !state->replacing)
        return tally_call_invalid(call, "/replaces_tid", "a void order must name the ticket");
    memcpy(state->ticket.tid, state->face.tid, TID_SIZE);
    memcpy(state->ticket.serial, state->face.serial, SERIAL_SIZE);
    state->ticket.operator_id = state->face.operator_id;
    state->ticket.valid_to = state->face.valid_to;
    return digest_content(state);
}

/* What the database knows. */

/* NOT_FOUND becomes false. */
static enum tally_error found(enum tally_error e, bool *is)
{
    *is = e == TALLY_OK;
    return e == TALLY_E_NOT_FOUND ? TALLY_OK : e;
}

static enum tally_error look_replaced(struct tally_tx *tx, struct authd_issue *state)
{
    bool known;
    enum tally_error e = found(authd_ticket_get(tx, state->ticket.replaces_tid, &state->replaced), &known);
    if (e == TALLY_OK)
        e = authd_receipt_highest(tx, state->ticket.replaces_tid, &state->replaced_use_counter);
    return e == TALLY_OK ? authd_ticket_replaced(tx, &state->ticket, &state->replaced_already) : e;
}

/* Adopts the stored ticket when the request is the one that made it; TALLY_E_EXISTS when it is another. */
static enum tally_error adopt(struct authd_issue *state, const struct authd_ticket *stored)
{
    if (memcmp(stored->digest, state->ticket.digest, TALLY_CONTENT_DIGEST) != 0)
        return TALLY_E_EXISTS;
    state->ticket = *stored;
    state->same = true;
    return TALLY_OK;
}

static enum tally_error look(struct tally_tx *tx, void *arg)
{
    struct authd_issue *state = arg;
    struct authd_ticket stored;
    bool known;
    enum tally_error e = found(authd_ticket_get(tx, state->ticket.tid, &stored), &known);
    if (e != TALLY_OK || known)
        return e != TALLY_OK ? e : adopt(state, &stored);
    e = found(authd_card_get(tx, state->ticket.serial, &state->card), &state->card_known);
    if (e == TALLY_OK)
        e = found(authd_card_operator_get(tx, state->ticket.serial, state->ticket.operator_id, &state->op),
                  &state->op_known);
    if (e == TALLY_OK)
        e = authd_ticket_highest(tx, state->ticket.serial, state->ticket.operator_id, &state->highest);
    return e == TALLY_OK && state->replacing ? look_replaced(tx, state) : e;
}

/* The rules. Each returns NULL or the problem. */

static const struct tally_problem *card_refusal(const struct authd_issue *state,
                                                const struct tally_operator_keys *keys)
{
    if (!state->card_known)
        return TICKETING_PROBLEM(CARD_UNKNOWN);
    if (state->card.blocked)
        return TICKETING_PROBLEM(CARD_BLOCKED);
    if (!state->op_known || !state->op.set)
        return TICKETING_PROBLEM(OPERATOR_NOT_ON_CARD);
    if (keys == NULL)
        return TICKETING_PROBLEM(OPERATOR_UNKNOWN);
    if (keys->suite == SUITE_RSA && !state->card.has_rsa)
        return TICKETING_PROBLEM(CARD_LACKS_KEY);
    return NULL;
}

static const struct tally_problem *replacement_refusal(struct authd_issue *state,
                                                       const struct tally_operator_keys *keys)
{
    struct usage_record usage;
    const struct authd_ticket *old = &state->replaced;
    if (memcmp(old->serial, state->ticket.serial, SERIAL_SIZE) != 0 ||
        old->operator_id != state->ticket.operator_id)
        return TICKETING_PROBLEM(TICKET_UNKNOWN);
    if (authd_receipt_check(keys, old->serial, state->ticket.replaces_tid, state->usage, &usage) !=
            TALLY_OK ||
        usage.event == EVENT_DELETED)
        return TICKETING_PROBLEM(RECEIPT_INVALID);
    if (usage.use_counter < state->replaced_use_counter)
        return TICKETING_PROBLEM(RECEIPT_STALE);
    state->face.replaces = old->sequence;
    state->face.replaces_use_counter = usage.use_counter;
    state->ticket.replaces = old->sequence;
    return NULL;
}

/* The newest version of key 1 that the card's last package brought; NULL when none is left. */
static const struct tally_key *choose_key(const struct authd_issue *state,
                                          const struct tally_operator_keys *keys, uint8_t *version)
{
    *version = state->op.key6_high;
    const struct tally_key *key = tally_key_ring_find(&keys->key1, *version);
    if (key == NULL) {
        *version = state->op.key6_low;
        key = tally_key_ring_find(&keys->key1, *version);
    }
    return key;
}

/* Making it. */

static enum tally_error seal(struct authd_issue *state, const struct tally_key *key1)
{
    uint8_t face[FACE_SIZE], tfv[TALLY_TFV_MAX];
    size_t tfv_size;
    bool rsa = state->face.suite == SUITE_RSA;
    face_encode(&state->face, face);
    enum tally_error e = tally_face_sign(key1, face, tfv, &tfv_size);
    if (e != TALLY_OK)
        return e;
    /* Under the masters of the key that signed: they came to the card in one package. */
    if (state->face.suite == SUITE_SM9)
        return tally_ciphertext_1_seal_sm9(face, tfv, tally_key_sm9(key1), state->op.card_epoch,
                                           state->ticket.ciphertext, &state->ticket.ciphertext_size);
    return tally_ciphertext_1_seal(face, tfv, tfv_size, rsa ? state->card.rsa_modulus : state->card.kem_key,
                                   rsa ? RSA_SIZE : P256_PUBLIC_SIZE, state->card.key_version,
                                   state->ticket.ciphertext, &state->ticket.ciphertext_size);
}

static enum tally_error complete(struct tally_call *call, struct authd_issue *state,
                                 const struct tally_operator_keys *keys)
{
    struct authd *authd = call->wing;
    const struct tally_key *key1 = choose_key(state, keys, &state->face.key_version);
    if (key1 == NULL)
        return tally_call_problem(call, TICKETING_PROBLEM(PACKAGE_NEEDED), NULL);
    enum tally_error e =
        tally_sequence_take(authd->sequences, state->ticket.serial, state->ticket.operator_id, state->highest,
                            &state->face.sequence);
    if (e != TALLY_OK)
        return tally_call_problem(call, TALLY_PROBLEM(OVERLOADED), NULL);
    state->sequences = authd->sequences;
    state->face.suite = keys->suite;
    state->ticket.sequence = state->face.sequence;
    state->ticket.suite = state->face.suite;
    state->ticket.key_version = state->face.key_version;
    if (!face_valid(&state->face))
        return tally_call_invalid(call, "/face", "its members do not agree with each other");
    return seal(state, key1);
}

static enum tally_error make(struct tally_call *call, struct authd_issue *state)
{
    struct tally_keystore *keystore = authd_keys(call->wing);
    const struct tally_operator_keys *keys = tally_keystore_operator(keystore, state->ticket.operator_id);
    const struct tally_problem *problem = card_refusal(state, keys);
    if (problem == NULL && state->replacing)
        problem = replacement_refusal(state, keys);
    if (problem == NULL && state->replaced_already)
        problem = TICKETING_PROBLEM(ALREADY_REPLACED);
    enum tally_error e =
        problem != NULL ? tally_call_problem(call, problem, NULL) : complete(call, state, keys);
    tally_keystore_release(keystore);
    if (e != TALLY_OK)
        tally_metric_add(((const struct authd *)call->wing)->refused, 1);
    return e;
}

enum tally_error authd_issue_prepare(struct tally_call *call, void *arg)
{
    struct authd_issue *state = arg;
    enum tally_error e = read_request(call, state);
    if (e != TALLY_OK)
        return e;
    e = tally_db_read(call->db, look, state);
    if (e == TALLY_E_EXISTS)
        return tally_call_problem(call, TICKETING_PROBLEM(TICKET_CONFLICT), NULL);
    return e == TALLY_OK && !state->same ? make(call, state) : e;
}

/* The insertion met a row: which? */
static enum tally_error resolve(struct tally_call *call, struct authd_issue *state, struct tally_tx *tx)
{
    struct authd_ticket stored;
    bool replaced = false;
    enum tally_error e = authd_ticket_get(tx, state->ticket.tid, &stored);
    if (e == TALLY_OK) {
        e = adopt(state, &stored);
        return e == TALLY_E_EXISTS ? tally_call_problem(call, TICKETING_PROBLEM(TICKET_CONFLICT), NULL) : e;
    }
    if (e != TALLY_E_NOT_FOUND)
        return e;
    if (state->replacing)
        e = authd_ticket_replaced(tx, &state->ticket, &replaced);
    return tally_call_problem(
        call, replaced ? TICKETING_PROBLEM(ALREADY_REPLACED) : TICKETING_PROBLEM(SEQUENCE_TAKEN), NULL);
}

static enum tally_error store(struct tally_call *call, struct authd_issue *state, struct tally_tx *tx)
{
    struct authd_card card;
    enum tally_error e = authd_card_get(tx, state->ticket.serial, &card);
    if (e != TALLY_OK)
        return e;
    /* It may have been blocked since the worker looked. */
    if (card.blocked)
        return tally_call_problem(call, TICKETING_PROBLEM(CARD_BLOCKED), NULL);
    e = authd_ticket_insert(tx, &state->ticket, tally_clock_wall_s(call->clock));
    if (e == TALLY_E_EXISTS)
        return resolve(call, state, tx);
    state->used = e == TALLY_OK;
    return e;
}

enum tally_error authd_issue_apply(struct tally_call *call, void *arg, struct tally_tx *tx)
{
    struct authd_issue *state = arg;
    const struct authd *authd = call->wing;
    enum tally_error e = state->same ? TALLY_OK : store(call, state, tx);
    if (e != TALLY_OK)
        return e;
    tally_metric_add(state->same ? authd->repeated : authd->issued, 1);
    json_t *answer = json_pack("{s:I, s:i, s:i}", "sequence", (json_int_t)state->ticket.sequence, "suite",
                               state->ticket.suite, "key_version", state->ticket.key_version);
    tally_json_set_hex(answer, "tid", state->ticket.tid, TID_SIZE);
    return tally_call_answer(call, state->same ? 200 : 201, answer);
}

void authd_issue_release(void *arg)
{
    struct authd_issue *state = arg;
    if (state->sequences != NULL)
        tally_sequence_done(state->sequences, state->card.serial, state->op.operator_id, state->face.sequence,
                            state->used);
}

/* Handing it out. */

struct handout {
    struct authd_ticket ticket;
    struct authd_card card;
};

static enum tally_error look_handout(struct tally_tx *tx, void *arg)
{
    struct handout *handout = arg;
    enum tally_error e = authd_ticket_get(tx, handout->ticket.tid, &handout->ticket);
    return e == TALLY_OK ? authd_card_get(tx, handout->ticket.serial, &handout->card) : e;
}

enum tally_error authd_ciphertext_read(struct tally_call *call)
{
    struct handout handout;
    if (!authd_param_tid(call, handout.ticket.tid))
        return TALLY_E_DENIED;
    enum tally_error e = tally_db_read(call->db, look_handout, &handout);
    if (e == TALLY_E_NOT_FOUND)
        return tally_call_problem(call, TICKETING_PROBLEM(TICKET_UNKNOWN), NULL);
    if (e != TALLY_OK)
        return e;
    if (handout.card.blocked)
        return tally_call_problem(call, TICKETING_PROBLEM(CARD_BLOCKED), NULL);
    if (handout.ticket.blocked)
        return tally_call_problem(call, TICKETING_PROBLEM(TICKET_BLOCKED), NULL);
    json_t *answer = json_pack("{s:s}", "kind", handout.ticket.replaces_any ? "exchange" : "load");
    tally_json_set_hex(answer, "tid", handout.ticket.tid, TID_SIZE);
    tally_json_set_hex(answer, "serial", handout.ticket.serial, SERIAL_SIZE);
    tally_json_set_hex(answer, "ciphertext", handout.ticket.ciphertext, handout.ticket.ciphertext_size);
    return tally_call_answer(call, 200, answer);
}
