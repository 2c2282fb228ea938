#include "card/store/internal.h"

#include <string.h>

#include "card/store/crc32.h"

bool store_frame_load(const struct store *s, struct store_pos pos, struct store_frame *frame)
{
    uint8_t b[STORE_FRAME_HEADER];
    memset(frame, 0, sizeof *frame);
    frame->start = store_whole(s, pos, store_units(s, sizeof b));
    if (!store_log_read(s, frame->start, b, sizeof b) || store_get32(b + 12) != store_crc32(0, b, 12))
        return false;
    frame->seq = store_get32(b);
    frame->body = store_get16(b + 4);
    frame->count = store_get16(b + 6);
    frame->tail = store_get16(b + 8);
    frame->dir = store_get16(b + 10);
    frame->pair = store_skip(s, frame->start, store_units(s, sizeof b) + frame->body);
    frame->pair = store_whole(s, frame->pair, 2);
    return true;
}

uint32_t store_frame_crc(const struct store *s, const struct store_frame *frame)
{
    uint8_t chunk[STORE_CHUNK];
    uint32_t crc = 0, left = STORE_FRAME_HEADER + frame->body * s->flash->unit;
    struct store_pos pos = frame->start;
    while (left > 0) {
        uint32_t k = left < sizeof chunk ? left : (uint32_t)sizeof chunk;
        store_log_read(s, pos, chunk, k);
        crc = store_crc32(crc, chunk, k);
        pos = store_skip(s, pos, k / s->flash->unit);
        left -= k;
    }
    return crc;
}

uint32_t store_dir_add(uint32_t crc, uint16_t id, uint16_t len)
{
    uint8_t b[4];
    store_put16(b, id);
    store_put16(b + 2, len);
    return store_crc32(crc, b, sizeof b);
}

uint16_t store_dir_fold(uint32_t crc)
{
    return (uint16_t)(crc ^ crc >> 16);
}

bool store_entry_load(const struct store *s, struct store_pos at, struct store_entry *entry)
{
    uint8_t b[STORE_ENTRY_HEADER];
    bool good = store_log_read(s, at, b, sizeof b);
    uint16_t len = store_get16(b + 2);
    entry->at = store_whole(s, at, 1);
    entry->id = store_get16(b);
    entry->tombstone = len == STORE_TOMBSTONE;
    entry->len = entry->tombstone ? 0 : len;
    entry->check = store_get32(b + 4);
    entry->units = store_units(s, STORE_ENTRY_HEADER + (size_t)entry->len);
    return good && entry->len <= STORE_DATA_MAX;
}

bool store_scan_begin(const struct store *s, uint32_t number, struct store_pos stop, struct store_scan *scan)
{
    struct store_page page;
    memset(scan, 0, sizeof *scan);
    if (!store_page_find(s, number, &page) || page.first < s->start || page.first > s->units)
        return false;
    scan->at.page = number;
    scan->at.at = page.first;
    scan->stop = stop;
    scan->seq = page.seq;
    scan->rest = page.rest;
    scan->inside = page.back != 0;
    return true;
}

static bool enter_frame(const struct store *s, struct store_scan *scan)
{
    struct store_frame frame;
    if (!store_frame_load(s, scan->at, &frame) || frame.seq != scan->seq)
        return false;
    scan->at = store_skip(s, frame.start, store_units(s, STORE_FRAME_HEADER));
    scan->rest = frame.count;
    scan->inside = true;
    scan->checked = true;
    scan->dir = frame.dir;
    scan->dir_crc = 0;
    return true;
}

static bool leave_frame(const struct store *s, struct store_scan *scan)
{
    scan->at = store_skip(s, store_whole(s, scan->at, 2), 2);
    scan->seq++;
    scan->inside = false;
    return !scan->checked || scan->dir == store_dir_fold(scan->dir_crc);
}

static bool at_stop(const struct store_scan *scan)
{
    return scan->at.page > scan->stop.page ||
           (scan->at.page == scan->stop.page && scan->at.at >= scan->stop.at);
}

enum store_step store_scan_next(const struct store *s, struct store_scan *scan, struct store_entry *entry)
{
    while (scan->rest == 0) {
        if (scan->inside && !leave_frame(s, scan))
            return STORE_SCAN_BAD;
        if (at_stop(scan))
            return STORE_SCAN_END;
        if (!enter_frame(s, scan))
            return STORE_SCAN_BAD;
    }
    scan->at = store_whole(s, scan->at, 1);
    if (at_stop(scan))
        return STORE_SCAN_END;
    if (!store_entry_load(s, scan->at, entry))
        return STORE_SCAN_BAD;
    scan->dir_crc = store_dir_add(scan->dir_crc, entry->id, entry->tombstone ? STORE_TOMBSTONE : entry->len);
    scan->at = store_skip(s, entry->at, entry->units);
    scan->rest--;
    return STORE_SCAN_ENTRY;
}
