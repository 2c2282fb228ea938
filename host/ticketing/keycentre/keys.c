/* Extraction: who may ask, the key or this centre's part of it, sealed to the caller. */
#include <stdlib.h>
#include <string.h>

#include "host/base/bytes.h"
#include "host/crypto/hpke.h"
#include "host/ticketing/json_values.h"
#include "host/ticketing/keycentre/keycentre.h"

enum { POINT_UNCOMPRESSED = 4 };

/* --- Policy --- */

struct look {
    const char *party;
    const struct keycentre_ask *ask;
    bool granted, revoked;
};

static enum tally_error look(struct tally_tx *tx, void *arg)
{
    struct look *l = arg;
    enum tally_error e = keycentre_granted(tx, l->party, &l->ask->identity, &l->granted);
    return e == TALLY_OK ? keycentre_revoked(tx, l->ask->holder, &l->revoked) : e;
}

/* TALLY_OK when the rules allow it, else a problem is given. */
static enum tally_error decide(struct tally_call *call, const struct look *l)
{
    struct keycentre *centre = call->wing;
    const struct tally_problem *problem = !l->granted  ? KEYCENTRE_PROBLEM(IDENTITY_NOT_GRANTED)
                                          : l->revoked ? KEYCENTRE_PROBLEM(IDENTITY_REVOKED)
                                                       : NULL;
    if (problem == NULL)
        return TALLY_OK;
    tally_metric_add(centre->refused, 1);
    return tally_call_problem(call, problem, NULL);
}

static enum tally_error check_policy(struct tally_call *call, const struct keycentre_ask *ask,
                                     const struct keycentre_epochs *epochs)
{
    struct keycentre *centre = call->wing;
    struct look l = {.party = call->caller.party->name, .ask = ask};
    enum tally_error e = tally_db_read(call->db, look, &l);
    if (e == TALLY_OK)
        e = decide(call, &l);
    if (e == TALLY_OK && !keycentre_epoch_open(epochs, ask->identity.scheme, ask->identity.epoch,
                                               tally_clock_wall_s(call->clock))) {
        tally_metric_add(centre->refused, 1);
        e = tally_call_problem(call, KEYCENTRE_PROBLEM(EPOCH_CLOSED), NULL);
    }
    return e;
}

/* --- Request --- */

static void read_recipient(struct tally_json *in, uint8_t out[P256_PUBLIC_SIZE])
{
    uint8_t point[P256_POINT_SIZE];
    struct tally_key *key = NULL;
    tally_json_bytes(in, "recipient", point, sizeof point);
    if (in->reason == NULL &&
        (point[0] != POINT_UNCOMPRESSED || tally_key_from_public(point, sizeof point, &key) != TALLY_OK))
        tally_json_fault(in, "recipient", "is not a P-256 public key");
    tally_key_free(key);
    memcpy(out, point + 1, P256_PUBLIC_SIZE);
}

static void read_use(struct tally_json *in, struct keycentre_ask *ask)
{
    enum keycentre_use uses[KEYCENTRE_USES_MAX];
    const char *use = tally_json_string(in, "use", 1, 8);
    bool known = false;
    ask->use = strcmp(use, "sign") == 0 ? KEYCENTRE_SIGN : KEYCENTRE_DECRYPT;
    if (in->reason != NULL)
        return;
    if (ask->use == KEYCENTRE_DECRYPT && strcmp(use, "decrypt") != 0) {
        tally_json_fault(in, "use", "must be sign or decrypt");
        return;
    }
    for (size_t n = keycentre_uses(ask->identity.scheme, uses), i = 0; i < n; i++)
        known = known || uses[i] == ask->use;
    if (!known)
        tally_json_fault(in, "use", "is not one that this scheme has");
}

static enum tally_error read_ask(struct tally_call *call, bool evidence, struct keycentre_ask *ask)
{
    struct tally_json in;
    tally_json_begin(&in, call->body);
    const char *text = tally_json_string(&in, "identity", 1, IDENTITY_MAX);
    if (in.reason == NULL && !identity_parse(text, strlen(text), &ask->identity))
        tally_json_fault(&in, "identity", "is not an identity");
    identity_print(&ask->identity, ask->text);
    keycentre_holder_print(&ask->identity, ask->holder);
    if (evidence)
        read_use(&in, ask);
    read_recipient(&in, ask->recipient);
    return tally_call_end_json(call, &in);
}

/* --- Extraction --- */

static enum tally_error of_sm9(enum sm9_result result)
{
    return result == SM9_OK ? TALLY_OK : TALLY_E_CRYPTO;
}

/* The key, or this centre's part of it; *n grows by its bytes. */
static enum tally_error extract(const struct keycentre_state *state, enum keycentre_use use,
                                const struct sm9_id *id, uint8_t *out, size_t *n)
{
    struct keycentre_partial partial;
    enum tally_error e;
    if (!state->settings.threshold) {
        e = of_sm9(use == KEYCENTRE_SIGN
                       ? sm9_sign_extract(out + *n, state->sign, id)
                       : sm9_encrypt_extract(out + *n, state->encrypt, id, SM9_HID_ENCRYPT));
        *n += keycentre_key_size(use);
        return e;
    }
    e = keycentre_partial_make(&state->share, use, id, &partial);
    *n += keycentre_partial_encode(use, &partial, out + *n);
    tally_wipe(&partial, sizeof partial);
    return e;
}

