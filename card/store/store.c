#include "card/store/store.h"

#include <string.h>

#include "card/store/crc32.h"
#include "card/store/internal.h"

struct changes {
    const struct store_change *list;
    size_t count;
};

/* What a commit's changes come to, in units and in records. */
struct sum {
    uint32_t body;
    uint32_t added;
    uint32_t removed;
    size_t created;
    size_t deleted;
};

static uint16_t length_field(const struct store_change *change)
{
    return change->data != NULL ? change->len : STORE_TOMBSTONE;
}

static uint32_t entry_units(const struct store *s, const struct store_change *change)
{
    return store_units(s, STORE_ENTRY_HEADER + (change->data != NULL ? (size_t)change->len : 0));
}

static bool write_change(struct store_writer *w, const struct store_change *change)
{
    static const uint8_t padding[STORE_UNIT_MAX] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    };
    uint8_t b[STORE_ENTRY_HEADER];
    size_t len = change->data != NULL ? change->len : 0;
    uint32_t units = entry_units(w->s, change);
    store_put16(b, change->id);
    store_put16(b + 2, length_field(change));
    uint32_t check = store_crc32(0, b, 4);
    if (len > 0)
        check = store_crc32(check, change->data, len);
    store_put32(b + 4, check);
    return store_write_entry(w, units) && store_write(w, b, sizeof b) &&
           (len == 0 || store_write(w, change->data, len)) &&
           store_write(w, padding, units * w->s->flash->unit - sizeof b - len);
}

/* Deletes go first, so that the index has room when the puts are replayed. */
static bool emit_changes(struct store_writer *w, const void *from)
{
    const struct changes *changes = from;
    for (unsigned pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < changes->count; i++)
            if ((changes->list[i].data != NULL) == (pass == 1) && !write_change(w, &changes->list[i]))
                return false;
    return true;
}

static uint32_t directory(const struct changes *changes)
{
    uint32_t crc = 0;
    for (unsigned pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < changes->count; i++)
            if ((changes->list[i].data != NULL) == (pass == 1))
                crc = store_dir_add(crc, changes->list[i].id, length_field(&changes->list[i]));
    return crc;
}

static enum store_result add_change(const struct store *s, const struct store_change *change, struct sum *sum)
{
    size_t where;
    struct store_entry old;
    bool there = store_index_find(s, change->id, &where), put = change->data != NULL;
    if (put && change->len > STORE_DATA_MAX)
        return STORE_LIMIT;
    if (!put && !there)
        return STORE_NOT_FOUND;
    if (there) {
        if (!store_entry_load(s, store_slot_pos(s, where), &old))
            return STORE_CORRUPT;
        sum->removed += old.units;
    }
    sum->body += entry_units(s, change);
    sum->added += put ? entry_units(s, change) : 0;
    sum->created += put && !there;
    sum->deleted += !put;
    return STORE_OK;
}

static enum store_result add_up(const struct store *s, const struct changes *changes, struct sum *sum)
{
    const struct store_change *list = changes->list;
    if (changes->count > STORE_MAX_CHANGES)
        return STORE_LIMIT;
    for (size_t i = 0; i < changes->count; i++) {
        for (size_t j = 0; j < i; j++)
            if (list[j].id == list[i].id)
                return STORE_LIMIT;
        enum store_result result = add_change(s, &list[i], sum);
        if (result != STORE_OK)
            return result;
    }
    if (sum->body > store_frame_room(s) || s->records + sum->created - sum->deleted > STORE_MAX_RECORDS)
        return STORE_LIMIT;
    /* Never refused: what does not make the store fuller. */
    if (sum->added > sum->removed && s->live + sum->added - sum->removed > s->capacity)
        return STORE_FULL;
    return STORE_OK;
}

enum store_result store_commit(struct store *s, const struct store_change *changes, size_t count)
{
    struct changes all = {changes, count};
    struct sum sum = {0};
    if (!s->ready)
        return STORE_IO;
    enum store_result result = add_up(s, &all, &sum);
    if (result != STORE_OK || count == 0)
        return result;
    result = store_make_room(s, STORE_COMPACT_FREE + s->decline);
    if (result != STORE_OK)
        return result;
    struct store_plan plan = {
        .body = sum.body,
        .dir_crc = directory(&all),
        .tail = s->tail,
        .count = (uint16_t)count,
        .emit = emit_changes,
        .from = &all,
    };
    result = store_frame_append(s, &plan);
    /* Spreads compaction over the commits; what it comes to is no part of this one's outcome. */
    if (result == STORE_OK)
        (void)store_tidy(s);
    return result;
}

