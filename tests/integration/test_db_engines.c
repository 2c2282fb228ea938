/* What every engine behind db.h must do: one suite, run over SQLite files and over a real PostgreSQL. */
#include "host/base/log.h"
#include "host/service/db.h"
#include "tests/support/check_main.h"
#include "tests/support/pg_world.h"
#include "tests/support/service_support.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct tally_db_migration notes_v1[] = {
    {1, "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE CHECK (length(text) < 20)) "
        "STRICT"},
    {0, NULL},
};
static const struct tally_db_schema schemas[] = {{"notes", notes_v1}, {NULL, NULL}};

static char folder[64], location[PG_LOCATION_MAX];
static bool postgres;
static struct tally_metrics *metrics;
static struct tally_db *db;

/* Opens with fresh metrics. */
static enum tally_error open_with(const struct tally_db_schema *with)
{
    tally_metrics_free(metrics);
    metrics = tally_metrics_new();
    struct tally_db_options options = {.location = location, .schemas = with, .metrics = metrics};
    return tally_db_open(&options, &db);
}

static void reopen(void)
{
    tally_db_close(db);
    ck_assert_int_eq(open_with(schemas), TALLY_OK);
}

static void setup(void)
{
    tally_log_setup(STDERR_FILENO, TALLY_LOG_OFF, &tally_system_clock);
    folder_make(folder);
    if (postgres)
        ck_assert(pg_world_fresh(location));
    else
        snprintf(location, sizeof location, "sqlite:%s/notes.db", folder);
    metrics = NULL;
    ck_assert_int_eq(open_with(schemas), TALLY_OK);
}

static void setup_sqlite(void)
{
    postgres = false;
    setup();
}

static void setup_postgres(void)
{
    postgres = true;
    setup();
}

static void teardown(void)
{
    tally_db_close(db);
    tally_metrics_free(metrics);
    folder_remove(folder);
}

/* One note to be written; the operation fails on purpose after writing when told to. */
struct note {
    struct tally_db_job job;
    char text[64];
    bool fail;
    sem_t *done;
};

static enum tally_error insert_note(struct tally_tx *tx, void *arg)
{
    const struct note *note = arg;
    struct tally_stmt *stmt = tally_db_prepare(tx, "INSERT INTO notes (text) VALUES (?1)");
    tally_bind_text(stmt, 1, note->text);
    enum tally_error e = tally_run(stmt);
    return e == TALLY_OK && note->fail ? TALLY_E_DENIED : e;
}

static enum tally_error add(const char *text)
{
    struct note note = {0};
    snprintf(note.text, sizeof note.text, "%s", text);
    return tally_db_write(db, insert_note, &note);
}

static enum tally_error count_notes(struct tally_tx *tx, void *arg)
{
    struct tally_stmt *stmt = tally_db_prepare(tx, "SELECT count(*) FROM notes");
    enum tally_error e = tally_first(stmt);
    if (e == TALLY_OK)
        *(int64_t *)arg = tally_column_int(stmt, 0);
    return e;
}

static int64_t count(void)
{
    int64_t n = -1;
    ck_assert_int_eq(tally_db_read(db, count_notes, &n), TALLY_OK);
    return n;
}

static enum tally_error find_note(struct tally_tx *tx, void *arg)
{
    struct tally_stmt *stmt = tally_db_prepare(tx, "SELECT id FROM notes WHERE text = ?1");
    tally_bind_text(stmt, 1, arg);
    return tally_first(stmt);
}

static bool has(const char *text)
{
    enum tally_error e = tally_db_read(db, find_note, (void *)(uintptr_t)text);
    ck_assert(e == TALLY_OK || e == TALLY_E_NOT_FOUND);
    return e == TALLY_OK;
}

/* An operation that holds the writer until told, so that what is submitted meanwhile forms one group. */
struct gate {
    sem_t reached, open;
};

