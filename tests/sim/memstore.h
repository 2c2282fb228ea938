/* A party's database in memory: transactions that can be undone, crashes at a chosen operation, an outbox. */
#ifndef TALLY_TESTS_SIM_MEMSTORE_H
#define TALLY_TESTS_SIM_MEMSTORE_H

#include "host/pledge/core/store.h"

enum { MEMSTORE_TABLES = 12 };

struct mem_table {
    const struct pledge_table *table;
    uint8_t **rows; /* ascending by key */
    size_t count, room;
};

struct mem_undo {
    struct mem_table *table;
    uint8_t *row;    /* the row that was inserted or changed */
    uint8_t *before; /* what it was; NULL for an insertion */
};

struct mem_out {
    struct pledge_message message;
    int64_t next_ms; /* when it may be sent again */
    bool done;
    unsigned attempts;
};

struct memstore {
    struct pledge_store store; /* hand out &mem->store */
    struct mem_table tables[MEMSTORE_TABLES];
    size_t table_count;
    struct mem_undo *undo;
    size_t undo_count, undo_room;
    struct mem_out **outbox;
    size_t outbox_count, outbox_room, outbox_committed;
    size_t *pending; /* committed and not done: places in the outbox */
    size_t pending_count, pending_room;
    long crash_after;    /* operations until the crash; below zero: none */
    unsigned operations; /* of this transaction */
    bool crashed;
    bool leaky_outbox;      /* mutant: messages leave although the transaction is undone */
    bool no_unique_entries; /* mutant: an entry that is there already is no error */
};

void memstore_init(struct memstore *mem, enum pledge_role role);
void memstore_free(struct memstore *mem);
void memstore_begin(struct memstore *mem, long crash_after);
void memstore_commit(struct memstore *mem);
void memstore_rollback(struct memstore *mem);
/* The message at this place of the outbox has arrived, or never will. */
void memstore_done(struct memstore *mem, size_t outbox_place);
/* When the next row or message wants attention; INT64_MAX when none does. */
int64_t memstore_next_due(const struct memstore *mem, bool messages);

#endif
