/* SQL in the common dialect over either engine: statements, values, errors, migrations. */
#include "tests/support/check_main.h"
#include "tests/support/notes_db.h"

#include <stdio.h>
#include <string.h>

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

/* Opens with these migrations, after closing what is open. */
static enum tally_error reopen_as(const struct tally_db_migration *migrations)
{
    static const struct tally_db_migration none[] = {{0, NULL}};
    struct tally_db_schema with[] = {{"notes", migrations}, {"other", none}, {NULL, NULL}};
    tally_db_close(db);
    return open_with(with);
}

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
    ck_assert_int_eq(reopen_as(notes_gap), TALLY_E_BUG);
    ck_assert_ptr_null(db);
    ck_assert_int_eq(reopen_as(notes_broken), TALLY_E_IO);
    ck_assert_int_eq(reopen_as(notes_v1), TALLY_OK);
    ck_assert_int_eq(tally_db_read(db, use_half, NULL), TALLY_E_IO);
    ck_assert_int_eq(reopen_as(notes_v2), TALLY_OK);
    ck_assert_int_eq(reopen_as(notes_v2), TALLY_OK);
    ck_assert(has("kept"));
    /* An older program must not touch what it does not know. */
    ck_assert_int_eq(reopen_as(notes_v1), TALLY_E_STATE);
    ck_assert_ptr_null(db);
}
END_TEST

/* After a failure: nothing more happens in the operation, whatever it makes of the error. */
static enum tally_error go_on_after_failure(struct tally_tx *tx, void *arg)
{
    struct note first = {.text = "first"};
    int64_t n;
    (void)arg;
    ck_assert_int_eq(insert_note(tx, &first), TALLY_OK);
    ck_assert_int_eq(insert_note(tx, &first), TALLY_E_EXISTS);
    ck_assert_int_eq(count_notes(tx, &n), TALLY_E_EXISTS);
    strcpy(first.text, "second");
    ck_assert_int_eq(insert_note(tx, &first), TALLY_E_EXISTS);
    return TALLY_OK;
}

static enum tally_error go_on_after_try(struct tally_tx *tx, void *arg)
{
    struct note note = {.text = "first"};
    ck_assert_int_eq(insert_note(tx, &note), TALLY_OK);
    for (int i = 0; i < 3; i++) {
        struct tally_stmt *stmt = tally_db_prepare(tx, "INSERT INTO notes (text) VALUES (?)");
        tally_bind_text(stmt, 1, "first");
        ck_assert_int_eq(tally_try(stmt), TALLY_E_EXISTS);
    }
    struct tally_stmt *stmt = tally_db_prepare(tx, "INSERT INTO notes (text) VALUES (?)");
    tally_bind_text(stmt, 1, "second");
    ck_assert_int_eq(tally_try(stmt), TALLY_OK);
    ck_assert_int_eq(tally_changes(tx), 1);
    if (arg == NULL)
        return TALLY_OK;
    stmt = tally_db_prepare(tx, "INSERT INTO notes (text) VALUES (?)");
    tally_bind_text(stmt, 1, "far too long a text for the check");
    ck_assert_int_eq(tally_try(stmt), TALLY_E_STATE);
    return TALLY_OK;
}

START_TEST(a_failed_statement_fails_its_operation_unless_it_was_tried)
{
    ck_assert_int_eq(tally_db_write(db, go_on_after_failure, NULL), TALLY_E_EXISTS);
    ck_assert_int_eq(count(), 0);
    ck_assert_int_eq(tally_db_write(db, go_on_after_try, folder), TALLY_E_STATE);
    ck_assert_int_eq(count(), 0);
    ck_assert_int_eq(tally_db_write(db, go_on_after_try, NULL), TALLY_OK);
    ck_assert_int_eq(count(), 2);
    ck_assert(has("second"));
}
END_TEST

static const struct tally_db_migration shop[] = {
    {1, "CREATE TABLE accounts (name TEXT PRIMARY KEY, balance INTEGER NOT NULL CHECK (balance >= 0),"
        " note TEXT) STRICT, WITHOUT ROWID;"
        "CREATE TABLE entries (id INTEGER PRIMARY KEY, account TEXT NOT NULL REFERENCES accounts,"
        " amount INTEGER NOT NULL, mark BLOB CHECK (length(mark) = 2)) STRICT"},
    {2, "ALTER TABLE entries ADD COLUMN due INTEGER;"
        "CREATE UNIQUE INDEX entries_mark ON entries (mark) WHERE mark IS NOT NULL;"
        "CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL) STRICT"},
    {0, NULL}};

