#include "card/apdu/card.h"

#include <string.h>

#include "card/apdu/dispatch.h"
#include "card/applets/issuer/issuer.h"
#include "card/wire/be.h"

/* ISO/IEC 7816-3 8.2: T=1 only. Historical bytes: category 80, compact-TLV 73, the card capabilities of
 * ISO/IEC 7816-4 12.2.2.9: selection by full and by partial DF name; one-byte data units; chaining and
 * extended length. */
static const uint8_t atr[] = {0x3B, 0x85, 0x80, 0x01, 0x80, 0x73, 0xC0, 0x01, 0xC0};

size_t card_atr(uint8_t out[CARD_ATR_MAX])
{
    uint8_t check = 0;
    memcpy(out, atr, sizeof atr);
    for (size_t i = 1; i < sizeof atr; i++)
        check ^= atr[i];
    out[sizeof atr] = check;
    return sizeof atr + 1;
}

/* Only a flash that never held a store is formatted: one that no longer reads as written is not the card's to
 * erase. */
static bool mount(struct card *card)
{
    enum store_result result = store_mount(&card->store, card->hal->flash);
    if (result == STORE_BLANK)
        result = store_format(&card->store, card->hal->flash);
    return result == STORE_OK;
}

void card_init(struct card *card, const struct hal *hal)
{
    memset(card, 0, sizeof *card);
    card->hal = hal;
    if (!rng_init(&card->rng, hal))
        card->fault = SW_INTERNAL;
    else
        card->fault = SW_MEMORY_FAILURE;
    card_reset(card);
}

void card_end_sessions(struct card *card)
{
    ticket_applet.deselect(card);
    issuer_applet.deselect(card);
}

void card_reset(struct card *card)
{
    card_end_sessions(card);
    chain_drop(&card->command);
    answer_drop(&card->answer);
    card->selected = &ticket_applet;
    card->pin_verified = false;
    card->admin_locked = false;
    if (card->fault == SW_MEMORY_FAILURE && mount(card))
        card->fault = 0;
}

static uint16_t receive(struct card *card, const struct apdu *apdu)
{
    const struct command_row *row;
    const uint8_t *h = apdu->header;
    uint16_t sw = dispatch_find(card, h, &row);
    if (sw == SW_OK)
        sw = chain_add(&card->command, apdu);
    if (sw == SW_OK && chain_complete(&card->command)) {
        struct apdu_command command = {h[0], h[1], h[2], h[3], card->command.data, card->command.len};
        sw = dispatch_run(card, row, &command, &card->answer);
    }
    if (sw != SW_OK || chain_complete(&card->command))
        chain_drop(&card->command);
    return sw;
}

static bool is_get_response(const struct apdu *apdu)
{
    return apdu->header[0] == CLA_ISO && apdu->header[1] == INS_GET_RESPONSE;
}

/* GET RESPONSE hands on what an earlier command left; every other command drops that. */
static uint16_t check_get_response(const struct card *card, const struct apdu *apdu)
{
    if (apdu->header[2] != 0 || apdu->header[3] != 0)
        return SW_WRONG_P1P2;
    if (apdu->len > 0)
        return SW_WRONG_LENGTH;
    return card->answer.len > 0 ? SW_OK : SW_CONDITIONS;
}

static uint16_t run(struct card *card, const uint8_t *in, size_t n, struct apdu *apdu)
{
    if (card->fault != 0)
        return card->fault;
    bool well_formed = apdu_parse(in, n, apdu);
    if (well_formed && is_get_response(apdu) && !card->command.open)
        return check_get_response(card, apdu);
    answer_drop(&card->answer);
    if (well_formed)
        return receive(card, apdu);
    chain_drop(&card->command);
    return SW_WRONG_LENGTH;
}

size_t card_transmit(struct card *card, const uint8_t *in, size_t n, uint8_t *out, size_t size)
{
    struct apdu apdu = {0};
    uint16_t sw = run(card, in, n, &apdu);
    if (sw == SW_OK)
        return answer_send(&card->answer, apdu.expected, out, size);
    be16_put(out, sw);
    return 2;
}

uint8_t card_life(struct card *card)
{
    uint8_t life;
    switch (store_read(&card->store, REC_LIFE_CYCLE, 0, &life, sizeof life)) {
    case STORE_OK: return life;
    case STORE_NOT_FOUND: return LIFE_BLANK;
    default: return 0;
    }
}

bool card_record(struct card *card, uint16_t id, void *buf, size_t size)
{
    return store_read(&card->store, id, 0, buf, size) == STORE_OK;
}

bool card_has_record(struct card *card, uint16_t id)
{
    size_t n;
    return store_size(&card->store, id, &n) == STORE_OK;
}

uint16_t card_commit(struct card *card, const struct store_change *changes, size_t count)
{
    switch (store_commit(&card->store, changes, count)) {
    case STORE_OK: return SW_OK;
    case STORE_FULL:
    case STORE_LIMIT: return SW_NO_ROOM;
    case STORE_NOT_FOUND: return SW_INTERNAL; /* deletes what is not there: the command's mistake */
    default: card->fault = SW_MEMORY_FAILURE; return SW_MEMORY_FAILURE;
    }
}

bool card_serial(struct card *card, uint8_t serial[SERIAL_SIZE])
{
    return card_record(card, REC_SERIAL, serial, SERIAL_SIZE);
}

bool card_counter(struct card *card, uint32_t *counter)
{
    uint8_t record[4];
    enum store_result result = store_read(&card->store, REC_COUNTER, 0, record, sizeof record);
    *counter = be32_get(record);
    return result == STORE_OK || result == STORE_NOT_FOUND;
}

struct store_change card_count(uint32_t next, uint8_t buf[4])
{
    be32_put(buf, next);
    return (struct store_change){.id = REC_COUNTER, .len = 4, .data = buf};
}
