#include "host/reader/transport.h"

#include <stdio.h>
#include <string.h>

#include "host/base/bytes.h"
#include "host/reader/apdu.h"
#include "host/reader/trace.h"

#define CLA_CHAINING     0x10
#define CLA_CHANNEL      0x03
#define INS_GET_RESPONSE 0xc0
#define SHORT_NC         255
#define SHORT_NE         256
#define DESCRIPTION_MAX  256
#define SHORT_COMMAND    (4 + 1 + SHORT_NC + 1)

void tally_card_set_trace(struct card_transport *t, struct tally_trace *trace)
{
    char text[DESCRIPTION_MAX];
    t->trace = trace;
    tally_card_describe(t, text, sizeof text);
    tally_trace_comment(trace, text);
    if (t->atr_len > 0)
        tally_trace_atr(trace, t->atr, t->atr_len);
}

enum tally_error tally_card_begin(struct card_transport *t)
{
    unsigned before = t->session;
    t->loss = TALLY_LOSS_NONE;
    enum tally_error e = t->ops->begin(t);
    if (e == TALLY_OK && t->session != before)
        tally_trace_atr(t->trace, t->atr, t->atr_len);
    return e;
}

void tally_card_end(struct card_transport *t)
{
    t->ops->end(t);
}

enum tally_error tally_card_reset(struct card_transport *t)
{
    t->loss = TALLY_LOSS_NONE;
    enum tally_error e = t->ops->reset(t);
    if (e == TALLY_OK)
        tally_trace_atr(t->trace, t->atr, t->atr_len);
    return e;
}

void tally_card_describe(const struct card_transport *t, char *out, size_t out_size)
{
    if (out_size > 0) {
        out[0] = '\0';
        t->ops->describe(t, out, out_size);
    }
}

void tally_card_close(struct card_transport *t)
{
    if (t != NULL)
        t->ops->close(t);
}

enum tally_error tally_card_exchange(struct card_transport *t, const uint8_t *cmd, size_t n, uint8_t *resp,
                                     size_t cap, size_t *resp_len)
{
    *resp_len = 0;
    t->loss = TALLY_LOSS_NONE;
    if (n < TALLY_APDU_MIN_COMMAND || n > TALLY_APDU_MAX_COMMAND)
        return TALLY_E_FORMAT;
    tally_trace_command(t->trace, cmd, n);
    enum tally_error e = t->ops->exchange(t, cmd, n, resp, cap, resp_len);
    if (e != TALLY_OK) {
        *resp_len = 0;
        tally_trace_lost(t->trace);
        return e;
    }
    tally_trace_answer(t->trace, resp, *resp_len);
    if (*resp_len < 2) {
        *resp_len = 0;
        return TALLY_E_FORMAT;
    }
    return TALLY_OK;
}

static enum tally_error exchange_apdu(struct card_transport *t, const struct tally_apdu *a, uint8_t *resp,
                                      size_t cap, size_t *resp_len)
{
    uint8_t cmd[SHORT_COMMAND];
    size_t n = 0;
    *resp_len = 0;
    enum tally_error e = tally_apdu_build(a, cmd, sizeof cmd, &n);
    if (e == TALLY_OK)
        e = tally_card_exchange(t, cmd, n, resp, cap, resp_len);
    tally_wipe(cmd, sizeof cmd);
    return e;
}

/* Sends all of the data but the last short APDU's worth, then that one with the Le, if any. An answer other
 * than 9000 before the end is final: the card refused the rest. */
static enum tally_error exchange_chained(struct card_transport *t, const struct tally_apdu *whole,
                                         uint8_t *resp, size_t cap, size_t *resp_len)
{
    struct tally_apdu part = *whole;
    part.cla = (uint8_t)(whole->cla | CLA_CHAINING);
    part.nc = SHORT_NC;
    part.ne = 0;
    size_t left = whole->nc;
    for (; left > SHORT_NC; left -= SHORT_NC, part.data += SHORT_NC) {
        enum tally_error e = exchange_apdu(t, &part, resp, cap, resp_len);
        if (e != TALLY_OK)
            return e;
        if (*resp_len != 2 || resp[0] != 0x90 || resp[1] != 0x00)
            return TALLY_OK;
    }
    part.cla = whole->cla;
    part.nc = left;
    part.ne = whole->ne > SHORT_NE ? SHORT_NE : whole->ne;
    return exchange_apdu(t, &part, resp, cap, resp_len);
}

