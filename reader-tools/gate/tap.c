#include "reader-tools/gate/tap.h"

#include <string.h>

#include "host/base/bytes.h"
#include "host/crypto/kdf.h"
#include "host/crypto/ticket_crypto.h"

/* A tap under way. */
struct run {
    struct gate *gate;
    struct tally_card *card;
    const struct gate_request *request;
    struct gate_tap *tap;
    struct tally_gate_session session;
    struct tally_gate_answer answer;
    uint32_t now;
    uint64_t mark; /* when the phase began */
};

const char *gate_phase_name(enum gate_phase phase)
{
    static const char *const names[GATE_PHASES] = {"verify", "decide", "journal", "write"};
    return phase < GATE_PHASES ? names[phase] : "unknown";
}

/* Ends a phase and begins the next. */
static void lap(struct run *r, enum gate_phase phase)
{
    uint64_t t = tally_clock_monotonic_us(r->gate->clock);
    r->tap->phase_us[phase] += t - r->mark;
    r->mark = t;
}

/* Why the card did not answer VERIFY as it should. */
static enum gate_reason verify_reason(enum tally_error e, uint16_t sw)
{
    switch (sw) {
    case SW_KEY_ABSENT:
    case SW_AUTHENTICATION: return GATE_GATE_REFUSED;
    case SW_CONDITIONS: return GATE_CARD_STATE;
    case SW_INS_UNSUPPORTED:
    case SW_CLA_UNSUPPORTED:
    case SW_FILE_NOT_FOUND: return GATE_NOT_A_TALLY_CARD;
    default: break;
    }
    switch (e) {
    case TALLY_E_CARD_LOST: return GATE_CARD_LOST;
    case TALLY_E_CRYPTO: return GATE_NOT_AUTHENTIC;
    case TALLY_E_NO_CARD: return GATE_NOT_A_TALLY_CARD;
    default: return GATE_CARD_REFUSED;
    }
}

/* The first bytes of a VERIFY answer are the card's fresh nonce, hidden or not: they never come twice. */
static bool seen_before(struct gate *gate, const uint8_t *answer, bool authentic)
{
    for (unsigned i = 0; i < GATE_SEEN_MAX; i++)
        if (memcmp(gate->seen[i], answer, PSEUDONYM_SIZE) == 0)
            return true;
    if (authentic)
        memcpy(gate->seen[gate->seen_next++ % GATE_SEEN_MAX], answer, PSEUDONYM_SIZE);
    return false;
}

static enum tally_error verify_once(struct run *r, const struct tally_gate_command *command)
{
    enum tally_error e =
        tally_card_gate_verify(r->card, &r->session, command, r->gate->kit.authority, &r->answer);
    r->tap->card_error = r->card->error;
    return e;
}

/* With the sub-key: newest version first; a card that was not refreshed yet knows an older one. */
static enum tally_error verify_sub_key(struct run *r, const uint8_t *nonce)
{
    const struct gate_kit *kit = &r->gate->kit;
    struct tally_gate_command command;
    enum tally_error e = TALLY_E_NOT_FOUND;
    for (size_t i = kit->vmk.count; i-- > 0 && e == TALLY_E_NOT_FOUND;) {
        e = tally_gate_begin_sub_key(&r->session, kit->operator_id, kit->suite, r->gate->rules.gate,
                                     kit->vmk.at[i].secret, kit->vmk.at[i].version, nonce,
                                     &r->request->criterion, &command);
        if (e == TALLY_OK)
            e = verify_once(r, &command);
    }
    return e;
}

static enum tally_error verify_pair(struct run *r, const uint8_t *nonce)
{
    const struct gate_kit *kit = &r->gate->kit;
    bool rsa = r->gate->mode == GATE_RSA;
    const struct tally_key *pair = rsa ? kit->rsa : kit->p256;
    struct tally_gate_command command;
    if (pair == NULL)
        return TALLY_E_NOT_FOUND;
    enum tally_error e = tally_gate_begin_pair(
        &r->session, kit->suite, pair, rsa ? kit->rsa_certificate : kit->p256_certificate,
        rsa ? sizeof kit->rsa_certificate : sizeof kit->p256_certificate, nonce, &r->request->criterion,
        &command);
    return e == TALLY_OK ? verify_once(r, &command) : e;
}

static enum tally_error verify_identity(struct run *r, const uint8_t *nonce)
{
    const struct gate_kit *kit = &r->gate->kit;
    struct tally_gate_command command;
    if (kit->identity == NULL)
        return TALLY_E_NOT_FOUND;
    enum tally_error e = tally_gate_begin_identity(&r->session, kit->identity, kit->card_epoch_floor, nonce,
                                                   &r->request->criterion, &command);
    return e == TALLY_OK ? verify_once(r, &command) : e;
}

static enum tally_error verify_by_mode(struct run *r, const uint8_t *nonce)
{
    switch (r->gate->mode) {
    case GATE_SUB_KEY: return verify_sub_key(r, nonce);
    case GATE_SM9: return verify_identity(r, nonce);
    default: return verify_pair(r, nonce);
    }
}

