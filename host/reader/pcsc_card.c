#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <reader.h>

#include "host/reader/pcsc_context.h"
#include "host/reader/pcsc_limits.h"

#define BEGIN_TRIES 4

struct pcsc_card {
    struct card_transport base;
    struct tally_pcsc *pcsc;
    char reader[TALLY_READER_NAME_MAX];
    SCARDHANDLE handle;
    DWORD protocol;
    unsigned generation; /* of the context that handle belongs to */
    bool connected;
    bool in_transaction;
    bool suspect; /* an exchange failed half-way: reset the card before it is used again */
};

static struct pcsc_card *self(struct card_transport *t)
{
    return (struct pcsc_card *)t;
}

/* Notes that the card's volatile state is gone. */
static void new_session(struct pcsc_card *c)
{
    DWORD state, protocol, n = sizeof c->base.atr;
    c->base.session++;
    c->suspect = false;
    c->base.atr_len = 0;
    if (SCardStatus(c->handle, NULL, NULL, &state, &protocol, c->base.atr, &n) == SCARD_S_SUCCESS &&
        n <= TALLY_ATR_MAX)
        c->base.atr_len = n;
    c->base.length_mode = tally_atr_length_mode(c->base.atr, c->base.atr_len);
    if (tally_pcsc_reader_is_short(c->handle))
        c->base.length_mode = TALLY_LENGTH_CHAINED;
}

static void forget(struct pcsc_card *c)
{
    if (c->connected && c->generation == c->pcsc->generation && c->pcsc->established)
        (void)SCardDisconnect(c->handle, SCARD_LEAVE_CARD);
    c->connected = false;
    c->in_transaction = false;
}

static enum tally_error error_of(enum pcsc_meaning m)
{
    switch (m) {
    case PCSC_OK: return TALLY_OK;
    case PCSC_NO_READER:
    case PCSC_NO_SERVICE: return TALLY_E_NO_READER;
    case PCSC_BUSY: return TALLY_E_STATE;
    default: return TALLY_E_NO_CARD;
    }
}

static enum pcsc_meaning connect_once(struct pcsc_card *c)
{
    if (tally_pcsc_establish(c->pcsc) != TALLY_OK)
        return PCSC_NO_READER;
    LONG rv = SCardConnect(c->pcsc->context, c->reader, SCARD_SHARE_SHARED,
                           SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &c->handle, &c->protocol);
    enum pcsc_meaning m = tally_pcsc_note(c->pcsc, rv);
    if (m == PCSC_OK) {
        c->connected = true;
        c->generation = c->pcsc->generation;
        new_session(c);
    }
    return m;
}

static enum tally_error ensure_connected(struct pcsc_card *c)
{
    if (c->connected && c->generation == c->pcsc->generation)
        return TALLY_OK;
    c->connected = false;
    enum pcsc_meaning m = connect_once(c);
    if (m == PCSC_NO_SERVICE) {
        tally_pcsc_drop(c->pcsc);
        m = connect_once(c);
    }
    return error_of(m);
}

/* Keeps the handle after somebody's reset, or makes the reset ourselves; without success the handle is given
 * up. */
static enum pcsc_meaning reconnect(struct pcsc_card *c, DWORD initialization)
{
    LONG rv = SCardReconnect(c->handle, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1,
                             initialization, &c->protocol);
    enum pcsc_meaning m = tally_pcsc_note(c->pcsc, rv);
    if (m == PCSC_OK)
        new_session(c);
    else if (m == PCSC_NO_SERVICE)
        tally_pcsc_drop(c->pcsc);
    if (m != PCSC_OK)
        forget(c);
    return m;
}

/* What to do about a failed BeginTransaction, so that it can be tried again. Returns false when it cannot. */
static bool recover(struct pcsc_card *c, enum pcsc_meaning m)
{
    switch (m) {
    case PCSC_RESET:
        c->base.loss = TALLY_LOSS_RESET;
        (void)reconnect(c, SCARD_LEAVE_CARD);
        return true;
    case PCSC_GONE:
        c->base.loss = TALLY_LOSS_REMOVED;
        forget(c);
        return true;
    case PCSC_NO_SERVICE:
    case PCSC_NO_READER:
        c->base.loss = TALLY_LOSS_SERVICE;
        tally_pcsc_drop(c->pcsc);
        forget(c);
        return true;
    default: return false;
    }
}