/* The same command with the length that the card named; ISO/IEC 7816-4 allows this without side effects. */
static enum tally_error correct_length(struct card_transport *t, const struct tally_apdu *a, uint8_t *resp,
                                       size_t cap, size_t *resp_len)
{
    struct tally_apdu again = *a;
    again.ne = resp[1] == 0 ? SHORT_NE : resp[1];
    if (again.nc <= SHORT_NC)
        return exchange_apdu(t, &again, resp, cap, resp_len);
    return exchange_chained(t, &again, resp, cap, resp_len);
}

/* Appends what GET RESPONSE brings until the status word is no longer 61xx. Every round has to bring data, so
 * the rounds are bounded by cap. */
static enum tally_error gather(struct card_transport *t, uint8_t cla, uint8_t *resp, size_t cap,
                               size_t *resp_len)
{
    size_t have = *resp_len;
    while (resp[have - 2] == 0x61) {
        struct tally_apdu get = {.cla = (uint8_t)(cla & CLA_CHANNEL), .ins = INS_GET_RESPONSE};
        size_t more = 0;
        get.ne = resp[have - 1] == 0 ? SHORT_NE : resp[have - 1];
        have -= 2;
        enum tally_error e = exchange_apdu(t, &get, resp + have, cap - have, &more);
        if (e == TALLY_OK && more == 2 && resp[have] == 0x61)
            e = TALLY_E_FORMAT;
        *resp_len = 0;
        if (e != TALLY_OK)
            return e;
        have += more;
    }
    *resp_len = have;
    return TALLY_OK;
}

enum tally_error tally_card_transmit(struct card_transport *t, const uint8_t *cmd, size_t n, uint8_t *resp,
                                     size_t cap, size_t *resp_len)
{
    struct tally_apdu a;
    *resp_len = 0;
    enum tally_error e = tally_apdu_parse(cmd, n, &a);
    if (e != TALLY_OK)
        return e;
    if (t->length_mode == TALLY_LENGTH_CHAINED && a.extended)
        e = exchange_chained(t, &a, resp, cap, resp_len);
    else
        e = tally_card_exchange(t, cmd, n, resp, cap, resp_len);
    if (e == TALLY_OK && *resp_len == 2 && resp[0] == 0x6c && a.ne > 0)
        e = correct_length(t, &a, resp, cap, resp_len);
    if (e == TALLY_OK && resp[*resp_len - 2] == 0x61)
        e = gather(t, a.cla, resp, cap, resp_len);
    return e;
}

/* Where the historical bytes start, after TS, T0 and the interface bytes; their count in *count. Returns 0
 * when the bytes end before that (ISO/IEC 7816-3, 8.2). */
static size_t find_historical(const uint8_t *atr, size_t n, size_t *count)
{
    *count = n >= 2 ? atr[1] & 15u : 0;
    size_t at = 2;
    unsigned y = n >= 2 ? atr[1] >> 4 : 0;
    while (y != 0) {
        size_t td = at + ((y & 1) != 0) + ((y & 2) != 0) + ((y & 4) != 0);
        bool more = (y & 8) != 0;
        if (td + more > n)
            return 0;
        y = more ? atr[td] >> 4 : 0;
        at = td + more;
    }
    return *count > 0 && at + *count <= n ? at : 0;
}

enum tally_length_mode tally_atr_length_mode(const uint8_t *atr, size_t n)
{
    size_t count, at = find_historical(atr, n, &count);
    if (at == 0 || (atr[at] != 0x00 && atr[at] != 0x80))
        return TALLY_LENGTH_EXTENDED;
    /* Category 00 ends with three status bytes that are no compact-TLV object. */
    size_t end = at + count - (atr[at] == 0x00 && count >= 4 ? 3 : 0);
    for (size_t p = at + 1; p < end;) {
        size_t length = atr[p] & 15u;
        if (p + 1 + length > end)
            break;
        if (atr[p] == 0x73)
            return (atr[p + 3] & 0x40) != 0 ? TALLY_LENGTH_EXTENDED : TALLY_LENGTH_CHAINED;
        p += 1 + length;
    }
    return TALLY_LENGTH_EXTENDED;
}
