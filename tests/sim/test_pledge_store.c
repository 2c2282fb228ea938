/* One suite over the stores of the pledge: memory (the simulator's), SQLite and PostgreSQL (the daemons'). */
#include <string.h>

#include "host/pledge/sql_store.h"
#include "host/service/outbox.h"
#include "tests/sim/umbral_world.h"
#include "tests/support/check_main.h"
#include "tests/support/pg_world.h"

enum engine { MEMORY, SQLITE, POSTGRESQL, ENGINES };

typedef void checks(const struct pledge_store *store);

struct run {
    const struct pledge_sql *sql;
    const struct pledge_party *party;
    checks *run;
    enum tally_error result;
};

static enum tally_error op(struct tally_tx *tx, void *arg)
{
    struct run *run = arg;
    struct pledge_sql_store store;
    pledge_sql_store_init(&store, run->sql, run->party, tx);
    run->run(&store.store);
    return run->result;
}

/* The party whose database it is: messages are signed by it. */
static struct double_crypto crypto;
static struct tally_manual_clock now;
static struct pledge_party party;

static void set_up_party(void)
{
    double_init(&crypto, PLEDGE_FINANCING, "financing");
    tally_manual_clock_init(&now, 1000);
    party = (struct pledge_party){.role = PLEDGE_FINANCING, .crypto = &crypto.crypto, .clock = &now.clock};
    memcpy(party.key, crypto.key, PLEDGE_KEY);
}

static struct memstore memory;
static struct pledge_sql *sql;
static struct tally_db *db;

static void open_engine(enum engine engine)
{
    char location[PG_LOCATION_MAX] = "sqlite::memory:";
    set_up_party();
    memstore_init(&memory, PLEDGE_FINANCING);
    if (engine == MEMORY)
        return;
    ck_assert_int_eq(pledge_sql_new(PLEDGE_FINANCING, &sql), TALLY_OK);
    if (engine == POSTGRESQL)
        ck_assert(pg_world_fresh(location));
    struct tally_db_schema schemas[] = {pledge_sql_schema(sql), TALLY_OUTBOX_SCHEMA, {0}};
    struct tally_db_options options = {
        .location = location, .schemas = schemas, .same_thread = engine == SQLITE};
    ck_assert_int_eq(tally_db_open(&options, &db), TALLY_OK);
}

static void close_engine(void)
{
    memstore_free(&memory);
    tally_db_close(db);
    pledge_sql_free(sql);
    db = NULL;
    sql = NULL;
}

/* Runs checks in one transaction, which is then kept or undone. */
static void within(checks *run, bool keep)
{
    struct run r = {.sql = sql, .party = &party, .run = run, .result = keep ? TALLY_OK : TALLY_E_DENIED};
    if (db != NULL) {
        ck_assert_int_eq(tally_db_write(db, op, &r), r.result);
        return;
    }
    memstore_begin(&memory, -1);
    run(&memory.store);
    if (keep)
        memstore_commit(&memory);
    else
        memstore_rollback(&memory);
}

static struct pledge_r_redemption redemption(const char *order, int64_t line, int64_t due)
{
    struct pledge_r_redemption row;
    memset(&row, 0, sizeof row);
    PLEDGE_SET(row.order, order);
    row.line = line;
    row.due = due;
    row.amount = PLEDGE_MONEY_MAX;
    PLEDGE_SET(row.project, "F1");
    PLEDGE_SET(row.prepay_name, "Müller & Söhne 有限公司 ' \" \\");
    return row;
}

static void nothing_there(const struct pledge_store *store)
{
    struct pledge_r_redemption row = redemption("O1", 1, 5), before = row;
    ck_assert_int_eq(pledge_get(store, &pledge_t_redemption, &row), TALLY_E_NOT_FOUND);
    ck_assert_mem_eq(&row, &before, sizeof row);
    ck_assert_int_eq(pledge_update(store, &pledge_t_redemption, &row), TALLY_E_NOT_FOUND);
}

static void fill(const struct pledge_store *store)
{
    for (int64_t line = 1; line <= 3; line++) {
        struct pledge_r_redemption row = redemption("O1", line, line == 2 ? PLEDGE_NEVER : 100 - line);
        ck_assert_int_eq(pledge_insert(store, &pledge_t_redemption, &row), TALLY_OK);
        ck_assert_int_eq(pledge_insert(store, &pledge_t_redemption, &row), TALLY_E_EXISTS);
    }
    struct pledge_r_redemption other = redemption("O2", 1, 7);
    ck_assert_int_eq(pledge_insert(store, &pledge_t_redemption, &other), TALLY_OK);
    struct pledge_r_application application = {
        .project = "F1", .reference = "r", .seller_key = {2, 0, 255, 0, 7}};
    ck_assert_int_eq(pledge_insert(store, &pledge_t_application, &application), TALLY_OK);
}

