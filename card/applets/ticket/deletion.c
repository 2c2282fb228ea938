#include "card/applets/ticket/deletion.h"

#include <string.h>

#include "card/apdu/card.h"
#include "card/applets/ticket/change.h"
#include "card/wire/be.h"

enum { AT_TID = 4, AT_USAGE = AT_TID + TID_SIZE };

void deletion_encode(uint32_t sequence, const uint8_t tid[TID_SIZE], const uint8_t usage[USAGE_SIZE],
                     uint8_t out[LAST_DELETION_SIZE])
{
    be32_put(out, sequence);
    memcpy(out + AT_TID, tid, TID_SIZE);
    memcpy(out + AT_USAGE, usage, USAGE_SIZE);
}

/* tid is NULL when the sequence alone decides. */
static bool find(struct card *card, int operator_slot, uint32_t sequence, const uint8_t *tid,
                 uint8_t usage[USAGE_SIZE])
{
    uint8_t last[LAST_DELETION_SIZE];
    memset(usage, 0, USAGE_SIZE);
    if (!record_read(card, RECORD(REC_LAST_DELETION, operator_slot), 0, last, sizeof last) ||
        last[AT_USAGE + 1] != EVENT_DELETED || be32_get(last) != sequence ||
        (tid != NULL && memcmp(last + AT_TID, tid, TID_SIZE) != 0))
        return false;
    memcpy(usage, last + AT_USAGE, USAGE_SIZE);
    return true;
}

bool deletion_by_gate(struct card *card, int operator_slot, const uint8_t tid[TID_SIZE],
                      uint8_t usage[USAGE_SIZE])
{
    return find(card, operator_slot, 0, tid, usage);
}

bool deletion_by_face(struct card *card, int operator_slot, uint32_t sequence, uint8_t usage[USAGE_SIZE])
{
    return find(card, operator_slot, sequence, NULL, usage);
}
