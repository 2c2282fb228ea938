#include "card/applets/ticket/change.h"

#include "card/apdu/card.h"

bool record_read(struct card *card, uint16_t id, size_t offset, void *out, size_t n)
{
    return store_read(&card->store, id, offset, out, n) == STORE_OK;
}

bool record_peek(struct card *card, uint16_t id, void *out, size_t n)
{
    return store_peek(&card->store, id, out, n) == STORE_OK;
}

bool record_exists(struct card *card, uint16_t id)
{
    return card_has_record(card, id);
}

int record_next(struct card *card, uint16_t type, int slot)
{
    struct store_cursor cursor = store_first((uint8_t)(type >> 8));
    cursor.next = (uint16_t)(slot + 1);
    return store_next(&card->store, &cursor) ? (uint8_t)cursor.id : -1;
}

void changes_begin(struct changes *changes)
{
    changes->count = 0;
}

static void add(struct changes *changes, uint16_t id, const void *data, size_t n)
{
    if (changes->count < CHANGES_MAX)
        changes->list[changes->count] = (struct store_change){.id = id, .len = (uint16_t)n, .data = data};
    changes->count++;
}

void changes_put(struct changes *changes, uint16_t id, const void *data, size_t n)
{
    add(changes, id, data, n);
}

void changes_delete(struct changes *changes, uint16_t id)
{
    add(changes, id, NULL, 0);
}

bool changes_count(struct card *card, struct changes *changes, uint32_t *counter)
{
    if (!card_counter(card, counter) || *counter == UINT32_MAX) {
        *counter = 0;
        return false;
    }
    *counter += 1;
    const struct store_change change = card_count(*counter, changes->counter);
    changes_put(changes, change.id, change.data, change.len);
    return true;
}

uint16_t changes_commit(struct card *card, const struct changes *changes)
{
    if (changes->count > CHANGES_MAX)
        return SW_INTERNAL;
    return card_commit(card, changes->list, changes->count);
}