static enum tally_error seal(struct keycentre_ask *ask, const char *label, const uint8_t *plain, size_t n)
{
    struct keycentre_aad aad = keycentre_aad(ask->master, &ask->index, ask->text);
    ask->sealed_size = n + TALLY_HPKE_OVERHEAD;
    ask->sealed = malloc(ask->sealed_size);
    if (ask->sealed == NULL)
        return TALLY_E_MEMORY;
    return tally_hpke_seal(ask->recipient, label, aad.parts, 3, plain, n, ask->sealed);
}

static enum tally_error make_keys(const struct keycentre_state *state, struct keycentre_ask *ask)
{
    enum keycentre_use uses[KEYCENTRE_USES_MAX];
    const struct sm9_id id = {(const uint8_t *)ask->text, strlen(ask->text)};
    uint8_t plain[KEYCENTRE_ANSWER_MAX];
    size_t n = 0, count = keycentre_uses(ask->identity.scheme, uses);
    enum tally_error e = TALLY_OK;
    for (size_t i = 0; e == TALLY_OK && i < count; i++)
        e = extract(state, uses[i], &id, plain, &n);
    if (e == TALLY_OK)
        e = seal(ask, KEYCENTRE_KEY_LABEL, plain, n);
    tally_wipe(plain, sizeof plain);
    return e;
}

static enum tally_error make_evidence(const struct keycentre_state *state, struct keycentre_ask *ask)
{
    const struct sm9_id id = {(const uint8_t *)ask->text, strlen(ask->text)};
    struct keycentre_evidence *evidence = malloc(sizeof *evidence);
    uint8_t *plain = malloc(KEYCENTRE_EVIDENCE_BYTES_MAX);
    enum tally_error e = TALLY_E_MEMORY;
    if (evidence != NULL && plain != NULL)
        e = keycentre_evidence_make(&state->share, ask->use, &id, evidence);
    if (e == TALLY_OK) {
        size_t n = keycentre_evidence_encode(state->share.size, state->index, ask->use, evidence, plain);
        e = seal(ask, KEYCENTRE_EVIDENCE_LABEL, plain, n);
    }
    if (evidence != NULL)
        tally_wipe(evidence, sizeof *evidence);
    if (plain != NULL)
        tally_wipe(plain, KEYCENTRE_EVIDENCE_BYTES_MAX);
    free(evidence);
    free(plain);
    return e;
}

static enum tally_error prepare(struct tally_call *call, struct keycentre_ask *ask, bool evidence)
{
    struct keycentre_state state;
    enum tally_error e;
    keycentre_state_copy(call->wing, &state);
    if (!state.settings.set_up) {
        e = tally_call_problem(call, KEYCENTRE_PROBLEM(NOT_SET_UP), NULL);
        goto out;
    }
    if (evidence && !state.settings.threshold) {
        e = tally_call_problem(call, KEYCENTRE_PROBLEM(NOT_THRESHOLD), NULL);
        goto out;
    }
    memcpy(ask->master, state.master, sizeof ask->master);
    ask->index = state.index;
    ask->event = evidence ? "evidence" : state.settings.threshold ? "share" : "key";
    e = read_ask(call, evidence, ask);
    if (e == TALLY_OK)
        e = check_policy(call, ask, &state.settings.group.epochs);
    if (e == TALLY_OK)
        e = evidence ? make_evidence(&state, ask) : make_keys(&state, ask);
out:
    tally_wipe(&state, sizeof state);
    return e;
}

enum tally_error keycentre_keys_prepare(struct tally_call *call, void *state)
{
    return prepare(call, state, false);
}

enum tally_error keycentre_evidence_prepare(struct tally_call *call, void *state)
{
    return prepare(call, state, true);
}

enum tally_error keycentre_keys_apply(struct tally_call *call, void *state, struct tally_tx *tx)
{
    struct keycentre *centre = call->wing;
    const struct keycentre_ask *ask = state;
    struct keycentre_record record;
    struct look l = {.party = call->caller.party->name, .ask = ask};
    enum tally_error e = look(tx, &l);
    if (e == TALLY_OK)
        e = decide(call, &l);
    if (e == TALLY_OK)
        e = keycentre_log(call, tx, ask->event, ask->text, &record);
    if (e != TALLY_OK)
        return e;
    json_t *mark = json_pack("{s:I}", "number", (json_int_t)record.number);
    tally_json_set_hex(mark, "hash", record.hash, sizeof record.hash);
    json_t *answer = json_pack("{s:s, s:i, s:o}", "identity", ask->text, "index", ask->index, "record", mark);
    tally_json_set_hex(answer, "master", ask->master, sizeof ask->master);
    keycentre_set_hex(answer, "sealed", ask->sealed, ask->sealed_size);
    tally_metric_add(ask->event[0] == 'e' ? centre->evidence : centre->issued, 1);
    return tally_call_answer(call, 201, answer);
}

void keycentre_keys_release(void *state)
{
    struct keycentre_ask *ask = state;
    free(ask->sealed);
}
