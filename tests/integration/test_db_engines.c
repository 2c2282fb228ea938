/* What every engine behind db.h must do, over SQLite files and over a real PostgreSQL: groups, threads,
 * processes. */
#include "tests/support/check_main.h"
#include "tests/support/notes_db.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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
        if (open_with(notes_schemas) != TALLY_OK)
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
    struct tally_db_options options = {.location = location, .schemas = notes_schemas, .same_thread = true};
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
    struct tally_db_options options = {.location = location, .schemas = notes_schemas, .busy_ms = 50};
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
            tally_db_open(&(struct tally_db_options){.location = bad[i], .schemas = notes_schemas}, &db),
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
        tally_db_open(&(struct tally_db_options){.location = location, .schemas = notes_schemas}, &other);
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
    ck_assert_int_eq(open_with(notes_schemas), TALLY_OK);
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
    tcase_add_test(all, a_posted_statement_fails_its_operation_alone);
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
