#include "card/store/internal.h"

static bool begin_tail(const struct store *s, struct store_scan *scan)
{
    struct store_pos stop = {s->tail + 1, 0};
    return store_scan_begin(s, s->tail, stop, scan);
}

static enum store_step next_live(const struct store *s, struct store_scan *scan, struct store_entry *entry)
{
    for (;;) {
        enum store_step step = store_scan_next(s, scan, entry);
        if (step != STORE_SCAN_ENTRY || store_entry_live(s, entry))
            return step;
    }
}

static bool copy_entry(struct store_writer *w, const struct store_entry *entry)
{
    uint8_t chunk[STORE_CHUNK];
    uint32_t left = entry->units * w->s->flash->unit;
    struct store_pos pos = entry->at;
    if (!store_write_entry(w, entry->units))
        return false;
    while (left > 0) {
        uint32_t k = left < sizeof chunk ? left : (uint32_t)sizeof chunk;
        /* Copied with the check it was written with: what was lost before is still seen to be lost. */
        store_log_read(w->s, pos, chunk, k);
        if (!store_write(w, chunk, k))
            return false;
        pos = store_skip(w->s, pos, k / w->s->flash->unit);
        left -= k;
    }
    return true;
}

static bool copy_live(struct store_writer *w, const void *from)
{
    struct store_scan scan;
    struct store_entry entry;
    enum store_step step;
    (void)from;
    if (!begin_tail(w->s, &scan))
        return false;
    while ((step = next_live(w->s, &scan, &entry)) == STORE_SCAN_ENTRY)
        if (!copy_entry(w, &entry))
            return false;
    return step == STORE_SCAN_END;
}

/* Copies what is live in the oldest page to the head, and lets go of the page with the same frame. Tombstones
 * stay behind: there is nothing older that they could hide. */
static enum store_result compact_page(struct store *s)
{
    struct store_scan scan;
    struct store_entry entry;
    enum store_step step;
    struct store_plan plan = {.tail = s->tail + 1, .emit = copy_live};
    if (s->tail == s->head || !begin_tail(s, &scan))
        return STORE_CORRUPT;
    while ((step = next_live(s, &scan, &entry)) == STORE_SCAN_ENTRY) {
        plan.body += entry.units;
        plan.dir_crc = store_dir_add(plan.dir_crc, entry.id, entry.len);
        plan.count++;
    }
    if (step != STORE_SCAN_END)
        return STORE_CORRUPT;
    return store_frame_append(s, &plan);
}

enum store_result store_make_room(struct store *s, uint32_t pages)
{
    /* One lap over the log is enough at any fill; see the capacity formula. */
    uint32_t laps = 2 * s->flash->page_count;
    enum store_result result = STORE_OK;
    for (uint32_t i = 0; result == STORE_OK && store_free_pages(s) < pages; i++)
        result = i < laps ? compact_page(s) : STORE_IO;
    return result;
}

enum store_result store_tidy(struct store *s)
{
    if (!s->ready)
        return STORE_IO;
    return store_free_pages(s) >= STORE_COMPACT_FREE + s->decline ? STORE_OK : compact_page(s);
}
