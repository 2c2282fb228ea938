#include "tests/fuzz/sequence.h"

#include <stdlib.h>
#include <string.h>

#include "card/wire/be.h"
#include "tests/fuzz/sequence_stage.h"
#include "tests/support/must.h"
#include "tests/support/scp03_peer.h"

enum { EVENTS = 8, LE_SMALL = 32, GETS_MAX = 1500 };

/* A run: the stage, the gate's side of a session, and what was sent. */
struct run {
    struct stage *stage;
    const uint8_t *step;
    struct operator_world *op; /* of the session */
    struct tally_gate_session session;
    struct tally_gate_answer answer;
    unsigned session_number; /* of the ideal card; 0: the gate has no session */
    uint32_t gate, transaction;
    struct {
        uint8_t apdu[STAGE_APDU_MAX];
        size_t n;
    } past[STAGE_PAST];
    size_t past_count;
};

/* ---- Sending: ways, changes ---- */

static unsigned change_of(const struct run *r)
{
    return r->step[STEP_AT_CHANGE] % CHANGES;
}

static bool transmit(struct run *r, const uint8_t *apdu, size_t n, struct reply *reply)
{
    size_t at = r->past_count++ % STAGE_PAST;
    r->past[at].n = n < STAGE_APDU_MAX ? n : STAGE_APDU_MAX;
    memcpy(r->past[at].apdu, apdu, r->past[at].n);
    return stage_transmit(r->stage, apdu, n, reply);
}

/* One APDU; returns its length. le < 0: none. */
static size_t encode(const uint8_t header[4], const uint8_t *data, size_t n, bool extended, int le,
                     uint8_t *out)
{
    size_t at = 4;
    memcpy(out, header, 4);
    extended = extended || n > 255;
    if (extended)
        out[at++] = 0;
    if (n > 0 && extended)
        out[at++] = (uint8_t)(n >> 8);
    if (n > 0)
        out[at++] = (uint8_t)n;
    if (n > 0)
        memcpy(out + at, data, n);
    at += n;
    if (le < 0)
        return n == 0 ? 4 : at;
    if (extended)
        out[at++] = 0;
    out[at++] = (uint8_t)le;
    return at;
}

static int le_of(const struct run *r)
{
    const unsigned way = r->step[STEP_AT_WAY];
    switch (way >> 2 & 3) {
    case 1: return -1;
    case 2: return (int)(1 + (way >> 4) * 2);
    default: return 0;
    }
}

/* The last APDU of a command, changed if the step says so, and the rest of its answer. */
static bool send_last(struct run *r, uint8_t *apdu, size_t n, struct reply *whole)
{
    static const uint8_t get[] = {CLA_ISO, INS_GET_RESPONSE, 0, 0, 0};
    struct reply more;
    uint8_t small[5];
    if (change_of(r) == CHANGE_RAW)
        apdu[r->step[STEP_AT_PLACE] % n] ^= r->step[STEP_AT_VALUE];
    if (change_of(r) == CHANGE_CUT_OFF)
        n = r->step[STEP_AT_PLACE] % n;
    if (!transmit(r, apdu, n, whole))
        return false;
    memcpy(small, get, sizeof get);
    small[4] = le_of(r) > 0 ? (uint8_t)le_of(r) : 0;
    for (int i = 0; whole->sw >> 8 == 0x61 && i < GETS_MAX; i++) {
        if (!transmit(r, i % 2 == 0 ? small : get, sizeof get, &more))
            return false;
        must(whole->len + more.len <= sizeof whole->data);
        memcpy(whole->data + whole->len, more.data, more.len);
        whole->len += more.len;
        whole->sw = more.sw;
    }
    return true;
}

/* A command in the step's way, with the step's change. True: it was answered, nothing was changed, and no
 * part of another one went before it. */
