#include "host/ticketing/keycentre/store.h"

#include <stdio.h>
#include <string.h>

static const struct tally_db_migration migrations[] = {
    {1, "CREATE TABLE settings ("
        "  one INTEGER PRIMARY KEY CHECK (one = 1),"
        "  centre BLOB NOT NULL CHECK (length(centre) = 16),"
        "  salt BLOB NOT NULL CHECK (length(salt) = 16),"
        "  threshold INTEGER NOT NULL,"
        "  epoch_start INTEGER NOT NULL,"
        "  epoch_length INTEGER NOT NULL,"
        "  card_epoch_length INTEGER NOT NULL,"
        "  epoch_lead INTEGER NOT NULL,"
        "  group_bytes BLOB,"
        "  keys BLOB) STRICT;"
        "CREATE TABLE secrets ("
        "  name TEXT PRIMARY KEY,"
        "  wrapped BLOB NOT NULL) STRICT, WITHOUT ROWID;"
        "CREATE TABLE grants ("
        "  party TEXT NOT NULL,"
        "  pattern TEXT NOT NULL,"
        "  PRIMARY KEY (party, pattern)) STRICT, WITHOUT ROWID;"
        "CREATE TABLE revocations ("
        "  holder TEXT PRIMARY KEY,"
        "  reason TEXT NOT NULL,"
        "  at INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
        "CREATE TABLE audit ("
        "  number INTEGER PRIMARY KEY,"
        "  time INTEGER NOT NULL,"
        "  event TEXT NOT NULL,"
        "  party TEXT NOT NULL,"
        "  subject TEXT NOT NULL,"
        "  request TEXT NOT NULL,"
        "  hash BLOB NOT NULL CHECK (length(hash) = 32)) STRICT;"
        "CREATE TABLE ceremonies ("
        "  id BLOB PRIMARY KEY CHECK (length(id) = 16),"
        "  round INTEGER NOT NULL,"
        "  own_commit BLOB NOT NULL,"
        "  all_commits BLOB,"
        "  own_deal BLOB,"
        "  deals_digest BLOB,"
        "  own_confirm BLOB,"
        "  confirms_digest BLOB,"
        "  keys BLOB,"
        "  begun INTEGER NOT NULL) STRICT, WITHOUT ROWID;"},
    {0, NULL}};

const struct tally_db_schema keycentre_schema = {"keycentre", migrations};

static enum tally_error read_keys(struct tally_stmt *s, int group_at, int keys_at,
                                  struct keycentre_settings *settings)
{
    size_t n;
    enum tally_error e = TALLY_OK;
    const struct keycentre_epochs epochs = settings->group.epochs;
    const uint8_t *bytes = tally_column_blob(s, group_at, &n);
    settings->joined = settings->threshold && !tally_column_null(s, group_at);
    if (settings->joined)
        e = keycentre_group_decode(bytes, n, &settings->group);
    else
        settings->group.epochs = epochs;
    settings->set_up = e == TALLY_OK && !tally_column_null(s, keys_at);
    if (settings->set_up) {
        bytes = tally_column_blob(s, keys_at, &n);
        e = keycentre_public_decode(bytes, n, settings->group.size, &settings->keys);
    }
    return e == TALLY_OK ? TALLY_OK : TALLY_E_IO;
}

enum tally_error keycentre_settings_get(struct tally_tx *tx, struct keycentre_settings *settings)
{
    struct tally_stmt *s =
        tally_db_prepare(tx, "SELECT centre, salt, threshold, epoch_start, epoch_length, card_epoch_length,"
                             " epoch_lead, group_bytes, keys FROM settings");
    memset(settings, 0, sizeof *settings);
    enum tally_error e = tally_first(s);
    if (e != TALLY_OK)
        return e;
    tally_column_blob_copy(s, 0, settings->centre, KEYCENTRE_ID);
    tally_column_blob_copy(s, 1, settings->salt, KEYCENTRE_SALT);
    settings->threshold = tally_column_int(s, 2) != 0;
    settings->group.epochs = (struct keycentre_epochs){tally_column_int(s, 3), tally_column_int(s, 4),
                                                       tally_column_int(s, 5), tally_column_int(s, 6)};
    e = read_keys(s, 7, 8, settings);
    if (e != TALLY_OK)
        memset(settings, 0, sizeof *settings);
    return e;
}

