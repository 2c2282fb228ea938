#include "card/store/internal.h"

#include <string.h>

bool store_index_find(const struct store *s, uint16_t id, size_t *where)
{
    size_t low = 0, high = s->records;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s->index[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    *where = low;
    return low < s->records && s->index[low].id == id;
}

struct store_pos store_slot_pos(const struct store *s, size_t where)
{
    uint32_t count = s->flash->page_count, at = s->index[where].at;
    uint32_t beyond_tail = (at / s->units + count - s->tail % count) % count;
    return (struct store_pos){s->tail + beyond_tail, at % s->units};
}

static uint16_t slot_of(const struct store *s, const struct store_entry *entry)
{
    return (uint16_t)(entry->at.page % s->flash->page_count * s->units + entry->at.at);
}

bool store_entry_live(const struct store *s, const struct store_entry *entry)
{
    size_t where;
    return !entry->tombstone && store_index_find(s, entry->id, &where) &&
           s->index[where].at == slot_of(s, entry);
}

bool store_index_apply(struct store *s, const struct store_entry *entry)
{
    size_t where;
    struct store_entry old;
    bool there = store_index_find(s, entry->id, &where);
    struct store_slot *slot = &s->index[where];
    if (there) {
        if (!store_entry_load(s, store_slot_pos(s, where), &old))
            return false;
        s->live -= old.units;
    }
    size_t after = (size_t)s->records - where;
    if (entry->tombstone) {
        if (there) {
            memmove(slot, slot + 1, (after - 1) * sizeof *slot);
            s->records--;
        }
        return true;
    }
    if (!there) {
        if (s->records == STORE_MAX_RECORDS)
            return false;
        memmove(slot + 1, slot, after * sizeof *slot);
        s->records++;
    }
    slot->id = entry->id;
    slot->at = slot_of(s, entry);
    s->live += entry->units;
    return true;
}

bool store_index_frame(struct store *s, struct store_pos pos)
{
    struct store_frame frame;
    struct store_entry entry;
    if (!store_frame_load(s, pos, &frame))
        return false;
    pos = store_skip(s, frame.start, store_units(s, STORE_FRAME_HEADER));
    for (unsigned i = 0; i < frame.count; i++) {
        if (!store_entry_load(s, pos, &entry) || !store_index_apply(s, &entry))
            return false;
        pos = store_skip(s, entry.at, entry.units);
    }
    return true;
}
