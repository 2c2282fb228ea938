/* Retries, outbox and inbox over both engines: leases that run out, fences, dead letters, the effect of an
 * answer once. */
#include "host/base/log.h"
#include "host/service/inbox.h"
#include "host/service/outbox_pump.h"
#include "tests/support/check_main.h"
#include "tests/support/pg_world.h"

#include <stdlib.h>
#include <string.h>

START_TEST(waits_are_read_and_lengthened_by_chance)
{
    static const char *const bad[] = {"",       "x",
                                      "5",      "5x",
                                      ",",      "5s,",
                                      "5s,,5s", "-1s",
                                      "5 s",    "1d",
                                      "721h",   "99999999999s",
                                      "5ss",    "0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0"};
    struct tally_retry retry;
    struct tally_seeded_random random;
    int64_t due;
    bool longer = false;
    tally_seeded_random_init(&random, 1);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_int_eq(tally_retry_parse(bad[i], 20, &retry), TALLY_E_FORMAT);
        ck_assert_uint_eq(retry.count, 0);
    }
    ck_assert_int_eq(tally_retry_parse(TALLY_RETRY_DEFAULT, 20, &retry), TALLY_OK);
    ck_assert_uint_eq(retry.count, 8);
    ck_assert(tally_retry_next(&retry, 0, &random.random, 1000, &due));
    ck_assert_int_eq(due, 1000);
    for (int i = 0; i < 100; i++) {
        ck_assert(tally_retry_next(&retry, 7, &random.random, 0, &due));
        ck_assert_int_ge(due, 36000000);
        ck_assert_int_le(due, 36000000 * 12 / 10);
        longer = longer || due > 36000000 * 11 / 10;
    }
    ck_assert(longer);
    ck_assert(!tally_retry_next(&retry, 8, &random.random, 5, &due));
    ck_assert_int_eq(tally_retry_parse("7ms", 0, &retry), TALLY_OK);
    ck_assert(tally_retry_next(&retry, 0, &random.random, 5, &due));
    ck_assert_int_eq(due, 12);
}
END_TEST

static const struct tally_db_migration effects[] = {
    {1, "CREATE TABLE effects (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT"}, {0, NULL}};
static const struct tally_db_schema schemas[] = {
    TALLY_OUTBOX_SCHEMA, TALLY_INBOX_SCHEMA, {"effects", effects}, {NULL, NULL}};

static struct tally_db *db;
static struct tally_manual_clock clock_;
static struct tally_seeded_random random_;
static struct tally_outbox_pump *pumps[2];
static int sends;
static enum tally_error send_result, settle_result;
static void (*during_send)(void);

static enum tally_error send_it(void *ctx, const struct tally_outbox_item *item,
                                struct tally_outbox_answer *answer)
{
    (void)ctx;
    ck_assert_str_eq(item->destination, "bank");
    ck_assert_str_eq((const char *)item->body, "hello");
    sends++;
    if (during_send != NULL)
        during_send();
    strcpy(answer->reason, "no \xc3\xa9 answer");
    answer->body = strdup("answer");
    return send_result;
}

static enum tally_error settle_it(void *ctx, struct tally_tx *tx, const struct tally_outbox_item *item,
                                  const struct tally_outbox_answer *answer)
{
    (void)ctx;
    ck_assert_str_eq(answer->body, "answer");
    struct tally_stmt *s = tally_db_prepare(tx, "INSERT INTO effects (name) VALUES (?)");
    tally_bind_text(s, 1, item->id);
    enum tally_error e = tally_run(s);
    return e == TALLY_OK ? settle_result : e;
}

static void setup(const char *location)
{
    tally_log_setup(2, TALLY_LOG_OFF, &tally_system_clock);
    tally_manual_clock_init(&clock_, 1000000);
    tally_seeded_random_init(&random_, 7);
    struct tally_db_options options = {
        .location = location, .schemas = schemas, .same_thread = true};
    ck_assert_int_eq(tally_db_open(&options, &db), TALLY_OK);
    struct tally_outbox_pump_options pumping = {.db = db,
                                                .clock = &clock_.clock,
                                                .random = &random_.random,
                                                .owner = "one",
                                                .lease_ms = 60000,
                                                .send = send_it,
                                                .settle = settle_it};
    ck_assert_int_eq(tally_retry_parse("0,5s,5m", 0, &pumping.retry), TALLY_OK);
    ck_assert_int_eq(tally_outbox_pump_start(&pumping, &pumps[0]), TALLY_OK);
    pumping.owner = "two";
    ck_assert_int_eq(tally_outbox_pump_start(&pumping, &pumps[1]), TALLY_OK);
    sends = 0;
    send_result = settle_result = TALLY_OK;
    during_send = NULL;
}

static void setup_sqlite(void)
{
    setup("sqlite::memory:");
}

