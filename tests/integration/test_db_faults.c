/* What goes wrong around a PostgreSQL: lost connections, lost answers, a killed server, deadlocks, processes
 * that compete, stop or die. Whatever was confirmed is there, once; whatever was refused is not. */
#include "host/base/log.h"
#include "host/service/db.h"
#include "tests/support/check_main.h"
#include "tests/support/pg_proxy.h"
#include "tests/support/pg_world.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct tally_db_migration notes_v1[] = {
    {1, "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;"
        "CREATE TABLE counter (id INTEGER PRIMARY KEY, n INTEGER NOT NULL) STRICT;"
        "INSERT INTO counter (id, n) VALUES (1, 0)"},
    {0, NULL},
};
static const struct tally_db_schema schemas[] = {{"notes", notes_v1}, {NULL, NULL}};

static char location[PG_LOCATION_MAX];
static struct tally_db *db;

static struct tally_db *open_at(const char *at, unsigned busy_ms, unsigned patience_ms)
{
    struct tally_db *opened;
    struct tally_db_options options = {
        .location = at, .schemas = schemas, .busy_ms = busy_ms, .patience_ms = patience_ms};
    ck_assert_int_eq(tally_db_open(&options, &opened), TALLY_OK);
    return opened;
}

static void setup(void)
{
    tally_log_setup(STDERR_FILENO, TALLY_LOG_OFF, &tally_system_clock);
    ck_assert(pg_world_wait());
    ck_assert(pg_world_fresh(location));
    db = open_at(location, 0, 0);
}

static void teardown(void)
{
    tally_db_close(db);
}

static long long number(const char *sql)
{
    long long value;
    ck_assert(pg_world_number(location, sql, &value));
    return value;
}

/* A note, with something to happen after it is inserted. */
struct note {
    const char *text;
    void (*then)(struct tally_tx *tx, int run);
    int runs;
    struct tally_db_job job;
    sem_t *done;
};

static enum tally_error insert_note(struct tally_tx *tx, void *arg)
{
    struct note *note = arg;
    struct tally_stmt *s = tally_db_prepare(tx, "INSERT INTO notes (text) VALUES (?)");
    tally_bind_text(s, 1, note->text);
    enum tally_error e = tally_run(s);
    note->runs++;
    if (e == TALLY_OK && note->then != NULL) {
        note->then(tx, note->runs);
        bool row;
        e = tally_step(tally_db_prepare(tx, "SELECT n FROM counter"), &row);
    }
    return e;
}

static enum tally_error add(struct tally_db *to, const char *text)
{
    struct note note = {.text = text};
    return tally_db_write(to, insert_note, &note);
}

static void lose_connection(struct tally_tx *tx, int run)
{
    (void)tx;
    if (run == 1)
        ck_assert(pg_world_exec(location,
                                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state ="
                                " 'idle in transaction'"));
}

START_TEST(a_connection_lost_within_an_operation_runs_it_again)
{
    struct note note = {.text = "once", .then = lose_connection};
    ck_assert_int_eq(tally_db_write(db, insert_note, &note), TALLY_OK);
    ck_assert_int_eq(note.runs, 2);
    ck_assert_int_eq(number("SELECT count(*) FROM notes"), 1);
}
END_TEST

static enum tally_error read_after_loss(struct tally_tx *tx, void *arg)
{
    int *runs = arg;
    ++*runs;
    enum tally_error e = tally_first(tally_db_prepare(tx, "SELECT n FROM counter"));
    if (e == TALLY_OK) {
        lose_connection(tx, *runs);
        e = tally_first(tally_db_prepare(tx, "SELECT count(*) FROM notes"));
    }
    return e;
}

START_TEST(a_connection_lost_within_a_read_runs_it_again)
{
    int runs = 0;
    ck_assert_int_eq(tally_db_read(db, read_after_loss, &runs), TALLY_OK);
    ck_assert_int_eq(runs, 2);
    ck_assert_int_eq(tally_db_check(db), TALLY_OK);
}
END_TEST

static void be_refused_once(struct tally_tx *tx, int run)
{
    (void)run;
    (void)tally_first(tally_db_prepare(tx, "SELECT refuse_once()"));
}

static sem_t submitted;

/* Keeps the group open until all that belongs to it waits. */
static void wait_for_others(struct tally_tx *tx, int run)
{
    (void)tx;
    while (run == 1 && sem_wait(&submitted) != 0)
        continue;
}

