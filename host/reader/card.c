#include "host/reader/card.h"

#include <stdlib.h>
#include <string.h>

#include "card/wire/be.h"
#include "card/wire/tlv.h"
#include "host/base/bytes.h"
#include "host/reader/apdu.h"

#define SHORT_NE 256

void tally_card_init(struct tally_card *card, struct card_transport *transport)
{
    memset(card, 0, sizeof *card);
    card->transport = transport;
    card->error = tally_card_explain_error(TALLY_OK);
}

/* Sets the failure that no status word tells, and returns it. An answer that the transport cannot make sense
 * of, or that exceeds what any Tally card sends, comes from something else. */
static enum tally_error fail(struct tally_card *card, enum tally_error e)
{
    card->error = tally_card_explain_error(e == TALLY_E_FORMAT || e == TALLY_E_FULL ? TALLY_E_NO_CARD : e);
    return card->error.error;
}

enum tally_error tally_card_command(struct tally_card *card, uint8_t cla, uint8_t ins, uint16_t p1p2,
                                    const uint8_t *data, size_t nc, size_t ne, size_t *n)
{
    const struct tally_apdu a = {.cla = cla,
                                 .ins = ins,
                                 .p1 = (uint8_t)(p1p2 >> 8),
                                 .p2 = (uint8_t)p1p2,
                                 .data = data,
                                 .nc = nc,
                                 .ne = ne};
    size_t len = 0, answered = 0;
    *n = 0;
    if (nc > TALLY_CARD_DATA_MAX ||
        tally_apdu_build(&a, card->command, sizeof card->command, &len) != TALLY_OK) {
        card->error = tally_card_explain_error(TALLY_E_FORMAT);
        return TALLY_E_FORMAT;
    }
    enum tally_error e = tally_card_transmit(card->transport, card->command, len, card->answer,
                                             sizeof card->answer, &answered);
    tally_wipe(card->command, len);
    card->commands++;
    card->bytes_out += len;
    card->bytes_in += answered;
    if (e != TALLY_OK)
        return fail(card, e);
    card->error = tally_card_explain(ins, be16_get(card->answer + answered - 2));
    if (card->error.error == TALLY_OK)
        *n = answered - 2;
    return card->error.error;
}

enum tally_error tally_card_select(struct tally_card *card, uint8_t applet)
{
    const uint8_t aid[TALLY_AID_LEN] = {TALLY_AID_PREFIX, applet};
    size_t n;
    return tally_card_command(card, CLA_ISO, INS_SELECT, 0x040c, aid, sizeof aid, 0, &n);
}

enum tally_error tally_card_get_data(struct tally_card *card, uint16_t object, uint8_t *out, size_t size)
{
    size_t n;
    memset(out, 0, size);
    enum tally_error e = tally_card_command(card, CLA_PROPRIETARY, INS_GET_DATA, object, NULL, 0,
                                            size > SHORT_NE ? size : SHORT_NE, &n);
    if (e == TALLY_OK && n != size)
        e = fail(card, TALLY_E_FORMAT);
    if (e == TALLY_OK)
        memcpy(out, card->answer, size);
    return e;
}

enum tally_error tally_card_get_operators(struct tally_card *card, struct tally_card_operator *list,
                                          size_t size, size_t *count)
{
    size_t n;
    *count = 0;
    enum tally_error e = tally_card_command(card, CLA_PROPRIETARY, INS_GET_DATA, DO_OPERATORS, NULL, 0,
                                            TALLY_CARD_DATA_MAX, &n);
    if (e == TALLY_OK && n % TALLY_OPERATOR_ENTRY_SIZE != 0)
        e = fail(card, TALLY_E_FORMAT);
    if (e == TALLY_OK && n / TALLY_OPERATOR_ENTRY_SIZE > size)
        e = TALLY_E_FULL;
    if (e != TALLY_OK)
        return e;
    *count = n / TALLY_OPERATOR_ENTRY_SIZE;
    for (size_t i = 0; i < *count; i++) {
        const uint8_t *p = card->answer + i * TALLY_OPERATOR_ENTRY_SIZE;
        list[i] = (struct tally_card_operator){.operator_id = be16_get(p),
                                               .state = p[2],
                                               .suite = p[3],
                                               .package_version = be32_get(p + 4),
                                               .key6_version = p[8],
                                               .sub_key_version = p[9],
                                               .sub_key_floor = p[10]};
    }
    return TALLY_OK;
}

bool tally_card_pin_valid(const char *pin)
{
    size_t n = strlen(pin);
    return n >= PIN_MIN && n <= PIN_MAX && strspn(pin, "0123456789") == n;
}

enum tally_error tally_card_verify_pin(struct tally_card *card, const char *pin)
{
    size_t n;
    if (!tally_card_pin_valid(pin)) {
        card->error = tally_card_explain_error(TALLY_E_FORMAT);
        return TALLY_E_FORMAT;
    }
    return tally_card_command(card, CLA_ISO, INS_VERIFY_PIN, 0x0081, (const uint8_t *)pin, strlen(pin), 0,
                              &n);
}

