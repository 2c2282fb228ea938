#include "tests/support/direct.h"

#include <stdio.h>
#include <stdlib.h>

struct direct {
    struct card_transport base;
    const struct vcard_ops *ops;
    void *card;
    bool powered;
};

static void power_off(struct direct *d)
{
    if (d->powered)
        d->ops->power_off(d->card);
    d->powered = false;
}

/* False: the card lost its power again while it started. */
static bool power_on(struct direct *d)
{
    d->powered = true;
    if (!d->ops->power_on(d->card)) {
        power_off(d);
        return false;
    }
    d->base.session++;
    d->base.atr_len = d->ops->atr(d->card, d->base.atr);
    d->base.length_mode = tally_atr_length_mode(d->base.atr, d->base.atr_len);
    return true;
}

static enum tally_error direct_exchange(struct card_transport *t, const uint8_t *cmd, size_t n, uint8_t *resp,
                                        size_t cap, size_t *resp_len)
{
    struct direct *d = (struct direct *)t;
    *resp_len = d->powered ? d->ops->transmit(d->card, cmd, n, resp, cap) : 0;
    if (*resp_len > 0)
        return TALLY_OK;
    power_off(d);
    t->loss = TALLY_LOSS_REMOVED;
    return TALLY_E_CARD_LOST;
}

static enum tally_error direct_begin(struct card_transport *t)
{
    struct direct *d = (struct direct *)t;
    if (d->powered)
        return TALLY_OK;
    t->loss = TALLY_LOSS_REMOVED;
    return power_on(d) ? TALLY_OK : TALLY_E_NO_CARD;
}

static void direct_end(struct card_transport *t)
{
    (void)t;
}

static enum tally_error direct_reset(struct card_transport *t)
{
    struct direct *d = (struct direct *)t;
    if (!d->powered)
        return power_on(d) ? TALLY_OK : TALLY_E_NO_CARD;
    if (!d->ops->reset(d->card)) {
        power_off(d);
        t->loss = TALLY_LOSS_REMOVED;
        return TALLY_E_CARD_LOST;
    }
    t->session++;
    return TALLY_OK;
}

static void direct_describe(const struct card_transport *t, char *out, size_t out_size)
{
    (void)t;
    (void)snprintf(out, out_size, "card in this process");
}

static void direct_close(struct card_transport *t)
{
    struct direct *d = (struct direct *)t;
    power_off(d);
    free(d);
}

static const struct card_transport_ops direct_ops = {
    .exchange = direct_exchange,
    .begin = direct_begin,
    .end = direct_end,
    .reset = direct_reset,
    .describe = direct_describe,
    .close = direct_close,
};

struct card_transport *test_direct_open(const struct vcard_ops *ops, void *card)
{
    struct direct *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    d->base.ops = &direct_ops;
    d->ops = ops;
    d->card = card;
    (void)power_on(d);
    return &d->base;
}
