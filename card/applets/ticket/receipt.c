#include "card/applets/ticket/receipt.h"

#include <string.h>

#include "card/wire/be.h"

enum {
    AT_EVENT = 1,
    AT_GATE = 8,
    AT_STATION = 12,
    AT_USE_COUNTER = 24,
    AT_KEY_VERSION = 26,
    AT_AUTHORITY = 27,
    AT_COUNTER = 28
};

void receipt_make(const struct sub_key *key, const uint8_t face[FACE_SIZE], uint8_t authority,
                  uint32_t counter, uint8_t usage[USAGE_SIZE])
{
    uint8_t receipt_key[SYM_KEY_SIZE], mac[AES_BLOCK_SIZE];
    usage[AT_KEY_VERSION] = key->version;
    usage[AT_AUTHORITY] = authority;
    be32_put(usage + AT_COUNTER, counter);

    const struct bytes parts[] = {{face + FACE_AT_SERIAL, SERIAL_SIZE},
                                  {face + FACE_AT_OPERATOR, 2},
                                  {face + FACE_AT_TID, TID_SIZE},
                                  {usage, USAGE_MACED}};
    kdf_cmac(key->key, LABEL_RECEIPT, NULL, 0, receipt_key, sizeof receipt_key);
    cmac(receipt_key, parts, 4, mac);
    memcpy(usage + USAGE_MACED, mac, RECEIPT_MAC_SIZE);
    wipe(receipt_key, sizeof receipt_key);
}

void receipt_of_deletion(const uint8_t stored[USAGE_SIZE], uint32_t gate, uint8_t usage[USAGE_SIZE])
{
    uint16_t used = be16_get(stored + AT_USE_COUNTER);
    memcpy(usage, stored, USAGE_SIZE);
    usage[AT_EVENT] = EVENT_DELETED;
    be32_put(usage + AT_GATE, gate);
    memset(usage + AT_STATION, 0, AT_USE_COUNTER - AT_STATION);
    be16_put(usage + AT_USE_COUNTER, used < UINT16_MAX ? (uint16_t)(used + 1) : used);
    memset(usage + USAGE_GATE_PART, 0, USAGE_CARD_PART);
}
