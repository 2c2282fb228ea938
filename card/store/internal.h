/* What the store's source files share. Layouts and the reasons for them: specs/store.md. */
#ifndef TALLY_CARD_STORE_INTERNAL_H
#define TALLY_CARD_STORE_INTERNAL_H

#include "card/store/store.h"

#define STORE_PAGE_HEADER  32u
#define STORE_FRAME_HEADER 16u
#define STORE_ENTRY_HEADER 8u
#define STORE_UNIT_MAX     16u
#define STORE_CHUNK        64u /* bytes moved at a time; a multiple of every unit */
#define STORE_NO_PAGE      0xffu
#define STORE_TOMBSTONE    0x8000u /* in an entry's length: the record is deleted */
#define STORE_TRIES        4u      /* pages tried before a failing flash is reported */
#define STORE_COMPACT_FREE 4u      /* free pages, plus decline, from which a commit may start */
#define STORE_SPARE        16u /* four fifths of a page in so many are no capacity, for even a full store to last \
                                */

/* A place in the log: logical page and unit within it. at may equal the page's size: the end of the page. */
struct store_pos {
    uint32_t page;
    uint32_t at;
};

/* A page header. number 0 marks a page that holds no log. */
struct store_page {
    uint32_t number;
    uint32_t erases;
    uint32_t seq;     /* frame that continues into this page, or the first that starts here */
    uint16_t version; /* of two pages with one number, the higher sound version is the page */
    uint16_t first;   /* unit where the first entry that starts here stands, or what follows the last entry */
    uint16_t rest;    /* entries of the continuing frame that start here or later */
    uint16_t from;    /* unit where the continuing frame starts, in page number - back */
    uint16_t end;     /* of a page rewritten elsewhere: its length, sealed; otherwise 0 */
    uint8_t back;     /* 0: no frame continues into this page */
    uint8_t
        anchor; /* of a page rewritten elsewhere: so many versions before it is one that is there for good */
};

struct store_frame {
    struct store_pos start;
    struct store_pos pair; /* the two commit units */
    uint32_t seq;
    uint32_t body; /* units of entries */
    uint16_t count;
    uint16_t tail; /* low bits of the oldest page's number once this frame counts */
    uint16_t dir;  /* check over ids and lengths */
};

struct store_entry {
    struct store_pos at;
    uint16_t id;
    uint16_t len; /* 0 for a tombstone */
    bool tombstone;
    uint32_t units; /* header, data and padding */
    uint32_t check; /* CRC-32 over id, length field and data */
};

/* The words of a pair of commit units; all ones for a unit that is not of one word throughout. */
struct store_pair {
    uint32_t mark;
    uint32_t confirmation;
    bool started; /* the second unit is not blank: the first was whole before, and will always be seen */
};

/* What mount decided from reading what might not read the same again: a copy must be checked against it. */
struct store_doubt {
    bool frame; /* the newest frame is committed, not confirmed */
    bool seal;  /* so is the seal of the head page */
    struct store_frame newest;
    uint32_t seal_mark;
};

/* Walks entries in log order. */
struct store_scan {
    struct store_pos at;
    struct store_pos stop;
    uint32_t seq;  /* frame being walked, or next to come */
    uint16_t rest; /* entries left in it */
    bool inside;   /* within a frame, its commit units still ahead */
    bool checked;  /* the frame was seen from its start, so its directory can be checked */
    uint16_t dir;
    uint32_t dir_crc;
};

enum store_step { STORE_SCAN_ENTRY, STORE_SCAN_END, STORE_SCAN_BAD };

/* Appends a frame to the log. */
struct store_writer {
    struct store *s;
    struct store_pos start; /* of the frame */
    struct store_pos at;    /* of buf */
    uint32_t crc;
    uint32_t entry_left; /* bytes of the current entry still to come */
    uint16_t entries_left;
    uint16_t fill;
    uint8_t buf[STORE_CHUNK];
};

/* The entries of a frame, and how to write them: emit is called once the header is on the flash. */
struct store_plan {
    uint32_t body;
    uint32_t dir_crc;
    uint32_t tail;
    uint16_t count;
    bool (*emit)(struct store_writer *w, const void *from);
    const void *from;
};

static inline uint16_t store_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t store_get32(const uint8_t *p)
{
    return (uint32_t)store_get16(p) | (uint32_t)store_get16(p + 2) << 16;
}

static inline void store_put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static inline void store_put32(uint8_t *p, uint32_t v)
{
    store_put16(p, v);
    store_put16(p + 2, v >> 16);
}

/* media.c: units, positions, commit units */