/* Asks the card for the ticket, and proves card and ticket genuine. */
static enum gate_reason verify(struct run *r)
{
    uint8_t nonce[GATE_NONCE_SIZE];
    struct gate_tap *tap = r->tap;
    if (tally_random_fill(r->gate->random, nonce, sizeof nonce) != TALLY_OK)
        return GATE_CARD_REFUSED;
    enum tally_error e = verify_by_mode(r, nonce);
    if (e != TALLY_OK) {
        enum gate_reason reason = verify_reason(e, tap->card_error.sw == SW_OK ? 0 : tap->card_error.sw);
        bool replay = reason == GATE_NOT_AUTHENTIC && seen_before(r->gate, r->card->answer, false);
        return replay ? GATE_REPLAYED : reason;
    }
    (void)seen_before(r->gate, r->card->answer, true);
    memcpy(tap->serial, r->answer.serial, SERIAL_SIZE);
    tap->known = true;
    if (!r->answer.found)
        return GATE_NO_TICKET;
    if (!face_decode(r->answer.face, &tap->face) || !usage_decode(r->answer.usage, &tap->usage))
        return GATE_FORGED_TICKET;
    tap->has_ticket = true;
    const struct tally_key *key6 = gate_kit_key6(&r->gate->kit, tap->face.key_version);
    if (key6 == NULL)
        return GATE_UNKNOWN_KEY;
    return tally_face_verify(key6, r->answer.face, r->answer.tfv, r->answer.tfv_size) == TALLY_OK
               ? GATE_ACCEPTED
               : GATE_FORGED_TICKET;
}

static enum gate_holder_evidence look_at_document(const struct run *r)
{
    uint8_t hash[HOLDER_HASH_SIZE];
    const struct ticket_face *face = &r->tap->face;
    if (r->request->document_type == 0 || r->request->document_number == NULL)
        return GATE_NO_DOCUMENT;
    bool same = r->request->document_type == face->holder_document &&
                tally_holder_hash(face->tid, r->request->document_type, r->request->document_number, hash) ==
                    TALLY_OK &&
                tally_equal_ct(hash, face->holder_hash, sizeof hash);
    return same ? GATE_DOCUMENT_MATCHES : GATE_DOCUMENT_DIFFERS;
}

static struct gate_verdict decide(struct run *r)
{
    struct gate *gate = r->gate;
    struct gate_tap *tap = r->tap;
    uint8_t event;
    struct gate_situation situation = {
        .now = r->now,
        .action = r->request->action,
        .holder = look_at_document(r),
        .list_stale = gate_denylist_stale(&gate->list, r->now),
        .card_denied = gate_denylist_has_serial(&gate->list, tap->serial),
        .ticket_denied = gate_denylist_has_tid(&gate->list, tap->face.tid),
    };
    if (gate->journal != NULL) {
        situation.pending =
            gate_journal_pending(gate->journal, tap->face.tid, &situation.pending_transaction, &event);
        situation.next_transaction = gate_journal_next_transaction(gate->journal);
    }
    struct gate_verdict v = gate_decide(&gate->rules, &situation, &tap->face, &tap->usage);
    tap->action = v.action;
    tap->clock_alarm = v.clock_alarm;
    return v;
}

/* The receipt's own MAC, where this gate has the key: with a gate pair the session alone vouches for it. */
static bool receipt_valid(const struct run *r, const uint8_t *tid, const uint8_t usage[USAGE_SIZE])
{
    const struct gate_kit *kit = &r->gate->kit;
    uint8_t sub_key[SYM_KEY_SIZE], receipt_key[SYM_KEY_SIZE];
    const uint8_t version = usage[USAGE_GATE_PART];
    const uint8_t *vmk = tally_secret_ring_find(&kit->vmk, version);
    if (vmk == NULL)
        return true;
    bool valid = tally_derive_sub_key(vmk, version, kit->operator_id, r->tap->serial, sub_key) == TALLY_OK &&
                 tally_derive_receipt_key(sub_key, receipt_key) == TALLY_OK &&
                 tally_receipt_verify(receipt_key, r->tap->serial, kit->operator_id, tid, usage) == TALLY_OK;
    tally_wipe(sub_key, sizeof sub_key);
    tally_wipe(receipt_key, sizeof receipt_key);
    return valid;
}

/* Puts the receipt into the journal; only then the gate may open. */
static enum gate_reason conclude(struct run *r, const uint8_t *tid, const uint8_t usage[USAGE_SIZE],
                                 enum gate_reason reason)
{
    if (!receipt_valid(r, tid, usage) || !usage_decode(usage, &r->tap->usage))
        return GATE_RECEIPT_INVALID;
    enum tally_error e = gate_journal_done(r->gate->journal, r->now, tid, r->tap->serial, usage);
    lap(r, GATE_PHASE_JOURNAL);
    return e == TALLY_OK ? reason : GATE_JOURNAL_FAILED;
}

static enum tally_error send_change(struct run *r, const uint8_t *tid, enum gate_action action,
                                    const uint8_t *part, uint8_t usage[USAGE_SIZE])
{
    enum tally_error e = action == GATE_DO_DELETE
                             ? tally_card_gate_delete(r->card, &r->session, tid, usage)
                             : tally_card_gate_write(r->card, &r->session, tid, part, usage);
    r->tap->card_error = r->card->error;
    lap(r, GATE_PHASE_WRITE);
    return e;
}

