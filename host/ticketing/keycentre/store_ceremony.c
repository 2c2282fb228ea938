#include <string.h>

#include "host/ticketing/keycentre/store.h"

enum tally_error keycentre_ceremony_insert(struct tally_tx *tx, const struct keycentre_ceremony_row *row,
                                           int64_t now)
{
    struct tally_stmt *s = tally_db_prepare(tx, "SELECT count(*) FROM ceremonies");
    enum tally_error e = tally_first(s);
    if (e == TALLY_OK && tally_column_int(s, 0) >= KEYCENTRE_CEREMONIES_MAX)
        e = TALLY_E_FULL;
    if (e != TALLY_OK)
        return e;
    s = tally_db_prepare(tx, "INSERT INTO ceremonies (id, round, own_commit, begun) VALUES (?, ?, ?, ?)");
    tally_bind_blob(s, 1, row->id, sizeof row->id);
    tally_bind_int(s, 2, row->round);
    tally_bind_blob(s, 3, row->commit.bytes, row->commit.n);
    tally_bind_int(s, 4, now);
    return tally_run(s);
}

static bool read_message(struct tally_stmt *s, int at, struct keycentre_message *message)
{
    size_t n;
    const void *bytes = tally_column_blob(s, at, &n);
    if (n > sizeof message->bytes)
        return false;
    if (n > 0)
        memcpy(message->bytes, bytes, n);
    message->n = n;
    return true;
}

/* All commits have one length and lie one behind the other. */
static bool read_commits(struct tally_stmt *s, int at, struct keycentre_size size,
                         struct keycentre_message *commits)
{
    size_t n;
    const uint8_t *bytes = tally_column_blob(s, at, &n);
    if (n == 0)
        return true;
    size_t each = n / size.centres;
    if (each * size.centres != n || each > sizeof commits->bytes)
        return false;
    for (unsigned i = 0; i < size.centres; i++) {
        commits[i].n = each;
        memcpy(commits[i].bytes, bytes + i * each, each);
    }
    return true;
}

static bool read_row(struct tally_stmt *s, struct keycentre_size size, struct keycentre_ceremony_row *row)
{
    size_t n;
    row->round = (enum keycentre_round)tally_column_int(s, 0);
    bool good = read_message(s, 1, &row->commit) && read_commits(s, 2, size, row->commits) &&
                read_message(s, 3, &row->deal) && read_message(s, 5, &row->confirm);
    tally_column_blob_copy(s, 4, row->deals_digest, KEYCENTRE_DIGEST);
    tally_column_blob_copy(s, 6, row->confirms_digest, KEYCENTRE_DIGEST);
    const uint8_t *keys = tally_column_blob(s, 7, &n);
    return good && (n == 0 || keycentre_public_decode(keys, n, size, &row->keys) == TALLY_OK);
}

enum tally_error keycentre_ceremony_get(struct tally_tx *tx, const uint8_t id[KEYCENTRE_CEREMONY_ID],
                                        struct keycentre_size size, struct keycentre_ceremony_row *row)
{
    struct tally_stmt *s =
        tally_db_prepare(tx, "SELECT round, own_commit, all_commits, own_deal, deals_digest, own_confirm,"
                             " confirms_digest, keys FROM ceremonies WHERE id = ?");
    bool there;
    memset(row, 0, sizeof *row);
    memcpy(row->id, id, KEYCENTRE_CEREMONY_ID);
    tally_bind_blob(s, 1, id, KEYCENTRE_CEREMONY_ID);
    enum tally_error e = tally_step(s, &there);
    if (e == TALLY_OK && there && !read_row(s, size, row))
        e = TALLY_E_IO;
    if (e != TALLY_OK)
        memset(row, 0, sizeof *row);
    return e;
}

static void bind_optional(struct tally_stmt *s, int at, const uint8_t *bytes, size_t n)
{
    tally_bind_blob(s, at, n > 0 ? bytes : NULL, n);
}

enum tally_error keycentre_ceremony_update(struct tally_tx *tx, const struct keycentre_ceremony_row *row,
                                           struct keycentre_size size, enum keycentre_round before)
{
    uint8_t commits[KEYCENTRE_CENTRES_MAX * 256], keys[KEYCENTRE_PUBLIC_BYTES_MAX];
    size_t n = 0, each = row->commits[0].n;
    struct tally_stmt *s = tally_db_prepare(
        tx,
        "UPDATE ceremonies SET round = ?, all_commits = ?, own_deal = ?, deals_digest = ?, own_confirm = ?,"
        " confirms_digest = ?, keys = ? WHERE id = ? AND round = ?");
    if (each * size.centres > sizeof commits)
        return TALLY_E_BUG;
    for (unsigned i = 0; i < size.centres; i++, n += each)
        memcpy(commits + n, row->commits[i].bytes, each);
    tally_bind_int(s, 1, row->round);
    bind_optional(s, 2, commits, n);
    bind_optional(s, 3, row->deal.bytes, row->deal.n);
    bind_optional(s, 4, row->deals_digest, KEYCENTRE_DIGEST);
    bind_optional(s, 5, row->confirm.bytes, row->confirm.n);
    bind_optional(s, 6, row->confirms_digest, KEYCENTRE_DIGEST);
    n = row->keys.size.centres > 0 ? keycentre_public_encode(&row->keys, keys) : 0;
    bind_optional(s, 7, keys, n);
    tally_bind_blob(s, 8, row->id, sizeof row->id);
    tally_bind_int(s, 9, before);
    enum tally_error e = tally_run(s);
    return e == TALLY_OK && tally_changes(tx) != 1 ? TALLY_E_STATE : e;
}
