#include "tests/sim/memstore.h"

#include <stdlib.h>
#include <string.h>

#include "host/pledge/core/rows.h"
#include "tests/support/must.h"

static struct mem_table *table_of(struct memstore *mem, const struct pledge_table *table)
{
    for (size_t i = 0; i < mem->table_count; i++)
        if (mem->tables[i].table == table)
            return &mem->tables[i];
    must(table == NULL); /* a table of another party */
    return NULL;
}

/* Every operation may be the last before the lights go out. */
static bool crash(struct memstore *mem)
{
    mem->operations++;
    if (mem->crash_after >= 0 && mem->crash_after-- == 0)
        mem->crashed = true;
    return mem->crashed;
}

/* Where the key is, or where it would be. */
static size_t place_of(const struct mem_table *t, const void *key, bool *found)
{
    size_t low = 0, high = t->count;
    *found = false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = memcmp(t->rows[middle], key, t->table->key_size);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void remember(struct memstore *mem, struct mem_table *t, uint8_t *row, bool inserted)
{
    if (mem->undo_count == mem->undo_room) {
        mem->undo_room = mem->undo_room == 0 ? 32 : mem->undo_room * 2;
        mem->undo = realloc(mem->undo, mem->undo_room * sizeof *mem->undo);
        must(mem->undo != NULL);
    }
    struct mem_undo *undo = &mem->undo[mem->undo_count++];
    *undo = (struct mem_undo){.table = t, .row = row};
    if (!inserted) {
        undo->before = malloc(t->table->row_size);
        must(undo->before != NULL);
        memcpy(undo->before, row, t->table->row_size);
    }
}

static enum tally_error get(void *ctx, const struct pledge_table *table, void *row)
{
    struct memstore *mem = ctx;
    struct mem_table *t = table_of(mem, table);
    bool found;
    if (crash(mem))
        return TALLY_E_IO;
    size_t at = place_of(t, row, &found);
    if (!found)
        return TALLY_E_NOT_FOUND;
    memcpy(row, t->rows[at], table->row_size);
    return TALLY_OK;
}

static enum tally_error insert(void *ctx, const struct pledge_table *table, const void *row)
{
    struct memstore *mem = ctx;
    struct mem_table *t = table_of(mem, table);
    bool found;
    if (crash(mem))
        return TALLY_E_IO;
    size_t at = place_of(t, row, &found);
    if (found)
        return mem->no_unique_entries && (table == &pledge_t_entry || table == &pledge_t_posting)
                   ? TALLY_OK
                   : TALLY_E_EXISTS;
    if (t->count == t->room) {
        t->room = t->room == 0 ? 16 : t->room * 2;
        t->rows = realloc(t->rows, t->room * sizeof *t->rows);
        must(t->rows != NULL);
    }
    uint8_t *copy = malloc(table->row_size);
    must(copy != NULL);
    memcpy(copy, row, table->row_size);
    memmove(t->rows + at + 1, t->rows + at, (t->count - at) * sizeof *t->rows);
    t->rows[at] = copy;
    t->count++;
    remember(mem, t, copy, true);
    return TALLY_OK;
}

static enum tally_error update(void *ctx, const struct pledge_table *table, const void *row)
{
    struct memstore *mem = ctx;
    struct mem_table *t = table_of(mem, table);
    bool found;
    if (crash(mem))
        return TALLY_E_IO;
    size_t at = place_of(t, row, &found);
    if (!found)
        return TALLY_E_NOT_FOUND;
    remember(mem, t, t->rows[at], false);
    memcpy(t->rows[at], row, table->row_size);
    return TALLY_OK;
}

static int64_t due_of(const struct pledge_table *table, const uint8_t *row)
{
    int64_t value;
    memcpy(&value, row + table->due_offset, sizeof value);
    return value;
}

static enum tally_error due(void *ctx, const struct pledge_table *table, int64_t until, void *rows,
                            size_t max, size_t *count)
{
    struct memstore *mem = ctx;
    struct mem_table *t = table_of(mem, table);
    uint8_t *out = rows;
    *count = 0;
    if (crash(mem))
        return TALLY_E_IO;
    for (size_t i = 0; i < t->count && *count < max; i++)
        if (due_of(table, t->rows[i]) <= until)
            memcpy(out + (*count)++ * table->row_size, t->rows[i], table->row_size);
    return TALLY_OK;
}

static size_t prefix_size(const struct pledge_table *table, unsigned keys)
{
    return keys == 0 ? 0 : keys == table->key_count ? table->key_size : table->fields[keys].offset;
}

static enum tally_error list(void *ctx, const struct pledge_table *table, unsigned keys, const void *like,
                             const void *after, void *rows, size_t max, size_t *count)
{
    struct memstore *mem = ctx;
    struct mem_table *t = table_of(mem, table);
    size_t prefix = prefix_size(table, keys), i = 0;
    uint8_t *out = rows;
    bool found;
    *count = 0;
    if (crash(mem))
        return TALLY_E_IO;
    if (after != NULL)
        i = place_of(t, after, &found) + 1;
    for (; i < t->count && *count < max; i++)
        if (memcmp(t->rows[i], like, prefix) == 0)
            memcpy(out + (*count)++ * table->row_size, t->rows[i], table->row_size);
    return TALLY_OK;
}

/* What is in the outbox up to here may leave. */
static void publish(struct memstore *mem)
{
    while (mem->outbox_committed < mem->outbox_count) {
        if (mem->pending_count == mem->pending_room) {
            mem->pending_room = mem->pending_room == 0 ? 64 : mem->pending_room * 2;
            mem->pending = realloc(mem->pending, mem->pending_room * sizeof *mem->pending);
            must(mem->pending != NULL);
        }
        mem->pending[mem->pending_count++] = mem->outbox_committed++;
    }
}

static enum tally_error send(void *ctx, const struct pledge_message *message)
{
    struct memstore *mem = ctx;
    if (crash(mem))
        return TALLY_E_IO;
    for (size_t i = mem->outbox_count; i > 0; i--)
        if (mem->outbox[i - 1]->message.kind == message->kind &&
            strcmp(mem->outbox[i - 1]->message.id, message->id) == 0 &&
            strcmp(mem->outbox[i - 1]->message.to, message->to) == 0)
            return TALLY_E_EXISTS;
    if (mem->outbox_count == mem->outbox_room) {
        mem->outbox_room = mem->outbox_room == 0 ? 64 : mem->outbox_room * 2;
        mem->outbox = realloc(mem->outbox, mem->outbox_room * sizeof *mem->outbox);
        must(mem->outbox != NULL);
    }
    struct mem_out *out = malloc(sizeof *out);
    must(out != NULL);
    out->message = *message;
    out->next_ms = 0;
    out->done = false;
    out->attempts = 0;
    mem->outbox[mem->outbox_count++] = out;
    if (mem->leaky_outbox)
        publish(mem);
    return TALLY_OK;
}

void memstore_init(struct memstore *mem, enum pledge_role role)
{
    const struct pledge_table *const *tables = pledge_tables_of(role);
    memset(mem, 0, sizeof *mem);
    for (; tables[mem->table_count] != NULL; mem->table_count++) {
        must(mem->table_count < MEMSTORE_TABLES);
        mem->tables[mem->table_count].table = tables[mem->table_count];
    }
    mem->crash_after = -1;
    mem->store = (struct pledge_store){
        .get = get, .insert = insert, .update = update, .due = due, .list = list, .send = send, .ctx = mem};
}

void memstore_free(struct memstore *mem)
{
    memstore_commit(mem);
    for (size_t i = 0; i < mem->table_count; i++) {
        for (size_t j = 0; j < mem->tables[i].count; j++)
            free(mem->tables[i].rows[j]);
        free(mem->tables[i].rows);
    }
    for (size_t i = 0; i < mem->outbox_count; i++)
        free(mem->outbox[i]);
    free(mem->outbox);
    free(mem->pending);
    free(mem->undo);
}

void memstore_begin(struct memstore *mem, long crash_after)
{
    must(mem->undo_count == 0);
    mem->crash_after = crash_after;
    mem->crashed = false;
    mem->operations = 0;
}

void memstore_commit(struct memstore *mem)
{
    for (size_t i = 0; i < mem->undo_count; i++)
        free(mem->undo[i].before);
    mem->undo_count = 0;
    publish(mem);
    mem->crash_after = -1;
}

void memstore_rollback(struct memstore *mem)
{
    while (mem->undo_count > 0) {
        struct mem_undo *undo = &mem->undo[--mem->undo_count];
        struct mem_table *t = undo->table;
        if (undo->before != NULL) {
            memcpy(undo->row, undo->before, t->table->row_size);
            free(undo->before);
            continue;
        }
        size_t at = 0;
        while (t->rows[at] != undo->row)
            at++;
        memmove(t->rows + at, t->rows + at + 1, (t->count - at - 1) * sizeof *t->rows);
        t->count--;
        free(undo->row);
    }
    while (mem->outbox_count > mem->outbox_committed)
        free(mem->outbox[--mem->outbox_count]);
    mem->crash_after = -1;
    mem->crashed = false;
}

void memstore_done(struct memstore *mem, size_t outbox_place)
{
    mem->outbox[outbox_place]->done = true;
    for (size_t i = 0; i < mem->pending_count; i++)
        if (mem->pending[i] == outbox_place) {
            mem->pending[i] = mem->pending[--mem->pending_count];
            return;
        }
}

int64_t memstore_next_due(const struct memstore *mem, bool messages)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < mem->table_count; i++) {
        const struct mem_table *t = &mem->tables[i];
        for (size_t j = 0; t->table->due != NULL && j < t->count; j++)
            if (due_of(t->table, t->rows[j]) < next)
                next = due_of(t->table, t->rows[j]);
    }
    for (size_t i = 0; messages && i < mem->pending_count; i++)
        if (mem->outbox[mem->pending[i]]->next_ms < next)
            next = mem->outbox[mem->pending[i]]->next_ms;
    return next;
}
