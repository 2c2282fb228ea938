#include "host/service/inbox.h"

#include <string.h>

const struct tally_db_migration tally_inbox_migrations[] = {
    {1, "CREATE TABLE inbox ("
        " sender TEXT NOT NULL,"
        " id TEXT NOT NULL,"
        " digest BLOB NOT NULL CHECK (length(digest) = 32),"
        " received INTEGER NOT NULL,"
        " PRIMARY KEY (sender, id)) STRICT, WITHOUT ROWID"},
    {0, NULL},
};

static bool well_formed(const char *name)
{
    size_t n = strnlen(name, TALLY_INBOX_NAME_MAX + 1);
    return n >= 1 && n <= TALLY_INBOX_NAME_MAX;
}

static enum tally_error compare(struct tally_tx *tx, const char *sender, const char *id,
                                const uint8_t digest[TALLY_INBOX_DIGEST_SIZE])
{
    uint8_t known[TALLY_INBOX_DIGEST_SIZE];
    struct tally_stmt *s = tally_db_prepare(tx, "SELECT digest FROM inbox WHERE sender = ? AND id = ?");
    tally_bind_text(s, 1, sender);
    tally_bind_text(s, 2, id);
    enum tally_error e = tally_first(s);
    if (e != TALLY_OK)
        return e;
    if (!tally_column_blob_copy(s, 0, known, sizeof known))
        return TALLY_E_IO;
    return memcmp(known, digest, sizeof known) == 0 ? TALLY_OK : TALLY_E_DENIED;
}

enum tally_error tally_inbox_take(struct tally_tx *tx, const char *sender, const char *id,
                                  const uint8_t digest[TALLY_INBOX_DIGEST_SIZE], int64_t now_ms, bool *first)
{
    *first = false;
    if (!well_formed(sender) || !well_formed(id))
        return TALLY_E_FORMAT;
    struct tally_stmt *s = tally_db_prepare(
        tx, "INSERT INTO inbox (sender, id, digest, received) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING");
    tally_bind_text(s, 1, sender);
    tally_bind_text(s, 2, id);
    tally_bind_blob(s, 3, digest, TALLY_INBOX_DIGEST_SIZE);
    tally_bind_int(s, 4, now_ms);
    enum tally_error e = tally_run(s);
    *first = e == TALLY_OK && tally_changes(tx) == 1;
    return e == TALLY_OK && !*first ? compare(tx, sender, id, digest) : e;
}
