#include "tests/support/ram_transport.h"

#include <stdio.h>
#include <string.h>

#include "card/wire/be.h"

static enum tally_error lose(struct ram_transport *t)
{
    t->away = true;
    t->base.loss = TALLY_LOSS_REMOVED;
    return TALLY_E_CARD_LOST;
}

static enum tally_error exchange(struct card_transport *base, const uint8_t *cmd, size_t n, uint8_t *resp,
                                 size_t cap, size_t *resp_len)
{
    struct ram_transport *t = (struct ram_transport *)base;
    static struct reply reply;
    *resp_len = 0;
    if (t->away || ++t->count == t->lose_before)
        return lose(t);
    ramcard_transmit(t->rc, cmd, n, &reply);
    if (t->count == t->lose_after)
        return lose(t);
    if (reply.len + 2 > cap)
        return TALLY_E_FULL;
    memcpy(resp, reply.data, reply.len);
    be16_put(resp + reply.len, reply.sw);
    *resp_len = reply.len + 2;
    if (t->meddle != NULL)
        t->meddle(t->context, cmd, n, resp, resp_len);
    return TALLY_OK;
}

static enum tally_error begin(struct card_transport *base)
{
    struct ram_transport *t = (struct ram_transport *)base;
    if (t->away) {
        ramcard_power_cycle(t->rc);
        t->away = false;
        base->session++;
    }
    return TALLY_OK;
}

static void end(struct card_transport *base)
{
    (void)base;
}

static enum tally_error reset(struct card_transport *base)
{
    ramcard_power_cycle(((struct ram_transport *)base)->rc);
    base->session++;
    return TALLY_OK;
}

static void describe(const struct card_transport *base, char *out, size_t size)
{
    (void)base;
    snprintf(out, size, "a card in this process");
}

static void close_nothing(struct card_transport *base)
{
    (void)base;
}

static const struct card_transport_ops ops = {exchange, begin, end, reset, describe, close_nothing};

void ram_transport_init(struct ram_transport *t, struct ramcard *rc)
{
    memset(t, 0, sizeof *t);
    t->base.ops = &ops;
    t->rc = rc;
}
