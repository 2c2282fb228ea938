/* The database: grouped commits that are durable, failures that stay alone, faults of the disk, migrations,
 * backups. */
#include "host/base/log.h"
#include "host/service/db.h"
#include "tests/support/check_main.h"
#include "tests/support/fault_vfs.h"
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

static char folder[64], path[160];
static struct tally_metrics *metrics;
static struct tally_db *db;

/* Opens with fresh metrics. */
static enum tally_error open_with(const struct tally_db_schema *with, const char *vfs)
{
    tally_metrics_free(metrics);
    metrics = tally_metrics_new();
    struct tally_db_options options = {.location = path, .schemas = with, .metrics = metrics, .vfs = vfs};
    return tally_db_open(&options, &db);
}

static void reopen(void)
{
    tally_db_close(db);
    ck_assert_int_eq(open_with(schemas, NULL), TALLY_OK);
}

static void setup(void)
{
    tally_log_setup(STDERR_FILENO, TALLY_LOG_OFF, &tally_system_clock);
    folder_make(folder);
    folder_path(folder, "notes.db", path);
    metrics = NULL;
    ck_assert_int_eq(open_with(schemas, NULL), TALLY_OK);
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
        if (open_with(schemas, NULL) != TALLY_OK)
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
            submit_note(&notes[i], text, false, &done);
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
    ck_assert_int_eq(open_with(schemas, FAULT_VFS), TALLY_OK);
    write_under_fault(0);
    int calls = fault_vfs_count();
    ck_assert_int_eq(calls, 0);
    for (int victim = 1; victim <= 24; victim++)
        write_under_fault(victim);
    reopen();
    ck_assert_int_gt(count(), 24 * 27);
    ck_assert_int_lt(count(), 25 * 30);
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

int main(void)
{
    Suite *suite = suite_create("service_db");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 100);
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, one_group_one_commit_and_failures_stay_alone);
    tcase_add_test(all, concurrent_writers_are_all_durable);
    tcase_add_test(all, a_result_is_told_after_the_commit);
    tcase_add_test(all, what_was_confirmed_survives_kill);
    tcase_add_test(all, a_failing_disk_fails_its_group_and_no_other);
    tcase_add_test(all, constraints_have_their_errors);
    tcase_add_test(all, readers_read_one_snapshot_and_never_write);
    tcase_add_test(all, the_queue_has_a_limit_and_stopping_runs_it_out);
    suite_add_tcase(suite, all);
    return tally_check_main(suite, NULL);
}
