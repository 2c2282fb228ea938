#include "card/store/internal.h"

#define MOUNT_TRIES 16u

/* What the search for the newest page has found. */
struct search {
    struct store_page page; /* the candidate's header */
    struct store_doubt doubt;
    bool dirty; /* something after, or about, the newest frame has to be settled */
};

/* Notes for each logical number the physical page with the highest version, and the highest number. Rewritten
 * pages that are not whole are left out. */
static uint32_t map_pages(struct store *s)
{
    uint32_t highest = 0, count = s->flash->page_count, mark;
    for (uint32_t p = 0; p < count; p++) {
        struct store_page page, other;
        bool sure;
        if (!store_page_load(s, p, &page))
            continue;
        if (s->wear < page.erases)
            s->wear = page.erases;
        if (page.number == 0 || (page.end != 0 && !store_sealed(s, p, &page, &sure, &mark)))
            continue;
        uint8_t *slot = &s->page_of[page.number % count];
        bool better = *slot == STORE_NO_PAGE || !store_page_load(s, *slot, &other) ||
                      other.number < page.number ||
                      (other.number == page.number && other.version < page.version);
        if (better)
            *slot = (uint8_t)p;
        if (highest < page.number)
            highest = page.number;
    }
    return highest;
}

/* Whether the frame counts, whether that is *sure to be seen again, and its commit word. */
static bool frame_committed(const struct store *s, const struct store_frame *frame, bool *sure,
                            uint32_t *mark)
{
    struct store_pair pair = store_pair_read(s, store_address(s, frame->pair));
    *sure = pair.started;
    *mark = pair.mark;
    if (store_pair_confirmed(pair))
        return true;
    uint32_t crc = store_frame_crc(s, frame);
    *mark = store_mark(crc);
    return store_pair_holds(pair, crc);
}

/* Whether the pages are there that hold the beginning of the frame that continues into this one. */
static bool reaches_back(const struct store *s, const struct store_page *page)
{
    struct store_page before;
    for (uint32_t n = 1; n <= page->back; n++)
        if (n >= page->number || !store_page_find(s, page->number - n, &before))
            return false;
    return page->back == 0 || (page->from >= s->start && page->from < s->units);
}

/* Follows the committed frames of the candidate for newest page, s->head, and leaves s->end, s->mark and
 * s->next_seq after the last of them. False if there is none: then the page is no part of the log. */
static bool follow_frames(struct store *s, struct search *found)
{
    const struct store_page *page = &found->page;
    struct store_pos pos = {page->number - page->back, page->back != 0 ? page->from : s->start};
    uint32_t seq = page->seq, mark;
    struct store_frame frame;
    bool any = false, sure;
    while (store_frame_load(s, pos, &frame) && frame.seq == seq && frame.pair.page == s->head &&
           frame_committed(s, &frame, &sure, &mark)) {
        any = true;
        pos = store_skip(s, frame.pair, 2);
        seq++;
        found->doubt.newest = frame;
        found->doubt.frame = !sure;
        s->mark = mark;
    }
    s->end = (uint16_t)pos.at;
    s->next_seq = seq;
    return any;
}

/* Whether the head page is blank from its unit `from` up to, not including, unit `to`. */
static bool head_blank(const struct store *s, uint32_t from, uint32_t to)
{
    struct store_pos pos = {s->head, from};
    if (to > s->units)
        to = s->units;
    return from >= to || store_blank(s, store_address(s, pos), (to - from) * s->flash->unit);
}

/* Whether one cut explains what stands after the last committed frame. If not, committed frames were damaged:
 * going on would bring back what they had replaced. */
static bool explicable(const struct store *s)
{
    struct store_pos end = {s->head, s->end};
    struct store_frame frame;
    if (!store_frame_load(s, end, &frame))
        return head_blank(s, s->end + store_units(s, STORE_FRAME_HEADER), s->units);
    if (frame.seq != s->next_seq)
        return false;
    return frame.pair.page != s->head || head_blank(s, frame.pair.at + 2, s->units);
}

/* STORE_NOT_FOUND: the page holds no committed frame, and is no part of the log. A sealed page always does;
 * if the seal is not seen again, or the frames are not, the attempt has failed. */
