#include "card/applets/ticket/tickets.h"

#include <string.h>

#include "card/apdu/card.h"
#include "card/applets/ticket/change.h"
#include "card/wire/be.h"

size_t suite_code_size(uint8_t suite)
{
    switch (suite) {
    case SUITE_P256: return ECDSA_SIZE;
    case SUITE_RSA: return RSA_SIZE;
    case SUITE_SM9: return SM9_CODE_SIZE;
    default: return 0;
    }
}

bool tickets_next(struct card *card, int *slot, uint8_t head[FACE_HEAD_SIZE])
{
    int index;
    do {
        index = record_next(card, REC_FACE, *slot);
        if (index < 0)
            return false;
        *slot = index;
    } while (!record_peek(card, RECORD(REC_FACE, index), head, FACE_HEAD_SIZE));
    return true;
}

static bool is_of(const uint8_t head[FACE_HEAD_SIZE], uint16_t operator_id)
{
    return be16_get(head + FACE_AT_OPERATOR) == operator_id;
}

static bool is_ticket(const uint8_t head[FACE_HEAD_SIZE], uint16_t operator_id, const uint8_t tid[TID_SIZE])
{
    return is_of(head, operator_id) && memcmp(head + FACE_AT_TID, tid, TID_SIZE) == 0;
}

bool tickets_is(struct card *card, int slot, uint16_t operator_id, const uint8_t tid[TID_SIZE])
{
    uint8_t head[FACE_HEAD_SIZE];
    return slot != NO_SLOT && record_peek(card, RECORD(REC_FACE, slot), head, sizeof head) &&
           is_ticket(head, operator_id, tid);
}

int tickets_find(struct card *card, uint16_t operator_id, const uint8_t tid[TID_SIZE])
{
    uint8_t head[FACE_HEAD_SIZE];
    for (int slot = NO_SLOT; tickets_next(card, &slot, head);)
        if (is_ticket(head, operator_id, tid))
            return slot;
    return NO_SLOT;
}

int tickets_find_sequence(struct card *card, uint16_t operator_id, uint32_t sequence)
{
    uint8_t head[FACE_HEAD_SIZE];
    for (int slot = NO_SLOT; tickets_next(card, &slot, head);)
        if (is_of(head, operator_id) && be32_get(head + FACE_AT_SEQUENCE) == sequence)
            return slot;
    return NO_SLOT;
}

bool tickets_serve(const uint8_t head[FACE_HEAD_SIZE], const uint8_t service[SERVICE_SIZE])
{
    static const uint8_t any[SERVICE_SIZE];
    return memcmp(service, any, SERVICE_SIZE) == 0 ||
           memcmp(head + FACE_AT_SERVICE, service, SERVICE_SIZE) == 0;
}

/* Smaller is more likely to be meant: state of use, then minute, then sequence. */
static uint64_t distance(struct card *card, int slot, const uint8_t head[FACE_HEAD_SIZE])
{
    enum { UNDER_WAY, USABLE, USED };
    uint8_t bytes[USAGE_SIZE];
    struct usage_record usage;
    uint64_t state = USED;
    if (ticket_usage_read(card, slot, bytes) && usage_decode(bytes, &usage)) {
        if (usage.direction != OUTSIDE)
            state = UNDER_WAY;
        else if (!usage.exited && !usage.clipped)
            state = USABLE;
    }
    return state << 48 | (uint64_t)be16_get(head + FACE_AT_MINUTE) << 32 | be32_get(head + FACE_AT_SEQUENCE);
}

int tickets_choose(struct card *card, uint16_t operator_id, uint16_t date,
                   const uint8_t service[SERVICE_SIZE])
{
    uint8_t head[FACE_HEAD_SIZE];
    uint64_t nearest = UINT64_MAX;
    int best = NO_SLOT;
    for (int slot = NO_SLOT; tickets_next(card, &slot, head);) {
        if (!is_of(head, operator_id) || be16_get(head + FACE_AT_DATE) != date ||
            !tickets_serve(head, service))
            continue;
        uint64_t d = distance(card, slot, head);
        if (d < nearest) {
            nearest = d;
            best = slot;
        }
    }
    return best;
}

int tickets_free_slot(struct card *card)
{
    int free = 0;
    for (int slot = NO_SLOT; (slot = record_next(card, REC_FACE, slot)) == free;)
        free++;
    return free < TICKET_SLOTS ? free : NO_SLOT;
}

bool ticket_face_read(struct card *card, int slot, uint8_t out[FACE_SIZE])
{
    return record_read(card, RECORD(REC_FACE, slot), 0, out, FACE_SIZE);
}

bool ticket_usage_read(struct card *card, int slot, uint8_t out[USAGE_SIZE])
{
    return record_read(card, RECORD(REC_USAGE, slot), 0, out, USAGE_SIZE);
}

size_t ticket_copy(struct card *card, int slot, uint8_t suite, uint8_t *out)
{
    size_t signed_size = FACE_SIZE + suite_code_size(suite);
    memset(out, 0, signed_size + USAGE_SIZE);
    if (slot != NO_SLOT && (!record_read(card, RECORD(REC_FACE, slot), 0, out, signed_size) ||
                            !ticket_usage_read(card, slot, out + signed_size)))
        return 0;
    return signed_size + USAGE_SIZE;
}