enum store_result store_size(const struct store *s, uint16_t id, size_t *n)
{
    size_t where;
    struct store_entry entry;
    *n = 0;
    if (!s->ready)
        return STORE_IO;
    if (!store_index_find(s, id, &where))
        return STORE_NOT_FOUND;
    if (!store_entry_load(s, store_slot_pos(s, where), &entry) || entry.id != id || entry.tombstone)
        return STORE_CORRUPT;
    *n = entry.len;
    return STORE_OK;
}

/* Copies the part of chunk, which stands at `at` in the record, that lies within [offset, offset + n) of it.
 */
static void copy_part(uint8_t *buf, size_t offset, size_t n, const uint8_t *chunk, size_t at, size_t k)
{
    size_t low = at < offset ? offset : at, high = at + k < offset + n ? at + k : offset + n;
    if (low < high)
        memcpy(buf + (low - offset), chunk + (low - at), high - low);
}

/* Reads the record to its end and checks it, or only as far as is asked for. */
static bool read_part(const struct store *s, struct store_pos pos, const struct store_entry *entry,
                      bool whole, size_t offset, uint8_t *buf, size_t n)
{
    uint8_t chunk[STORE_CHUNK];
    uint32_t crc = 0;
    bool good = true;
    size_t total = STORE_ENTRY_HEADER + (whole ? (size_t)entry->len : offset + n);
    for (size_t at = 0; at < total; at += sizeof chunk) {
        size_t k = total - at < sizeof chunk ? total - at : sizeof chunk;
        good = store_log_read(s, pos, chunk, k) && good;
        pos = store_skip(s, pos, store_units(s, k));
        copy_part(buf, offset + STORE_ENTRY_HEADER, n, chunk, at, k);
        if (!whole)
            continue;
        /* The check covers the entry without the check itself. */
        size_t skip = at == 0 ? STORE_ENTRY_HEADER : 0;
        if (at == 0)
            crc = store_crc32(0, chunk, 4);
        crc = store_crc32(crc, chunk + skip, k - skip);
    }
    return whole ? crc == entry->check : good;
}

static enum store_result read_record(const struct store *s, uint16_t id, bool whole, size_t offset, void *buf,
                                     size_t n)
{
    size_t size, where;
    struct store_entry entry;
    enum store_result result = store_size(s, id, &size);
    if (result == STORE_OK && (offset > size || n > size - offset))
        result = STORE_LIMIT;
    if (result == STORE_OK) {
        store_index_find(s, id, &where);
        struct store_pos pos = store_slot_pos(s, where);
        if (!store_entry_load(s, pos, &entry) || !read_part(s, pos, &entry, whole, offset, buf, n))
            result = STORE_CORRUPT;
    }
    if (result != STORE_OK && n > 0)
        memset(buf, 0, n);
    return result;
}

enum store_result store_read(const struct store *s, uint16_t id, size_t offset, void *buf, size_t n)
{
    return read_record(s, id, true, offset, buf, n);
}

enum store_result store_peek(const struct store *s, uint16_t id, void *buf, size_t n)
{
    return read_record(s, id, false, 0, buf, n);
}

struct store_cursor store_first(uint8_t type)
{
    return (struct store_cursor){.type = type};
}

bool store_next(const struct store *s, struct store_cursor *cursor)
{
    size_t where;
    if (!s->ready || cursor->next > 0xff)
        return false;
    store_index_find(s, (uint16_t)(cursor->type << 8 | cursor->next), &where);
    if (where == s->records || s->index[where].id >> 8 != cursor->type)
        return false;
    cursor->id = s->index[where].id;
    cursor->next = (uint16_t)((cursor->id & 0xff) + 1);
    return true;
}

size_t store_cost(const struct store *s, size_t n)
{
    return (size_t)store_units(s, STORE_ENTRY_HEADER + n) * s->flash->unit;
}

size_t store_free_bytes(const struct store *s)
{
    return (size_t)(s->capacity - s->live) * s->flash->unit;
}

struct store_stats store_stats(const struct store *s)
{
    struct store_stats stats = {
        .capacity_bytes = s->capacity * s->flash->unit,
        .live_bytes = s->live * s->flash->unit,
        .records = s->records,
        .pages = s->flash->page_count,
        .free_pages = store_free_pages(s),
        .erases_min = UINT32_MAX,
    };
    for (uint32_t p = 0; p < stats.pages; p++) {
        struct store_page page;
        if (!store_page_load(s, p, &page))
            continue;
        if (page.erases < stats.erases_min)
            stats.erases_min = page.erases;
        if (page.erases > stats.erases_max)
            stats.erases_max = page.erases;
    }
    return stats;
}
