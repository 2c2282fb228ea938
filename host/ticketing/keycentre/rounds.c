/* The rounds of the ceremony at one centre: state in the database, mathematics in ceremony.c. A step reads
 * its row, computes, and moves the row on only if it is still where it was; the same step again is answered
 * from the row. specs/keycentre.md, "Ceremony". */
#include <string.h>

#include "host/base/bytes.h"
#include "host/base/log.h"
#include "host/ticketing/json_values.h"
#include "host/ticketing/keycentre/keycentre.h"

enum { ID_TEXT = 2 * KEYCENTRE_CEREMONY_ID + 1 };

_Static_assert(sizeof(struct keycentre_step) <= TALLY_CALL_STATE_MAX, "a step must fit a call's state");

static const char seen_label[] = "tally/keycentre-seen/1";

/* --- What all rounds share --- */

static const char *id_text(const struct keycentre_step *step, char out[ID_TEXT])
{
    (void)tally_hex_encode(step->id, sizeof step->id, out, ID_TEXT);
    return out;
}

static void secret_name(const struct keycentre_step *step, const char *what,
                        char out[KEYCENTRE_SECRET_NAME_MAX + 1])
{
    char id[ID_TEXT];
    snprintf(out, KEYCENTRE_SECRET_NAME_MAX + 1, "%s-%s", what, id_text(step, id));
}

static enum tally_error conflict(struct tally_call *call, const char *detail)
{
    return tally_call_problem(call, KEYCENTRE_PROBLEM(CEREMONY_CONFLICT), detail);
}

static enum tally_error read_row(struct tally_tx *tx, void *arg)
{
    struct keycentre_step *step = arg;
    return keycentre_ceremony_get(tx, step->id, step->settings.group.size, &step->row);
}

/* The ceremony's id, the centre's group and the row. */
static enum tally_error begin(struct tally_call *call, struct keycentre_step *step)
{
    struct keycentre_state state;
    if (!tally_hex_parse(tally_http_param(call->request, "id"), step->id, sizeof step->id))
        return tally_call_problem(call, TALLY_PROBLEM(NO_SUCH_RESOURCE), NULL);
    keycentre_state_copy(call->wing, &state);
    step->settings = state.settings;
    tally_wipe(&state, sizeof state);
    if (!step->settings.threshold)
        return tally_call_problem(call, KEYCENTRE_PROBLEM(NOT_THRESHOLD), NULL);
    if (!step->settings.joined)
        return tally_call_problem(call, KEYCENTRE_PROBLEM(NOT_THRESHOLD), "it has not joined a group yet");
    enum tally_error e = tally_db_read(call->db, read_row, step);
    step->before = step->row.round;
    return e;
}

/* Whether the step from round `from` on can be made (or, with *done, was made). Else a problem. */
static enum tally_error expect_round(struct tally_call *call, struct keycentre_step *step,
                                     enum keycentre_round from)
{
    if (step->row.round == ROUND_FAILED)
        return conflict(call, "the ceremony has failed here");
    if (step->row.round < from)
        return conflict(call, "an earlier step is missing");
    step->done = step->row.round > from;
    if (!step->done && step->settings.set_up)
        return tally_call_problem(call, KEYCENTRE_PROBLEM(SET_UP_ALREADY), NULL);
    return TALLY_OK;
}

/* {messages: [hex, …]}, one for each centre. */
static enum tally_error read_messages(struct tally_call *call, const struct keycentre_step *step,
                                      struct keycentre_message *messages)
{
    struct tally_json in;
    size_t centres = step->settings.group.size.centres;
    tally_json_begin(&in, call->body);
    const json_t *list = tally_json_array(&in, "messages", centres, centres);
    for (size_t i = 0; in.reason == NULL && i < centres; i++) {
        const char *hex = json_string_value(json_array_get(list, i));
        if (hex == NULL ||
            tally_hex_decode(hex, messages[i].bytes, sizeof messages[i].bytes, &messages[i].n) != TALLY_OK)
            tally_json_fault(&in, "messages", "must be messages in hex");
    }
    return tally_call_end_json(call, &in);
}

