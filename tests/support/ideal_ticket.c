/* The ticket applet of the ideal card. */
#include <string.h>

#include "card/wire/be.h"
#include "host/crypto/ticket_crypto.h"
#include "tests/support/ideal_card.h"
#include "tests/support/must.h"

enum {
    AT_TID = 6,
    AT_SEQUENCE = 42,
    AT_REPLACES = 46,
    AT_SERVICE = 70,
    AT_DATE = 78,
    AT_MINUTE = 80,
    KEY_SIZE = 8,
    ANSWER_SIZE = 16 + 1 + 4 + FACE_SIZE + ECDSA_SIZE + USAGE_SIZE + 8,
    PAIR_ANSWER_SIZE = 64 + 1 + 8 + 4 + FACE_SIZE + ECDSA_SIZE + USAGE_SIZE + 3 * 64 + 8,
    OPENING_SIZE = 14
};

static struct ideal_operator *find_operator(struct ideal_card *c, uint16_t id)
{
    for (size_t i = 0; i < IDEAL_OPERATORS; i++)
        if (c->kept.operators[i].id == id)
            return &c->kept.operators[i];
    return NULL;
}

const struct ideal_ticket *ideal_find(const struct ideal_kept *kept, uint16_t operator_id,
                                      const uint8_t tid[TID_SIZE])
{
    for (size_t i = 0; i < IDEAL_TICKETS; i++) {
        const struct ideal_ticket *t = &kept->tickets[i];
        if (t->here && be16_get(t->face + 2) == operator_id && memcmp(t->face + AT_TID, tid, TID_SIZE) == 0)
            return t;
    }
    return NULL;
}

static struct ideal_ticket *find(struct ideal_card *c, uint16_t operator_id, const uint8_t *tid)
{
    const struct ideal_ticket *t = ideal_find(&c->kept, operator_id, tid);
    return t == NULL ? NULL : &c->kept.tickets[t - c->kept.tickets];
}

static struct ideal_ticket *find_sequence(struct ideal_card *c, uint16_t operator_id, uint32_t sequence)
{
    for (size_t i = 0; i < IDEAL_TICKETS; i++) {
        struct ideal_ticket *t = &c->kept.tickets[i];
        if (t->here && be16_get(t->face + 2) == operator_id && be32_get(t->face + AT_SEQUENCE) == sequence)
            return t;
    }
    return NULL;
}

/* ---- Receipts: formats.md ---- */

static void sign(struct ideal_card *c, const struct ideal_operator *o, const uint8_t *face, uint8_t authority,
                 uint8_t usage[USAGE_SIZE])
{
    usage[26] = o->kv;
    usage[27] = authority;
    be32_put(usage + 28, ++c->kept.counter);
    must(tally_receipt_mac(o->receipt_key, c->serial, o->id, face + AT_TID, usage, usage + 32) == TALLY_OK);
}

static void delete_ticket(struct ideal_card *c, struct ideal_operator *o, struct ideal_ticket *t,
                          uint32_t gate, uint32_t order, uint8_t authority)
{
    uint16_t used = be16_get(t->usage + 24);
    memcpy(o->deleted_tid, t->face + AT_TID, TID_SIZE);
    memcpy(o->deleted_usage, t->usage, USAGE_SIZE);
    o->deleted_usage[1] = EVENT_DELETED;
    be32_put(o->deleted_usage + 8, gate);
    memset(o->deleted_usage + 12, 0, 12);
    be16_put(o->deleted_usage + 24, used < UINT16_MAX ? (uint16_t)(used + 1) : used);
    memset(o->deleted_usage + 26, 0, 14);
    sign(c, o, t->face, authority, o->deleted_usage);
    o->deletion_order = order;
    o->deleted = true;
    t->here = false;
}

/* ---- LOAD, EXCHANGE, PUT DATA ---- */

static const struct ideal_message *genuine(const struct ideal_card *c, bool package, const uint8_t *data,
                                           size_t n)
{
    for (size_t i = 0; i < c->message_count; i++) {
        const struct ideal_message *m = &c->messages[i];
        if (m->package == package && m->n == n && memcmp(m->data, data, n) == 0)
            return m;
    }
    return NULL;
}

/* A message that is not genuine: how soon that shows depends on what is wrong with it. */
static uint16_t refuse(struct ideal_expected *expected)
{
    static const uint16_t statuses[] = {SW_WRONG_DATA, SW_KEY_ABSENT, SW_AUTHENTICATION};
    memcpy(expected->statuses, statuses, sizeof statuses);
    expected->status_count = sizeof statuses / sizeof statuses[0];
    return 0;
}

