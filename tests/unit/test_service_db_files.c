/* What is SQLite's own: private files, backups, faults of the disk. */
#include "host/base/log.h"
#include "host/service/db.h"
#include "tests/support/check_main.h"
#include "tests/support/fault_vfs.h"
#include "tests/support/service_support.h"

#include <semaphore.h>
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

struct note {
    struct tally_db_job job;
    char text[64];
    sem_t *done;
};

static enum tally_error insert_job(struct tally_tx *tx, void *arg)
{
    return insert_note(tx, ((struct note *)arg)->text);
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

static void submit_note(struct note *note, const char *text, sem_t *done)
{
    snprintf(note->text, sizeof note->text, "%s", text);
    note->done = done;
    note->job = (struct tally_db_job){.op = insert_job, .arg = note, .done = post_done};
    ck_assert_int_eq(tally_db_submit(db, &note->job), TALLY_OK);
}

static enum tally_error open_on(const char *vfs)
{
    struct tally_db_schema with[] = {{"notes", notes_v1}, {NULL, NULL}};
    struct tally_db_options options = {.location = path, .schemas = with, .vfs = vfs};
    return tally_db_open(&options, &db);
}

/* Ten groups of three; afterwards the table holds exactly what was confirmed. */
static void write_under_fault(int victim)
{
    struct note notes[30] = {0};
    char text[32];
    sem_t done;
    sem_init(&done, 0, 0);
    fault_vfs_arm(victim);
    for (int group = 0; group < 10; group++) {
        struct gate gate;
        struct tally_db_job held;
        hold(&gate, &held);
        for (int i = 3 * group; i < 3 * group + 3; i++) {
            snprintf(text, sizeof text, "v%d n%d", victim, i);
            submit_note(&notes[i], text, &done);
        }
        sem_post(&gate.open);
        for (int i = 0; i < 3; i++)
            while (sem_wait(&done) != 0)
                continue;
    }
    fault_vfs_arm(0);
    for (int i = 0; i < 30; i++) {
        ck_assert(notes[i].job.result == TALLY_OK || notes[i].job.result == TALLY_E_IO);
        ck_assert_int_eq(has(notes[i].text), notes[i].job.result == TALLY_OK);
    }
    /* One fault costs one group at most. */
    int lost = 0;
    for (int i = 0; i < 30; i++)
        lost += notes[i].job.result != TALLY_OK;
    ck_assert_int_le(lost, 3);
}

START_TEST(a_failing_disk_fails_its_group_and_no_other)
{
    fault_vfs_register();
    tally_db_close(db);
    db = NULL;
    ck_assert_int_eq(open_on(FAULT_VFS), TALLY_OK);
    write_under_fault(0);
    int calls = fault_vfs_count();
    ck_assert_int_eq(calls, 0);
    for (int victim = 1; victim <= 24; victim++)
        write_under_fault(victim);
    ck_assert_int_eq(reopen_with(notes_v1), TALLY_OK);
    ck_assert_int_gt(count(), 24 * 27);
    ck_assert_int_lt(count(), 25 * 30);
}
END_TEST

START_TEST(a_full_disk_refuses_and_nothing_is_lost)
{
    fault_vfs_register();
    tally_db_close(db);
    db = NULL;
    ck_assert_int_eq(open_on(FAULT_VFS), TALLY_OK);
    ck_assert_int_eq(add("before"), TALLY_OK);
    fault_vfs_fill(true);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(add("meanwhile"), TALLY_E_IO);
    ck_assert(has("before"));
    ck_assert(!has("meanwhile"));
    fault_vfs_fill(false);
    ck_assert_int_eq(add("after"), TALLY_OK);
    ck_assert_int_eq(reopen_with(notes_v1), TALLY_OK);
    ck_assert_int_eq(count(), 2);
    ck_assert(has("after"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("service_db_files");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, files_are_private_and_backups_consistent);
    tcase_add_test(all, what_is_no_database_is_refused);
    tcase_add_test(all, a_failing_disk_fails_its_group_and_no_other);
    tcase_add_test(all, a_full_disk_refuses_and_nothing_is_lost);
    suite_add_tcase(suite, all);
    return tally_check_main(suite, NULL);
}
