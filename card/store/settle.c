#include "card/store/internal.h"

#include <string.h>

#include "card/store/crc32.h"

static uint32_t seal_address(const struct store *s, uint32_t physical)
{
    return physical * s->flash->page_size + store_units(s, STORE_PAGE_HEADER) * s->flash->unit;
}

/* CRC of units [start, end) of a page. */
static uint32_t content_crc(const struct store *s, uint32_t physical, uint32_t end)
{
    uint8_t chunk[STORE_CHUNK];
    uint32_t crc = 0, at = s->start * s->flash->unit, stop = end * s->flash->unit;
    for (; at < stop; at += STORE_CHUNK) {
        uint32_t k = stop - at < STORE_CHUNK ? stop - at : STORE_CHUNK;
        store_flash_read(s, physical * s->flash->page_size + at, chunk, k);
        crc = store_crc32(crc, chunk, k);
    }
    return crc;
}

bool store_sealed(const struct store *s, uint32_t physical, const struct store_page *page, bool *sure,
                  uint32_t *mark)
{
    struct store_pair pair = store_pair_read(s, seal_address(s, physical));
    *sure = pair.started;
    *mark = pair.mark;
    if (page->end > s->units || page->end < s->start + 2)
        return false;
    if (store_pair_confirmed(pair))
        return true;
    uint32_t crc = content_crc(s, physical, page->end);
    *mark = store_mark(crc);
    return store_pair_holds(pair, crc);
}

static bool suspicious(const struct store *s, uint32_t physical)
{
    struct store_page page, current;
    if (!store_page_load(s, physical, &page))
        return true;
    if (page.number < s->tail)
        return false;
    if (s->page_of[page.number % s->flash->page_count] == physical)
        return false;
    return !store_page_find(s, page.number, &current) || page.version > current.version;
}

/* Whether this version of the head page is there for good. Frames after a seal show that it was confirmed. */
static bool stable(const struct store *s, uint32_t physical, const struct store_page *page, bool sure)
{
    uint32_t end = page->end * s->flash->unit;
    return page->end == 0 || sure ||
           !store_blank(s, physical * s->flash->page_size + end, s->flash->page_size - end);
}

/* A version of the head page. */
struct version {
    uint32_t physical; /* or STORE_NO_PAGE */
    uint16_t version;
};

/* The newest whole version of the page below limit, and whether it is there for good. */
static struct version next_version(const struct store *s, uint32_t number, uint32_t limit, bool *good)
{
    struct version best = {STORE_NO_PAGE, 0};
    for (uint32_t p = 0; p < s->flash->page_count; p++) {
        struct store_page page;
        bool sure = true;
        uint32_t mark;
        if (!store_page_load(s, p, &page) || page.number != number || page.version >= limit ||
            (best.physical != STORE_NO_PAGE && page.version <= best.version) ||
            (page.end != 0 && !store_sealed(s, p, &page, &sure, &mark)))
            continue;
        best = (struct version){p, page.version};
        *good = stable(s, p, &page, sure);
    }
    return best;
}

/* While the head page's seal is in doubt, what a mount may fall back to if the seal is not seen must stay:
 * the other whole versions of the page, from the newest down to the first that is there for good, which is
 * the result. That may look doubtful now, if its confirmation was torn; but one that ever looked good was,
 * and the head's header knows it. */
static struct version keep_versions(const struct store *s, const struct store_page *head, bool *keep)
{
    struct version v = {STORE_NO_PAGE, head->version}, anchor = {STORE_NO_PAGE, 0};
    bool good = false;
    while (!good) {
        v = next_version(s, head->number, v.version, &good);
        if (v.physical == STORE_NO_PAGE)
            return anchor;
        keep[v.physical] = true;
        if (head->anchor != 0 && v.version + head->anchor == head->version)
            anchor = v;
    }
    return v;
}

/* The page that the newest frame let go of, if that frame may still turn out not to count: it is the tail
 * then. */
static uint32_t freed_page(const struct store *s, const struct store_doubt *doubt)
{
    struct store_page page;
    if (doubt == NULL || !(doubt->frame || doubt->seal) || !store_page_find(s, s->tail - 1, &page))
        return STORE_NO_PAGE;
    return s->page_of[(s->tail - 1) % s->flash->page_count];
}

/* A page to rewrite the head page to, and the version that is *good if the new one is not seen. Should so
 * many versions be in doubt that no page is left, those may go of which nothing can have been lost: all but
 * that one. */
