/* Transport, selection, PIN and status of the ideal card. */
#include "tests/support/ideal_card.h"

#include <string.h>

#include "card/wire/be.h"

enum {
    PIN_REFERENCE = 0x81,
    NO_FCI = 0x0C,
    STATUS_SIZE = 20,
    STATUS_PRIVATE_SIZE = 81,
    OPERATOR_ITEM = 12,
    AID_SIZE = 8,
    FCI_SIZE = 19,
    ANY = 256
};

static const uint8_t aid_prefix[] = {TALLY_AID_PREFIX};

void ideal_reset(struct ideal_card *c)
{
    c->issuer_selected = c->verified = false;
    memset(&c->session, 0, sizeof c->session);
    memset(&c->cursor, 0, sizeof c->cursor);
    c->chain.open = false;
    c->chain.len = 0;
    c->answer.len = c->answer.sent = 0;
    c->answer.opaque = false;
}

static void answer_bytes(struct ideal_card *c, const void *data, size_t n)
{
    memcpy(c->answer.data, data, n);
    c->answer.len = n;
    c->answer.known = true;
}

static void answer_unknown(struct ideal_card *c, size_t n)
{
    c->answer.len = n;
    c->answer.known = false;
}

/* ---- APDU: ISO/IEC 7816-3, 12.1.3 ---- */

struct parsed {
    const uint8_t *data;
    size_t lc;
    uint32_t le;
};

static uint32_t le_of(const uint8_t *p, size_t n)
{
    uint32_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return n == 0 ? 0 : v != 0 ? v : n == 1 ? 256 : 65536;
}

static bool parse(const uint8_t *in, size_t n, struct parsed *p)
{
    *p = (struct parsed){0};
    if (n < 4)
        return false;
    const uint8_t *body = in + 4;
    n -= 4;
    if (n <= 1) { /* cases 1 and 2 */
        p->le = le_of(body, n);
        return true;
    }
    bool extended = body[0] == 0;
    if (extended && n == 3) {
        p->le = le_of(body + 1, 2);
        return true;
    }
    if (extended && n < 3)
        return false;
    size_t field = extended ? 3 : 1, le_size = extended ? 2 : 1;
    p->lc = extended ? (size_t)be16_get(body + 1) : body[0];
    p->data = body + field;
    if (p->lc == 0 || (n != field + p->lc && n != field + p->lc + le_size))
        return false;
    p->le = le_of(p->data + p->lc, n - field - p->lc);
    return true;
}

/* ---- Commands: class, instruction, parameters ---- */

struct entry {
    uint8_t cla, ins;
    int p1, p2; /* ANY */
    bool secure_too;
    size_t min, max;
};

static const struct entry common[] = {
    {0x00, INS_SELECT, 4, 0, false, 5, 16},
    {0x00, INS_SELECT, 4, NO_FCI, false, 5, 16},
    {0x00, INS_VERIFY_PIN, 0, PIN_REFERENCE, false, 0, PIN_MAX},
    {0x00, INS_CHANGE_PIN, 0, PIN_REFERENCE, false, 1 + 2 * PIN_MIN, 1 + 2 * PIN_MAX},
    {0x80, INS_GET_STATUS, 0, 0, true, 0, 0},
    {0x80, INS_GET_DATA, ANY, ANY, true, 0, 0},
};

static const struct entry ticket[] = {
    {0x80, INS_LOAD, 0, 0, false, 1, IDEAL_DATA_MAX},
    {0x80, INS_EXCHANGE, 0, 0, false, 1, IDEAL_DATA_MAX},
    {0x80, INS_READ, 0, 0, false, 10, 10},
    {0x80, INS_READ, 0, 1, false, 10, 10},
    {0x80, INS_READ, 1, 0, false, 0, 0},
    {0x80, INS_READ, 1, 1, false, 0, 0},
    {0x80, INS_VERIFY, GATE_SUB_KEY, ANY, false, 24, 30},
    {0x80, INS_VERIFY, GATE_P256, 0, false, 160, 166},
    {0x80, INS_VERIFY, GATE_RSA, 0, false, 352, 358},
    {0x80, INS_VERIFY, GATE_SM9, 0, false, 26, 32},
    {0x80, INS_WRITE_USAGE, 0, 0, false, 50, 50},
    {0x80, INS_DELETE, 0, 0, false, 24, 24},
    {0x80, INS_PUT_DATA, 3, 1, false, 298, IDEAL_DATA_MAX},
};

/* 9000 with *out, or why not. */
static uint16_t look_up(const struct entry *list, size_t count, const uint8_t *header,
                        const struct entry **out)
{
    uint8_t cla = header[0] & (uint8_t)~CLA_CHAINING;
    bool secure = (cla & CLA_SECURE) != 0, named = false;
    for (size_t i = 0; i < count; i++) {
        const struct entry *e = &list[i];
        if (e->ins != header[1] || e->cla != (cla & (uint8_t)~CLA_SECURE) || (secure && !e->secure_too))
            continue;
        named = true;
        if ((e->p1 == ANY || e->p1 == header[2]) && (e->p2 == ANY || e->p2 == header[3])) {
            *out = e;
            return secure ? SW_SECURITY_STATUS : SW_OK;
        }
    }
    return named ? SW_WRONG_P1P2 : SW_INS_UNSUPPORTED;
}