static void post(struct tally_db_job *job, void *arg)
{
    (void)job;
    sem_post(((struct note *)arg)->done);
}

START_TEST(what_the_server_undid_runs_again_with_its_group)
{
    struct note notes[] = {
        {.text = "a", .then = wait_for_others}, {.text = "b", .then = be_refused_once}, {.text = "c"}};
    sem_t done;
    sem_init(&done, 0, 0);
    ck_assert(pg_world_exec(location,
                            "CREATE SEQUENCE refusals; CREATE FUNCTION refuse_once() RETURNS bigint AS"
                            " $$ BEGIN IF nextval('refusals') = 1 THEN RAISE EXCEPTION 'not now' USING"
                            " ERRCODE = '40001'; END IF; RETURN 1; END $$ LANGUAGE plpgsql"));
    for (size_t i = 0; i < 3; i++) {
        notes[i].done = &done;
        notes[i].job = (struct tally_db_job){.op = insert_note, .arg = &notes[i], .done = post};
        ck_assert_int_eq(tally_db_submit(db, &notes[i].job), TALLY_OK);
    }
    sem_post(&submitted);
    for (size_t i = 0; i < 3; i++)
        while (sem_wait(&done) != 0)
            continue;
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(notes[i].job.result, TALLY_OK);
    ck_assert_int_eq(notes[1].runs, 2);
    ck_assert_int_eq(number("SELECT count(*) FROM notes"), 3);
    ck_assert_int_eq(number("SELECT count(DISTINCT text) FROM notes"), 3);
}
END_TEST

START_TEST(what_the_server_always_undoes_is_busy)
{
    struct note note = {.text = "a", .then = be_refused_once};
    ck_assert(pg_world_exec(location,
                            "CREATE FUNCTION refuse_once() RETURNS bigint AS $$ BEGIN RAISE EXCEPTION"
                            " 'never' USING ERRCODE = '40P01'; END $$ LANGUAGE plpgsql"));
    ck_assert_int_eq(tally_db_write(db, insert_note, &note), TALLY_E_BUSY);
    ck_assert_int_eq(note.runs, 5);
    ck_assert_int_eq(number("SELECT count(*) FROM notes"), 0);
    ck_assert_int_eq(add(db, "b"), TALLY_OK);
}
END_TEST

START_TEST(a_commit_whose_answer_is_lost_is_looked_up)
{
    char through[PG_LOCATION_MAX];
    struct pg_proxy *proxy = pg_proxy_start(location, through);
    ck_assert_ptr_nonnull(proxy);
    struct tally_db *near = open_at(through, 0, 0);
    ck_assert_int_eq(add(near, "before"), TALLY_OK);
    for (int i = 0; i < 3; i++) {
        struct note done = {.text = "done"}, undone = {.text = "undone"}, answered = {.text = "answered"};
        pg_proxy_set(proxy, PG_PROXY_CUT_AFTER);
        ck_assert_int_eq(tally_db_write(near, insert_note, &done), TALLY_OK);
        ck_assert_int_eq(done.runs, 1);
        pg_proxy_set(proxy, PG_PROXY_CUT_BEFORE);
        ck_assert_int_eq(tally_db_write(near, insert_note, &undone), TALLY_OK);
        ck_assert_int_eq(undone.runs, 2);
        pg_proxy_set(proxy, PG_PROXY_CUT_ANSWERED);
        ck_assert_int_eq(tally_db_write(near, insert_note, &answered), TALLY_OK);
        ck_assert_int_eq(answered.runs, 1);
    }
    ck_assert_int_eq(pg_proxy_cuts(proxy), 9);
    ck_assert_int_eq(number("SELECT count(*) FROM notes WHERE text = 'answered'"), 3);
    ck_assert_int_eq(number("SELECT count(*) FROM notes WHERE text = 'done'"), 3);
    ck_assert_int_eq(number("SELECT count(*) FROM notes WHERE text = 'undone'"), 3);
    tally_db_close(near);
    pg_proxy_stop(proxy);
}
END_TEST