static bool window_admits(const struct ideal_operator *o, uint32_t sequence)
{
    if (sequence > o->highest)
        return true;
    uint32_t back = o->highest - sequence;
    return back < 64 && (o->loaded >> back & 1) == 0;
}

static void window_mark(struct ideal_operator *o, uint32_t sequence)
{
    for (; o->highest < sequence; o->highest++)
        o->loaded <<= 1;
    o->loaded |= (uint64_t)1 << (o->highest - sequence);
}

static struct ideal_ticket *free_place(struct ideal_card *c)
{
    size_t i = 0;
    while (i < IDEAL_TICKETS && c->kept.tickets[i].here)
        i++;
    must(i < IDEAL_TICKETS);
    return &c->kept.tickets[i];
}

static void load_ticket(struct ideal_card *c, const struct ideal_operator *o, const uint8_t *face)
{
    struct ideal_ticket *t = free_place(c);
    memset(t->usage, 0, sizeof t->usage);
    t->usage[0] = 1;
    memcpy(t->face, face, FACE_SIZE);
    sign(c, o, face, BY_ISSUER, t->usage);
    t->here = true;
    memcpy(c->answer.data + c->answer.len, t->usage, USAGE_SIZE);
    c->answer.len += USAGE_SIZE;
}

static uint16_t check_order(struct ideal_card *c, const struct ideal_operator *o, const uint8_t *face)
{
    if (find(c, o->id, face + AT_TID) != NULL)
        return SW_TICKET_EXISTS;
    return window_admits(o, be32_get(face + AT_SEQUENCE)) ? SW_OK : SW_CONDITIONS;
}

static uint16_t run_load(struct ideal_card *c, const uint8_t *face)
{
    struct ideal_operator *o = find_operator(c, be16_get(face + 2));
    uint16_t sw = check_order(c, o, face);
    if (sw != SW_OK || be32_get(face + AT_REPLACES) != 0)
        return sw != SW_OK ? sw : SW_CONDITIONS;
    window_mark(o, be32_get(face + AT_SEQUENCE));
    load_ticket(c, o, face);
    c->kept.life = LIFE_IN_USE;
    return SW_OK;
}

/* The operator's last exchange again. */
static bool repeated(struct ideal_card *c, const struct ideal_operator *o, const uint8_t *face)
{
    const struct ideal_ticket *t = find(c, o->id, face + AT_TID);
    bool is_void = face[1] == PROFILE_VOID;
    if (!o->deleted || o->deletion_order != be32_get(face + AT_SEQUENCE) || (!is_void && t == NULL))
        return false;
    memcpy(c->answer.data, o->deleted_usage, USAGE_SIZE);
    c->answer.len = USAGE_SIZE;
    if (!is_void) {
        memcpy(c->answer.data + USAGE_SIZE, t->usage, USAGE_SIZE);
        c->answer.len += USAGE_SIZE;
    }
    return true;
}

static uint16_t run_exchange(struct ideal_card *c, const uint8_t *face)
{
    struct ideal_operator *o = find_operator(c, be16_get(face + 2));
    const uint32_t sequence = be32_get(face + AT_SEQUENCE), replaces = be32_get(face + AT_REPLACES);
    if (repeated(c, o, face))
        return SW_OK;
    uint16_t sw = check_order(c, o, face);
    if (sw != SW_OK || replaces == 0)
        return sw != SW_OK ? sw : SW_CONDITIONS;
    struct ideal_ticket *old = find_sequence(c, o->id, replaces);
    if (old == NULL)
        return SW_RECORD_NOT_FOUND;
    if (be16_get(old->usage + 24) != be16_get(face + 50))
        return SW_CONDITIONS;
    window_mark(o, sequence);
    delete_ticket(c, o, old, 0, sequence, BY_ISSUER);
    memcpy(c->answer.data, o->deleted_usage, USAGE_SIZE);
    c->answer.len = USAGE_SIZE;
    if (face[1] != PROFILE_VOID) {
        c->kept.counter--; /* one change, one count */
        load_ticket(c, o, face);
    }
    c->kept.life = LIFE_IN_USE;
    return SW_OK;
}

static uint16_t run_order(struct ideal_card *c, const struct ideal_request *r,
                          struct ideal_expected *expected)
{
    const struct ideal_message *m = genuine(c, false, r->data, r->n);
    memset(&c->session, 0, sizeof c->session);
    c->answer.known = true;
    if (m == NULL)
        return refuse(expected);
    if (memcmp(m->face + 22, c->serial, SERIAL_SIZE) != 0)
        return SW_WRONG_DATA;
    return r->header[1] == INS_LOAD ? run_load(c, m->face) : run_exchange(c, m->face);
}

