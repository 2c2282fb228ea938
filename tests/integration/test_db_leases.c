/* Processes that share one outbox in PostgreSQL: they compete for messages, one is killed while it sends, one
 * comes back too late. Every message has its effect once. */
#include "host/base/log.h"
#include "host/service/outbox_pump.h"
#include "tests/support/check_main.h"
#include "tests/support/pg_world.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MESSAGES = 60, BATCH = 8, LEASE_MS = 60000 };

static const struct tally_db_migration effects[] = {
    {1, "CREATE TABLE effects (id INTEGER PRIMARY KEY, name TEXT NOT NULL, worker TEXT NOT NULL) STRICT"},
    {0, NULL}};
static const struct tally_db_schema schemas[] = {TALLY_OUTBOX_SCHEMA, {"effects", effects}, {NULL, NULL}};

static char location[PG_LOCATION_MAX];
static struct tally_db *db;
static struct tally_manual_clock *clock_; /* shared by all processes */
static int reached[2], released[2];       /* pipes: a worker tells that it sends; it is told to go on */

static void setup(void)
{
    tally_log_setup(STDERR_FILENO, TALLY_LOG_OFF, &tally_system_clock);
    clock_ = mmap(NULL, sizeof *clock_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(clock_, MAP_FAILED);
    tally_manual_clock_init(clock_, 1000000);
    ck_assert(pg_world_fresh(location));
    ck_assert_int_eq(pipe(reached), 0);
    ck_assert_int_eq(pipe(released), 0);
    struct tally_db_options options = {.location = location, .schemas = schemas};
    ck_assert_int_eq(tally_db_open(&options, &db), TALLY_OK);
}

static void teardown(void)
{
    tally_db_close(db);
}

/* ctx says how a worker sends: "quick", or "held": it waits to be told at its first message. */
static enum tally_error send_it(void *ctx, const struct tally_outbox_item *item,
                                struct tally_outbox_answer *answer)
{
    static int sent;
    char byte = 0;
    (void)item, (void)answer;
    if (strcmp(ctx, "held") == 0 && sent++ == 0)
        return write(reached[1], "x", 1) == 1 && read(released[0], &byte, 1) == 1 ? TALLY_OK : TALLY_E_IO;
    return TALLY_OK;
}

static enum tally_error settle_it(void *ctx, struct tally_tx *tx, const struct tally_outbox_item *item,
                                  const struct tally_outbox_answer *answer)
{
    (void)answer;
    struct tally_stmt *s = tally_db_prepare(tx, "INSERT INTO effects (name, worker) VALUES (?, ?)");
    tally_bind_text(s, 1, item->id);
    tally_bind_text(s, 2, ctx);
    return tally_run(s);
}

static struct tally_outbox_pump *start_pump(const char *how)
{
    struct tally_outbox_pump *pump = NULL;
    struct tally_outbox_pump_options options = {.db = db,
                                                .clock = &clock_->clock,
                                                .random = &tally_system_random,
                                                .owner = how,
                                                .lease_ms = LEASE_MS,
                                                .batch = BATCH,
                                                .send = send_it,
                                                .settle = settle_it,
                                                .ctx = (void *)(uintptr_t)how};
    if (tally_retry_parse("0,5s", 0, &options.retry) == TALLY_OK)
        (void)tally_outbox_pump_start(&options, &pump);
    return pump;
}

/* Delivers until nothing is due. */
static bool work_off(const char *how)
{
    struct tally_outbox_pump *pump = start_pump(how);
    size_t taken = 1;
    enum tally_error e = TALLY_OK;
    while (pump != NULL && taken > 0 && (e == TALLY_OK || e == TALLY_E_BUSY))
        e = tally_outbox_pump_round(pump, &taken);
    tally_outbox_pump_stop(pump);
    return pump != NULL && e == TALLY_OK;
}

static pid_t start_worker(const char *how)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    struct tally_db_options options = {.location = location, .schemas = schemas, .busy_ms = 60000};
    _exit(tally_db_open(&options, &db) == TALLY_OK && work_off(how) ? 0 : 1);
}

static enum tally_error put_all(struct tally_tx *tx, void *arg)
{
    char id[32];
    enum tally_error e = TALLY_OK;
    for (int i = 0; e == TALLY_OK && i < MESSAGES; i++) {
        snprintf(id, sizeof id, "m%d", i);
        e = tally_outbox_put(tx, id, "bank", "hold", "", 0, tally_clock_wall_ms(&clock_->clock));
    }
    (void)arg;
    return e;
}