/* Intent, change, receipt. */
static enum gate_reason carry_out(struct run *r, const uint8_t *tid, enum gate_action action,
                                  const struct usage_record *after)
{
    uint8_t record[USAGE_SIZE], usage[USAGE_SIZE];
    usage_encode(after, record);
    enum tally_error e = gate_journal_intent(r->gate->journal, r->now, tid, r->tap->serial, record);
    lap(r, GATE_PHASE_JOURNAL);
    if (e != TALLY_OK)
        return GATE_JOURNAL_FAILED;
    e = send_change(r, tid, action, record, usage);
    if (e == TALLY_OK)
        return conclude(r, tid, usage, GATE_ACCEPTED);
    if (e == TALLY_E_CARD_LOST) {
        r->tap->torn = true;
        return GATE_CARD_LOST;
    }
    if (e == TALLY_E_CRYPTO && r->card->error.sw == 0)
        return GATE_RECEIPT_INVALID; /* unknown whether it was written: the intent stays */
    /* The card refused, so nothing was written. */
    (void)gate_journal_void(r->gate->journal, r->now, tid, r->tap->serial);
    return GATE_CARD_REFUSED;
}

/* A deletion that was torn leaves no ticket to verify, only the card's memory of it: asked again, the card
 * gives the same receipt. */
static enum gate_reason repeat_deletion(struct run *r)
{
    uint8_t usage[USAGE_SIZE], event;
    const uint8_t *tid = r->request->criterion.tid;
    uint32_t transaction;
    if (r->gate->journal == NULL || !r->request->criterion.by_tid ||
        !gate_journal_pending(r->gate->journal, tid, &transaction, &event) || event != EVENT_DELETED)
        return GATE_NO_TICKET;
    r->tap->action = GATE_DO_DELETE;
    enum tally_error e = send_change(r, tid, GATE_DO_DELETE, NULL, usage);
    if (e == TALLY_E_CARD_LOST)
        return GATE_CARD_LOST;
    return e == TALLY_OK ? conclude(r, tid, usage, GATE_RATIFIED) : GATE_NO_TICKET;
}

static enum gate_reason act(struct run *r, const struct gate_verdict *v)
{
    const uint8_t *tid = r->tap->face.tid;
    uint32_t transaction;
    uint8_t event;
    if (r->gate->journal == NULL)
        return v->reason;
    if (v->reason == GATE_RATIFIED)
        return conclude(r, tid, r->answer.usage, GATE_RATIFIED);
    if (v->reason != GATE_ACCEPTED) {
        if (gate_journal_pending(r->gate->journal, tid, &transaction, &event) &&
            (r->tap->usage.gate != r->gate->rules.gate || r->tap->usage.gate_transaction != transaction))
            (void)gate_journal_void(r->gate->journal, r->now, tid, r->tap->serial);
        return v->reason;
    }
    struct usage_record after = v->after;
    if (v->action == GATE_DO_DELETE) {
        after.event = EVENT_DELETED;
        after.gate = r->gate->rules.gate;
        after.gate_transaction = gate_journal_next_transaction(r->gate->journal);
    }
    return carry_out(r, tid, v->action, &after);
}

static enum gate_reason run(struct run *r)
{
    enum gate_reason reason = verify(r);
    lap(r, GATE_PHASE_VERIFY);
    if (reason == GATE_NO_TICKET && r->tap->known && !r->answer.found)
        return repeat_deletion(r);
    if (reason != GATE_ACCEPTED)
        return reason;
    struct gate_verdict v = decide(r);
    lap(r, GATE_PHASE_DECIDE);
    return act(r, &v);
}

void gate_tap_run(struct gate *gate, struct tally_card *card, const struct gate_request *request,
                  struct gate_tap *tap)
{
    struct run r = {.gate = gate, .card = card, .request = request, .tap = tap};
    memset(tap, 0, sizeof *tap);
    tap->action = request->action;
    card->bytes_in = card->bytes_out = 0;
    card->commands = 0;
    r.now = (uint32_t)tally_clock_wall_s(gate->clock);
    r.mark = tally_clock_monotonic_us(gate->clock);
    uint64_t begun = r.mark;
    tap->reason = run(&r);
    tally_gate_end(&r.session);
    tap->open = tap->reason == GATE_ACCEPTED || tap->reason == GATE_RATIFIED;
    tap->ratified = tap->reason == GATE_RATIFIED;
    tap->bytes_out = card->bytes_out;
    tap->bytes_in = card->bytes_in;
    tap->commands = card->commands;
    tap->total_us = tally_clock_monotonic_us(gate->clock) - begun;
    if (!tap->open && gate->journal != NULL)
        (void)gate_journal_refused(gate->journal, r.now, tap->has_ticket ? tap->face.tid : NULL,
                                   tap->known ? tap->serial : NULL, tap->reason);
    tally_wipe(&r.answer, sizeof r.answer);
}