static bool send(struct run *r, const uint8_t header_in[4], const uint8_t *data_in, size_t n,
                 struct reply *whole)
{
    uint8_t header[4], data[IDEAL_DATA_MAX + 256], apdu[STAGE_APDU_MAX + 256];
    const unsigned way = r->step[STEP_AT_WAY], place = r->step[STEP_AT_PLACE], change = change_of(r);
    const bool alone = !r->stage->ideal.chain.open;
    const unsigned resets = r->stage->resets;
    memset(whole, 0, sizeof *whole);
    memcpy(header, header_in, 4);
    if (n > 0)
        memcpy(data, data_in, n);
    if (change == CHANGE_DATA && n > 0)
        data[(place * 5u) % n] ^= r->step[STEP_AT_VALUE];
    if (change == CHANGE_SHORTER)
        n -= place < n ? place : n;
    if (change == CHANGE_LONGER) { /* also beyond what a card takes */
        const size_t more = place * 4u < sizeof data - n ? place * 4u : sizeof data - n;
        memset(data + n, r->step[STEP_AT_VALUE], more);
        n += more;
    }
    if (change == CHANGE_HEADER)
        header[place % 4] ^= r->step[STEP_AT_VALUE];
    size_t at = 0;
    if (n > 255 || (way & 3) == 2) {
        const size_t part = (way & 3) == 2 ? 1 + (way >> 4) * 16u : 255;
        bool chained = (way & 3) == 2;
        header[0] |= chained ? CLA_CHAINING : 0;
        for (; chained && n - at > part; at += part)
            if (!transmit(r, apdu, encode(header, data + at, part, false, -1, apdu), whole))
                return false;
        header[0] &= chained ? (uint8_t)~CLA_CHAINING : 0xff;
    }
    if (n - at > IDEAL_DATA_MAX + 64)
        n = at + IDEAL_DATA_MAX + 64;
    return send_last(r, apdu, encode(header, data + at, n - at, (way & 3) == 1, le_of(r), apdu), whole) &&
           alone && r->stage->resets == resets && (change == 0 || change > CHANGE_CUT_OFF);
}

/* ---- Gates ---- */

/* The n-th order of the stage, as the ticket that somebody asks for. */
static const struct ideal_message *order(const struct run *r, unsigned n)
{
    return &r->stage->messages[n % r->stage->orders];
}

static void nonce_of(struct run *r, uint8_t nonce[GATE_NONCE_SIZE])
{
    memset(nonce, 0x55, GATE_NONCE_SIZE);
    be32_put(nonce, ++r->transaction);
}

/* What the rule of session.md chooses. */
static const struct ideal_ticket *choose(const struct ideal_kept *k, uint16_t operator_id, uint16_t date)
{
    const struct ideal_ticket *best = NULL;
    uint64_t nearest = UINT64_MAX;
    for (size_t i = 0; i < IDEAL_TICKETS; i++) {
        const struct ideal_ticket *t = &k->tickets[i];
        if (!t->here || be16_get(t->face + 2) != operator_id || be16_get(t->face + 78) != date)
            continue;
        uint64_t state = t->usage[7] != OUTSIDE ? 0 : t->usage[4] == 0 && t->usage[5] == 0 ? 1 : 2;
        uint64_t d = state << 48 | (uint64_t)be16_get(t->face + 80) << 32 | be32_get(t->face + 42);
        if (d < nearest) {
            nearest = d;
            best = t;
        }
    }
    return best;
}

/* Opens the card's answer to an unchanged VERIFY, and compares. */
static void open_answer(struct run *r, const struct tally_criterion *criterion, const struct reply *reply)
{
    const struct ideal_card *c = &r->stage->ideal;
    const struct ideal_ticket *t = criterion->by_tid ? ideal_find(&c->kept, r->op->id, criterion->tid)
                                                     : choose(&c->kept, r->op->id, criterion->date);
    must(reply->sw == SW_OK);
    must(tally_gate_open(&r->session, r->op->authority, reply->data, reply->len, &r->answer) == TALLY_OK);
    must(memcmp(r->answer.serial, c->serial, SERIAL_SIZE) == 0);
    must(r->answer.card_transaction_counter == c->kept.counter);
    must(r->answer.found == (t != NULL));
    must(t == NULL || (memcmp(r->answer.face, t->face, FACE_SIZE) == 0 &&
                       memcmp(r->answer.usage, t->usage, USAGE_SIZE) == 0));
    r->session_number = c->session.number;
}

