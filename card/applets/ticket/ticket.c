#include "card/applets/ticket/ticket.h"

#include <string.h>

#include "card/apdu/card.h"
#include "card/applets/ticket/change.h"
#include "card/applets/ticket/gate.h"
#include "card/applets/ticket/load.h"
#include "card/applets/ticket/package.h"
#include "card/applets/ticket/read.h"
#include "card/wire/be.h"

enum {
    VERIFY_MIN = GATE_OPENING_SIZE + CRITERION_DATE_SIZE,
    VERIFY_MAX = GATE_OPENING_SIZE + CRITERION_TID_SIZE,
    VERIFY_P256_MIN = GATE_CERT_P256_SIZE + GATE_NONCE_SIZE + CRITERION_DATE_SIZE,
    VERIFY_P256_MAX = GATE_CERT_P256_SIZE + GATE_NONCE_SIZE + CRITERION_TID_SIZE,
    VERIFY_RSA_MIN = GATE_CERT_RSA_SIZE + GATE_NONCE_SIZE + CRITERION_DATE_SIZE,
    VERIFY_RSA_MAX = GATE_CERT_RSA_SIZE + GATE_NONCE_SIZE + CRITERION_TID_SIZE,
    VERIFY_SM9_MIN = GATE_IDENTITY_SIZE + GATE_NONCE_SIZE + CRITERION_DATE_SIZE,
    VERIFY_SM9_MAX = GATE_IDENTITY_SIZE + GATE_NONCE_SIZE + CRITERION_TID_SIZE,
    WRITE_SIZE = USAGE_COMMAND_SIZE + SESSION_TAG_SIZE,
    DELETE_SIZE = TID_SIZE + SESSION_TAG_SIZE
};

#define ROW(ins, p1, p2_min, p2_max, min, max, run)                                                          \
    {                                                                                                        \
        CLA_PROPRIETARY, ins, p1, p1, p2_min, p2_max, IN_FIELD, SM_NONE, min, max, run                       \
    }

static const struct command_row commands[] = {
    ROW(INS_LOAD, 0, 0, 0, 1, COMMAND_DATA_MAX, ticket_load),
    ROW(INS_EXCHANGE, 0, 0, 0, 1, COMMAND_DATA_MAX, ticket_exchange),
    ROW(INS_READ, READ_FIRST, READ_FACE, READ_FACE_USAGE, READ_CRITERION_SIZE, READ_CRITERION_SIZE,
        ticket_read_first),
    ROW(INS_READ, READ_NEXT, READ_FACE, READ_FACE_USAGE, 0, 0, ticket_read_next),
    ROW(INS_VERIFY, GATE_SUB_KEY, 0, UINT8_MAX, VERIFY_MIN, VERIFY_MAX, gate_verify_sub_key),
    ROW(INS_VERIFY, GATE_P256, 0, 0, VERIFY_P256_MIN, VERIFY_P256_MAX, gate_verify_pair),
    ROW(INS_VERIFY, GATE_RSA, 0, 0, VERIFY_RSA_MIN, VERIFY_RSA_MAX, gate_verify_pair),
    ROW(INS_VERIFY, GATE_SM9, 0, 0, VERIFY_SM9_MIN, VERIFY_SM9_MAX, gate_verify_pair),
    ROW(INS_WRITE_USAGE, 0, 0, 0, WRITE_SIZE, WRITE_SIZE, gate_write_usage),
    ROW(INS_DELETE, 0, 0, 0, DELETE_SIZE, DELETE_SIZE, gate_delete),
    ROW(INS_PUT_DATA, DO_OPERATOR_PACKAGE >> 8, DO_OPERATOR_PACKAGE & 0xff, DO_OPERATOR_PACKAGE & 0xff,
        PACKAGE_MIN, COMMAND_DATA_MAX, package_put),
};

uint16_t ticket_count(struct card *card)
{
    uint16_t n = 0;
    for (int slot = NO_SLOT; (slot = record_next(card, REC_FACE, slot)) != NO_SLOT;)
        n++;
    return n;
}

uint16_t ticket_free_slots(struct card *card, uint8_t suite)
{
    if (suite_code_size(suite) == 0)
        return 0;
    const struct store *store = &card->store;
    size_t cost = store_cost(store, FACE_SIZE + suite_code_size(suite)) + store_cost(store, USAGE_SIZE);
    size_t by_bytes = store_free_bytes(store) / cost;
    size_t by_records = (STORE_MAX_RECORDS - store_stats(store).records) / 2;
    size_t by_slots = (size_t)TICKET_SLOTS - ticket_count(card);
    size_t n = by_bytes < by_records ? by_bytes : by_records;
    return (uint16_t)(n < by_slots ? n : by_slots);
}

/* The last of the versions of key 6, and of the sub-keys; zero of a removed operator. */
static void newest_versions(struct card *card, int slot, const struct operator_head *head, uint8_t *key6,
                            uint8_t *sub)
{
    uint16_t id = RECORD(REC_OPERATOR, slot);
    uint8_t count = 0;
    *key6 = *sub = 0;
    if (record_read(card, id, OPERATOR_AT_KEY6, &count, 1) && count > 0)
        record_read(card, id, OPERATOR_AT_KEY6 + 1 + (count - 1u) * (1 + suite_key_size(head->suite)), key6,
                    1);
    if (record_read(card, id, OPERATOR_AT_SUB_KEYS, &count, 1) && count > 0)
        record_read(card, id, OPERATOR_AT_SUB_KEYS + 1 + (count - 1u) * SUB_KEY_ITEM_SIZE, sub, 1);
}

size_t ticket_operator_list(struct card *card, uint8_t *out, size_t size)
{
    struct operator_head head;
    size_t n = 0;
    for (int slot = -1; size - n >= OPERATOR_ITEM_SIZE && operators_next(card, &slot, &head);) {
        uint8_t *item = out + n;
        be16_put(item, head.id);
        item[2] = head.state;
        item[3] = head.suite;
        be32_put(item + 4, head.package_version);
        newest_versions(card, slot, &head, item + 8, item + 9);
        item[10] = head.sub_key_floor;
        item[11] = 0;
        n += OPERATOR_ITEM_SIZE;
    }
    return n;
}

static void deselect(struct card *card)
{
    wipe(&card->ticket, sizeof card->ticket);
}

const struct applet ticket_applet = {
    .aid_last = TALLY_AID_TICKET,
    .commands = commands,
    .count = sizeof commands / sizeof commands[0],
    .deselect = deselect,
};
