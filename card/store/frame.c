#include "card/store/internal.h"

#include <string.h>

#include "card/store/crc32.h"

uint32_t store_frame_overhead(const struct store *s)
{
    /* Header and commit units, and what is left empty so that neither is parted by the end of a page. */
    return 2 * store_units(s, STORE_FRAME_HEADER) + 2;
}

uint32_t store_frame_room(const struct store *s)
{
    return (uint32_t)s->units - s->start - store_units(s, STORE_FRAME_HEADER) - 3;
}

static bool open_next(struct store_writer *w)
{
    const struct store *s = w->s;
    uint32_t first = s->start + store_units(s, w->entry_left);
    struct store_page page = {
        .number = w->at.page + 1,
        .seq = s->next_seq,
        .first = (uint16_t)first,
        .rest = w->entries_left,
        .from = (uint16_t)w->start.at,
        .back = (uint8_t)(w->at.page + 1 - w->start.page),
    };
    if (!store_page_open(w->s, &page))
        return false;
    w->at.page++;
    w->at.at = s->start;
    return true;
}

static bool flush(struct store_writer *w)
{
    bool good = store_flash_program(w->s, store_address(w->s, w->at), w->buf, w->fill);
    w->at.at += w->fill / w->s->flash->unit;
    w->fill = 0;
    return good;
}

bool store_write(struct store_writer *w, const void *data, size_t n)
{
    const uint8_t *p = data;
    while (n > 0) {
        if (w->at.at == w->s->units && !open_next(w))
            return false;
        size_t room = (size_t)(w->s->units - w->at.at) * w->s->flash->unit;
        size_t limit = room < sizeof w->buf ? room : sizeof w->buf;
        size_t k = limit - w->fill < n ? limit - w->fill : n;
        memcpy(w->buf + w->fill, p, k);
        w->fill = (uint16_t)(w->fill + k);
        w->entry_left -= (uint32_t)k;
        w->crc = store_crc32(w->crc, p, k);
        p += k;
        n -= k;
        if (w->fill == limit && !flush(w))
            return false;
    }
    return true;
}

bool store_write_entry(struct store_writer *w, uint32_t units)
{
    /* A page opened between two entries has to say so: open it before the entry has begun. */
    if (w->at.at == w->s->units && !open_next(w))
        return false;
    w->entry_left = units * w->s->flash->unit;
    w->entries_left--;
    return true;
}

/* Places the frame: in the head page, or in a new page if not even its header fits. */
static bool begin(struct store_writer *w, struct store *s)
{
    memset(w, 0, sizeof *w);
    w->s = s;
    w->at.page = s->head;
    w->at.at = s->end;
    w->start = store_whole(s, w->at, store_units(s, STORE_FRAME_HEADER));
    if (w->start.page == s->head)
        return true;
    struct store_page page = {.number = w->start.page, .seq = s->next_seq, .first = s->start};
    w->at = w->start;
    return store_page_open(s, &page);
}

static bool write_header(struct store_writer *w, const struct store_plan *plan)
{
    uint8_t b[STORE_FRAME_HEADER];
    store_put32(b, w->s->next_seq);
    store_put16(b + 4, plan->body);
    store_put16(b + 6, plan->count);
    store_put16(b + 8, plan->tail);
    store_put16(b + 10, store_dir_fold(plan->dir_crc));
    store_put32(b + 12, store_crc32(0, b, 12));
    w->entry_left = sizeof b;
    if (!store_write(w, b, sizeof b))
        return false;
    w->entries_left = plan->count;
    return w->fill == 0 || flush(w);
}

/* The order that makes a commit: all of it on the flash and read back, then the mark, then its confirmation.
 */
static bool write_once(struct store_writer *w, struct store *s, const struct store_plan *plan)
{
    if (!begin(w, s) || !write_header(w, plan) || !plan->emit(w, plan->from))
        return false;
    if (w->fill != 0 && !flush(w))
        return false;
    if (s->units - w->at.at < 2 && !open_next(w))
        return false;
    if (!store_pair_program(s, store_address(s, w->at), store_mark(w->crc)))
        return false;
    w->at.at += 2;
    return true;
}

static enum store_result write_frame(struct store *s, const struct store_plan *plan)
{
    struct store_writer w;
    for (unsigned i = 0; i < STORE_TRIES; i++) {
        if (write_once(&w, s, plan)) {
            s->head = w.at.page;
            s->end = (uint16_t)w.at.at;
            s->mark = store_mark(w.crc);
            s->next_seq++;
            return STORE_OK;
        }
        if (!store_settle(s, NULL, true))
            break;
    }
    return STORE_IO;
}

enum store_result store_frame_append(struct store *s, const struct store_plan *plan)
{
    struct store_pos start = {s->head, s->end};
    enum store_result result = write_frame(s, plan);
    if (result == STORE_OK && !store_index_frame(s, start))
        result = STORE_IO;
    if (result == STORE_OK)
        s->tail = plan->tail;
    else
        s->ready = false;
    return result;
}