static void setup_postgres(void)
{
    char location[PG_LOCATION_MAX];
    ck_assert(pg_world_fresh(location));
    setup(location);
}

static void teardown(void)
{
    tally_outbox_pump_stop(pumps[0]);
    tally_outbox_pump_stop(pumps[1]);
    tally_db_close(db);
}

static enum tally_error put_op(struct tally_tx *tx, void *arg)
{
    return tally_outbox_put(tx, arg, "bank", "hold", "hello", 5, tally_clock_wall_ms(&clock_.clock));
}

static enum tally_error put(const char *id)
{
    return tally_db_write(db, put_op, (void *)(uintptr_t)id);
}

static size_t round_of(int pump)
{
    size_t taken;
    ck_assert_int_eq(tally_outbox_pump_round(pumps[pump], &taken), TALLY_OK);
    return taken;
}

static enum tally_error count_op(struct tally_tx *tx, void *arg)
{
    struct tally_stmt *s = tally_db_prepare(tx, "SELECT count(*) FROM effects");
    enum tally_error e = tally_first(s);
    *(int64_t *)arg = tally_column_int(s, 0);
    return e;
}

static int64_t effect_count(void)
{
    int64_t n = -1;
    ck_assert_int_eq(tally_db_read(db, count_op, &n), TALLY_OK);
    return n;
}

static enum tally_error counts_op(struct tally_tx *tx, void *arg)
{
    return tally_outbox_count(tx, arg);
}

static struct tally_outbox_counts counts(void)
{
    struct tally_outbox_counts counts;
    ck_assert_int_eq(tally_db_read(db, counts_op, &counts), TALLY_OK);
    return counts;
}

START_TEST(a_message_is_delivered_once_with_its_effect)
{
    ck_assert_int_eq(put("m1"), TALLY_OK);
    ck_assert_int_eq(put("m1"), TALLY_E_EXISTS);
    ck_assert_int_eq(put(""), TALLY_E_FORMAT);
    ck_assert_uint_eq(round_of(0), 1);
    ck_assert_uint_eq(round_of(1), 0);
    ck_assert_int_eq(sends, 1);
    ck_assert_int_eq(effect_count(), 1);
    ck_assert_int_eq(counts().waiting, 0);
}
END_TEST

START_TEST(failures_wait_longer_and_end_as_a_dead_letter_that_is_resent)
{
    static const uint32_t waits[] = {0, 5000, 300000};
    send_result = TALLY_E_SERVER;
    ck_assert_int_eq(put("m1"), TALLY_OK);
    for (size_t i = 0; i < 3; i++) {
        if (waits[i] > 0) {
            tally_manual_clock_advance_ms(&clock_, waits[i] - 1);
            ck_assert_uint_eq(round_of(0), 0);
            tally_manual_clock_advance_ms(&clock_, 1);
        }
        ck_assert_uint_eq(round_of(0), 1);
    }
    ck_assert_int_eq(counts().dead, 1);
    tally_manual_clock_advance_ms(&clock_, 1000000000);
    ck_assert_uint_eq(round_of(0), 0);
    ck_assert_int_eq(effect_count(), 0);
}
END_TEST

static enum tally_error resend_op(struct tally_tx *tx, void *arg)
{
    return tally_outbox_resend(tx, arg, tally_clock_wall_ms(&clock_.clock));
}

static enum tally_error see_dead(void *ctx, const struct tally_outbox_item *item, int64_t died_ms,
                                 const char *reason)
{
    (void)died_ms;
    ck_assert_str_eq(item->id, "m1");
    ck_assert_str_eq(reason, "no ?? answer");
    ++*(int *)ctx;
    return TALLY_OK;
}

static enum tally_error dead_op(struct tally_tx *tx, void *arg)
{
    return tally_outbox_dead(tx, "", 10, see_dead, arg);
}

START_TEST(a_person_resends_what_can_never_be_delivered)
{
    int seen = 0;
    send_result = TALLY_E_DENIED;
    ck_assert_int_eq(put("m1"), TALLY_OK);
    ck_assert_int_eq(tally_db_write(db, resend_op, (void *)(uintptr_t) "m1"), TALLY_E_STATE);
    ck_assert_uint_eq(round_of(0), 1);
    ck_assert_int_eq(counts().dead, 1);
    ck_assert_int_eq(tally_db_read(db, dead_op, &seen), TALLY_OK);
    ck_assert_int_eq(seen, 1);
    ck_assert_int_eq(tally_db_write(db, resend_op, (void *)(uintptr_t) "m2"), TALLY_E_NOT_FOUND);
    ck_assert_int_eq(tally_db_write(db, resend_op, (void *)(uintptr_t) "m1"), TALLY_OK);
    send_result = TALLY_OK;
    ck_assert_uint_eq(round_of(0), 1);
    ck_assert_int_eq(counts().dead, 0);
    ck_assert_int_eq(effect_count(), 1);
}
END_TEST

