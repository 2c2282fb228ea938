/* Records on flash that survive any power cut: a log over whole pages, specified in specs/store.md.
 *
 * A record has an id (high byte: type, low byte: index within the type) and up to STORE_DATA_MAX bytes. All
 * changes of one commit become durable together or not at all; a commit that returned STORE_OK is durable.
 * What a mount has shown is never taken back by a later cut or mount. */
#ifndef TALLY_CARD_STORE_STORE_H
#define TALLY_CARD_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card/hal/hal.h"

#define STORE_DATA_MAX    1024u /* bytes in one record */
#define STORE_MAX_RECORDS 320u
#define STORE_MAX_CHANGES 32u /* in one commit */
#define STORE_MIN_PAGES   8u
#define STORE_MAX_PAGES   128u
#define STORE_MIN_PAGE    2048u /* bytes */
#define STORE_MAX_PAGE    8192u

enum store_result {
    STORE_OK,
    STORE_NOT_FOUND, /* no such record */
    STORE_FULL,      /* the changes cost more than store_free_bytes */
    STORE_LIMIT,     /* beyond a limit of this header, a commit larger than a page, or an id twice in one */
    STORE_IO,        /* the flash failed, or an earlier failure left the store needing a new mount */
    STORE_CORRUPT,   /* bytes once written well no longer read as written */
    STORE_BLANK,     /* mount: no store here, or a format that was cut short */
};

/* Where the live version of a record stands: its first unit, counted as if logical page n stood at physical
 * page n modulo page_count. */
struct store_slot {
    uint16_t id;
    uint16_t at;
};

/* Caller-owned, about 1.5 KB; every field belongs to the store. */
struct store {
    const struct hal_flash *flash;
    uint32_t head;     /* newest page of the log, by its logical number */
    uint32_t tail;     /* oldest page of the log */
    uint32_t next_seq; /* number of the next frame */
    uint32_t mark;     /* commit word of the newest frame */
    uint32_t live;     /* units taken by live records */
    uint32_t capacity; /* units live records may take */
    uint32_t wear;     /* highest erase count seen */
    uint16_t start;    /* first unit of a page that holds log */
    uint16_t units;    /* units in a page */
    uint16_t end;      /* first unit of the head page not yet used */
    uint16_t records;
    uint8_t decline;                  /* pages the log may grow by while it is compacted */
    bool ready;                       /* mounted, and nothing failed since */
    uint8_t page_of[STORE_MAX_PAGES]; /* physical page of logical page n at n modulo page_count */
    struct store_slot index[STORE_MAX_RECORDS];
};

/* One change: data of len bytes to put (len may be 0), or data NULL to delete. */
struct store_change {
    uint16_t id;
    uint16_t len;
    const void *data;
};

struct store_cursor {
    uint8_t type;
    uint16_t next; /* lowest index not yet visited */
    uint16_t id;   /* the record found */
};

struct store_stats {
    uint32_t capacity_bytes; /* fixed by the geometry */
    uint32_t live_bytes;     /* accounted cost of all records */
    uint32_t records;
    uint32_t pages;
    uint32_t free_pages; /* pages not in the log now */
    uint32_t erases_min; /* over all pages whose count can be read */
    uint32_t erases_max;
};

/* Makes an empty store and mounts it into s, keeping erase counts that can be read. Cut short, it leaves a
 * flash that mounts as it was, as STORE_BLANK or as STORE_CORRUPT; format again. STORE_LIMIT: unsuitable
 * geometry. */
enum store_result store_format(struct store *s, const struct hal_flash *flash);

/* Finds the state of the last acknowledged commit (and, if one was cut, of that or the one before), settles
 * it, and builds the index. Writes only after a cut. flash must outlive s. */
enum store_result store_mount(struct store *s, const struct hal_flash *flash);

/* *n: bytes in the record, 0 unless STORE_OK. STORE_NOT_FOUND, STORE_IO, STORE_CORRUPT. */
enum store_result store_size(const struct store *s, uint16_t id, size_t *n);

/* Copies n bytes from offset of the record, and checks the whole record. STORE_LIMIT when offset + n is
 * beyond its end. buf is zero unless STORE_OK. */
enum store_result store_read(const struct store *s, uint16_t id, size_t offset, void *buf, size_t n);

/* Copies the first n bytes of the record, and reads no more than those: without the check. For looking
 * through many records; what is found must be read by store_read before it is believed. */
enum store_result store_peek(const struct store *s, uint16_t id, void *buf, size_t n);

struct store_cursor store_first(uint8_t type);

/* Moves to the next record of the cursor's type, ascending by index; false when there is none. Commits
 * between two calls are allowed. */
bool store_next(const struct store *s, struct store_cursor *cursor);

/* Makes all changes or none. STORE_NOT_FOUND: a delete of a record that is not there. STORE_IO may leave the
 * outcome open: then every later call answers STORE_IO until a mount settles it. Deletes succeed on a full
 * store. */
enum store_result store_commit(struct store *s, const struct store_change *changes, size_t count);

/* Accounted cost in bytes of a record of n bytes. */
size_t store_cost(const struct store *s, size_t n);

/* Room left: a commit fits if and only if what its new records cost, less what the records they replace and
 * the deleted ones cost, is at most this. Depends on the live records alone. */
size_t store_free_bytes(const struct store *s);

/* Makes room for the next commit, at most one page's worth of copying. Every commit ends with it. */
enum store_result store_tidy(struct store *s);

struct store_stats store_stats(const struct store *s);

#endif