enum tally_error tally_card_change_pin(struct tally_card *card, const char *old_pin, const char *new_pin)
{
    uint8_t data[1 + 2 * PIN_MAX];
    size_t n;
    if (!tally_card_pin_valid(old_pin) || !tally_card_pin_valid(new_pin)) {
        card->error = tally_card_explain_error(TALLY_E_FORMAT);
        return TALLY_E_FORMAT;
    }
    size_t old_len = strlen(old_pin), new_len = strlen(new_pin);
    data[0] = (uint8_t)old_len;
    memcpy(data + 1, old_pin, old_len);
    memcpy(data + 1 + old_len, new_pin, new_len);
    enum tally_error e =
        tally_card_command(card, CLA_ISO, INS_CHANGE_PIN, 0x0081, data, 1 + old_len + new_len, 0, &n);
    tally_wipe(data, sizeof data);
    return e;
}

static bool parse_ticket(const uint8_t *p, size_t n, struct tally_card_ticket *ticket)
{
    if (n != FACE_SIZE + USAGE_SIZE)
        return false;
    memcpy(ticket->face_bytes, p, FACE_SIZE);
    memcpy(ticket->usage_bytes, p + FACE_SIZE, USAGE_SIZE);
    return face_decode(ticket->face_bytes, &ticket->face) &&
           usage_decode(ticket->usage_bytes, &ticket->usage);
}

enum tally_error tally_card_read(struct tally_card *card, bool first, uint16_t date, const char *service,
                                 struct tally_card_ticket *ticket)
{
    uint8_t criterion[2 + SERVICE_SIZE] = {0};
    size_t n;
    be16_put(criterion, date);
    if (service != NULL)
        memcpy(criterion + 2, service, SERVICE_SIZE);
    memset(ticket, 0, sizeof *ticket);
    enum tally_error e = tally_card_command(
        card, CLA_PROPRIETARY, INS_READ, (uint16_t)((first ? READ_FIRST : READ_NEXT) << 8 | READ_FACE_USAGE),
        first ? criterion : NULL, first ? sizeof criterion : 0, SHORT_NE, &n);
    if (e == TALLY_OK && !parse_ticket(card->answer, n, ticket)) {
        memset(ticket, 0, sizeof *ticket);
        e = fail(card, TALLY_E_FORMAT);
    }
    return e;
}

enum tally_error tally_card_read_all(struct tally_card *card, uint16_t date, const char *service,
                                     struct tally_card_ticket **list, size_t *count)
{
    struct tally_card_ticket *tickets = NULL;
    size_t have = 0, room = 0;
    enum tally_error e = TALLY_OK;
    *list = NULL;
    *count = 0;
    for (;;) {
        if (have == room) {
            room = room == 0 ? 16 : 2 * room;
            void *more = room <= TALLY_CARD_TICKETS_MAX ? realloc(tickets, room * sizeof *tickets) : NULL;
            if (more == NULL) {
                e = room > TALLY_CARD_TICKETS_MAX ? TALLY_E_FULL : TALLY_E_MEMORY;
                break;
            }
            tickets = more;
        }
        e = tally_card_read(card, have == 0, date, service, &tickets[have]);
        if (e != TALLY_OK)
            break;
        have++;
    }
    if (e != TALLY_E_NOT_FOUND || have == 0) {
        free(tickets);
        return e == TALLY_E_NOT_FOUND ? TALLY_OK : e;
    }
    *list = tickets;
    *count = have;
    return TALLY_OK;
}

enum tally_error tally_card_load(struct tally_card *card, const uint8_t *ciphertext, size_t n,
                                 uint8_t usage[USAGE_SIZE])
{
    struct usage_record u;
    size_t len;
    memset(usage, 0, USAGE_SIZE);
    enum tally_error e =
        tally_card_command(card, CLA_PROPRIETARY, INS_LOAD, 0, ciphertext, n, SHORT_NE, &len);
    if (e == TALLY_OK && (len != USAGE_SIZE || !usage_decode(card->answer, &u)))
        e = fail(card, TALLY_E_FORMAT);
    if (e == TALLY_OK)
        memcpy(usage, card->answer, USAGE_SIZE);
    return e;
}

enum tally_error tally_card_exchange_ticket(struct tally_card *card, const uint8_t *ciphertext, size_t n,
                                            uint8_t deleted[USAGE_SIZE], uint8_t loaded[USAGE_SIZE],
                                            bool *has_loaded)
{
    struct usage_record u;
    size_t len;
    memset(deleted, 0, USAGE_SIZE);
    memset(loaded, 0, USAGE_SIZE);
    *has_loaded = false;
    enum tally_error e =
        tally_card_command(card, CLA_PROPRIETARY, INS_EXCHANGE, 0, ciphertext, n, SHORT_NE, &len);
    if (e != TALLY_OK)
        return e;
    bool both = len == 2 * USAGE_SIZE;
    if ((!both && len != USAGE_SIZE) || !usage_decode(card->answer, &u) ||
        (both && !usage_decode(card->answer + USAGE_SIZE, &u)))
        return fail(card, TALLY_E_FORMAT);
    memcpy(deleted, card->answer, USAGE_SIZE);
    if (both)
        memcpy(loaded, card->answer + USAGE_SIZE, USAGE_SIZE);
    *has_loaded = both;
    return TALLY_OK;
}

enum tally_error tally_card_put_package(struct tally_card *card, const uint8_t *package, size_t n)
{
    size_t len;
    return tally_card_command(card, CLA_PROPRIETARY, INS_PUT_DATA, DO_OPERATOR_PACKAGE, package, n, 0, &len);
}