static void read_back(const struct pledge_store *store)
{
    struct pledge_r_redemption want = redemption("O1", 3, 97), row;
    memset(&row, 0, sizeof row);
    PLEDGE_SET(row.order, "O1");
    row.line = 3;
    ck_assert_int_eq(pledge_get(store, &pledge_t_redemption, &row), TALLY_OK);
    ck_assert(pledge_fields_equal(pledge_t_redemption.fields, &row, &want));
    struct pledge_r_application application = {.reference = "r", .seller_key = {2, 0, 255, 0, 7}};
    ck_assert_int_eq(pledge_get(store, &pledge_t_application, &application), TALLY_OK);
    ck_assert_str_eq(application.project, "F1");
    application.seller_key[1] = 1;
    ck_assert_int_eq(pledge_get(store, &pledge_t_application, &application), TALLY_E_NOT_FOUND);
}

static void lists(const struct pledge_store *store)
{
    struct pledge_r_redemption like = redemption("O1", 0, 0), rows[4];
    size_t n, all = 0;
    ck_assert_int_eq(store->list(store->ctx, &pledge_t_redemption, 1, &like, NULL, rows, 4, &n), TALLY_OK);
    ck_assert_uint_eq(n, 3);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(rows[i].line, (int64_t)i + 1);
    ck_assert_int_eq(store->list(store->ctx, &pledge_t_redemption, 1, &like, &rows[0], rows, 1, &n),
                     TALLY_OK);
    ck_assert_uint_eq(n, 1);
    ck_assert_int_eq(rows[0].line, 2);
    n = 1;
    for (struct pledge_r_redemption *after = NULL; n > 0; all += n, after = &rows[0])
        ck_assert_int_eq(store->list(store->ctx, &pledge_t_redemption, 0, &like, after, rows, 1, &n),
                         TALLY_OK);
    ck_assert_uint_eq(all, 4);
}

static void dues(const struct pledge_store *store)
{
    struct pledge_r_redemption rows[4];
    size_t n;
    ck_assert_int_eq(store->due(store->ctx, &pledge_t_redemption, 6, rows, 4, &n), TALLY_OK);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(store->due(store->ctx, &pledge_t_redemption, 7, rows, 4, &n), TALLY_OK);
    ck_assert_uint_eq(n, 1);
    ck_assert_str_eq(rows[0].order, "O2");
    ck_assert_int_eq(store->due(store->ctx, &pledge_t_redemption, 1000, rows, 4, &n), TALLY_OK);
    ck_assert_uint_eq(n, 3); /* what is never due is not there */
    ck_assert_int_eq(store->due(store->ctx, &pledge_t_redemption, 1000, rows, 2, &n), TALLY_OK);
    ck_assert_uint_eq(n, 2);
}

static void change(const struct pledge_store *store)
{
    struct pledge_r_redemption row = redemption("O1", 3, 1);
    row.state = 2;
    ck_assert_int_eq(pledge_update(store, &pledge_t_redemption, &row), TALLY_OK);
}

static void send_one(const struct pledge_store *store)
{
    struct pledge_message m;
    memset(&m, 0, sizeof m);
    m.kind = PLEDGE_K_PAY_VOID;
    PLEDGE_SET(m.id, "id-1");
    PLEDGE_SET(m.from, "financing");
    PLEDGE_SET(m.to, "bank");
    PLEDGE_SET(m.body.redemption.redemption, "R1");
    ck_assert_int_eq(pledge_send(store, &m), TALLY_OK);
    ck_assert_int_eq(pledge_send(store, &m), TALLY_E_EXISTS);
}

START_TEST(a_store_keeps_what_it_is_given)
{
    open_engine((enum engine)_i);
    within(nothing_there, true);
    within(fill, true);
    within(read_back, true);
    within(lists, true);
    within(dues, true);
    close_engine();
}
END_TEST

START_TEST(what_is_undone_was_not)
{
    open_engine((enum engine)_i);
    within(fill, false);
    within(nothing_there, true);
    within(fill, true);
    within(change, false);
    within(read_back, true);
    within(send_one, false); /* messages, too */
    within(send_one, true);
    close_engine();
}
END_TEST

/* The same state machines, with the daemons' cryptography. */
START_TEST(schedules_with_real_re_encryption)
{
    struct sim_result r, all = {.findings = 0};
    for (uint64_t seed = 1; seed <= 4; seed++) {
        sim_run_umbral(seed, &r);
        ck_assert_str_eq(r.first, "");
        all.lines_delivered += r.lines_delivered;
        all.forged += r.forged;
    }
    ck_assert_uint_gt(all.lines_delivered, 0);
    ck_assert_uint_gt(all.forged, 0);
}
END_TEST

int main(void)
{
    if (!pg_world_start(false))
        return 1;
    Suite *s = suite_create("pledge_store");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, a_store_keeps_what_it_is_given, 0, ENGINES);
    tcase_add_loop_test(c, what_is_undone_was_not, 0, ENGINES);
    tcase_add_test(c, schedules_with_real_re_encryption);
    suite_add_tcase(s, c);
    int status = tally_check_main(s, (Suite *)NULL);
    return pg_world_stop() ? status : 1;
}