static enum tally_error hold_writer(struct tally_tx *tx, void *arg)
{
    struct gate *gate = arg;
    (void)tx;
    sem_post(&gate->reached);
    while (sem_wait(&gate->open) != 0)
        continue;
    sem_post(&gate->open); /* it may run again */
    return TALLY_OK;
}

static void ignore(struct tally_db_job *job, void *arg)
{
    (void)job, (void)arg;
}

static void hold(struct gate *gate, struct tally_db_job *job)
{
    sem_init(&gate->reached, 0, 0);
    sem_init(&gate->open, 0, 0);
    *job = (struct tally_db_job){.op = hold_writer, .arg = gate, .done = ignore};
    ck_assert_int_eq(tally_db_submit(db, job), TALLY_OK);
    while (sem_wait(&gate->reached) != 0)
        continue;
}

static void post_done(struct tally_db_job *job, void *arg)
{
    (void)job;
    sem_post(((struct note *)arg)->done);
}

static void submit_note(struct note *note, const char *text, bool fail, sem_t *done)
{
    snprintf(note->text, sizeof note->text, "%s", text);
    note->fail = fail;
    note->done = done;
    note->job = (struct tally_db_job){.op = insert_note, .arg = note, .done = post_done};
    ck_assert_int_eq(tally_db_submit(db, &note->job), TALLY_OK);
}

START_TEST(one_group_one_commit_and_failures_stay_alone)
{
    struct gate gate;
    struct tally_db_job held;
    struct note notes[20] = {0};
    char text[32];
    sem_t done;
    sem_init(&done, 0, 0);
    hold(&gate, &held);
    for (int i = 0; i < 20; i++) {
        snprintf(text, sizeof text, i == 13 ? "note 3" : "note %d", i);
        submit_note(&notes[i], text, i == 7, &done);
    }
    sem_post(&gate.open);
    for (int i = 0; i < 20; i++)
        while (sem_wait(&done) != 0)
            continue;
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(notes[i].job.result, i == 7 ? TALLY_E_DENIED : i == 13 ? TALLY_E_EXISTS : TALLY_OK);
    tally_db_stop(db);
    ck_assert_int_eq(tally_metric_value(tally_metrics_get(metrics, "db_groups", "")), 2);
    ck_assert_int_eq(tally_metric_value(tally_metrics_get(metrics, "db_operations", "result=\"failed\"")), 2);
    reopen();
    ck_assert_int_eq(count(), 18);
    ck_assert(!has("note 7"));
    ck_assert(has("note 19"));
}
END_TEST

static void *write_many(void *arg)
{
    char text[32];
    for (int i = 0; i < 40; i++) {
        snprintf(text, sizeof text, "%c %d", *(const char *)arg, i);
        if (add(text) != TALLY_OK)
            return arg;
    }
    return NULL;
}

START_TEST(concurrent_writers_are_all_durable)
{
    static const char names[] = "abcdefgh";
    pthread_t threads[8];
    void *failed;
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_many, (void *)(uintptr_t)&names[i]), 0);
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], &failed);
        ck_assert_ptr_null(failed);
    }
    reopen();
    ck_assert_int_eq(count(), 320);
}
END_TEST

static void look(struct tally_db_job *job, void *arg)
{
    struct note *note = arg;
    note->fail = job->result != TALLY_OK || !has(note->text);
    sem_post(note->done);
}

START_TEST(a_result_is_told_after_the_commit)
{
    sem_t done;
    struct note note = {.text = "seen", .done = &done};
    sem_init(&done, 0, 0);
    note.job = (struct tally_db_job){.op = insert_note, .arg = &note, .done = look};
    ck_assert_int_eq(tally_db_submit(db, &note.job), TALLY_OK);
    while (sem_wait(&done) != 0)
        continue;
    ck_assert(!note.fail);
}
END_TEST

