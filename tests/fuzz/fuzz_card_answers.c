/* A hostile card: whatever it answers, the host's typed commands end with a result, stay inside their buffers
 * and hand out nothing that breaks the formats. The input is a list of answers, each behind a two-byte
 * length. */
#include <stdlib.h>
#include <string.h>

#include "host/reader/card.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct hostile {
    struct card_transport transport;
    const uint8_t *data;
    size_t size;
};

static enum tally_error answer(struct card_transport *t, const uint8_t *cmd, size_t n, uint8_t *resp,
                               size_t cap, size_t *resp_len)
{
    struct hostile *h = (struct hostile *)t;
    (void)cmd;
    (void)n;
    *resp_len = 0;
    if (h->size < 2) {
        t->loss = TALLY_LOSS_REMOVED;
        return TALLY_E_CARD_LOST;
    }
    size_t len = (size_t)(h->data[0] << 8 | h->data[1]);
    h->data += 2;
    h->size -= 2;
    len = len < h->size ? len : h->size;
    if (len > cap)
        return TALLY_E_FULL;
    memcpy(resp, h->data, len);
    h->data += len;
    h->size -= len;
    *resp_len = len;
    return TALLY_OK;
}

static enum tally_error begin(struct card_transport *t)
{
    (void)t;
    return TALLY_OK;
}

static void end(struct card_transport *t)
{
    (void)t;
}

static void describe(const struct card_transport *t, char *out, size_t out_size)
{
    (void)t;
    if (out_size > 0)
        out[0] = '\0';
}

static const struct card_transport_ops ops = {
    .exchange = answer, .begin = begin, .end = end, .reset = begin, .describe = describe, .close = end};

static void read_tickets(struct tally_card *card)
{
    struct tally_card_ticket *list;
    size_t count;
    if (tally_card_read_all(card, 0, NULL, &list, &count) != TALLY_OK && (list != NULL || count != 0))
        abort();
    for (size_t i = 0; i < count; i++)
        if (!face_valid(&list[i].face))
            abort();
    free(list);
}

static void run(struct tally_card *card, uint8_t which)
{
    struct tally_card_state state;
    struct tally_card_operator operators[OPERATORS_MAX];
    uint8_t bytes[RSA_SIZE], usage[USAGE_SIZE], deleted[USAGE_SIZE];
    size_t count;
    bool loaded;
    switch (which % 8) {
    case 0: (void)tally_card_get_state(card, &state); break;
    case 1: (void)tally_card_get_operators(card, operators, OPERATORS_MAX, &count); break;
    case 2: read_tickets(card); break;
    case 3: (void)tally_card_load(card, bytes, 0, usage); break;
    case 4: (void)tally_card_exchange_ticket(card, (const uint8_t *)"x", 1, deleted, usage, &loaded); break;
    case 5: (void)tally_card_get_data(card, DO_RSA_PUBLIC_KEY, bytes, sizeof bytes); break;
    case 6: (void)tally_card_verify_pin(card, "1234"); break;
    default: (void)tally_card_select(card, TALLY_AID_TICKET); break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct hostile h = {.transport = {.ops = &ops}, .data = data + 2, .size = size - 2};
    struct tally_card *card = malloc(sizeof *card);
    if (card == NULL)
        return 0;
    h.transport.length_mode = data[1] & 1 ? TALLY_LENGTH_CHAINED : TALLY_LENGTH_EXTENDED;
    tally_card_init(card, &h.transport);
    run(card, data[0]);
    run(card, data[0]);
    free(card);
    return 0;
}