static uint32_t target_page(const struct store *s, const struct store_page *head,
                            const struct store_doubt *doubt, uint32_t after, struct version *good)
{
    bool keep[STORE_MAX_PAGES] = {false};
    uint32_t freed = freed_page(s, doubt);
    *good = (struct version){s->page_of[s->head % s->flash->page_count], head->version};
    if (doubt != NULL && doubt->seal)
        *good = keep_versions(s, head, keep);
    if (freed != STORE_NO_PAGE)
        keep[freed] = true;
    uint32_t to = store_free_page(s, s->head, after, keep);
    if (to != STORE_NO_PAGE || good->physical == STORE_NO_PAGE)
        return to;
    memset(keep, 0, sizeof keep);
    keep[good->physical] = true;
    if (freed != STORE_NO_PAGE)
        keep[freed] = true;
    return store_free_page(s, s->head, after, keep);
}

/* How far before version v the good one is; 0: there is none, or it is too far. */
static uint8_t anchor_of(struct version good, uint16_t v)
{
    uint32_t back = (uint32_t)v - good.version;
    return good.physical == STORE_NO_PAGE || back > UINT8_MAX ? 0 : (uint8_t)back;
}

/* Copies units [start, s->end) of the head page, except that the last pair of commit units is made anew. */
static bool copy_content(const struct store *s, uint32_t from, uint32_t to)
{
    uint8_t chunk[STORE_CHUNK];
    uint32_t unit = s->flash->unit, size = s->flash->page_size;
    uint32_t at = s->start * unit, stop = (s->end - 2u) * unit;
    for (; at < stop; at += STORE_CHUNK) {
        uint32_t k = stop - at < STORE_CHUNK ? stop - at : STORE_CHUNK;
        /* A unit that cannot be read is a torn confirmation in mid-page, or was lost before. */
        store_flash_read(s, from * size + at, chunk, k);
        if (!store_flash_program(s, to * size + at, chunk, k))
            return false;
    }
    return store_pair_program(s, to * size + stop, s->mark);
}

static bool rewrite_on(struct store *s, uint32_t to, struct store_page *page, const struct store_doubt *doubt)
{
    uint32_t slot = s->head % s->flash->page_count, from = s->page_of[slot];
    if (!store_page_renew(s, to, page) || !copy_content(s, from, to))
        return false;
    uint32_t crc = content_crc(s, to, s->end);
    if (doubt != NULL && doubt->seal && store_mark(crc) != doubt->seal_mark)
        return false;
    s->page_of[slot] = (uint8_t)to;
    if (doubt != NULL && doubt->frame && store_mark(store_frame_crc(s, &doubt->newest)) != s->mark) {
        s->page_of[slot] = (uint8_t)from;
        return false;
    }
    if (store_pair_program(s, seal_address(s, to), store_mark(crc)))
        return true;
    s->page_of[slot] = (uint8_t)from;
    return false;
}

static bool rewrite_head(struct store *s, const struct store_doubt *doubt)
{
    struct store_page head, page;
    struct version good;
    if (s->end < s->start + 2 || !store_page_find(s, s->head, &head))
        return false;
    uint32_t to = s->page_of[s->head % s->flash->page_count];
    page = head;
    page.end = s->end;
    for (unsigned i = 0; i < STORE_TRIES; i++) {
        page.version++;
        to = target_page(s, &head, doubt, to, &good);
        if (to == STORE_NO_PAGE)
            return false;
        page.anchor = anchor_of(good, page.version);
        if (rewrite_on(s, to, &page, doubt))
            return true;
    }
    return false;
}

/* The physical page with the highest number beyond the log. */
static uint32_t newest_stray(const struct store *s)
{
    uint32_t best = STORE_NO_PAGE, number = s->head;
    for (uint32_t p = 0; p < s->flash->page_count; p++) {
        struct store_page page;
        if (store_page_load(s, p, &page) && page.number > number) {
            best = p;
            number = page.number;
        }
    }
    return best;
}

bool store_settle(struct store *s, const struct store_doubt *doubt, bool rewrite)
{
    uint32_t stray;
    /* Newest first: a page that is there without the one before it then always means damage. */
    while ((stray = newest_stray(s)) != STORE_NO_PAGE)
        if (!store_page_scrub(s, stray))
            return false;
    for (uint32_t p = 0; p < s->flash->page_count; p++)
        if (suspicious(s, p) && !store_page_scrub(s, p))
            return false;
    return !rewrite || rewrite_head(s, doubt);
}