START_TEST(what_was_confirmed_survives_kill)
{
    int ends[2];
    char text[32], confirmed = 0;
    ck_assert_int_eq(pipe(ends), 0);
    tally_db_close(db);
    db = NULL;
    pid_t pid = fork();
    if (pid == 0) {
        if (open_with(schemas) != TALLY_OK)
            _exit(1);
        for (int i = 0;; i++) {
            snprintf(text, sizeof text, "n%d", i);
            if (add(text) != TALLY_OK || write(ends[1], "x", 1) != 1)
                _exit(1);
        }
    }
    close(ends[1]);
    int n = 0;
    for (; n < 30; n++)
        ck_assert_int_eq(read(ends[0], &confirmed, 1), 1);
    kill(pid, SIGKILL);
    while (read(ends[0], &confirmed, 1) == 1)
        n++;
    close(ends[0]);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    reopen();
    ck_assert_int_ge(count(), n);
    for (int i = 0; i < n; i++) {
        snprintf(text, sizeof text, "n%d", i);
        ck_assert(has(text));
    }
}
END_TEST

START_TEST(constraints_have_their_errors)
{
    ck_assert_int_eq(add("once"), TALLY_OK);
    ck_assert_int_eq(add("once"), TALLY_E_EXISTS);
    ck_assert_int_eq(add("far too long a text for the check"), TALLY_E_STATE);
    ck_assert_int_eq(count(), 1);
}
END_TEST

static enum tally_error write_while_reading(struct tally_tx *tx, void *arg)
{
    struct note note = {.text = "sneaked in"};
    (void)arg;
    return insert_note(tx, &note);
}

static enum tally_error snapshot(struct tally_tx *tx, void *arg)
{
    int64_t before, after;
    (void)arg;
    ck_assert_int_eq(count_notes(tx, &before), TALLY_OK);
    ck_assert_int_eq(add("meanwhile"), TALLY_OK);
    ck_assert_int_eq(count_notes(tx, &after), TALLY_OK);
    ck_assert_int_eq(before, after);
    return TALLY_OK;
}

START_TEST(readers_read_one_snapshot_and_never_write)
{
    ck_assert_int_eq(tally_db_read(db, write_while_reading, NULL), TALLY_E_IO);
    ck_assert_int_eq(tally_db_read(db, snapshot, NULL), TALLY_OK);
    ck_assert_int_eq(count(), 1);
    ck_assert_int_eq(tally_db_check(db), TALLY_OK);
}
END_TEST

static void *stop_db(void *arg)
{
    tally_db_stop(arg);
    return NULL;
}

START_TEST(the_queue_has_a_limit_and_stopping_runs_it_out)
{
    static struct note notes[TALLY_DB_QUEUE_MAX + 1];
    struct gate gate;
    struct tally_db_job held;
    char text[32];
    sem_t done;
    pthread_t stopper;
    sem_init(&done, 0, 0);
    hold(&gate, &held);
    for (int i = 0; i < TALLY_DB_QUEUE_MAX; i++) {
        snprintf(text, sizeof text, "n%d", i);
        submit_note(&notes[i], text, false, &done);
    }
    notes[TALLY_DB_QUEUE_MAX].job =
        (struct tally_db_job){.op = insert_note, .arg = &notes[0], .done = post_done};
    ck_assert_int_eq(tally_db_submit(db, &notes[TALLY_DB_QUEUE_MAX].job), TALLY_E_FULL);
    ck_assert_int_eq(pthread_create(&stopper, NULL, stop_db, db), 0);
    sem_post(&gate.open);
    pthread_join(stopper, NULL);
    for (int i = 0; i < TALLY_DB_QUEUE_MAX; i++)
        ck_assert_int_eq(notes[i].job.result, TALLY_OK);
    ck_assert_int_eq(add("late"), TALLY_E_STATE);
    ck_assert_int_eq(count(), TALLY_DB_QUEUE_MAX);
}
END_TEST

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

