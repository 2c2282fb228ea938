/* The database's files and statements: migrations, backups, private files, values, errors in SQL. */
#include "host/base/log.h"
#include "host/service/db.h"
#include "tests/support/check_main.h"
#include "tests/support/service_support.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct tally_db_migration notes_v1[] = {
    {1, "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE CHECK (length(text) < 20)) "
        "STRICT"},
    {0, NULL},
};

static char folder[64], path[160];
static struct tally_db *db;

/* Opens with these migrations, after closing what is open. */
static enum tally_error reopen_with(const struct tally_db_migration *migrations)
{
    static const struct tally_db_migration none[] = {{0, NULL}};
    struct tally_db_schema with[] = {{"notes", migrations}, {"other", none}, {NULL, NULL}};
    struct tally_db_options options = {.location = path, .schemas = with};
    tally_db_close(db);
    return tally_db_open(&options, &db);
}

static void setup(void)
{
    tally_log_setup(STDERR_FILENO, TALLY_LOG_OFF, &tally_system_clock);
    folder_make(folder);
    folder_path(folder, "notes.db", path);
    ck_assert_int_eq(reopen_with(notes_v1), TALLY_OK);
}

static void teardown(void)
{
    tally_db_close(db);
    folder_remove(folder);
}

static enum tally_error insert_note(struct tally_tx *tx, void *arg)
{
    struct tally_stmt *stmt = tally_db_prepare(tx, "INSERT INTO notes (text) VALUES (?1)");
    tally_bind_text(stmt, 1, arg);
    return tally_run(stmt);
}

static enum tally_error add(const char *text)
{
    return tally_db_write(db, insert_note, (void *)(uintptr_t)text);
}

struct counting {
    const char *text; /* NULL: all */
    int64_t n;
};

static enum tally_error count_notes(struct tally_tx *tx, void *arg)
{
    struct counting *counting = arg;
    struct tally_stmt *stmt =
        tally_db_prepare(tx, "SELECT count(*) FROM notes WHERE ?1 IS NULL OR text = ?1");
    tally_bind_text(stmt, 1, counting->text);
    enum tally_error e = tally_first(stmt);
    counting->n = e == TALLY_OK ? tally_column_int(stmt, 0) : -1;
    return e;
}

static int64_t count_of(const char *text)
{
    struct counting counting = {.text = text};
    ck_assert_int_eq(tally_db_read(db, count_notes, &counting), TALLY_OK);
    return counting.n;
}

static int64_t count(void)
{
    return count_of(NULL);
}

static bool has(const char *text)
{
    return count_of(text) == 1;
}

static enum tally_error broken_sql(struct tally_tx *tx, void *arg)
{
    (void)arg;
    struct tally_stmt *stmt = tally_db_prepare(tx, "SELECT nothing FROM nowhere");
    tally_bind_int(stmt, 1, 1);
    return tally_run(stmt);
}

static enum tally_error bad_parameter(struct tally_tx *tx, void *arg)
{
    (void)arg;
    struct tally_stmt *stmt = tally_db_prepare(tx, "SELECT ?1");
    tally_bind_int(stmt, 2, 1);
    return tally_first(stmt);
}

START_TEST(errors_in_statements_are_told_at_the_step)
{
    ck_assert_int_eq(tally_db_write(db, broken_sql, NULL), TALLY_E_IO);
    ck_assert_int_eq(tally_db_read(db, broken_sql, NULL), TALLY_E_IO);
    ck_assert_int_eq(tally_db_read(db, bad_parameter, NULL), TALLY_E_IO);
    ck_assert_int_eq(add("fine"), TALLY_OK);
}
END_TEST

static enum tally_error too_many_statements(struct tally_tx *tx, void *arg)
{
    static char sql[TALLY_DB_STATEMENTS_MAX + 1][16];
    enum tally_error e = TALLY_OK;
    (void)arg;
    for (int i = 0; e == TALLY_OK && i <= TALLY_DB_STATEMENTS_MAX; i++) {
        snprintf(sql[i], sizeof sql[i], "SELECT %d", i);
        e = tally_first(tally_db_prepare(tx, sql[i]));
    }
    return e;
}

START_TEST(too_many_distinct_statements_are_our_bug)
{
    ck_assert_int_eq(tally_db_read(db, too_many_statements, NULL), TALLY_E_BUG);
}
END_TEST