/* And closes the database: a fork beside its writer's thread could copy a lock that is held. */
static void fill(void)
{
    ck_assert_int_eq(tally_db_write(db, put_all, NULL), TALLY_OK);
    tally_db_close(db);
    db = NULL;
}

static long long number(const char *sql)
{
    long long value;
    ck_assert(pg_world_number(location, sql, &value));
    return value;
}

static void join(pid_t pid)
{
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

static void wait_until_held(void)
{
    char byte;
    ck_assert_int_eq(read(reached[0], &byte, 1), 1);
}

static void check_once(void)
{
    ck_assert_int_eq(number("SELECT count(*) FROM effects"), MESSAGES);
    ck_assert_int_eq(number("SELECT count(DISTINCT name) FROM effects"), MESSAGES);
    ck_assert_int_eq(number("SELECT count(*) FROM outbox WHERE delivered IS NULL"), 0);
}

START_TEST(competing_processes_deliver_each_message_once)
{
    pid_t pids[3];
    fill();
    for (int i = 0; i < 3; i++)
        pids[i] = start_worker("quick");
    for (int i = 0; i < 3; i++)
        join(pids[i]);
    check_once();
    ck_assert_int_eq(number("SELECT max(attempts) FROM outbox"), 1);
}
END_TEST

START_TEST(a_dead_process_has_its_messages_taken_over)
{
    fill();
    pid_t victim = start_worker("held");
    wait_until_held();
    join(start_worker("quick"));
    ck_assert_int_eq(number("SELECT count(*) FROM effects"), MESSAGES - BATCH);
    kill(victim, SIGKILL);
    ck_assert_int_eq(waitpid(victim, NULL, 0), victim);
    /* Not before its leases have run out. */
    tally_manual_clock_advance_ms(clock_, LEASE_MS - 1);
    join(start_worker("quick"));
    ck_assert_int_eq(number("SELECT count(*) FROM effects"), MESSAGES - BATCH);
    tally_manual_clock_advance_ms(clock_, 1);
    join(start_worker("quick"));
    check_once();
    ck_assert_int_eq(number("SELECT count(*) FROM outbox WHERE attempts = 2"), BATCH);
}
END_TEST

START_TEST(a_late_process_changes_nothing)
{
    fill();
    pid_t late = start_worker("held");
    wait_until_held();
    tally_manual_clock_advance_ms(clock_, LEASE_MS);
    join(start_worker("quick"));
    check_once();
    ck_assert_int_eq(write(released[1], "x", 1), 1);
    join(late);
    check_once();
    ck_assert_int_eq(number("SELECT count(*) FROM effects WHERE worker = 'held'"), 0);
}
END_TEST

START_TEST(threads_deliver_what_is_put_while_they_run)
{
    struct tally_outbox_pump *pump;
    struct tally_outbox_pump_options options = {.db = db,
                                                .clock = &clock_->clock,
                                                .random = &tally_system_random,
                                                .owner = "threads",
                                                .lease_ms = LEASE_MS,
                                                .threads = 3,
                                                .send = send_it,
                                                .settle = settle_it,
                                                .ctx = (void *)(uintptr_t) "quick"};
    ck_assert_int_eq(tally_retry_parse("0", 0, &options.retry), TALLY_OK);
    ck_assert_int_eq(tally_outbox_pump_start(&options, &pump), TALLY_OK);
    ck_assert_int_eq(tally_db_write(db, put_all, NULL), TALLY_OK);
    tally_outbox_pump_wake(pump);
    while (number("SELECT count(*) FROM outbox WHERE due IS NOT NULL") > 0)
        tally_outbox_pump_wake(pump);
    tally_outbox_pump_stop(pump);
    check_once();
}
END_TEST

int main(void)
{
    if (!pg_world_start(false))
        return 1;
    Suite *suite = suite_create("db_leases");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 100);
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, competing_processes_deliver_each_message_once);
    tcase_add_test(all, a_dead_process_has_its_messages_taken_over);
    tcase_add_test(all, a_late_process_changes_nothing);
    tcase_add_test(all, threads_deliver_what_is_put_while_they_run);
    suite_add_tcase(suite, all);
    int status = tally_check_main(suite, NULL);
    return pg_world_stop() ? status : 1;
}