static void verify(struct run *r, bool by_tid, bool pair)
{
    const struct ideal_message *m = order(r, r->step[STEP_AT_A]);
    struct tally_criterion criterion = {.by_tid = by_tid, .date = WORLD_DATE};
    struct tally_gate_command command;
    struct reply reply;
    uint8_t nonce[GATE_NONCE_SIZE];
    memcpy(criterion.tid, m->face + 6, TID_SIZE);
    r->op = stage_operator(r->stage, m->operator_id == r->stage->world.rail.id ? 0 : 1);
    r->gate = r->step[STEP_AT_B] % 2 == 0 ? GATE_1 : GATE_2;
    r->session_number = 0;
    nonce_of(r, nonce);
    if (pair) {
        const unsigned which = (r->op == &r->stage->second ? 2u : 0u) + (r->gate == GATE_1 ? 0u : 1u);
        const struct ideal_certificate *k = &r->stage->certificates[which];
        must(tally_gate_begin_pair(&r->session, SUITE_P256, r->stage->world.gate_p256, k->data,
                                   sizeof k->data, nonce, &criterion, &command) == TALLY_OK);
    } else {
        must(tally_gate_begin_sub_key(&r->session, r->op->id, SUITE_P256, r->gate, r->op->vmk,
                                      r->op->vmk_version, nonce, &criterion, &command) == TALLY_OK);
    }
    const uint8_t header[4] = {CLA_PROPRIETARY, command.ins, command.p1, command.p2};
    if (send(r, header, command.data, command.n, &reply) && !r->stage->ideal.issuer_selected)
        open_answer(r, &criterion, &reply);
}

/* What the gate would write now: the event on what VERIFY said; or, of some events, nonsense. */
static void make_part(const struct run *r, uint8_t part[USAGE_GATE_PART])
{
    struct ticket_face face;
    struct usage_record before, after;
    uint8_t bytes[USAGE_SIZE];
    const unsigned event = 1 + r->step[STEP_AT_A] % EVENTS;
    const struct usage_place place = {r->gate, 7, 5000, r->step[STEP_AT_B] % 4u + 1};
    memset(part, (int)event, USAGE_GATE_PART);
    if (!r->answer.found || !face_decode(r->answer.face, &face) || !usage_decode(r->answer.usage, &before))
        return;
    (void)usage_apply(&face, &before, (enum usage_event)event, &place, &after);
    usage_encode(&after, bytes);
    memcpy(part, bytes, USAGE_GATE_PART);
}

static void remember(struct run *r, const struct tally_gate_session *s,
                     const struct tally_gate_command *command, const uint8_t *tid, const uint8_t *part)
{
    struct ideal_command *k = ideal_new_command(&r->stage->ideal);
    *k = (struct ideal_command){
        .session = r->session_number, .number = s->counter, .deletes = part == NULL, .n = command->n};
    memcpy(k->tid, tid, TID_SIZE);
    if (part != NULL)
        memcpy(k->part, part, USAGE_GATE_PART);
    memcpy(k->data, command->data, command->n);
}

/* The receipt is that of the ideal card. */
static void check_receipt(struct run *r, struct tally_gate_session *s, const uint8_t *tid, bool deletes,
                          const struct reply *reply)
{
    const struct ideal_kept *k = &r->stage->ideal.kept;
    uint8_t usage[USAGE_SIZE];
    if (deletes) {
        must(tally_gate_deleted(s, reply->data, reply->len, usage) == TALLY_OK);
        const struct ideal_operator *o = &k->operators[k->operators[0].id == r->op->id ? 0 : 1];
        must(memcmp(usage, o->deleted_usage, USAGE_SIZE) == 0);
        return;
    }
    must(tally_gate_written(s, reply->data, reply->len, usage) == TALLY_OK);
    const struct ideal_ticket *t = ideal_find(k, r->op->id, tid);
    must(t != NULL && memcmp(usage, t->usage, USAGE_SIZE) == 0);
}

/* A session stays of use after a refusal; so each command is made by a copy of it. */
static void change_ticket(struct run *r, bool deletes)
{
    struct tally_gate_session copy = r->session;
    struct tally_gate_command command = {.ins = deletes ? INS_DELETE : INS_WRITE_USAGE,
                                         .n = deletes ? TID_SIZE + 8u : TID_SIZE + USAGE_GATE_PART + 8u};
    uint8_t part[USAGE_GATE_PART];
    const uint8_t *tid = order(r, r->step[STEP_AT_B])->face + 6;
    struct reply reply;
    bool meant = r->session_number != 0;
    if (r->answer.found && r->step[STEP_AT_B] < 192)
        tid = r->answer.face + 6;
    make_part(r, part);
    if (meant) {
        must((deletes ? tally_gate_delete(&copy, tid, &command)
                      : tally_gate_write(&copy, tid, part, &command)) == TALLY_OK);
        remember(r, &copy, &command, tid, deletes ? NULL : part);
    }
    const uint8_t header[4] = {CLA_PROPRIETARY, command.ins, 0, 0};
    bool current =
        meant && r->stage->ideal.session.open && r->stage->ideal.session.number == r->session_number;
    if (send(r, header, command.data, command.n, &reply) && current && reply.sw == SW_OK)
        check_receipt(r, &copy, tid, deletes, &reply);
    r->session.counter = copy.counter;
}