static uint16_t run_package(struct ideal_card *c, const struct ideal_request *r,
                            struct ideal_expected *expected)
{
    const struct ideal_message *m = genuine(c, true, r->data, r->n);
    memset(&c->session, 0, sizeof c->session);
    if (m == NULL)
        return refuse(expected);
    struct ideal_operator *o = find_operator(c, m->operator_id);
    if (m->version <= o->version)
        return SW_CONDITIONS;
    o->version = m->version;
    c->kept.counter++;
    return SW_OK;
}

/* ---- READ ---- */

static void order_key(const struct ideal_ticket *t, uint8_t key[KEY_SIZE])
{
    memcpy(key, t->face + AT_DATE, 4);
    memcpy(key + 4, t->face + AT_SEQUENCE, 4);
}

/* Faces here differ in their minutes, so the order has no ties. */
static uint16_t run_read(struct ideal_card *c, const struct ideal_request *r)
{
    static const uint8_t any[SERVICE_SIZE], lowest[KEY_SIZE];
    const struct ideal_ticket *best = NULL;
    uint8_t key[KEY_SIZE], best_key[KEY_SIZE], last[KEY_SIZE];
    bool first = r->header[2] == READ_FIRST;
    if (first)
        memset(&c->cursor, 0, sizeof c->cursor);
    if (!c->verified)
        return SW_SECURITY_STATUS;
    if (!first && !c->cursor.active)
        return SW_CONDITIONS;
    if (first) {
        c->cursor.date = (uint16_t)be16_get(r->data);
        memcpy(c->cursor.service, r->data + 2, SERVICE_SIZE);
    }
    memcpy(last, first ? lowest : c->cursor.last, KEY_SIZE);
    for (size_t i = 0; i < IDEAL_TICKETS; i++) {
        const struct ideal_ticket *t = &c->kept.tickets[i];
        order_key(t, key);
        if (t->here && be16_get(t->face + AT_DATE) >= c->cursor.date && memcmp(key, last, KEY_SIZE) > 0 &&
            (memcmp(c->cursor.service, any, SERVICE_SIZE) == 0 ||
             memcmp(c->cursor.service, t->face + AT_SERVICE, SERVICE_SIZE) == 0) &&
            (best == NULL || memcmp(key, best_key, KEY_SIZE) < 0)) {
            best = t;
            memcpy(best_key, key, KEY_SIZE);
        }
    }
    if (best == NULL)
        return SW_RECORD_NOT_FOUND;
    c->cursor.active = true;
    memcpy(c->cursor.last, best_key, KEY_SIZE);
    memcpy(c->answer.data, best->face, FACE_SIZE);
    memcpy(c->answer.data + FACE_SIZE, best->usage, USAGE_SIZE);
    c->answer.len = FACE_SIZE + (r->header[3] == READ_FACE_USAGE ? USAGE_SIZE : 0);
    c->answer.known = true;
    return SW_OK;
}

/* ---- The gate's session ---- */

static void open_session(struct ideal_card *c, uint16_t operator_id, uint32_t gate, uint8_t authority)
{
    static unsigned number;
    c->session = (struct ideal_session){.open = true,
                                        .number = ++number,
                                        .operator_id = operator_id,
                                        .gate = gate,
                                        .authority = authority,
                                        .kv = find_operator(c, operator_id)->kv};
}

/* Nonce and criterion are nobody's to protect: with others, a session opens that its sender knows not. */
static uint16_t run_verify_pair(struct ideal_card *c, const struct ideal_request *r,
                                struct ideal_expected *expected)
{
    const size_t certificate = GATE_CERT_P256_SIZE, criterion = r->n - certificate - GATE_NONCE_SIZE;
    bool fits = r->header[2] == GATE_P256 && (criterion == TID_SIZE || criterion == 2 + SERVICE_SIZE);
    memset(&c->session, 0, sizeof c->session);
    for (size_t i = 0; fits && i < c->certificate_count; i++) {
        const struct ideal_certificate *k = &c->certificates[i];
        if (memcmp(r->data, k->data, certificate) != 0)
            continue;
        open_session(c, k->operator_id, k->gate, BY_GATE_P256);
        c->answer.len = PAIR_ANSWER_SIZE;
        c->answer.known = false;
        return SW_OK;
    }
    (void)refuse(expected);
    expected->statuses[expected->status_count++] = SW_WRONG_LENGTH;
    return 0;
}

