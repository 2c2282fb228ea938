/* GET STATUS and GET DATA: what the card says about itself. Whatever could tell one card from another needs
 * the PIN or the issuer's secure channel. */
#include <string.h>

#include "card/apdu/dispatch.h"
#include "card/apdu/pin.h"
#include "card/wire/be.h"
#include "card/wire/tlv.h"

enum {
    TAG_STATUS = 0xE1,
    TAG_VERSION = 0x80,
    TAG_LIFE_CYCLE = 0x81,
    TAG_PIN_TRIES = 0x82,
    TAG_COMMAND_MAX = 0x83,
    TAG_SUITES = 0x84,
    TAG_SERIAL = 0x90,
    TAG_COUNTER = 0x91,
    TAG_TICKETS = 0x92,
    TAG_FREE_P256 = 0x93,
    TAG_FREE_BYTES = 0x94,
    TAG_CHIP_ID = 0x95,
    TAG_ERASE_COUNTS = 0x96,
    TAG_KEY_VERSION = 0x97,
    TAG_FREE_RSA = 0x98,
    TAG_FREE_SM9 = 0x99
};

static uint16_t object_of(const struct apdu_command *command)
{
    return (uint16_t)(command->p1 << 8 | command->p2);
}

static bool has_authority(const struct card *card, const struct apdu_command *command)
{
    return card->pin_verified || (command->cla & CLA_SECURE) != 0;
}

static uint8_t suites(struct card *card)
{
    uint8_t set = 0;
    if (card_has_record(card, REC_KEY_KEM))
        set |= 1 << (SUITE_P256 - 1) | 1 << (SUITE_SM9 - 1); /* whose keys the operators bring */
    if (card_has_record(card, REC_KEY_RSA))
        set |= 1 << (SUITE_RSA - 1);
    return set;
}

static void put_public(struct card *card, struct tlv_writer *w)
{
    static const uint8_t version[] = {CARD_VERSION};
    tlv_put(w, TAG_VERSION, version, sizeof version);
    tlv_put_uint(w, TAG_LIFE_CYCLE, card_life(card), 1);
    tlv_put_uint(w, TAG_PIN_TRIES, pin_tries(card), 1);
    tlv_put_uint(w, TAG_COMMAND_MAX, COMMAND_DATA_MAX, 2);
    tlv_put_uint(w, TAG_SUITES, suites(card), 1);
}

static void put_wear(struct card *card, struct tlv_writer *w)
{
    struct store_stats stats = store_stats(&card->store);
    uint8_t counts[8];
    be32_put(counts, stats.erases_min);
    be32_put(counts + 4, stats.erases_max);
    tlv_put(w, TAG_ERASE_COUNTS, counts, sizeof counts);
}

static void put_private(struct card *card, struct tlv_writer *w)
{
    uint8_t key_version;
    struct hal_identity identity;
    uint8_t serial[SERIAL_SIZE];
    uint32_t counter;
    (void)card_serial(card, serial);
    (void)card_counter(card, &counter);
    tlv_put(w, TAG_SERIAL, serial, sizeof serial);
    tlv_put_uint(w, TAG_COUNTER, counter, 4);
    tlv_put_uint(w, TAG_TICKETS, ticket_count(card), 2);
    tlv_put_uint(w, TAG_FREE_P256, ticket_free_slots(card, SUITE_P256), 2);
    tlv_put_uint(w, TAG_FREE_BYTES, (uint32_t)store_free_bytes(&card->store), 4);
    if (card->hal->device_identity(card->hal->ctx, &identity) == HAL_OK)
        tlv_put(w, TAG_CHIP_ID, identity.chip_id, sizeof identity.chip_id);
    wipe(&identity, sizeof identity);
    put_wear(card, w);
    (void)card_record(card, REC_KEY_KEM, &key_version, sizeof key_version);
    tlv_put(w, TAG_KEY_VERSION, &key_version, sizeof key_version);
    tlv_put_uint(w, TAG_FREE_RSA, ticket_free_slots(card, SUITE_RSA), 2);
    tlv_put_uint(w, TAG_FREE_SM9, ticket_free_slots(card, SUITE_SM9), 2);
}

uint16_t get_status_run(struct card *card, const struct apdu_command *command, struct apdu_response *response)
{
    struct tlv_writer w;
    tlv_writer_init(&w, response->data, response->size);
    size_t status = tlv_open(&w, TAG_STATUS);
    put_public(card, &w);
    if (has_authority(card, command))
        put_private(card, &w);
    tlv_close(&w, status);
    response->len = w.len;
    return w.ok ? SW_OK : SW_INTERNAL;
}

static uint16_t put_key(struct card *card, uint16_t record, size_t at, size_t n,
                        struct apdu_response *response)
{
    if (store_read(&card->store, record, at, response->data, n) != STORE_OK)
        return SW_KEY_ABSENT;
    response->len = n;
    return SW_OK;
}

static uint16_t put_point(struct card *card, uint16_t record, struct apdu_response *response)
{
    uint16_t sw = put_key(card, record, KEY_P256_PUBLIC, P256_PUBLIC_SIZE, response);
    if (sw != SW_OK)
        return sw;
    memmove(response->data + 1, response->data, P256_PUBLIC_SIZE);
    response->data[0] = 0x04;
    response->len = P256_POINT_SIZE;
    return SW_OK;
}

uint16_t get_data_run(struct card *card, const struct apdu_command *command, struct apdu_response *response)
{
    uint16_t object = object_of(command);
    if (object < DO_KEM_PUBLIC_KEY || object > DO_OPERATORS)
        return SW_KEY_ABSENT;
    if (!has_authority(card, command))
        return SW_SECURITY_STATUS;
    switch (object) {
    case DO_KEM_PUBLIC_KEY: return put_point(card, REC_KEY_KEM, response);
    case DO_AUTH_PUBLIC_KEY: return put_point(card, REC_KEY_AUTH, response);
    case DO_RSA_PUBLIC_KEY: return put_key(card, REC_KEY_RSA, KEY_RSA_MODULUS, RSA_SIZE, response);
    case DO_OPERATORS:
        response->len = ticket_operator_list(card, response->data, response->size);
        return SW_OK;
    default: return SW_KEY_ABSENT;
    }
}
