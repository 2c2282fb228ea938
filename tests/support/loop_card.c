#include <string.h>
#include <unistd.h>

#include "host/reader/apdu.h"
#include "tests/support/pcscd.h"

/* TS, T0 (TD1, 8 historical bytes), TD1, TD2, 80 73 with chaining and extended length, text, TCK.
 */
const uint8_t loop_card_atr[] = {0x3b, 0x88, 0x80, 0x01, 0x80, 0x73, 0x00, 0x00, 0xc0, 'l', 'o', 'o', 0x56};
const size_t loop_card_atr_len = sizeof loop_card_atr;

static size_t put_sw(uint8_t *resp, size_t n, unsigned sw)
{
    resp[n] = (uint8_t)(sw >> 8);
    resp[n + 1] = (uint8_t)sw;
    return n + 2;
}

static size_t pattern(uint8_t *resp, size_t from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        resp[i] = (uint8_t)(from + i);
    return n;
}

static bool loop_reset(void *card)
{
    memset(card, 0, sizeof(struct loop_card));
    return true;
}

static void loop_power_off(void *card)
{
    (void)loop_reset(card);
}

static size_t loop_atr(void *card, uint8_t *out)
{
    (void)card;
    memcpy(out, loop_card_atr, loop_card_atr_len);
    return loop_card_atr_len;
}

static size_t echo(struct loop_card *c, const struct tally_apdu *a, uint8_t *resp)
{
    if (c->gathered_len + a->nc > sizeof c->gathered)
        return put_sw(resp, 0, 0x6700);
    if (a->nc > 0)
        memcpy(c->gathered + c->gathered_len, a->data, a->nc);
    c->gathered_len += a->nc;
    if ((a->cla & 0x10) != 0)
        return put_sw(resp, 0, 0x9000);
    size_t n = c->gathered_len;
    memcpy(resp, c->gathered, n);
    c->gathered_len = 0;
    return put_sw(resp, n, 0x9000);
}

static size_t next_piece(struct loop_card *c, size_t ne, uint8_t *resp)
{
    size_t n = ne < c->pending ? ne : c->pending;
    pattern(resp, c->pending_at, n);
    c->pending -= n;
    c->pending_at += n;
    return put_sw(resp, n,
                  c->pending == 0 ? 0x9000 : 0x6100u | (c->pending < 256 ? (unsigned)c->pending : 0));
}

static size_t answer(struct loop_card *c, const struct tally_apdu *a, size_t cap, uint8_t *resp)
{
    size_t p1p2 = (size_t)a->p1 << 8 | a->p2;
    switch (a->ins) {
    case 0x10: return echo(c, a, resp);
    case 0x12: return p1p2 + 2 > cap ? put_sw(resp, 0, 0x6700) : put_sw(resp, pattern(resp, 0, p1p2), 0x9000);
    case 0x14: resp[0] = c->counter; return put_sw(resp, 1, 0x9000);
    case 0x16:
        c->pending = p1p2;
        c->pending_at = 0;
        return next_piece(c, a->ne < 256 ? a->ne : 256, resp);
    case 0x18:
        return a->ne == a->p1 ? put_sw(resp, pattern(resp, 0, a->p1), 0x9000)
                              : put_sw(resp, 0, 0x6c00u | a->p1);
    case 0x1a: memset(resp, 0xa5, a->p1); return a->p1;
    case 0x1c: pause(); return 0;
    case 0x1e: return 0;
    case 0xc0: return next_piece(c, a->ne, resp);
    default: return put_sw(resp, 0, 0x6d00);
    }
}

static size_t loop_transmit(void *card, const uint8_t *cmd, size_t n, uint8_t *resp, size_t cap)
{
    struct loop_card *c = card;
    struct tally_apdu a;
    c->counter++;
    if (tally_apdu_parse(cmd, n, &a) != TALLY_OK)
        return put_sw(resp, 0, 0x6700);
    return answer(c, &a, cap, resp);
}

const struct vcard_ops loop_card_ops = {
    .power_on = loop_reset,
    .power_off = loop_power_off,
    .reset = loop_reset,
    .atr = loop_atr,
    .transmit = loop_transmit,
};