static uint16_t run_verify(struct ideal_card *c, const struct ideal_request *r,
                           struct ideal_expected *expected)
{
    if (r->header[2] != GATE_SUB_KEY)
        return run_verify_pair(c, r, expected);
    size_t criterion = r->n - OPENING_SIZE;
    memset(&c->session, 0, sizeof c->session);
    if (criterion != TID_SIZE && criterion != 2 + SERVICE_SIZE)
        return SW_WRONG_LENGTH;
    const struct ideal_operator *o = find_operator(c, (uint16_t)be16_get(r->data));
    if (o == NULL || o->kv != r->header[3])
        return SW_KEY_ABSENT;
    open_session(c, o->id, be32_get(r->data + 2), BY_SUB_KEY);
    c->answer.len = ANSWER_SIZE;
    c->answer.known = false;
    return SW_OK;
}

struct ideal_command *ideal_new_command(struct ideal_card *c)
{
    return &c->commands[c->command_next++ % IDEAL_COMMANDS];
}

static const struct ideal_command *genuine_command(const struct ideal_card *c, const struct ideal_request *r)
{
    for (size_t i = 0; i < IDEAL_COMMANDS; i++) {
        const struct ideal_command *k = &c->commands[i];
        if (k->n == r->n && k->session == c->session.number && k->number == c->session.commands &&
            k->deletes == (r->header[1] == INS_DELETE) && memcmp(k->data, r->data, r->n) == 0)
            return k;
    }
    return NULL;
}

static uint16_t run_write(struct ideal_card *c, const struct ideal_command *k)
{
    struct ideal_ticket *t = find(c, c->session.operator_id, k->tid);
    struct ticket_face face;
    struct usage_record before, claimed, after;
    uint8_t bytes[USAGE_SIZE] = {0};
    if (t == NULL)
        return SW_RECORD_NOT_FOUND;
    if (be32_get(k->part + 8) != c->session.gate)
        return SW_CONDITIONS;
    if (memcmp(t->usage, k->part, USAGE_GATE_PART) == 0)
        return SW_OK;
    memcpy(bytes, k->part, USAGE_GATE_PART);
    must(face_decode(t->face, &face) && usage_decode(t->usage, &before));
    if (!usage_decode(bytes, &claimed))
        return SW_CONDITIONS;
    const struct usage_place place = {claimed.gate, claimed.station, claimed.time, claimed.gate_transaction};
    if (usage_apply(&face, &before, (enum usage_event)claimed.event, &place, &after) != USAGE_ALLOWED)
        return SW_CONDITIONS;
    usage_encode(&after, bytes);
    if (memcmp(bytes, k->part, USAGE_GATE_PART) != 0)
        return SW_CONDITIONS;
    memcpy(t->usage, bytes, USAGE_SIZE);
    sign(c, find_operator(c, c->session.operator_id), t->face, c->session.authority, t->usage);
    return SW_OK;
}

static uint16_t run_delete(struct ideal_card *c, const struct ideal_command *k)
{
    struct ideal_operator *o = find_operator(c, c->session.operator_id);
    struct ideal_ticket *t = find(c, o->id, k->tid);
    if (t != NULL)
        delete_ticket(c, o, t, c->session.gate, 0, c->session.authority);
    else if (!o->deleted || o->deletion_order != 0 || memcmp(o->deleted_tid, k->tid, TID_SIZE) != 0)
        return SW_RECORD_NOT_FOUND;
    return SW_OK;
}

static uint16_t run_session_command(struct ideal_card *c, const struct ideal_request *r)
{
    bool deletes = r->header[1] == INS_DELETE;
    if (!c->session.open)
        return SW_SECURITY_STATUS;
    c->session.commands++;
    const struct ideal_command *k = genuine_command(c, r);
    if (k == NULL) {
        memset(&c->session, 0, sizeof c->session);
        return SW_AUTHENTICATION;
    }
    uint16_t sw = deletes ? run_delete(c, k) : run_write(c, k);
    if (sw == SW_OK) {
        c->answer.len = (deletes ? USAGE_SIZE : USAGE_SIZE - USAGE_GATE_PART) + SESSION_TAG_SIZE;
        c->answer.known = false;
    }
    return sw;
}

uint16_t ideal_ticket_run(struct ideal_card *c, const struct ideal_request *r,
                          struct ideal_expected *expected)
{
    switch (r->header[1]) {
    case INS_LOAD:
    case INS_EXCHANGE: return run_order(c, r, expected);
    case INS_READ: return run_read(c, r);
    case INS_VERIFY: return run_verify(c, r, expected);
    case INS_PUT_DATA: return run_package(c, r, expected);
    default: return run_session_command(c, r);
    }
}
