#include "card/store/internal.h"

#include <string.h>

#include "card/store/crc32.h"

#define PAGE_MAGIC 0x5401u /* the low byte is the version of the format */

static uint32_t entry_max(const struct store *s)
{
    return store_units(s, STORE_ENTRY_HEADER + STORE_DATA_MAX);
}

/* How many more pages than it frees the log can take while its pages are copied one after the other: the last
 * entry of the last page copied, and the frames' overhead where the old ones had less of it. */
static uint32_t decline(const struct store *s)
{
    uint32_t payload = (uint32_t)s->units - s->start;
    uint32_t most = store_frame_overhead(s), least = store_units(s, STORE_FRAME_HEADER) + 2;
    uint32_t frame = payload + entry_max(s) - 1 + most;
    uint32_t growth = s->flash->page_count * (most * frame - least * payload) / frame + least + 1;
    return (entry_max(s) - 1 + growth + payload - 1) / payload;
}

bool store_geometry(struct store *s, const struct hal_flash *flash)
{
    memset(s, 0, sizeof *s);
    memset(s->page_of, STORE_NO_PAGE, sizeof s->page_of);
    s->flash = flash;
    uint32_t unit = flash->unit, size = flash->page_size, count = flash->page_count;
    if ((unit != 4 && unit != 8 && unit != 16) || size < STORE_MIN_PAGE || size > STORE_MAX_PAGE)
        return false;
    if (size % unit != 0 || count < STORE_MIN_PAGES || count > STORE_MAX_PAGES ||
        size / unit * count > 0x10000)
        return false;
    s->units = (uint16_t)(size / unit);
    s->start = (uint16_t)(store_units(s, STORE_PAGE_HEADER) + 2);
    s->decline = (uint8_t)decline(s);
    uint32_t reserve = STORE_COMPACT_FREE + s->decline + 2;
    if (count <= reserve)
        return false;
    uint32_t page = (uint32_t)s->units - s->start - store_frame_overhead(s);
    s->capacity = (count - reserve) * page - count / STORE_SPARE * (page * 4 / 5);
    return true;
}

bool store_page_load(const struct store *s, uint32_t physical, struct store_page *page)
{
    uint8_t b[STORE_PAGE_HEADER];
    bool good = store_flash_read(s, physical * s->flash->page_size, b, sizeof b) &&
                store_get16(b) == PAGE_MAGIC && store_get32(b + 28) == store_crc32(0, b, 28);
    if (!good)
        memset(b, 0, sizeof b);
    page->version = store_get16(b + 2);
    page->number = store_get32(b + 4);
    page->erases = store_get32(b + 8);
    page->seq = store_get32(b + 12);
    page->first = store_get16(b + 16);
    page->rest = store_get16(b + 18);
    page->from = store_get16(b + 20);
    page->end = store_get16(b + 22);
    page->back = b[24];
    page->anchor = b[25];
    return good;
}

static bool page_program(const struct store *s, uint32_t physical, const struct store_page *page)
{
    uint8_t b[STORE_PAGE_HEADER] = {0};
    store_put16(b, PAGE_MAGIC);
    store_put16(b + 2, page->version);
    store_put32(b + 4, page->number);
    store_put32(b + 8, page->erases);
    store_put32(b + 12, page->seq);
    store_put16(b + 16, page->first);
    store_put16(b + 18, page->rest);
    store_put16(b + 20, page->from);
    store_put16(b + 22, page->end);
    b[24] = page->back;
    b[25] = page->anchor;
    store_put32(b + 28, store_crc32(0, b, 28));
    return store_flash_program(s, physical * s->flash->page_size, b, sizeof b);
}

bool store_page_find(const struct store *s, uint32_t number, struct store_page *page)
{
    uint32_t physical = s->page_of[number % s->flash->page_count];
    return physical != STORE_NO_PAGE && store_page_load(s, physical, page) && page->number == number;
}

bool store_page_renew(struct store *s, uint32_t physical, struct store_page *page)
{
    struct store_page old;
    /* A page whose count is lost is taken for one of the most worn. */
    if (store_page_load(s, physical, &old))
        page->erases = old.erases + 1;
    else
        page->erases = s->wear > 0 ? s->wear : 1;
    if (s->wear < page->erases)
        s->wear = page->erases;
    return s->flash->erase(s->flash->ctx, physical) == HAL_OK && page_program(s, physical, page);
}

uint32_t store_free_page(const struct store *s, uint32_t newest, uint32_t after, const bool *avoid)
{
    uint32_t count = s->flash->page_count;
    bool used[STORE_MAX_PAGES];
    memcpy(used, avoid, sizeof used);
    for (uint32_t n = s->tail; n <= newest; n++)
        used[s->page_of[n % count]] = true;
    for (uint32_t i = 1; i <= count; i++) {
        uint32_t p = (after + i) % count;
        if (!used[p])
            return p;
    }
    return STORE_NO_PAGE;
}

bool store_page_open(struct store *s, struct store_page *page)
{
    static const bool none[STORE_MAX_PAGES];
    uint32_t count = s->flash->page_count, newest = page->number - 1;
    uint32_t p = newest >= s->tail ? s->page_of[newest % count] : count - 1;
    page->end = 0;
    for (page->version = 0; page->version < STORE_TRIES; page->version++) {
        p = store_free_page(s, newest, p, none);
        if (p == STORE_NO_PAGE)
            return false;
        if (store_page_renew(s, p, page)) {
            s->page_of[page->number % count] = (uint8_t)p;
            return true;
        }
    }
    return false;
}

bool store_page_scrub(struct store *s, uint32_t physical)
{
    struct store_page page = {0}, seen;
    for (unsigned i = 0; i < STORE_TRIES; i++)
        if (store_page_renew(s, physical, &page))
            return true;
    /* A page that will not take a header is worn out; it does no harm as long as it has none. */
    return !store_page_load(s, physical, &seen) || seen.number == 0;
}

uint32_t store_free_pages(const struct store *s)
{
    return s->flash->page_count - (s->head - s->tail + 1);
}