static uint16_t find_entry(const struct ideal_card *c, const uint8_t *header, const struct entry **out)
{
    uint8_t cla = header[0] & (uint8_t)~CLA_CHAINING;
    *out = NULL;
    if (cla != 0x00 && cla != 0x80 && cla != 0x84)
        return SW_CLA_UNSUPPORTED;
    uint16_t sw = look_up(common, sizeof common / sizeof common[0], header, out);
    if (sw != SW_INS_UNSUPPORTED || c->issuer_selected)
        return sw;
    return look_up(ticket, sizeof ticket / sizeof ticket[0], header, out);
}

/* ---- What they do ---- */

static uint16_t run_select(struct ideal_card *c, const struct ideal_request *r)
{
    uint8_t name[AID_SIZE];
    memcpy(name, aid_prefix, sizeof aid_prefix);
    for (unsigned i = 0; i < 2; i++) {
        name[AID_SIZE - 1] = i == 0 ? TALLY_AID_TICKET : TALLY_AID_ISSUER;
        if (r->n > AID_SIZE || memcmp(name, r->data, r->n) != 0)
            continue;
        c->issuer_selected = i == 1;
        memset(&c->session, 0, sizeof c->session);
        memset(&c->cursor, 0, sizeof c->cursor);
        if (r->header[3] != NO_FCI)
            answer_unknown(c, FCI_SIZE);
        return SW_OK;
    }
    return SW_FILE_NOT_FOUND;
}

