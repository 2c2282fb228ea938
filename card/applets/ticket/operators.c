#include "card/applets/ticket/operators.h"

#include <string.h>

#include "card/apdu/card.h"
#include "card/applets/ticket/change.h"
#include "card/wire/be.h"

size_t suite_key_size(uint8_t suite)
{
    switch (suite) {
    case SUITE_P256: return P256_PUBLIC_SIZE;
    case SUITE_RSA: return RSA_SIZE;
    case SUITE_SM9: return SM9_EPOCH_SIZE;
    default: return 0;
    }
}

static void decode(const uint8_t b[OPERATOR_MARK_SIZE], struct operator_head *head)
{
    *head = (struct operator_head){.state = b[OPERATOR_AT_STATE],
                                   .id = be16_get(b + OPERATOR_AT_ID),
                                   .enrolment_version = be16_get(b + OPERATOR_AT_ENROLMENT),
                                   .package_version = be32_get(b + OPERATOR_AT_PACKAGE),
                                   .sub_key_floor = b[OPERATOR_AT_SUB_KEY_FLOOR],
                                   .epoch_floor = be16_get(b + OPERATOR_AT_EPOCH_FLOOR),
                                   .suite = b[OPERATOR_AT_SUITE]};
}

bool operators_next(struct card *card, int *slot, struct operator_head *head)
{
    uint8_t b[OPERATOR_MARK_SIZE];
    int next = record_next(card, REC_OPERATOR, *slot);
    while (next >= 0 && !record_peek(card, RECORD(REC_OPERATOR, next), b, sizeof b))
        next = record_next(card, REC_OPERATOR, next);
    memset(head, 0, sizeof *head);
    if (next < 0)
        return false;
    *slot = next;
    decode(b, head);
    return true;
}

int operators_find_any(struct card *card, uint16_t id, struct operator_head *head)
{
    uint8_t b[OPERATOR_MARK_SIZE];
    for (int slot = -1; operators_next(card, &slot, head);) {
        if (head->id != id || !record_read(card, RECORD(REC_OPERATOR, slot), 0, b, sizeof b))
            continue;
        decode(b, head);
        return slot;
    }
    memset(head, 0, sizeof *head);
    return -1;
}

int operators_find(struct card *card, uint16_t id, struct operator_head *head)
{
    int slot = operators_find_any(card, id, head);
    if (slot >= 0 && head->state == OPERATOR_ACTIVE)
        return slot;
    memset(head, 0, sizeof *head);
    return -1;
}

/* Takes the sub-key at index. */
static void take(const uint8_t keys[SUB_KEYS_SIZE], size_t index, struct sub_key *key)
{
    const uint8_t *item = keys + 1 + index * SUB_KEY_ITEM_SIZE;
    key->version = item[0];
    memcpy(key->key, item + 1, SYM_KEY_SIZE);
    memcpy(key->id_key, item + 1 + SYM_KEY_SIZE, SYM_KEY_SIZE);
}

/* newest: the last one, whatever its version. */
static bool find_sub_key(struct card *card, int slot, bool newest, uint8_t version, struct sub_key *key)
{
    uint8_t keys[SUB_KEYS_SIZE];
    bool found = false;
    memset(key, 0, sizeof *key);
    record_read(card, RECORD(REC_OPERATOR, slot), OPERATOR_AT_SUB_KEYS, keys, sizeof keys);
    size_t count = keys[0] <= SUB_KEYS_MAX ? keys[0] : 0;
    for (size_t i = newest && count > 0 ? count - 1 : 0; i < count && !found; i++) {
        take(keys, i, key);
        found = newest || key->version == version;
    }
    if (!found)
        wipe(key, sizeof *key);
    wipe(keys, sizeof keys);
    return found;
}

bool operators_sub_key(struct card *card, int slot, uint8_t version, struct sub_key *key)
{
    return find_sub_key(card, slot, false, version, key);
}

bool operators_newest_sub_key(struct card *card, int slot, struct sub_key *key)
{
    return find_sub_key(card, slot, true, 0, key);
}

bool operators_key6(struct card *card, int slot, uint8_t suite, uint8_t version, uint8_t key[RSA_SIZE])
{
    uint16_t id = RECORD(REC_OPERATOR, slot);
    size_t size = suite_key_size(suite), offset = OPERATOR_AT_KEY6 + 1;
    uint8_t count, v;
    memset(key, 0, RSA_SIZE);
    if (!record_read(card, id, OPERATOR_AT_KEY6, &count, 1))
        return false;
    for (uint8_t i = 0; i < count && i < KEY6_MAX; i++, offset += 1 + size)
        if (record_read(card, id, offset, &v, 1) && v == version)
            return record_read(card, id, offset + 1, key, size);
    return false;
}