static int64_t number(struct tally_tx *tx, const char *sql)
{
    struct tally_stmt *stmt = tally_db_prepare(tx, sql);
    ck_assert_int_eq(tally_first(stmt), TALLY_OK);
    return tally_column_int(stmt, 0);
}

static void put_account(struct tally_tx *tx, const char *name, int64_t balance)
{
    struct tally_stmt *stmt = tally_db_prepare(
        tx, "INSERT INTO accounts (name, balance) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE"
            " SET balance = excluded.balance WHERE accounts.balance < ?2");
    tally_bind_text(stmt, 1, name);
    tally_bind_int(stmt, 2, balance);
    ck_assert_int_eq(tally_run(stmt), TALLY_OK);
}

static int64_t put_entry(struct tally_tx *tx, const char *account, int64_t amount, const void *mark)
{
    struct tally_stmt *stmt = tally_db_prepare(
        tx, "INSERT INTO entries (account, amount, mark) VALUES (?, ?, ?) RETURNING id, amount, mark");
    tally_bind_text(stmt, 1, account);
    tally_bind_int(stmt, 2, amount);
    tally_bind_blob(stmt, 3, mark, 2);
    ck_assert_int_eq(tally_first(stmt), TALLY_OK);
    ck_assert_int_eq(tally_changes(tx), 1);
    ck_assert_int_eq(tally_column_int(stmt, 1), amount);
    ck_assert_int_eq(tally_column_null(stmt, 2), mark == NULL);
    return tally_column_int(stmt, 0);
}

static enum tally_error speak(struct tally_tx *tx, void *arg)
{
    bool row;
    (void)arg;
    put_account(tx, "a", 5);
    ck_assert_int_eq(tally_changes(tx), 1);
    put_account(tx, "a", 4);
    ck_assert_int_eq(tally_changes(tx), 0);
    put_account(tx, "B", 7);
    int64_t first = put_entry(tx, "a", INT64_MAX, "\xff\0");
    ck_assert_int_eq(put_entry(tx, "a", -5, NULL), first + 1);
    ck_assert_int_eq(put_entry(tx, "B", -6, NULL), first + 2);
    /* Sums are whole numbers, bytes decide the order, negative numbers and the widest ones survive. */
    ck_assert_int_eq(number(tx, "SELECT sum(amount) FROM entries"), INT64_MAX - 11);
    ck_assert_int_eq(number(tx, "SELECT sum(amount) FROM entries WHERE amount < 0"), -11);
    ck_assert_int_eq(number(tx, "SELECT sum(balance) * -10000 FROM accounts"), -120000);
    ck_assert_int_eq(number(tx, "SELECT count(*) FROM accounts"), 2);
    ck_assert_int_eq(number(tx, "SELECT max(id) FROM log"), 0);
    ck_assert_int_eq(number(tx, "SELECT min(amount) FROM entries"), -6);
    struct tally_stmt *stmt = tally_db_prepare(tx, "SELECT name FROM accounts ORDER BY name LIMIT ?");
    tally_bind_int(stmt, 1, 2);
    ck_assert_int_eq(tally_step(stmt, &row), TALLY_OK);
    ck_assert_str_eq(tally_column_text(stmt, 0), "B");
    ck_assert_int_eq(tally_step(stmt, &row), TALLY_OK);
    ck_assert_str_eq(tally_column_text(stmt, 0), "a");
    ck_assert_int_eq(tally_step(stmt, &row), TALLY_OK);
    ck_assert(!row);
    stmt = tally_db_prepare(tx, "UPDATE entries SET due = ?1 WHERE id IN (SELECT id FROM entries WHERE"
                                " mark IS NULL ORDER BY id LIMIT ?2 FOR UPDATE SKIP LOCKED)"
                                " RETURNING id, '?', 'FOR ?1'");
    tally_bind_int(stmt, 1, 9);
    tally_bind_int(stmt, 2, 1);
    ck_assert_int_eq(tally_first(stmt), TALLY_OK);
    ck_assert_int_eq(tally_column_int(stmt, 0), first + 1);
    ck_assert_str_eq(tally_column_text(stmt, 2), "FOR ?1");
    stmt = tally_db_prepare(tx, "DELETE FROM entries WHERE (id, amount) = (SELECT id, amount FROM entries"
                                " WHERE mark = ?) RETURNING 1");
    tally_bind_blob(stmt, 1, "\xff\0", 2);
    ck_assert_int_eq(tally_first(stmt), TALLY_OK);
    return TALLY_OK;
}