static enum tally_error card_begin(struct card_transport *t)
{
    struct pcsc_card *c = self(t);
    enum pcsc_meaning m = PCSC_OTHER;
    for (int i = 0; i < BEGIN_TRIES; i++) {
        enum tally_error e = ensure_connected(c);
        if (e != TALLY_OK)
            return e;
        if (c->suspect && reconnect(c, SCARD_RESET_CARD) != PCSC_OK)
            continue;
        m = tally_pcsc_note(c->pcsc, SCardBeginTransaction(c->handle));
        if (m == PCSC_OK) {
            c->in_transaction = true;
            return TALLY_OK;
        }
        if (!recover(c, m))
            break;
    }
    return error_of(m == PCSC_OK ? PCSC_OTHER : m);
}

static void card_end(struct card_transport *t)
{
    struct pcsc_card *c = self(t);
    if (c->in_transaction && c->connected && c->generation == c->pcsc->generation)
        (void)SCardEndTransaction(c->handle, SCARD_LEAVE_CARD);
    c->in_transaction = false;
}

/* A failed exchange leaves a card in an unknown state; the handle is kept only where PC/SC still knows the
 * card. */
static enum tally_error exchange_failed(struct pcsc_card *c, enum pcsc_meaning m)
{
    if (m == PCSC_TOO_LONG) {
        c->suspect = true;
        return TALLY_E_FULL;
    }
    if (m == PCSC_NO_SERVICE || m == PCSC_NO_READER) {
        c->base.loss = TALLY_LOSS_SERVICE;
        tally_pcsc_drop(c->pcsc);
        forget(c);
    } else if (m == PCSC_RESET) {
        c->base.loss = TALLY_LOSS_RESET;
    } else {
        c->base.loss = TALLY_LOSS_REMOVED;
        c->suspect = true;
    }
    return TALLY_E_CARD_LOST;
}

static enum tally_error card_exchange(struct card_transport *t, const uint8_t *cmd, size_t n, uint8_t *resp,
                                      size_t cap, size_t *resp_len)
{
    struct pcsc_card *c = self(t);
    *resp_len = 0;
    if (!c->connected || c->generation != c->pcsc->generation) {
        c->base.loss = TALLY_LOSS_SERVICE;
        return TALLY_E_CARD_LOST;
    }
    DWORD got = cap < TALLY_APDU_MAX_RESPONSE ? cap : TALLY_APDU_MAX_RESPONSE;
    size_t limit = got;
    const SCARD_IO_REQUEST *pci = c->protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
    enum pcsc_meaning m = tally_pcsc_note(c->pcsc, SCardTransmit(c->handle, pci, cmd, n, NULL, resp, &got));
    if (m == PCSC_OK && got > limit)
        m = PCSC_TOO_LONG;
    /* Some drivers, vpcd among them, report a card that went away in mid-command as an empty answer. */
    if (m == PCSC_OK && got == 0)
        m = PCSC_GONE;
    if (m != PCSC_OK)
        return exchange_failed(c, m);
    *resp_len = got;
    return TALLY_OK;
}

static enum tally_error card_reset(struct card_transport *t)
{
    struct pcsc_card *c = self(t);
    bool again = c->in_transaction;
    enum tally_error e = ensure_connected(c);
    if (e == TALLY_OK)
        e = error_of(reconnect(c, SCARD_RESET_CARD));
    c->in_transaction = e == TALLY_OK && again;
    return e;
}

static void card_describe(const struct card_transport *t, char *out, size_t out_size)
{
    (void)snprintf(out, out_size, "PC/SC reader %s", ((const struct pcsc_card *)t)->reader);
}

/* Resets the card: whoever was authenticated to it through us is no longer. */
static void card_close(struct card_transport *t)
{
    struct pcsc_card *c = self(t);
    card_end(t);
    if (c->connected && c->generation == c->pcsc->generation && c->pcsc->established)
        (void)SCardDisconnect(c->handle, SCARD_RESET_CARD);
    free(c);
}

static const struct card_transport_ops pcsc_ops = {
    .exchange = card_exchange,
    .begin = card_begin,
    .end = card_end,
    .reset = card_reset,
    .describe = card_describe,
    .close = card_close,
};

enum tally_error tally_pcsc_connect(struct tally_pcsc *p, const char *name, struct card_transport **out)
{
    *out = NULL;
    if (strlen(name) >= TALLY_READER_NAME_MAX)
        return TALLY_E_NO_READER;
    struct pcsc_card *c = calloc(1, sizeof *c);
    if (c == NULL)
        return TALLY_E_MEMORY;
    c->base.ops = &pcsc_ops;
    c->pcsc = p;
    memcpy(c->reader, name, strlen(name) + 1);
    enum tally_error e = ensure_connected(c);
    if (e != TALLY_OK) {
        free(c);
        return e;
    }
    *out = &c->base;
    return TALLY_OK;
}