/* Units that hold n bytes. */
uint32_t store_units(const struct store *s, size_t n);
uint32_t store_address(const struct store *s, struct store_pos pos);
struct store_pos store_skip(const struct store *s, struct store_pos pos, uint32_t units);
/* Where n units that must not be parted stand, when the log has reached pos. */
struct store_pos store_whole(const struct store *s, struct store_pos pos, uint32_t n);
/* Units that cannot be read come out as zeros, which no check accepts, and make the result false. */
bool store_flash_read(const struct store *s, uint32_t address, void *buf, size_t n);
bool store_log_read(const struct store *s, struct store_pos pos, void *buf, size_t n);
/* Programs and reads back. */
bool store_flash_program(const struct store *s, uint32_t address, const void *data, size_t n);
bool store_blank(const struct store *s, uint32_t address, uint32_t n);
uint32_t store_mark(uint32_t crc);
struct store_pair store_pair_read(const struct store *s, uint32_t address);
/* Both agree: committed, whatever else is read. */
bool store_pair_confirmed(struct store_pair pair);
/* One of them stands for bytes of this CRC. */
bool store_pair_holds(struct store_pair pair, uint32_t crc);
bool store_pair_program(const struct store *s, uint32_t address, uint32_t mark);

/* page.c: geometry, headers, allocation */

bool store_geometry(struct store *s, const struct hal_flash *flash);
bool store_page_load(const struct store *s, uint32_t physical, struct store_page *page);
/* Whether logical page number is known, and its header. */
bool store_page_find(const struct store *s, uint32_t number, struct store_page *page);
/* Erases a physical page and gives it this header; page->erases is set here. Nothing is ever erased without
 * getting a header in the same power session. */
bool store_page_renew(struct store *s, uint32_t physical, struct store_page *page);
/* The first physical page after `after`, around the end, that neither holds log up to page newest nor is set
 * in avoid[STORE_MAX_PAGES]; or STORE_NO_PAGE. */
uint32_t store_free_page(const struct store *s, uint32_t newest, uint32_t after, const bool *avoid);
/* Opens page->number on a free physical page; page->version, end and erases are set here. */
bool store_page_open(struct store *s, struct store_page *page);
/* Erases a page and marks it as holding no log. */
bool store_page_scrub(struct store *s, uint32_t physical);
uint32_t store_free_pages(const struct store *s);

/* settle.c: making sure of the newest page */

/* Whether a rewritten page is whole, whether that is *sure to be seen again, and its seal. */
bool store_sealed(const struct store *s, uint32_t physical, const struct store_page *page, bool *sure,
                  uint32_t *mark);
/* Makes the log what s says it is, whatever else the flash holds: scrubs every page that a mount might,
 * wholly or at times, take for part of the log, and, when rewrite is set, moves the head page up to s->end to
 * a fresh page. */
bool store_settle(struct store *s, const struct store_doubt *doubt, bool rewrite);

/* frame.c: writing frames */

/* Appends one frame, durably, and lets it take effect. STORE_IO: it failed on several pages, or its outcome
 * is open; the store is then no longer ready. */
enum store_result store_frame_append(struct store *s, const struct store_plan *plan);
bool store_write(struct store_writer *w, const void *data, size_t n);
bool store_write_entry(struct store_writer *w, uint32_t units);
uint32_t store_frame_overhead(const struct store *s);
/* Units of entries that one user's frame can hold. */
uint32_t store_frame_room(const struct store *s);

/* scan.c: reading frames */

bool store_frame_load(const struct store *s, struct store_pos pos, struct store_frame *frame);
uint32_t store_frame_crc(const struct store *s, const struct store_frame *frame);
uint32_t store_dir_add(uint32_t crc, uint16_t id, uint16_t len);
uint16_t store_dir_fold(uint32_t crc);
bool store_entry_load(const struct store *s, struct store_pos at, struct store_entry *entry);
/* Starts at the first entry of page number; stops at stop. */
bool store_scan_begin(const struct store *s, uint32_t number, struct store_pos stop, struct store_scan *scan);
enum store_step store_scan_next(const struct store *s, struct store_scan *scan, struct store_entry *entry);

/* index.c */

bool store_index_find(const struct store *s, uint16_t id, size_t *where);
struct store_pos store_slot_pos(const struct store *s, size_t where);
bool store_entry_live(const struct store *s, const struct store_entry *entry);
/* Lets one entry take effect. False when the index is full. */
bool store_index_apply(struct store *s, const struct store_entry *entry);
/* Lets all entries from pos, the start of the newest frame, take effect. */
bool store_index_frame(struct store *s, struct store_pos pos);

/* compact.c */

enum store_result store_make_room(struct store *s, uint32_t pages);

#endif