static enum tally_error seen_digest(const struct keycentre_step *step,
                                    const struct keycentre_message *messages,
                                    uint8_t digest[KEYCENTRE_DIGEST])
{
    struct tally_bytes parts[KEYCENTRE_CENTRES_MAX];
    for (size_t i = 0; i < step->settings.group.size.centres; i++)
        parts[i] = (struct tally_bytes){messages[i].bytes, messages[i].n};
    return tally_sha256_labelled(seen_label, parts, step->settings.group.size.centres, digest);
}

static bool same_message(const struct keycentre_message *a, const struct keycentre_message *b)
{
    return a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

/* This centre in this ceremony, with its seed, which the caller wipes. */
struct load_seed {
    const struct keycentre_step *step;
    struct keycentre_secret secret;
};

static enum tally_error load_seed(struct tally_tx *tx, void *arg)
{
    struct load_seed *l = arg;
    char name[KEYCENTRE_SECRET_NAME_MAX + 1];
    secret_name(l->step, "seed", name);
    return keycentre_secret_get(tx, name, &l->secret);
}

static enum tally_error open_ceremony(struct tally_call *call, const struct keycentre_step *step,
                                      struct keycentre_ceremony *ceremony)
{
    struct keycentre *centre = call->wing;
    struct load_seed l = {.step = step};
    size_t n;
    *ceremony =
        (struct keycentre_ceremony){.group = &step->settings.group, .signing_key = centre->signing_key};
    memcpy(ceremony->id, step->id, sizeof step->id);
    ceremony->index =
        (uint8_t)keycentre_group_index(&step->settings.group, tally_key_public(centre->signing_key, &n));
    enum tally_error e = tally_db_read(call->db, load_seed, &l);
    return e == TALLY_OK ? keycentre_secret_open(&centre->wrap, &l.secret, ceremony->seed, KEYCENTRE_SEED)
                         : e;
}

/* Stores a secret of a step, unless the passphrase was changed beside this process: nobody could read it. */
static enum tally_error put_secret(struct tally_call *call, const struct keycentre_step *step,
                                   struct tally_tx *tx)
{
    const struct keycentre *centre = call->wing;
    struct keycentre_settings settings;
    enum tally_error e = keycentre_settings_get(tx, &settings);
    if (e == TALLY_OK && memcmp(settings.salt, centre->salt, sizeof settings.salt) != 0)
        return conflict(call, "the passphrase was changed: start the service again");
    return e == TALLY_OK ? keycentre_secret_put(tx, &step->secret) : e;
}

/* Moves the row on, with a secret and a record. */
static enum tally_error move_on(struct tally_call *call, struct keycentre_step *step, struct tally_tx *tx,
                                const char *event)
{
    struct keycentre_record record;
    char id[ID_TEXT];
    enum tally_error e = step->secret.n > 0 ? put_secret(call, step, tx) : TALLY_OK;
    if (e == TALLY_OK)
        e = step->before == ROUND_NONE
                ? keycentre_ceremony_insert(tx, &step->row, tally_clock_wall_s(call->clock))
                : keycentre_ceremony_update(tx, &step->row, step->settings.group.size, step->before);
    if (e == TALLY_OK)
        e = keycentre_log(call, tx, event, id_text(step, id), &record);
    if (e == TALLY_E_STATE || e == TALLY_E_EXISTS)
        return conflict(call, "another request made this step at the same time: ask again");
    return e;
}

static enum tally_error answer_message(struct tally_call *call, const struct keycentre_message *message)
{
    json_t *json = json_object();
    keycentre_set_hex(json, "message", message->bytes, message->n);
    return tally_call_answer(call, 200, json);
}

/* A step whose messages were bad: the ceremony ends here, its secrets go, and the answer names the culprit.
 */
static enum tally_error fail(struct tally_call *call, struct keycentre_step *step, struct tally_tx *tx)
{
    char detail[96], name[KEYCENTRE_SECRET_NAME_MAX + 1];
    step->row.round = ROUND_FAILED;
    snprintf(detail, sizeof detail, "centre %u: %s", step->fault.centre, step->fault.reason);
    secret_name(step, "seed", name);
    enum tally_error e = keycentre_secret_delete(tx, name);
    secret_name(step, "share", name);
    if (e == TALLY_OK)
        e = keycentre_secret_delete(tx, name);
    if (e == TALLY_OK)
        e = move_on(call, step, tx, "ceremony-failed");
    if (e != TALLY_OK)
        return e;
    tally_log(TALLY_LOG_ERROR, "ceremony", call->request->trace, "a centre's contribution is wrong",
              TALLY_INT("centre", step->fault.centre), TALLY_STR("reason", step->fault.reason));
    (void)tally_call_problem(call, KEYCENTRE_PROBLEM(CEREMONY_FAILED), detail);
    return TALLY_OK; /* to be kept */
}

/* An error of ceremony.c: a fault of a centre is settled by apply, everything else is ours. */
static enum tally_error settle(const struct keycentre_step *step, enum tally_error e)
{
    return e == TALLY_E_CRYPTO && step->fault.centre > 0 ? TALLY_OK : e;
}

/* --- commit --- */

enum tally_error keycentre_commit_prepare(struct tally_call *call, void *state)
{
    struct keycentre_step *step = state;
    struct keycentre *centre = call->wing;
    struct keycentre_ceremony ceremony;
    char name[KEYCENTRE_SECRET_NAME_MAX + 1];
    size_t n;
    struct tally_json in;
    enum tally_error e = begin(call, step);
    if (e == TALLY_OK) {
        tally_json_begin(&in, call->body);
        e = tally_call_end_json(call, &in);
    }
    if (e == TALLY_OK)
        e = expect_round(call, step, ROUND_NONE);
    if (e != TALLY_OK || step->done)
        return e;
    ceremony =
        (struct keycentre_ceremony){.group = &step->settings.group, .signing_key = centre->signing_key};
    memcpy(ceremony.id, step->id, sizeof step->id);
    ceremony.index =
        (uint8_t)keycentre_group_index(&step->settings.group, tally_key_public(centre->signing_key, &n));
    secret_name(step, "seed", name);
    e = tally_random(ceremony.seed, KEYCENTRE_SEED);
    if (e == TALLY_OK)
        e = keycentre_ceremony_commit(&ceremony, &step->row.commit);
    if (e == TALLY_OK)
        e = keycentre_secret_make(&centre->wrap, name, ceremony.seed, KEYCENTRE_SEED, &step->secret);
    step->row.round = ROUND_COMMITTED;
    tally_wipe(&ceremony, sizeof ceremony);
    return e;
}

enum tally_error keycentre_commit_apply(struct tally_call *call, void *state, struct tally_tx *tx)
{
    struct keycentre_step *step = state;
    enum tally_error e = step->done ? TALLY_OK : move_on(call, step, tx, "ceremony-commit");
    return e == TALLY_OK ? answer_message(call, &step->row.commit) : e;
}

/* --- deal --- */

/* Commits shown before must be the same, and this centre's own among them. */
static enum tally_error check_commits(struct tally_call *call, const struct keycentre_step *step,
                                      const struct keycentre_message *commits, unsigned index)
{
    if (!same_message(&commits[index - 1], &step->row.commit))
        return conflict(call, "this centre's own commit is not among them");
    for (size_t i = 0; step->done && i < step->settings.group.size.centres; i++)
        if (!same_message(&commits[i], &step->row.commits[i]))
            return conflict(call, "it was shown other commits before");
    return TALLY_OK;
}

enum tally_error keycentre_deal_prepare(struct tally_call *call, void *state)
{
    struct keycentre_step *step = state;
    struct keycentre_message messages[KEYCENTRE_CENTRES_MAX];
    struct keycentre_ceremony ceremony = {.index = 0};
    enum tally_error e = begin(call, step);
    if (e == TALLY_OK)
        e = expect_round(call, step, ROUND_COMMITTED);
    if (e == TALLY_OK)
        e = read_messages(call, step, messages);
    if (e == TALLY_OK)
        e = check_commits(call, step, messages, step->row.commit.bytes[KEYCENTRE_MESSAGE_INDEX]);
    if (e != TALLY_OK || step->done)
        return e;
    e = open_ceremony(call, step, &ceremony);
    if (e == TALLY_OK)
        e = settle(step, keycentre_ceremony_deal(&ceremony, messages, &step->row.deal, &step->fault));
    if (step->fault.centre == 0)
        memcpy(step->row.commits, messages, step->settings.group.size.centres * sizeof *messages);
    step->row.round = ROUND_DEALT;
    tally_wipe(&ceremony, sizeof ceremony);
    return e;
}

enum tally_error keycentre_deal_apply(struct tally_call *call, void *state, struct tally_tx *tx)
{
    struct keycentre_step *step = state;
    if (step->fault.centre > 0)
        return fail(call, step, tx);
    enum tally_error e = step->done ? TALLY_OK : move_on(call, step, tx, "ceremony-deal");
    return e == TALLY_OK ? answer_message(call, &step->row.deal) : e;
}

/* --- confirm --- */

/* Keeps the share, wrapped, beside the row until the ceremony is finished. */
static enum tally_error keep_outcome(struct tally_call *call, struct keycentre_step *step,
                                     const struct keycentre_outcome *outcome)
{
    struct keycentre *centre = call->wing;
    uint8_t bytes[KEYCENTRE_SHARE_BYTES_MAX];
    char name[KEYCENTRE_SECRET_NAME_MAX + 1];
    size_t n = keycentre_share_encode(&outcome->share, bytes);
    secret_name(step, "share", name);
    enum tally_error e = keycentre_secret_make(&centre->wrap, name, bytes, n, &step->secret);
    step->row.confirm = outcome->confirm;
    step->row.keys = outcome->group;
    tally_wipe(bytes, sizeof bytes);
    return e;
}

static enum tally_error confirm(struct tally_call *call, struct keycentre_step *step,
                                const struct keycentre_message *deals)
{
    struct keycentre_outcome outcome;
    struct keycentre_ceremony ceremony;
    enum tally_error e = open_ceremony(call, step, &ceremony);
    if (e == TALLY_OK)
        e = keycentre_ceremony_confirm(&ceremony, step->row.commits, deals, &outcome, &step->fault);
    if (e == TALLY_OK)
        e = keep_outcome(call, step, &outcome);
    step->row.round = ROUND_CONFIRMED;
    tally_wipe(&outcome, sizeof outcome);
    tally_wipe(&ceremony, sizeof ceremony);
    return settle(step, e);
}

enum tally_error keycentre_confirm_prepare(struct tally_call *call, void *state)
{
    struct keycentre_step *step = state;
    struct keycentre_message messages[KEYCENTRE_CENTRES_MAX];
    uint8_t digest[KEYCENTRE_DIGEST];
    enum tally_error e = begin(call, step);
    if (e == TALLY_OK)
        e = expect_round(call, step, ROUND_DEALT);
    if (e == TALLY_OK)
        e = read_messages(call, step, messages);
    if (e == TALLY_OK)
        e = seen_digest(step, messages, digest);
    if (e == TALLY_OK &&
        !same_message(&messages[step->row.deal.bytes[KEYCENTRE_MESSAGE_INDEX] - 1], &step->row.deal))
        e = conflict(call, "this centre's own deal is not among them");
    if (e == TALLY_OK && step->done && memcmp(digest, step->row.deals_digest, sizeof digest) != 0)
        e = conflict(call, "it was shown other deals before");
    if (e != TALLY_OK || step->done)
        return e;
    memcpy(step->row.deals_digest, digest, sizeof digest);
    return confirm(call, step, messages);
}

enum tally_error keycentre_confirm_apply(struct tally_call *call, void *state, struct tally_tx *tx)
{
    struct keycentre_step *step = state;
    if (step->fault.centre > 0)
        return fail(call, step, tx);
    enum tally_error e = step->done ? TALLY_OK : move_on(call, step, tx, "ceremony-confirm");
    return e == TALLY_OK ? answer_message(call, &step->row.confirm) : e;
}

/* --- finish --- */

enum tally_error keycentre_finish_prepare(struct tally_call *call, void *state)
{
    struct keycentre_step *step = state;
    struct keycentre_message messages[KEYCENTRE_CENTRES_MAX];
    struct keycentre_ceremony ceremony = {.index = 0};
    uint8_t digest[KEYCENTRE_DIGEST];
    enum tally_error e = begin(call, step);
    if (e == TALLY_OK)
        e = expect_round(call, step, ROUND_CONFIRMED);
    if (e == TALLY_OK)
        e = read_messages(call, step, messages);
    if (e == TALLY_OK)
        e = seen_digest(step, messages, digest);
    if (e == TALLY_OK && step->done && memcmp(digest, step->row.confirms_digest, sizeof digest) != 0)
        e = conflict(call, "it was shown other confirms before");
    if (e != TALLY_OK || step->done)
        return e;
    memcpy(step->row.confirms_digest, digest, sizeof digest);
    e = open_ceremony(call, step, &ceremony);
    if (e == TALLY_OK)
        e = settle(step, keycentre_ceremony_finish(&ceremony, &step->row.confirm, messages, &step->fault));
    step->row.round = ROUND_FINISHED;
    tally_wipe(&ceremony, sizeof ceremony);
    return e;
}

/* The share of the ceremony becomes the centre's: under another name it is wrapped anew. */
static enum tally_error put_in_force(struct tally_call *call, struct keycentre_step *step,
                                     struct tally_tx *tx)
{
    struct keycentre *centre = call->wing;
    struct keycentre_settings settings;
    struct keycentre_secret pending;
    uint8_t bytes[KEYCENTRE_SHARE_BYTES_MAX];
    char name[KEYCENTRE_SECRET_NAME_MAX + 1];
    enum tally_error e = keycentre_settings_get(tx, &settings);
    if (e == TALLY_OK && settings.set_up)
        return tally_call_problem(call, KEYCENTRE_PROBLEM(SET_UP_ALREADY), NULL);
    secret_name(step, "share", name);
    if (e == TALLY_OK)
        e = keycentre_secret_get(tx, name, &pending);
    size_t n = e == TALLY_OK ? pending.n - KEYCENTRE_WRAP_OVERHEAD : 0;
    if (e == TALLY_OK)
        e = keycentre_secret_open(&centre->wrap, &pending, bytes, n);
    if (e == TALLY_OK)
        e = keycentre_secret_make(&centre->wrap, "share", bytes, n, &step->secret);
    if (e == TALLY_OK)
        e = keycentre_secret_delete(tx, name);
    secret_name(step, "seed", name);
    if (e == TALLY_OK)
        e = keycentre_secret_delete(tx, name);
    settings.set_up = true;
    settings.keys = step->row.keys;
    if (e == TALLY_OK)
        e = keycentre_settings_update(tx, &settings);
    tally_wipe(bytes, sizeof bytes);
    return e;
}

enum tally_error keycentre_finish_apply(struct tally_call *call, void *state, struct tally_tx *tx)
{
    struct keycentre_step *step = state;
    uint8_t master[KEYCENTRE_DIGEST];
    if (step->fault.centre > 0)
        return fail(call, step, tx);
    enum tally_error e = step->done ? TALLY_OK : put_in_force(call, step, tx);
    if (e == TALLY_OK && !step->done)
        e = move_on(call, step, tx, "ceremony-finish");
    if (e == TALLY_OK)
        e = keycentre_masters_digest(&step->row.keys.masters, master);
    if (e != TALLY_OK)
        return e;
    json_t *json = json_object();
    tally_json_set_hex(json, "master", master, sizeof master);
    return tally_call_answer(call, 200, json);
}
