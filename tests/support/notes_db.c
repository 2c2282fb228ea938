#include "tests/support/notes_db.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/base/log.h"
#include "tests/support/service_support.h"

const struct tally_db_migration notes_v1[] = {
    {1, "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE CHECK (length(text) < 20)) "
        "STRICT"},
    {0, NULL},
};
const struct tally_db_schema notes_schemas[] = {{"notes", notes_v1}, {NULL, NULL}};

char folder[64], location[PG_LOCATION_MAX];
bool postgres;
struct tally_metrics *metrics;
struct tally_db *db;

/* Opens with fresh metrics. */
enum tally_error open_with(const struct tally_db_schema *with)
{
    tally_metrics_free(metrics);
    metrics = tally_metrics_new();
    struct tally_db_options options = {.location = location, .schemas = with, .metrics = metrics};
    return tally_db_open(&options, &db);
}

void reopen(void)
{
    tally_db_close(db);
    ck_assert_int_eq(open_with(notes_schemas), TALLY_OK);
}

void setup(void)
{
    tally_log_setup(STDERR_FILENO, TALLY_LOG_OFF, &tally_system_clock);
    folder_make(folder);
    if (postgres)
        ck_assert(pg_world_fresh(location));
    else
        snprintf(location, sizeof location, "sqlite:%s/notes.db", folder);
    metrics = NULL;
    ck_assert_int_eq(open_with(notes_schemas), TALLY_OK);
}

void setup_sqlite(void)
{
    postgres = false;
    setup();
}

void setup_postgres(void)
{
    postgres = true;
    setup();
}

void teardown(void)
{
    tally_db_close(db);
    tally_metrics_free(metrics);
    folder_remove(folder);
}

enum tally_error insert_note(struct tally_tx *tx, void *arg)
{
    const struct note *note = arg;
    struct tally_stmt *stmt = tally_db_prepare(tx, "INSERT INTO notes (text) VALUES (?1)");
    tally_bind_text(stmt, 1, note->text);
    enum tally_error e = tally_run(stmt);
    return e == TALLY_OK && note->fail ? TALLY_E_DENIED : e;
}

enum tally_error add(const char *text)
{
    struct note note = {0};
    snprintf(note.text, sizeof note.text, "%s", text);
    return tally_db_write(db, insert_note, &note);
}

enum tally_error count_notes(struct tally_tx *tx, void *arg)
{
    struct tally_stmt *stmt = tally_db_prepare(tx, "SELECT count(*) FROM notes");
    enum tally_error e = tally_first(stmt);
    if (e == TALLY_OK)
        *(int64_t *)arg = tally_column_int(stmt, 0);
    return e;
}

int64_t count(void)
{
    int64_t n = -1;
    ck_assert_int_eq(tally_db_read(db, count_notes, &n), TALLY_OK);
    return n;
}

enum tally_error find_note(struct tally_tx *tx, void *arg)
{
    struct tally_stmt *stmt = tally_db_prepare(tx, "SELECT id FROM notes WHERE text = ?1");
    tally_bind_text(stmt, 1, arg);
    return tally_first(stmt);
}

bool has(const char *text)
{
    enum tally_error e = tally_db_read(db, find_note, (void *)(uintptr_t)text);
    ck_assert(e == TALLY_OK || e == TALLY_E_NOT_FOUND);
    return e == TALLY_OK;
}