static bool is_pin(const uint8_t *p, size_t n)
{
    if (n < PIN_MIN || n > PIN_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (p[i] < '0' || p[i] > '9')
            return false;
    return true;
}

/* A try is counted before the PIN is looked at. */
static uint16_t try_pin(struct ideal_card *c, const uint8_t *pin, size_t n)
{
    struct ideal_kept *k = &c->kept;
    if (!is_pin(pin, n))
        return SW_WRONG_DATA;
    if (k->tries == 0)
        return SW_PIN_BLOCKED;
    c->verified = false;
    k->tries--;
    c->outcomes[c->outcome_count++] = *k;
    bool right = n == k->pin_len && memcmp(pin, k->pin, n) == 0;
    return right ? SW_OK : (uint16_t)(SW_PIN_TRIES | k->tries);
}

static uint16_t run_verify_pin(struct ideal_card *c, const struct ideal_request *r)
{
    struct ideal_kept *k = &c->kept;
    if (r->n == 0)
        return c->verified ? SW_OK : k->tries == 0 ? SW_PIN_BLOCKED : (uint16_t)(SW_PIN_TRIES | k->tries);
    uint16_t sw = try_pin(c, r->data, r->n);
    if (sw == SW_OK) {
        k->tries = PIN_TRIES;
        c->verified = true;
    }
    return sw;
}

static uint16_t run_change_pin(struct ideal_card *c, const struct ideal_request *r)
{
    size_t old = r->data[0];
    if (old > r->n - 1 || !is_pin(r->data + 1 + old, r->n - 1 - old))
        return SW_WRONG_DATA;
    uint16_t sw = try_pin(c, r->data + 1, old);
    if (sw == SW_OK) {
        c->kept.pin_len = r->n - 1 - old;
        memcpy(c->kept.pin, r->data + 1 + old, c->kept.pin_len);
        c->kept.pin_changes++;
        c->kept.tries = PIN_TRIES;
        c->verified = true;
    }
    return sw;
}

static uint16_t get_operators(struct ideal_card *c)
{
    uint8_t list[IDEAL_OPERATORS * OPERATOR_ITEM] = {0};
    for (size_t i = 0; i < IDEAL_OPERATORS; i++) {
        const struct ideal_operator *o = &c->kept.operators[i];
        uint8_t *item = list + i * OPERATOR_ITEM;
        be16_put(item, o->id);
        item[2] = 1;
        item[3] = SUITE_P256;
        be32_put(item + 4, o->version);
        memcpy(item + 8, (const uint8_t[]){3, o->kv, 1, 0}, 4);
    }
    answer_bytes(c, list, sizeof list);
    return SW_OK;
}

static uint16_t run_get_data(struct ideal_card *c, const uint8_t *header)
{
    unsigned object = be16_get(header + 2);
    if (object < DO_KEM_PUBLIC_KEY || object > DO_OPERATORS)
        return SW_KEY_ABSENT;
    if (!c->verified)
        return SW_SECURITY_STATUS;
    switch (object) {
    case DO_KEM_PUBLIC_KEY: answer_bytes(c, c->kem_point, P256_POINT_SIZE); return SW_OK;
    case DO_AUTH_PUBLIC_KEY: answer_bytes(c, c->auth_point, P256_POINT_SIZE); return SW_OK;
    case DO_RSA_PUBLIC_KEY: answer_unknown(c, RSA_SIZE); return SW_OK;
    case DO_OPERATORS: return get_operators(c);
    default: return SW_KEY_ABSENT;
    }
}

static uint16_t run(struct ideal_card *c, const struct ideal_request *r, struct ideal_expected *expected)
{
    switch (r->header[1]) {
    case INS_SELECT: return run_select(c, r);
    case INS_VERIFY_PIN: return run_verify_pin(c, r);
    case INS_CHANGE_PIN: return run_change_pin(c, r);
    case INS_GET_STATUS: answer_unknown(c, c->verified ? STATUS_PRIVATE_SIZE : STATUS_SIZE); return SW_OK;
    case INS_GET_DATA: return run_get_data(c, r->header);
    default: return ideal_ticket_run(c, r, expected);
    }
}

/* ---- From bytes to bytes ---- */

static void say(struct ideal_expected *expected, uint16_t sw)
{
    expected->statuses[0] = sw;
    expected->status_count = 1;
}

/* Hands out what there is, at most le bytes. */
static void send_answer(struct ideal_card *c, uint32_t le, struct ideal_expected *expected)
{
    struct ideal_answer *a = &c->answer;
    size_t n = a->len - a->sent;
    expected->anything = a->opaque;
    expected->len = n < le ? n : le;
    expected->data = a->known ? a->data + a->sent : NULL;
    a->sent += expected->len;
    size_t left = a->len - a->sent;
    say(expected, left == 0 ? SW_OK : (uint16_t)(SW_MORE | (left < 256 ? left : 0)));
    if (left == 0)
        a->len = a->sent = 0;
}

static bool get_response(struct ideal_card *c, const uint8_t *in, const struct parsed *p,
                         struct ideal_expected *expected)
{
    if (in[0] != 0x00 || in[1] != INS_GET_RESPONSE || c->chain.open)
        return false;
    if (in[2] != 0 || in[3] != 0)
        say(expected, SW_WRONG_P1P2);
    else if (p->lc > 0)
        say(expected, SW_WRONG_LENGTH);
    else if (c->answer.opaque)
        expected->anything = true;
    else if (c->answer.len == 0)
        say(expected, SW_CONDITIONS);
    else
        send_answer(c, p->le, expected);
    return true;
}

/* 9000: the part is taken. */
static uint16_t add_part(struct ideal_card *c, const uint8_t *header, const struct parsed *p)
{
    uint8_t as_chained[4];
    memcpy(as_chained, header, 4);
    as_chained[0] |= CLA_CHAINING;
    if (c->chain.open && memcmp(as_chained, c->chain.header, 4) != 0)
        return SW_LAST_CHAIN_EXPECTED;
    if (p->lc > IDEAL_DATA_MAX - c->chain.len)
        return SW_WRONG_LENGTH;
    memcpy(c->chain.header, header, 4);
    if (p->lc > 0)
        memcpy(c->chain.data + c->chain.len, p->data, p->lc);
    c->chain.len += p->lc;
    c->chain.open = (header[0] & CLA_CHAINING) != 0;
    return SW_OK;
}

static void drop_chain(struct ideal_card *c)
{
    c->chain.open = false;
    c->chain.len = 0;
}

/* Nobody without a proof changes anything through the issuer applet; what it says is its own affair. */
static bool issuers(const struct ideal_card *c, const uint8_t *header, uint16_t sw)
{
    uint8_t cla = header[0] & (uint8_t)~CLA_CHAINING;
    return c->issuer_selected && sw != SW_OK && (cla == 0x80 || cla == 0x84);
}

static void receive(struct ideal_card *c, const uint8_t *in, const struct parsed *p,
                    struct ideal_expected *expected)
{
    const struct entry *entry;
    uint16_t sw = find_entry(c, in, &entry);
    if (issuers(c, in, sw)) {
        expected->anything = c->answer.opaque = true;
        expected->lost_track = c->chain.open || (in[0] & CLA_CHAINING) != 0;
        return;
    }
    if (sw == SW_OK)
        sw = add_part(c, in, p);
    if (sw == SW_OK && !c->chain.open) {
        const struct ideal_request r = {in, c->chain.data, c->chain.len};
        expected->ran = true;
        sw = r.n < entry->min || r.n > entry->max ? SW_WRONG_LENGTH : run(c, &r, expected);
    }
    if (sw != SW_OK || !c->chain.open)
        drop_chain(c);
    if (sw != SW_OK)
        c->answer.len = 0;
    if (sw == SW_OK)
        send_answer(c, p->le, expected);
    else if (sw != 0)
        say(expected, sw);
}

void ideal_transmit(struct ideal_card *c, const uint8_t *in, size_t n, struct ideal_expected *expected)
{
    struct parsed p;
    memset(expected, 0, sizeof *expected);
    c->outcomes[0] = c->kept;
    c->outcome_count = 1;
    bool well_formed = parse(in, n, &p);
    if (!well_formed || !get_response(c, in, &p, expected)) {
        c->answer.len = c->answer.sent = 0;
        c->answer.opaque = false;
        if (well_formed)
            receive(c, in, &p, expected);
        else
            drop_chain(c);
        if (!well_formed)
            say(expected, SW_WRONG_LENGTH);
    }
    c->outcomes[c->outcome_count++] = c->kept;
}