/* ---- The other commands ---- */

static void send_message(struct run *r, const uint8_t header[4], const struct ideal_message *m)
{
    struct reply reply;
    (void)send(r, header, m->data, m->n, &reply);
}

static void pin_of(const struct run *r, unsigned which, uint8_t pin[16], size_t *n)
{
    static const char *const others[] = {"0000", "123456789012", "12", "12a4", "1234567890123"};
    const struct ideal_kept *k = &r->stage->ideal.kept;
    const char *text = others[which % (sizeof others / sizeof others[0])];
    *n = which < 128 ? k->pin_len : strlen(text);
    memcpy(pin, which < 128 ? (const char *)k->pin : text, *n);
}

static void send_pin(struct run *r)
{
    const uint8_t header[4] = {CLA_ISO, INS_VERIFY_PIN, 0, 0x81};
    uint8_t pin[16];
    size_t n;
    struct reply reply;
    pin_of(r, r->step[STEP_AT_A], pin, &n);
    (void)send(r, header, pin, r->step[STEP_AT_B] == 255 ? 0 : n, &reply);
}

static void change_pin(struct run *r)
{
    const uint8_t header[4] = {CLA_ISO, INS_CHANGE_PIN, 0, 0x81};
    uint8_t data[1 + 2 * 16];
    size_t old, fresh;
    struct reply reply;
    pin_of(r, r->step[STEP_AT_A], data + 1, &old);
    data[0] = (uint8_t)old;
    pin_of(r, r->step[STEP_AT_B] | 128u, data + 1 + old, &fresh);
    (void)send(r, header, data, 1 + old + fresh, &reply);
}

static void read_tickets(struct run *r)
{
    const uint8_t a = r->step[STEP_AT_A];
    const uint8_t header[4] = {CLA_PROPRIETARY, INS_READ, a & 1, a >> 1 & 1};
    uint8_t criterion[10] = {0};
    struct reply reply;
    be16_put(criterion, (uint16_t)(WORLD_DATE + (r->step[STEP_AT_B] == 0 ? 1 : 0)));
    if ((a & 4) != 0)
        memcpy(criterion + 2, "G101    ", SERVICE_SIZE);
    (void)send(r, header, criterion, (a & 1) == READ_NEXT ? 0 : sizeof criterion, &reply);
}

static void ask(struct run *r)
{
    static const uint8_t objects[][2] = {{1, 1}, {1, 2}, {1, 3}, {1, 0x10}, {1, 0x11}, {2, 1}};
    const uint8_t *object = objects[r->step[STEP_AT_B] % (sizeof objects / sizeof objects[0])];
    bool status = r->step[STEP_AT_A] % 2 == 0;
    const uint8_t header[4] = {CLA_PROPRIETARY, status ? INS_GET_STATUS : INS_GET_DATA,
                               status ? 0 : object[0], status ? 0 : object[1]};
    struct reply reply;
    (void)send(r, header, NULL, 0, &reply);
}

static void select_applet(struct run *r)
{
    uint8_t aid[8] = {TALLY_AID_PREFIX, 0};
    const uint8_t header[4] = {CLA_ISO, INS_SELECT, 4, r->step[STEP_AT_B] % 2 == 0 ? 0 : 0x0C};
    struct reply reply;
    aid[7] = r->step[STEP_AT_A] % 4 == 0 ? TALLY_AID_ISSUER : TALLY_AID_TICKET;
    (void)send(r, header, aid, r->step[STEP_AT_A] >= 240 ? 5 : sizeof aid, &reply);
}

/* A message that was sent before, whole or in part. */
static void replay(struct run *r)
{
    struct reply reply;
    uint8_t again[STAGE_APDU_MAX];
    size_t known = r->past_count < STAGE_PAST ? r->past_count : STAGE_PAST;
    if (known == 0)
        return;
    size_t at = (r->past_count - 1 - r->step[STEP_AT_A] % known) % STAGE_PAST, n = r->past[at].n;
    memcpy(again, r->past[at].apdu, n);
    if (n > 0)
        (void)send_last(r, again, n, &reply);
}