/* Binds salt, epochs, group and keys, from parameter `at` on. */
static void bind_settings(struct tally_stmt *s, int at, const struct keycentre_settings *settings)
{
    uint8_t group[KEYCENTRE_GROUP_BYTES_MAX], keys[KEYCENTRE_PUBLIC_BYTES_MAX];
    tally_bind_blob(s, at, settings->salt, KEYCENTRE_SALT);
    tally_bind_int(s, at + 1, settings->group.epochs.start);
    tally_bind_int(s, at + 2, settings->group.epochs.length);
    tally_bind_int(s, at + 3, settings->group.epochs.card_length);
    tally_bind_int(s, at + 4, settings->group.epochs.lead);
    size_t n = keycentre_group_encode(&settings->group, group);
    tally_bind_blob(s, at + 5, settings->joined ? group : NULL, n);
    n = keycentre_public_encode(&settings->keys, keys);
    tally_bind_blob(s, at + 6, settings->set_up ? keys : NULL, n);
}

enum tally_error keycentre_settings_insert(struct tally_tx *tx, const struct keycentre_settings *settings)
{
    struct tally_stmt *s = tally_db_prepare(
        tx,
        "INSERT INTO settings (one, centre, threshold, salt, epoch_start, epoch_length, card_epoch_length,"
        " epoch_lead, group_bytes, keys) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    tally_bind_blob(s, 1, settings->centre, KEYCENTRE_ID);
    tally_bind_int(s, 2, settings->threshold);
    bind_settings(s, 3, settings);
    return tally_run(s);
}

enum tally_error keycentre_settings_update(struct tally_tx *tx, const struct keycentre_settings *settings)
{
    struct tally_stmt *s =
        tally_db_prepare(tx, "UPDATE settings SET salt = ?, epoch_start = ?, epoch_length = ?,"
                             " card_epoch_length = ?, epoch_lead = ?, group_bytes = ?, keys = ?");
    bind_settings(s, 1, settings);
    enum tally_error e = tally_run(s);
    return e == TALLY_OK && tally_changes(tx) != 1 ? TALLY_E_NOT_FOUND : e;
}

enum tally_error keycentre_secret_put(struct tally_tx *tx, const struct keycentre_secret *secret)
{
    struct tally_stmt *s =
        tally_db_prepare(tx, "INSERT INTO secrets (name, wrapped) VALUES (?, ?)"
                             " ON CONFLICT (name) DO UPDATE SET wrapped = excluded.wrapped");
    tally_bind_text(s, 1, secret->name);
    tally_bind_blob(s, 2, secret->wrapped, secret->n);
    return tally_run(s);
}

enum tally_error keycentre_secret_get(struct tally_tx *tx, const char *name, struct keycentre_secret *secret)
{
    struct tally_stmt *s = tally_db_prepare(tx, "SELECT wrapped FROM secrets WHERE name = ?");
    size_t n;
    memset(secret, 0, sizeof *secret);
    tally_bind_text(s, 1, name);
    enum tally_error e = tally_first(s);
    if (e != TALLY_OK)
        return e;
    const void *bytes = tally_column_blob(s, 0, &n);
    if (n > sizeof secret->wrapped)
        return TALLY_E_IO;
    snprintf(secret->name, sizeof secret->name, "%s", name);
    memcpy(secret->wrapped, bytes, n);
    secret->n = n;
    return TALLY_OK;
}

enum tally_error keycentre_secret_delete(struct tally_tx *tx, const char *name)
{
    struct tally_stmt *s = tally_db_prepare(tx, "DELETE FROM secrets WHERE name = ?");
    tally_bind_text(s, 1, name);
    return tally_run(s);
}

enum tally_error keycentre_secret_names(struct tally_tx *tx, char names[][KEYCENTRE_SECRET_NAME_MAX + 1],
                                        size_t *count)
{
    struct tally_stmt *s = tally_db_prepare(tx, "SELECT name FROM secrets ORDER BY name LIMIT 65");
    bool row = false;
    enum tally_error e;
    *count = 0;
    while ((e = tally_step(s, &row)) == TALLY_OK && row) {
        if (*count == KEYCENTRE_SECRETS_MAX)
            return TALLY_E_FULL;
        tally_column_text_copy(s, 0, names[(*count)++], KEYCENTRE_SECRET_NAME_MAX + 1);
    }
    return e;
}

enum tally_error keycentre_grant_add(struct tally_tx *tx, const char *party, const char *pattern)
{
    struct tally_stmt *s =
        tally_db_prepare(tx, "INSERT INTO grants (party, pattern) VALUES (?, ?) ON CONFLICT DO NOTHING");
    tally_bind_text(s, 1, party);
    tally_bind_text(s, 2, pattern);
    enum tally_error e = tally_run(s);
    if (e != TALLY_OK)
        return e;
    s = tally_db_prepare(tx, "SELECT count(*) FROM grants WHERE party = ?");
    tally_bind_text(s, 1, party);
    e = tally_first(s);
    return e == TALLY_OK && tally_column_int(s, 0) > KEYCENTRE_GRANTS_MAX ? TALLY_E_FULL : e;
}

enum tally_error keycentre_grant_remove(struct tally_tx *tx, const char *party, const char *pattern)
{
    struct tally_stmt *s = tally_db_prepare(tx, "DELETE FROM grants WHERE party = ? AND pattern = ?");
    tally_bind_text(s, 1, party);
    tally_bind_text(s, 2, pattern);
    enum tally_error e = tally_run(s);
    return e == TALLY_OK && tally_changes(tx) == 0 ? TALLY_E_NOT_FOUND : e;
}

enum tally_error keycentre_granted(struct tally_tx *tx, const char *party, const struct identity *identity,
                                   bool *granted)
{
    struct tally_stmt *s = tally_db_prepare(tx, "SELECT pattern FROM grants WHERE party = ?");
    struct keycentre_pattern pattern;
    bool row = false;
    enum tally_error e;
    *granted = false;
    tally_bind_text(s, 1, party);
    while ((e = tally_step(s, &row)) == TALLY_OK && row && !*granted)
        *granted = keycentre_pattern_parse(tally_column_text(s, 0), &pattern) &&
                   keycentre_pattern_matches(&pattern, identity);
    return e;
}

enum tally_error keycentre_grants(struct tally_tx *tx, keycentre_grant_visit *visit, void *ctx)
{
    struct tally_stmt *s =
        tally_db_prepare(tx, "SELECT party, pattern FROM grants ORDER BY party, pattern LIMIT 65536");
    bool row = false;
    enum tally_error e;
    while ((e = tally_step(s, &row)) == TALLY_OK && row)
        visit(ctx, tally_column_text(s, 0), tally_column_text(s, 1));
    return e;
}

enum tally_error keycentre_revoke(struct tally_tx *tx, const char *holder, bool revoked, const char *reason,
                                  int64_t now, bool *changed)
{
    struct tally_stmt *s;
    if (revoked) {
        s = tally_db_prepare(tx, "INSERT INTO revocations (holder, reason, at) VALUES (?, ?, ?)"
                                 " ON CONFLICT DO NOTHING");
        tally_bind_text(s, 2, reason);
        tally_bind_int(s, 3, now);
    } else {
        s = tally_db_prepare(tx, "DELETE FROM revocations WHERE holder = ?");
    }
    tally_bind_text(s, 1, holder);
    enum tally_error e = tally_run(s);
    *changed = e == TALLY_OK && tally_changes(tx) > 0;
    return e;
}

enum tally_error keycentre_revoked(struct tally_tx *tx, const char *holder, bool *revoked)
{
    struct tally_stmt *s = tally_db_prepare(tx, "SELECT 1 FROM revocations WHERE holder = ?");
    *revoked = false;
    tally_bind_text(s, 1, holder);
    return tally_step(s, revoked);
}