START_TEST(what_nobody_can_know_is_told_so)
{
    char through[PG_LOCATION_MAX];
    struct pg_proxy *proxy = pg_proxy_start(location, through);
    ck_assert_ptr_nonnull(proxy);
    struct tally_db *near = open_at(through, 0, 100);
    pg_proxy_set(proxy, PG_PROXY_CUT_AFTER_AND_REFUSE);
    ck_assert_int_eq(add(near, "unknown"), TALLY_E_SERVER);
    ck_assert_int_eq(number("SELECT count(*) FROM notes"), 1);
    ck_assert_int_eq(add(near, "refused"), TALLY_E_SERVER);
    ck_assert_int_eq(tally_db_check(near), TALLY_E_SERVER);
    pg_proxy_set(proxy, PG_PROXY_PASS);
    ck_assert_int_eq(add(near, "again"), TALLY_OK);
    ck_assert_int_eq(tally_db_check(near), TALLY_OK);
    ck_assert_int_eq(number("SELECT count(*) FROM notes WHERE text = 'refused'"), 0);
    tally_db_close(near);
    pg_proxy_stop(proxy);
}
END_TEST

START_TEST(a_server_that_is_not_there_is_told)
{
    struct tally_db *none;
    struct tally_db_options options = {.location = "postgresql:///postgres?host=/nonexistent&user=tally",
                                       .schemas = schemas,
                                       .patience_ms = 1};
    ck_assert_int_eq(tally_db_open(&options, &none), TALLY_E_SERVER);
    ck_assert_ptr_null(none);
}
END_TEST

/* Shared by the processes of a test. */
struct shared {
    atomic_int confirmed, stop, unknown;
};

static struct shared *share(void)
{
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
    return shared;
}

/* Writes notes until told to stop; each under a text of its own, so that what became of it can be asked. */
static void *write_notes(void *arg)
{
    struct shared *shared = arg;
    static atomic_int next;
    char text[32];
    while (atomic_load(&shared->stop) == 0) {
        snprintf(text, sizeof text, "%d", atomic_fetch_add(&next, 1));
        enum tally_error e = add(db, text);
        if (e != TALLY_OK && e != TALLY_E_SERVER)
            return arg;
        atomic_fetch_add(e == TALLY_OK ? &shared->confirmed : &shared->unknown, 1);
    }
    return NULL;
}

static void wait_for(const atomic_int *counter, int value)
{
    while (atomic_load(counter) < value)
        sched_yield();
}

START_TEST(a_killed_server_loses_nothing_that_was_confirmed)
{
    struct shared *shared = share();
    pthread_t threads[4];
    void *failed;
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_notes, shared), 0);
    for (int kills = 0; kills < 3; kills++) {
        wait_for(&shared->confirmed, atomic_load(&shared->confirmed) + 50);
        ck_assert(pg_world_kill_server());
        ck_assert(pg_world_wait());
    }
    wait_for(&shared->confirmed, atomic_load(&shared->confirmed) + 50);
    atomic_store(&shared->stop, 1);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &failed);
        ck_assert_ptr_null(failed);
    }
    long long notes = number("SELECT count(*) FROM notes");
    ck_assert_int_eq(notes, number("SELECT count(DISTINCT text) FROM notes"));
    ck_assert_int_ge(notes, atomic_load(&shared->confirmed));
    ck_assert_int_le(notes, atomic_load(&shared->confirmed) + atomic_load(&shared->unknown));
}
END_TEST

START_TEST(a_killed_backend_loses_nothing_that_was_confirmed)
{
    struct shared *shared = share();
    pthread_t threads[4];
    void *failed;
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_notes, shared), 0);
    for (int kills = 0; kills < 10; kills++) {
        wait_for(&shared->confirmed, atomic_load(&shared->confirmed) + 20);
        ck_assert(pg_world_exec(location, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
                                          " application_name = 'tally' AND pid <> pg_backend_pid()"));
    }
    wait_for(&shared->confirmed, atomic_load(&shared->confirmed) + 20);
    atomic_store(&shared->stop, 1);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &failed);
        ck_assert_ptr_null(failed);
    }
    /* The server was there all the time: every outcome is known. */
    ck_assert_int_eq(atomic_load(&shared->unknown), 0);
    ck_assert_int_eq(number("SELECT count(*) FROM notes"), atomic_load(&shared->confirmed));
    ck_assert_int_eq(number("SELECT count(DISTINCT text) FROM notes"), atomic_load(&shared->confirmed));
}
END_TEST

/* Reads and then writes what it read plus one: wrong as soon as two do it at once. */
static enum tally_error count_up(struct tally_tx *tx, void *arg)
{
    (void)arg;
    struct tally_stmt *s = tally_db_prepare(tx, "SELECT n FROM counter WHERE id = 1");
    enum tally_error e = tally_first(s);
    if (e != TALLY_OK)
        return e;
    int64_t n = tally_column_int(s, 0);
    s = tally_db_prepare(tx, "UPDATE counter SET n = ? WHERE id = 1");
    tally_bind_int(s, 1, n + 1);
    return tally_run(s);
}

