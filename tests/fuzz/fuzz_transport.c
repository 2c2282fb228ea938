/* A hostile card: any answers to any command, over both length modes. Whatever it says, the exchange ends,
 * stays in the caller's buffer, and a success has a status word. Input: flags, command length, command, then
 * answers, each with a length before it. */
#include <stdlib.h>
#include <string.h>

#include "host/reader/trace.h"
#include "host/reader/transport.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct hostile {
    struct card_transport base;
    const uint8_t *in;
    size_t left;
};

/* The next answer of the input; when there is none left, the card is gone. */
static enum tally_error answer(struct card_transport *t, const uint8_t *cmd, size_t n, uint8_t *resp,
                               size_t cap, size_t *resp_len)
{
    struct hostile *h = (struct hostile *)t;
    (void)cmd;
    (void)n;
    *resp_len = 0;
    if (h->left == 0)
        return TALLY_E_CARD_LOST;
    size_t length = h->in[0] < h->left - 1 ? h->in[0] : h->left - 1;
    if (length > cap)
        return TALLY_E_FULL;
    memcpy(resp, h->in + 1, length);
    h->in += 1 + length;
    h->left -= 1 + length;
    *resp_len = length;
    return TALLY_OK;
}

static const struct card_transport_ops ops = {.exchange = answer};

static FILE *nowhere(void)
{
    static FILE *f;
    if (f == NULL)
        f = fopen("/dev/null", "we");
    return f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || nowhere() == NULL)
        return 0;
    size_t n = data[1] < size - 2 ? data[1] : size - 2, cap = (data[0] & 2) != 0 ? 300 : 12, got = 0;
    uint8_t *cmd = malloc(n + 1), *resp = malloc(cap);
    struct tally_trace trace;
    struct hostile h = {.base = {.ops = &ops, .trace = &trace}, .in = data + 2 + n, .left = size - 2 - n};
    tally_trace_init(&trace, nowhere());
    h.base.length_mode = (data[0] & 1) != 0 ? TALLY_LENGTH_CHAINED : TALLY_LENGTH_EXTENDED;
    (void)tally_atr_length_mode(data, size);
    if (cmd != NULL && resp != NULL) {
        memcpy(cmd, data + 2, n);
        enum tally_error e = tally_card_transmit(&h.base, cmd, n, resp, cap, &got);
        if (got > cap || (e == TALLY_OK) != (got >= 2) || (e != TALLY_OK && got != 0))
            abort();
    }
    free(cmd);
    free(resp);
    return 0;
}
