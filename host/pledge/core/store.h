/* What the state machines ask of a database: rows of described tables, and the outbox, within one transaction
 * that is the caller's. The simulator keeps rows in memory; the daemons keep them in SQL tables. */
#ifndef TALLY_PLEDGE_STORE_H
#define TALLY_PLEDGE_STORE_H

#include "host/pledge/core/message.h"

struct pledge_table {
    const char *name;
    const struct pledge_field *fields; /* the key's fields first; no lists */
    unsigned key_count;
    uint16_t key_size; /* bytes up to the end of the last field of the key */
    uint16_t row_size;
    const char *due; /* the number field that says when the row wants attention, in ms; NULL for none */
    uint16_t due_offset;
};

#define PLEDGE_NEVER INT64_MAX /* in a due field: nothing to do */

struct pledge_store {
    /* Fills the row whose key fields are set. TALLY_E_NOT_FOUND leaves it as it is. */
    enum tally_error (*get)(void *ctx, const struct pledge_table *table, void *row);
    /* TALLY_E_EXISTS when the key is taken. */
    enum tally_error (*insert)(void *ctx, const struct pledge_table *table, const void *row);
    /* TALLY_E_NOT_FOUND when there is no such row. */
    enum tally_error (*update)(void *ctx, const struct pledge_table *table, const void *row);
    /* Rows due at `until` or before, earliest first, at most max of row_size bytes each. */
    enum tally_error (*due)(void *ctx, const struct pledge_table *table, int64_t until, void *rows,
                            size_t max, size_t *count);
    /* Rows whose first keys fields equal those of `like`, in the order of their keys, after `after` (a row,
     * or NULL for the first), at most max. */
    enum tally_error (*list)(void *ctx, const struct pledge_table *table, unsigned keys, const void *like,
                             const void *after, void *rows, size_t max, size_t *count);
    /* Puts a message into the outbox; it leaves when the transaction is committed. TALLY_E_EXISTS when a
     * message with this id is there already. */
    enum tally_error (*send)(void *ctx, const struct pledge_message *message);
    void *ctx;
};

#define pledge_get(store, table, row)    ((store)->get((store)->ctx, (table), (row)))
#define pledge_insert(store, table, row) ((store)->insert((store)->ctx, (table), (row)))
#define pledge_update(store, table, row) ((store)->update((store)->ctx, (table), (row)))

/* pledge_get for a row that may be missing: then *found is false, and TALLY_OK. */
static inline enum tally_error pledge_look(const struct pledge_store *store, const struct pledge_table *table,
                                           void *row, bool *found)
{
    enum tally_error e = pledge_get(store, table, row);
    *found = e == TALLY_OK;
    return e == TALLY_E_NOT_FOUND ? TALLY_OK : e;
}

#endif