/* Posts its note many times under other names, and once more under its own when it must fail. */
static enum tally_error post_notes(struct tally_tx *tx, void *arg)
{
    const struct note *note = arg;
    char text[72];
    enum tally_error e = TALLY_OK;
    for (int i = 0; e == TALLY_OK && i < (note->fail ? 300 : 3); i++) {
        struct tally_stmt *stmt = tally_db_prepare(tx, "INSERT INTO notes (text) VALUES (?)");
        snprintf(text, sizeof text, "%.8s %d", note->text, note->fail && i == 299 ? 0 : i);
        tally_bind_text(stmt, 1, text);
        e = tally_post(stmt);
    }
    return TALLY_OK;
}

START_TEST(a_posted_statement_fails_its_operation_alone)
{
    struct gate gate;
    struct tally_db_job held;
    struct note notes[6] = {0};
    char text[32];
    sem_t done;
    sem_init(&done, 0, 0);
    hold(&gate, &held);
    for (int i = 0; i < 6; i++) {
        snprintf(text, sizeof text, "note %d", i);
        notes[i] = (struct note){.done = &done, .fail = i == 2 || i == 5};
        strcpy(notes[i].text, text);
        notes[i].job = (struct tally_db_job){.op = post_notes, .arg = &notes[i], .done = post_done};
        ck_assert_int_eq(tally_db_submit(db, &notes[i].job), TALLY_OK);
    }
    sem_post(&gate.open);
    for (int i = 0; i < 6; i++)
        while (sem_wait(&done) != 0)
            continue;
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(notes[i].job.result, notes[i].fail ? TALLY_E_EXISTS : TALLY_OK);
    ck_assert_int_eq(count(), 4 * 3);
    ck_assert(has("note 4 2"));
    ck_assert(!has("note 2 1"));
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

static void note_thread(struct tally_db_job *job, void *arg)
{
    (void)job;
    *(pthread_t *)arg = pthread_self();
}

static enum tally_error nothing(struct tally_tx *tx, void *arg)
{
    (void)tx, (void)arg;
    return TALLY_OK;
}

static enum tally_error read_within(struct tally_tx *tx, void *arg)
{
    int64_t n;
    (void)tx, (void)arg;
    return tally_db_read(db, count_notes, &n);
}

START_TEST(same_thread_means_the_callers)
{
    pthread_t thread;
    struct tally_db_job job = {.op = nothing, .arg = &thread, .done = note_thread};
    struct tally_db_options options = {.location = location, .schemas = schemas, .same_thread = true};
    tally_db_close(db);
    ck_assert_int_eq(tally_db_open(&options, &db), TALLY_OK);
    ck_assert_int_eq(tally_db_submit(db, &job), TALLY_OK);
    ck_assert_int_eq(job.result, TALLY_OK);
    ck_assert(pthread_equal(thread, pthread_self()));
    ck_assert_int_eq(add("one"), TALLY_OK);
    ck_assert_int_eq(add("one"), TALLY_E_EXISTS);
    ck_assert_int_eq(tally_db_read(db, write_while_reading, NULL), TALLY_E_IO);
    ck_assert_int_eq(tally_db_write(db, read_within, NULL), TALLY_E_BUG);
    ck_assert_int_eq(count(), 1);
}
END_TEST

static enum tally_error write_and_hold(struct tally_tx *tx, void *arg)
{
    struct note note = {.text = "held"};
    enum tally_error e = insert_note(tx, &note);
    return e == TALLY_OK ? hold_writer(tx, arg) : e;
}

START_TEST(a_database_that_another_keeps_is_busy)
{
    struct gate gate;
    struct tally_db_job held = {.op = write_and_hold, .arg = &gate, .done = ignore};
    struct tally_db *mine, *theirs = db;
    sem_init(&gate.reached, 0, 0);
    sem_init(&gate.open, 0, 0);
    struct tally_db_options options = {.location = location, .schemas = schemas, .busy_ms = 50};
    ck_assert_int_eq(tally_db_open(&options, &mine), TALLY_OK);
    ck_assert_int_eq(tally_db_submit(theirs, &held), TALLY_OK);
    while (sem_wait(&gate.reached) != 0)
        continue;
    db = mine;
    ck_assert_int_eq(add("busy"), TALLY_E_BUSY);
    ck_assert_int_eq(count(), 0);
    sem_post(&gate.open);
    tally_db_stop(theirs);
    ck_assert_int_eq(held.result, TALLY_OK);
    ck_assert_int_eq(add("free"), TALLY_OK);
    ck_assert_int_eq(count(), 2);
    tally_db_close(theirs);
}
END_TEST

START_TEST(locations_have_a_kind)
{
    static const char *const bad[] = {"", "sqlite:", "mysql://x", "sqlite::memory:"};
    tally_db_close(db);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_int_eq(
            tally_db_open(&(struct tally_db_options){.location = bad[i], .schemas = schemas}, &db),
            TALLY_E_FORMAT);
        ck_assert_ptr_null(db);
    }
}
END_TEST