static enum store_result try_head(struct store *s, uint32_t number, struct search *found)
{
    struct store_doubt *doubt = &found->doubt;
    bool sure = true;
    if (!store_page_find(s, number, &found->page) || !reaches_back(s, &found->page))
        return STORE_CORRUPT;
    const struct store_page *page = &found->page;
    s->head = number;
    bool any = follow_frames(s, found);
    if (page->end == 0 && !any)
        return STORE_NOT_FOUND;
    if (page->end != 0) {
        uint32_t physical = s->page_of[number % s->flash->page_count];
        if (!any || s->end < page->end || !store_sealed(s, physical, page, &sure, &doubt->seal_mark))
            return STORE_CORRUPT;
    }
    /* Frames after a seal show that it was confirmed. */
    doubt->seal = !sure && s->end == page->end;
    bool blank = head_blank(s, s->end, s->end + store_units(s, STORE_FRAME_HEADER));
    if (!blank && !explicable(s))
        return STORE_CORRUPT;
    found->dirty = doubt->frame || doubt->seal || !blank;
    return STORE_OK;
}

static enum store_result find_head(struct store *s, struct search *found)
{
    uint32_t highest = map_pages(s), count = s->flash->page_count;
    uint32_t oldest = highest > count ? highest - count : 0;
    for (uint32_t number = highest; number > oldest; number--) {
        enum store_result result = try_head(s, number, found);
        if (result != STORE_NOT_FOUND)
            return result;
    }
    return highest <= 1 ? STORE_BLANK : STORE_CORRUPT;
}

static bool find_tail(struct store *s, const struct store_frame *newest)
{
    struct store_page page;
    s->tail = s->head - (uint16_t)(s->head - newest->tail);
    if (s->tail == 0 || s->tail > s->head || s->head - s->tail + 2 > s->flash->page_count)
        return false;
    for (uint32_t n = s->tail; n <= s->head; n++)
        if (!store_page_find(s, n, &page))
            return false;
    return true;
}

static bool build_index(struct store *s)
{
    struct store_scan scan;
    struct store_entry entry;
    enum store_step step;
    struct store_pos stop = {s->head, s->end};
    if (!store_scan_begin(s, s->tail, stop, &scan))
        return false;
    while ((step = store_scan_next(s, &scan, &entry)) == STORE_SCAN_ENTRY)
        if (!store_index_apply(s, &entry))
            return false;
    return step == STORE_SCAN_END && !scan.inside && scan.seq == s->next_seq && s->live <= s->capacity;
}

static enum store_result mount_once(struct store *s, const struct hal_flash *flash)
{
    struct search found = {0};
    if (!store_geometry(s, flash))
        return STORE_LIMIT;
    enum store_result result = find_head(s, &found);
    if (result != STORE_OK)
        return result;
    if (!find_tail(s, &found.doubt.newest))
        return STORE_CORRUPT;
    if (!store_settle(s, &found.doubt, found.dirty))
        return STORE_IO;
    if (!build_index(s))
        return STORE_CORRUPT;
    s->ready = true;
    return STORE_OK;
}

/* Scrubs what might be part of a store, oldest first, so that a cut never lets an older state reappear. */
static bool clear(struct store *s)
{
    struct store_page page;
    uint32_t count = s->flash->page_count;
    for (uint32_t p = 0; p < count; p++)
        if (!store_page_load(s, p, &page) && !store_page_scrub(s, p))
            return false;
    for (uint32_t i = 0; i <= count; i++) {
        uint32_t oldest = STORE_NO_PAGE, number = UINT32_MAX;
        for (uint32_t p = 0; p < count; p++) {
            if (store_page_load(s, p, &page) && page.number != 0 && page.number < number) {
                oldest = p;
                number = page.number;
            }
        }
        if (oldest == STORE_NO_PAGE)
            return true;
        if (!store_page_scrub(s, oldest))
            return false;
    }
    return false;
}

static bool emit_nothing(struct store_writer *w, const void *from)
{
    (void)w;
    (void)from;
    return true;
}

enum store_result store_format(struct store *s, const struct hal_flash *flash)
{
    struct store_page page = {.number = 1, .seq = 1};
    struct store_plan plan = {.tail = 1, .emit = emit_nothing};
    if (!store_geometry(s, flash))
        return STORE_LIMIT;
    page.first = s->start;
    s->tail = s->head = s->next_seq = 1;
    s->end = s->start;
    if (!clear(s) || !store_page_open(s, &page) || store_frame_append(s, &plan) != STORE_OK)
        return STORE_IO;
    return store_mount(s, flash);
}

enum store_result store_mount(struct store *s, const struct hal_flash *flash)
{
    /* Units torn by a cut may read differently each time, so that one attempt can contradict itself; nothing
     * has been shown by then, and the next one decides afresh. */
    enum store_result result = STORE_IO;
    for (unsigned i = 0; i < MOUNT_TRIES && (result == STORE_IO || result == STORE_CORRUPT); i++)
        result = mount_once(s, flash);
    return result;
}