static void send_raw(struct run *r)
{
    struct reply reply;
    (void)transmit(r, r->step + 1, r->step[STEP_AT_CUT] % STEP_SIZE, &reply);
}

/* The issuer sets a new PIN through a secure channel: when the command is changed, nothing happens. */
static void reset_pin(struct run *r)
{
    const uint8_t header[4] = {CLA_PROPRIETARY | CLA_SECURE, INS_RESET_PIN, 0, 0x81};
    struct ideal_kept *k = &r->stage->ideal.kept;
    struct ramcard *rc = r->stage->world.rc;
    const struct hal_identity identity = ramcard_identity(rc);
    static const char pin[] = "8642";
    struct scp03_peer peer;
    uint8_t wrapped[64];
    struct reply reply;
    bool changed = r->step[STEP_AT_VALUE] != 0 && r->step[STEP_AT_A] % 2 == 1;
    /* Without the PIN the card begins no channel, and a chain has to be ended first. */
    if ((!r->stage->ideal.verified && k->tries > 0) || r->stage->ideal.chain.open)
        return;
    ramcard_flash(rc)->cut_planned = false;
    peer_init(&peer, identity.admin_key);
    peer_open(&peer, rc);
    size_t n = peer_wrap(&peer, header, (const uint8_t *)pin, strlen(pin), wrapped);
    if (changed)
        wrapped[r->step[STEP_AT_PLACE] % n] ^= r->step[STEP_AT_VALUE];
    ramcard_command(rc, header, wrapped, n, &reply);
    must((reply.sw == SW_OK) == !changed);
    if (!changed) {
        must(peer_unwrap(&peer, &reply));
        k->pin_len = strlen(pin);
        memcpy(k->pin, pin, k->pin_len);
        k->pin_changes++;
        k->tries = PIN_TRIES;
    }
    stage_reset(r->stage);
    stage_check(r->stage);
}

static void reset(struct run *r)
{
    if (r->step[STEP_AT_A] % 2 == 0)
        stage_reset(r->stage);
    else
        stage_power_cycle(r->stage);
}

static void run_step(struct run *r)
{
    static const uint8_t load[4] = {CLA_PROPRIETARY, INS_LOAD, 0, 0},
                         exchange[4] = {CLA_PROPRIETARY, INS_EXCHANGE, 0, 0},
                         package[4] = {CLA_PROPRIETARY, INS_PUT_DATA, 3, 1};
    const struct stage *s = r->stage;
    const uint8_t a = r->step[STEP_AT_A];
    switch (r->step[STEP_AT_KIND] % STEP_KINDS) {
    case STEP_VERIFY_TID: verify(r, true, false); break;
    case STEP_VERIFY_DATE: verify(r, false, false); break;
    case STEP_VERIFY_PAIR: verify(r, true, true); break;
    case STEP_WRITE: change_ticket(r, false); break;
    case STEP_DELETE: change_ticket(r, true); break;
    case STEP_LOAD: send_message(r, load, order(r, a)); break;
    case STEP_EXCHANGE: send_message(r, exchange, order(r, a)); break;
    case STEP_PACKAGE: send_message(r, package, &s->messages[s->orders + a % (s->count - s->orders)]); break;
    case STEP_PIN: send_pin(r); break;
    case STEP_CHANGE_PIN: change_pin(r); break;
    case STEP_READ: read_tickets(r); break;
    case STEP_STATUS: ask(r); break;
    case STEP_SELECT: select_applet(r); break;
    case STEP_RESET: reset(r); break;
    case STEP_REPLAY: replay(r); break;
    case STEP_RAW: send_raw(r); break;
    default: reset_pin(r); break;
    }
}

void sequence_run(const uint8_t *in, size_t n)
{
    static struct run r;
    memset(&r, 0, sizeof r);
    r.stage = stage_begin();
    for (size_t i = 0; i < STEPS_MAX && n - i * STEP_SIZE >= STEP_SIZE; i++) {
        const uint8_t *step = in + i * STEP_SIZE;
        r.step = step;
        if (step[STEP_AT_CUT] != 0 && step[STEP_AT_KIND] % STEP_KINDS != STEP_RAW)
            flashsim_cut_after(ramcard_flash(r.stage->world.rc), step[STEP_AT_CUT] - 1u,
                               (uint64_t)step[STEP_AT_CUT] * 31 + step[STEP_AT_VALUE]);
        run_step(&r);
    }
    stage_power_cycle(r.stage);
}
