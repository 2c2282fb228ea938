#include "card/applets/ticket/read.h"

#include <string.h>

#include "card/apdu/card.h"
#include "card/applets/ticket/tickets.h"
#include "card/wire/be.h"

/* Order of reading: date, minute, sequence, slot; a byte string, so that memcmp compares. */
static void make_key(const uint8_t head[FACE_HEAD_SIZE], int slot, uint8_t key[READ_KEY_SIZE])
{
    memcpy(key, head + FACE_AT_DATE, 4);
    memcpy(key + 4, head + FACE_AT_SEQUENCE, 4);
    key[8] = (uint8_t)slot;
}

/* The first ticket after `last` (NULL: of all) that the cursor asks for, or NO_SLOT. Only the order key of
 * what was read is remembered, so tickets may come and go between two commands. */
static int find(struct card *card, const struct read_cursor *cursor, const uint8_t *last,
                uint8_t best[READ_KEY_SIZE])
{
    uint8_t head[FACE_HEAD_SIZE], key[READ_KEY_SIZE];
    int found = NO_SLOT;
    for (int slot = NO_SLOT; tickets_next(card, &slot, head);) {
        make_key(head, slot, key);
        if (be16_get(head + FACE_AT_DATE) < cursor->date || !tickets_serve(head, cursor->service) ||
            (last != NULL && memcmp(key, last, READ_KEY_SIZE) <= 0) ||
            (found != NO_SLOT && memcmp(key, best, READ_KEY_SIZE) >= 0))
            continue;
        memcpy(best, key, READ_KEY_SIZE);
        found = slot;
    }
    return found;
}

static uint16_t read_after(struct card *card, const uint8_t *last, uint8_t what,
                           struct apdu_response *response)
{
    struct read_cursor *cursor = &card->ticket.read;
    uint8_t key[READ_KEY_SIZE];
    int slot = find(card, cursor, last, key);
    if (slot == NO_SLOT)
        return SW_RECORD_NOT_FOUND;
    size_t n = FACE_SIZE;
    bool ok = ticket_face_read(card, slot, response->data);
    if (what == READ_FACE_USAGE) {
        ok = ok && ticket_usage_read(card, slot, response->data + n);
        n += USAGE_SIZE;
    }
    if (!ok)
        return SW_MEMORY_FAILURE;
    cursor->active = true;
    memcpy(cursor->last, key, READ_KEY_SIZE);
    response->len = n;
    return SW_OK;
}

uint16_t ticket_read_first(struct card *card, const struct apdu_command *command,
                           struct apdu_response *response)
{
    struct read_cursor *cursor = &card->ticket.read;
    memset(cursor, 0, sizeof *cursor);
    if (!card->pin_verified)
        return SW_SECURITY_STATUS;
    cursor->date = be16_get(command->data);
    memcpy(cursor->service, command->data + 2, SERVICE_SIZE);
    return read_after(card, NULL, command->p2, response);
}

uint16_t ticket_read_next(struct card *card, const struct apdu_command *command,
                          struct apdu_response *response)
{
    uint8_t last[READ_KEY_SIZE];
    if (!card->pin_verified)
        return SW_SECURITY_STATUS;
    if (!card->ticket.read.active)
        return SW_CONDITIONS;
    memcpy(last, card->ticket.read.last, READ_KEY_SIZE);
    return read_after(card, last, command->p2, response);
}