static void *open_in_thread(void *arg)
{
    struct tally_db *other;
    (void)arg;
    enum tally_error e =
        tally_db_open(&(struct tally_db_options){.location = location, .schemas = schemas}, &other);
    tally_db_close(other);
    return e == TALLY_OK ? NULL : location;
}

START_TEST(programs_that_start_at_once_migrate_once)
{
    pthread_t threads[4];
    void *failed;
    tally_db_close(db);
    if (postgres)
        ck_assert(pg_world_fresh(location));
    else
        snprintf(location, sizeof location, "sqlite:%s/at-once.db", folder);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, open_in_thread, NULL), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &failed);
        ck_assert_ptr_null(failed);
    }
    ck_assert_int_eq(open_with(schemas), TALLY_OK);
    ck_assert_int_eq(count(), 0);
}
END_TEST

static TCase *make_case(const char *name, void (*set_up)(void))
{
    TCase *all = tcase_create(name);
    tcase_set_timeout(all, 100);
    tcase_add_checked_fixture(all, set_up, teardown);
    tcase_add_test(all, one_group_one_commit_and_failures_stay_alone);
    tcase_add_test(all, concurrent_writers_are_all_durable);
    tcase_add_test(all, a_result_is_told_after_the_commit);
    tcase_add_test(all, what_was_confirmed_survives_kill);
    tcase_add_test(all, constraints_have_their_errors);
    tcase_add_test(all, readers_read_one_snapshot_and_never_write);
    tcase_add_test(all, the_queue_has_a_limit_and_stopping_runs_it_out);
    tcase_add_test(all, errors_in_statements_are_told_at_the_step);
    tcase_add_test(all, too_many_distinct_statements_are_our_bug);
    tcase_add_test(all, values_keep_their_types_and_bounds);
    tcase_add_test(all, migrations_go_forward_once_and_whole);
    tcase_add_test(all, a_failed_statement_fails_its_operation_unless_it_was_tried);
    tcase_add_test(all, a_posted_statement_fails_its_operation_alone);
    tcase_add_test(all, one_sql_runs_on_both);
    tcase_add_test(all, parameters_may_be_left_out);
    tcase_add_test(all, same_thread_means_the_callers);
    tcase_add_test(all, a_database_that_another_keeps_is_busy);
    tcase_add_test(all, locations_have_a_kind);
    tcase_add_test(all, programs_that_start_at_once_migrate_once);
    return all;
}

int main(void)
{
    if (!pg_world_start(false))
        return 1;
    Suite *suite = suite_create("db_engines");
    suite_add_tcase(suite, make_case("sqlite", setup_sqlite));
    suite_add_tcase(suite, make_case("postgresql", setup_postgres));
    int status = tally_check_main(suite, NULL);
    return pg_world_stop() ? status : 1;
}