static enum tally_error all_types(struct tally_tx *tx, void *arg)
{
    char text[4];
    uint8_t blob[3];
    size_t n;
    (void)arg;
    struct tally_stmt *stmt = tally_db_prepare(tx, "SELECT ?1, ?2, ?3, ?4, ?5");
    tally_bind_int(stmt, 1, INT64_MIN);
    tally_bind_text(stmt, 2, "abc");
    tally_bind_blob(stmt, 3, "\0\1\2", 3);
    tally_bind_text(stmt, 4, NULL);
    tally_bind_blob(stmt, 5, "", 0);
    ck_assert_int_eq(tally_first(stmt), TALLY_OK);
    ck_assert_int_eq(tally_column_int(stmt, 0), INT64_MIN);
    ck_assert(tally_column_text_copy(stmt, 1, text, 4));
    ck_assert_str_eq(text, "abc");
    ck_assert(!tally_column_text_copy(stmt, 1, text, 3));
    ck_assert_str_eq(text, "");
    ck_assert(tally_column_blob_copy(stmt, 2, blob, 3));
    ck_assert_mem_eq(blob, "\0\1\2", 3);
    ck_assert(!tally_column_blob_copy(stmt, 2, blob, 2));
    ck_assert(tally_column_null(stmt, 3));
    ck_assert(!tally_column_null(stmt, 4));
    ck_assert_str_eq(tally_column_text(stmt, 3), "");
    (void)tally_column_blob(stmt, 4, &n);
    ck_assert_uint_eq(n, 0);
    return TALLY_OK;
}

START_TEST(values_keep_their_types_and_bounds)
{
    ck_assert_int_eq(tally_db_read(db, all_types, NULL), TALLY_OK);
}
END_TEST

static const struct tally_db_migration notes_v2[] = {
    {1, "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE CHECK (length(text) < 20)) "
        "STRICT"},
    {2, "ALTER TABLE notes ADD COLUMN colour TEXT; CREATE TABLE more (id INTEGER)"},
    {0, NULL},
};
static const struct tally_db_migration notes_broken[] = {
    {1, "CREATE TABLE notes (id INTEGER)"},
    {2, "CREATE TABLE half (id INTEGER); CREATE TABLE notes (id INTEGER)"},
    {0, NULL},
};
static const struct tally_db_migration notes_gap[] = {
    {1, "SELECT 1"}, {3, "CREATE TABLE half (id INTEGER)"}, {0, NULL}};

static enum tally_error use_half(struct tally_tx *tx, void *arg)
{
    bool row;
    (void)arg;
    return tally_step(tally_db_prepare(tx, "SELECT * FROM half"), &row);
}

START_TEST(migrations_go_forward_once_and_whole)
{
    ck_assert_int_eq(add("kept"), TALLY_OK);
    ck_assert_int_eq(reopen_with(notes_gap), TALLY_E_BUG);
    ck_assert_ptr_null(db);
    ck_assert_int_eq(reopen_with(notes_broken), TALLY_E_IO);
    ck_assert_int_eq(reopen_with(notes_v1), TALLY_OK);
    ck_assert_int_eq(tally_db_read(db, use_half, NULL), TALLY_E_IO);
    ck_assert_int_eq(reopen_with(notes_v2), TALLY_OK);
    ck_assert_int_eq(reopen_with(notes_v2), TALLY_OK);
    ck_assert(has("kept"));
    /* An older program must not touch what it does not know. */
    ck_assert_int_eq(reopen_with(notes_v1), TALLY_E_STATE);
    ck_assert_ptr_null(db);
}
END_TEST

START_TEST(files_are_private_and_backups_consistent)
{
    char copy[160], wal[170], name[32];
    struct stat info;
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof name, "n%d", i);
        ck_assert_int_eq(add(name), TALLY_OK);
    }
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0600);
    snprintf(wal, sizeof wal, "%s-wal", path);
    ck_assert_int_eq(stat(wal, &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0600);

    folder_path(folder, "copy.db", copy);
    ck_assert_int_eq(tally_db_backup(db, copy), TALLY_OK);
    ck_assert_int_eq(stat(copy, &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0600);
    ck_assert_int_eq(tally_db_backup(db, copy), TALLY_E_EXISTS);
    ck_assert_int_eq(tally_db_backup(db, "/nonexistent/copy.db"), TALLY_E_IO);
    ck_assert_int_eq(add("after"), TALLY_OK);
    memcpy(path, copy, sizeof path);
    ck_assert_int_eq(reopen_with(notes_v1), TALLY_OK);
    ck_assert_int_eq(count(), 50);
    ck_assert(!has("after"));
}
END_TEST

START_TEST(what_is_no_database_is_refused)
{
    folder_path(folder, "junk.db", path);
    file_write(path,
               "this is a text that is long enough to be looked at, and not a database at all ............",
               0600);
    ck_assert_int_eq(reopen_with(notes_v1), TALLY_E_IO);
    ck_assert_ptr_null(db);
    strcpy(path, "/nonexistent/x.db");
    ck_assert_int_eq(reopen_with(notes_v1), TALLY_E_IO);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("service_db_files");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, errors_in_statements_are_told_at_the_step);
    tcase_add_test(all, too_many_distinct_statements_are_our_bug);
    tcase_add_test(all, values_keep_their_types_and_bounds);
    tcase_add_test(all, migrations_go_forward_once_and_whole);
    tcase_add_test(all, files_are_private_and_backups_consistent);
    tcase_add_test(all, what_is_no_database_is_refused);
    suite_add_tcase(suite, all);
    return tally_check_main(suite, NULL);
}