/* While the first holder sends, its lease runs out and another delivers the message. */
static void be_overtaken(void)
{
    during_send = NULL;
    tally_manual_clock_advance_ms(&clock_, 59999);
    ck_assert_uint_eq(round_of(1), 0);
    tally_manual_clock_advance_ms(&clock_, 1);
    ck_assert_uint_eq(round_of(1), 1);
}

START_TEST(a_late_finisher_changes_nothing)
{
    during_send = be_overtaken;
    ck_assert_int_eq(put("m1"), TALLY_OK);
    ck_assert_uint_eq(round_of(0), 1);
    ck_assert_int_eq(sends, 2);
    ck_assert_int_eq(effect_count(), 1);
}
END_TEST

/* While the first holder sends, another takes the message over and fails: the message waits for its own
 * retry. */
static void be_overtaken_by_failure(void)
{
    during_send = NULL;
    tally_manual_clock_advance_ms(&clock_, 60000);
    send_result = TALLY_E_SERVER;
    ck_assert_uint_eq(round_of(1), 1);
    send_result = TALLY_OK;
}

START_TEST(a_late_finisher_changes_nothing_while_the_message_waits)
{
    during_send = be_overtaken_by_failure;
    ck_assert_int_eq(put("m1"), TALLY_OK);
    ck_assert_uint_eq(round_of(0), 1);
    ck_assert_int_eq(effect_count(), 0);
    ck_assert_int_eq(counts().waiting, 1);
    tally_manual_clock_advance_ms(&clock_, 300000);
    ck_assert_uint_eq(round_of(0), 1);
    ck_assert_int_eq(effect_count(), 1);
}
END_TEST

START_TEST(an_effect_that_fails_is_a_failed_attempt)
{
    settle_result = TALLY_E_STATE;
    ck_assert_int_eq(put("m1"), TALLY_OK);
    ck_assert_uint_eq(round_of(0), 1);
    ck_assert_int_eq(effect_count(), 0);
    ck_assert_int_eq(counts().waiting, 1);
    settle_result = TALLY_OK;
    tally_manual_clock_advance_ms(&clock_, 5000);
    ck_assert_uint_eq(round_of(0), 1);
    ck_assert_int_eq(effect_count(), 1);
}
END_TEST

struct arrival {
    const char *sender, *id;
    uint8_t digest[32];
    bool first;
};

static enum tally_error take_op(struct tally_tx *tx, void *arg)
{
    struct arrival *a = arg;
    return tally_inbox_take(tx, a->sender, a->id, a->digest, 5, &a->first);
}

START_TEST(an_inbox_takes_once_by_sender_and_id)
{
    struct arrival a = {.sender = "bank", .id = "m1"};
    ck_assert_int_eq(tally_db_write(db, take_op, &a), TALLY_OK);
    ck_assert(a.first);
    ck_assert_int_eq(tally_db_write(db, take_op, &a), TALLY_OK);
    ck_assert(!a.first);
    a.digest[31] = 1;
    ck_assert_int_eq(tally_db_write(db, take_op, &a), TALLY_E_DENIED);
    ck_assert(!a.first);
    a.sender = "provider";
    ck_assert_int_eq(tally_db_write(db, take_op, &a), TALLY_OK);
    ck_assert(a.first);
    a.id = "";
    ck_assert_int_eq(tally_db_write(db, take_op, &a), TALLY_E_FORMAT);
}
END_TEST

static TCase *make_case(const char *name, void (*set_up)(void))
{
    TCase *all = tcase_create(name);
    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, set_up, teardown);
    tcase_add_test(all, waits_are_read_and_lengthened_by_chance);
    tcase_add_test(all, a_message_is_delivered_once_with_its_effect);
    tcase_add_test(all, failures_wait_longer_and_end_as_a_dead_letter_that_is_resent);
    tcase_add_test(all, a_person_resends_what_can_never_be_delivered);
    tcase_add_test(all, a_late_finisher_changes_nothing);
    tcase_add_test(all, a_late_finisher_changes_nothing_while_the_message_waits);
    tcase_add_test(all, an_effect_that_fails_is_a_failed_attempt);
    tcase_add_test(all, an_inbox_takes_once_by_sender_and_id);
    return all;
}

int main(void)
{
    if (!pg_world_start(false))
        return 1;
    Suite *suite = suite_create("db_outbox");
    suite_add_tcase(suite, make_case("sqlite", setup_sqlite));
    suite_add_tcase(suite, make_case("postgresql", setup_postgres));
    int status = tally_check_main(suite, NULL);
    return pg_world_stop() ? status : 1;
}