static enum tally_error run_sql(struct tally_tx *tx, void *arg)
{
    return tally_run(tally_db_prepare(tx, arg));
}

static enum tally_error attempt(const char *sql)
{
    return tally_db_write(db, run_sql, (void *)(uintptr_t)sql);
}

START_TEST(one_sql_runs_on_both)
{
    ck_assert_int_eq(reopen_as(notes_v1), TALLY_OK);
    tally_db_close(db);
    struct tally_db_schema with[] = {{"notes", notes_v1}, {"shop", shop}, {NULL, NULL}};
    ck_assert_int_eq(open_with(with), TALLY_OK);
    ck_assert_int_eq(tally_db_write(db, speak, NULL), TALLY_OK);
    ck_assert_int_eq(attempt("INSERT INTO entries (account, amount) VALUES ('c', 1)"), TALLY_E_STATE);
    ck_assert_int_eq(attempt("UPDATE accounts SET balance = -1 WHERE name = 'a'"), TALLY_E_STATE);
    ck_assert_int_eq(attempt("INSERT INTO accounts (name, balance) VALUES ('a', 1)"), TALLY_E_EXISTS);
    ck_assert_int_eq(attempt("INSERT INTO accounts (name) VALUES ('d')"), TALLY_E_STATE);
    ck_assert_int_eq(attempt("INSERT INTO accounts (name, balance) VALUES ('d', 9223372036854775807 + 1)"),
                     TALLY_E_STATE);
    ck_assert_int_eq(attempt("INSERT INTO entries (account, amount, mark) SELECT 'a', 1, mark FROM entries"
                             " WHERE mark IS NOT NULL"),
                     TALLY_OK);
}
END_TEST

/* A NULL keeps the place of what comes later, whatever its type. */
static enum tally_error bind_in_turn(struct tally_tx *tx, void *arg)
{
    static const char sql[] = "INSERT INTO entries (account, amount, mark, due) VALUES (?1, ?2, ?3, ?4)";
    (void)arg;
    for (int i = 0; i < 4; i++) {
        struct tally_stmt *stmt = tally_db_prepare(tx, sql);
        tally_bind_text(stmt, 1, "a");
        tally_bind_int(stmt, 2, i);
        tally_bind_blob(stmt, 3, i % 2 == 0 ? NULL : (i == 1 ? "ab" : "cd"), 2);
        if (i > 1)
            tally_bind_int(stmt, 4, i);
        ck_assert_int_eq(tally_run(stmt), TALLY_OK);
    }
    ck_assert_int_eq(number(tx, "SELECT count(*) FROM entries WHERE due IS NULL"), 2);
    ck_assert_int_eq(number(tx, "SELECT count(*) FROM entries WHERE mark IS NULL"), 2);
    return TALLY_OK;
}

START_TEST(parameters_may_be_left_out)
{
    tally_db_close(db);
    struct tally_db_schema with[] = {{"notes", notes_v1}, {"shop", shop}, {NULL, NULL}};
    ck_assert_int_eq(open_with(with), TALLY_OK);
    ck_assert_int_eq(attempt("INSERT INTO accounts (name, balance) VALUES ('a', 1)"), TALLY_OK);
    ck_assert_int_eq(tally_db_write(db, bind_in_turn, NULL), TALLY_OK);
}
END_TEST

static TCase *make_case(const char *name, void (*set_up)(void))
{
    TCase *all = tcase_create(name);
    tcase_set_timeout(all, 100);
    tcase_add_checked_fixture(all, set_up, teardown);
    tcase_add_test(all, errors_in_statements_are_told_at_the_step);
    tcase_add_test(all, too_many_distinct_statements_are_our_bug);
    tcase_add_test(all, values_keep_their_types_and_bounds);
    tcase_add_test(all, migrations_go_forward_once_and_whole);
    tcase_add_test(all, a_failed_statement_fails_its_operation_unless_it_was_tried);
    tcase_add_test(all, one_sql_runs_on_both);
    tcase_add_test(all, parameters_may_be_left_out);
    return all;
}

int main(void)
{
    if (!pg_world_start(false))
        return 1;
    Suite *suite = suite_create("db_sql");
    suite_add_tcase(suite, make_case("sqlite", setup_sqlite));
    suite_add_tcase(suite, make_case("postgresql", setup_postgres));
    int status = tally_check_main(suite, NULL);
    return pg_world_stop() ? status : 1;
}