static void *count_up_often(void *arg)
{
    for (int i = 0; i < 50; i++)
        if (tally_db_write(db, count_up, NULL) != TALLY_OK)
            return arg;
    return NULL;
}

/* A process with a database of its own and four threads. */
static pid_t start_counting(void)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    pthread_t threads[4];
    void *failed = NULL, *one;
    db = open_at(location, 60000, 0);
    for (int i = 0; i < 4; i++)
        if (pthread_create(&threads[i], NULL, count_up_often, location) != 0)
            _exit(2);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &one);
        failed = one != NULL ? one : failed;
    }
    _exit(failed == NULL ? 0 : 1);
}

START_TEST(processes_that_share_a_database_take_turns)
{
    pid_t pids[3];
    int status;
    /* A fork beside a writer's thread could copy a lock that is held, the allocator's for one. */
    tally_db_close(db);
    for (int i = 0; i < 3; i++)
        pids[i] = start_counting();
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert_int_eq(status, 0);
    }
    db = open_at(location, 0, 0);
    ck_assert_int_eq(number("SELECT n FROM counter"), 3 * 4 * 50);
}
END_TEST

static sem_t held, others_done;

static void stall(struct tally_tx *tx, int run)
{
    (void)tx;
    if (run > 1)
        return;
    sem_post(&held);
    while (sem_wait(&others_done) != 0)
        continue;
}

static void *stalled_writer(void *arg)
{
    struct note *note = arg;
    note->job.result = tally_db_write(db, insert_note, note);
    return NULL;
}

/* The first keeps the turn and does nothing: the second finds the database busy until the server cuts the
 * first off; the first then runs again. */
START_TEST(who_stalls_in_its_turn_loses_it)
{
    struct note stalling = {.text = "stalled", .then = stall};
    pthread_t thread;
    int busy = 0;
    enum tally_error e;
    tally_db_close(db);
    db = open_at(location, 100, 0);
    struct tally_db *second = open_at(location, 100, 0);
    sem_init(&held, 0, 0);
    sem_init(&others_done, 0, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, stalled_writer, &stalling), 0);
    while (sem_wait(&held) != 0)
        continue;
    while ((e = add(second, "second")) == TALLY_E_BUSY)
        busy++;
    ck_assert_int_eq(e, TALLY_OK);
    ck_assert_int_ge(busy, 1);
    sem_post(&others_done);
    pthread_join(thread, NULL);
    ck_assert_int_eq(stalling.job.result, TALLY_OK);
    ck_assert_int_eq(stalling.runs, 2);
    ck_assert_int_eq(number("SELECT count(*) FROM notes"), 2);
    tally_db_close(second);
}
END_TEST

START_TEST(a_database_that_cannot_be_copied_from_here_says_so)
{
    ck_assert_int_eq(tally_db_backup(db, "/tmp/never-made"), TALLY_E_USAGE);
    ck_assert_int_ne(access("/tmp/never-made", F_OK), 0);
}
END_TEST

int main(void)
{
    if (!pg_world_start(false))
        return 1;
    Suite *suite = suite_create("db_faults");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 100);
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, a_connection_lost_within_an_operation_runs_it_again);
    tcase_add_test(all, a_connection_lost_within_a_read_runs_it_again);
    tcase_add_test(all, what_the_server_undid_runs_again_with_its_group);
    tcase_add_test(all, what_the_server_always_undoes_is_busy);
    tcase_add_test(all, a_commit_whose_answer_is_lost_is_looked_up);
    tcase_add_test(all, what_nobody_can_know_is_told_so);
    tcase_add_test(all, a_server_that_is_not_there_is_told);
    tcase_add_test(all, a_killed_server_loses_nothing_that_was_confirmed);
    tcase_add_test(all, a_killed_backend_loses_nothing_that_was_confirmed);
    tcase_add_test(all, processes_that_share_a_database_take_turns);
    tcase_add_test(all, who_stalls_in_its_turn_loses_it);
    tcase_add_test(all, a_database_that_cannot_be_copied_from_here_says_so);
    suite_add_tcase(suite, all);
    int status = tally_check_main(suite, NULL);
    return pg_world_stop() ? status : 1;
}
