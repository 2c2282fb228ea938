/* The audit chain over both engines: whatever is changed in it is found. */
#include "host/base/log.h"
#include "host/service/audit.h"
#include "tests/support/check_main.h"
#include "tests/support/pg_world.h"

#include <openssl/ec.h>
#include <string.h>

enum { ENTRIES = 20, PAGES = 700 /* entries of more than one page */ };

static const struct tally_db_schema schemas[] = {TALLY_AUDIT_SCHEMA, {NULL, NULL}};

static struct tally_db *db;
static EVP_PKEY *key, *other;
static const char *known = "key-1";

static void setup(const char *location)
{
    tally_log_setup(2, TALLY_LOG_OFF, &tally_system_clock);
    struct tally_db_options options = {.location = location, .schemas = schemas, .same_thread = true};
    ck_assert_int_eq(tally_db_open(&options, &db), TALLY_OK);
    key = EVP_EC_gen("P-256");
    other = EVP_EC_gen("P-256");
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
    tally_db_close(db);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

static EVP_PKEY *find_key(void *ctx, const char *keyid)
{
    (void)ctx;
    return strcmp(keyid, known) == 0 ? key : NULL;
}

static enum tally_error append_many(struct tally_tx *tx, void *arg)
{
    int64_t number;
    enum tally_error e = TALLY_OK;
    for (int i = 0; e == TALLY_OK && i < *(int *)arg; i++) {
        struct tally_audit_entry entry = {.actor = "bank",
                                          .action = "loan-approved",
                                          .subject = "project-7",
                                          .detail = i % 2 == 0 ? "amount 5" : NULL,
                                          .detail_size = i % 2 == 0 ? 8 : 0,
                                          .at_ms = 1000 + i};
        e = tally_audit_append(tx, &entry, &number);
    }
    return e;
}

static void append(int n)
{
    ck_assert_int_eq(tally_db_write(db, append_many, &n), TALLY_OK);
}

static struct tally_audit_head sign(EVP_PKEY *with, const char *keyid)
{
    struct tally_audit_head head;
    ck_assert_int_eq(tally_audit_sign(db, with, keyid, 5, &head), TALLY_OK);
    return head;
}

static enum tally_error run_sql(struct tally_tx *tx, void *arg)
{
    return tally_run(tally_db_prepare(tx, arg));
}

static void tamper(const char *sql)
{
    ck_assert_int_eq(tally_db_write(db, run_sql, (void *)(uintptr_t)sql), TALLY_OK);
}

static struct tally_audit_verdict verdict(void)
{
    struct tally_audit_verdict v;
    ck_assert_int_eq(tally_audit_verify(db, find_key, NULL, &v), TALLY_OK);
    return v;
}

START_TEST(a_chain_that_nobody_touched_is_good)
{
    ck_assert_int_eq(verdict().bad, 0);
    ck_assert_int_eq(sign(key, "key-1").number, 0);
    append(PAGES);
    struct tally_audit_head head = sign(key, "key-1");
    ck_assert_int_eq(head.number, PAGES);
    (void)sign(key, "key-1");
    append(3);
    (void)sign(key, "key-1");
    struct tally_audit_verdict v = verdict();
    ck_assert_int_eq(v.bad, 0);
    ck_assert_str_eq(v.reason, "");
    ck_assert_int_eq(v.entries, PAGES + 3);
    ck_assert_int_eq(v.heads, 2);
    ck_assert_int_eq(v.end.number, PAGES + 3);
    tamper("UPDATE audit SET actor = 'thief' WHERE number = 600");
    ck_assert_int_eq(verdict().bad, 600);
}
END_TEST

static const struct {
    const char *sql;
    int64_t bad;
    const char *reason;
} crimes[] = {
    {"UPDATE audit SET actor = 'thief' WHERE number = 16", 16, "the entry is not what was written"},
    {"UPDATE audit SET at = at + 1 WHERE number = 2", 2, "the entry is not what was written"},
    {"UPDATE audit SET action = '' WHERE number = 3", 3, "the entry is not what was written"},
    {"UPDATE audit SET detail = hash WHERE number = 4", 4, "the entry is not what was written"},
    {"UPDATE audit SET actor = 'bankl', action = 'oan-approved' WHERE number = 5", 5,
     "the entry is not what was written"},
    {"DELETE FROM audit WHERE number = 6", 6, "the entry is missing"},
    {"DELETE FROM audit WHERE number = 20", 20, "a signed entry is missing"},
    {"UPDATE audit_heads SET at = at + 1", 20, "the head's signature is wrong"},
    {"UPDATE audit_heads SET keyid = 'key-2'", 20, "the head's key is not known"},
    {"UPDATE audit_heads SET number = 19", 19, "the head's signature is wrong"},
};

START_TEST(whatever_is_changed_is_found)
{
    append(ENTRIES);
    (void)sign(key, "key-1");
    tamper(crimes[_i].sql);
    struct tally_audit_verdict v = verdict();
    ck_assert_int_eq(v.bad, crimes[_i].bad);
    ck_assert_str_eq(v.reason, crimes[_i].reason);
}
END_TEST

/* Who writes the whole chain anew cannot sign it. */
START_TEST(a_rewritten_chain_contradicts_its_head)
{
    append(5);
    (void)sign(key, "key-1");
    tamper("DELETE FROM audit WHERE number > 3");
    append(4);
    struct tally_audit_verdict v = verdict();
    ck_assert_int_eq(v.entries, 7);
    ck_assert_int_eq(v.bad, 5);
    ck_assert_str_eq(v.reason, "the entry is not the one that was signed");
    tamper("DELETE FROM audit_heads");
    (void)sign(other, "key-1");
    ck_assert_str_eq(verdict().reason, "the head's signature is wrong");
}
END_TEST

START_TEST(entries_have_limits)
{
    static const char much[TALLY_AUDIT_DETAIL_MAX + 1];
    char name[TALLY_AUDIT_NAME_MAX + 2];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    const struct tally_audit_entry bad[] = {
        {.actor = "", .action = "a", .subject = "s"},
        {.actor = "a", .action = name, .subject = "s"},
        {.actor = "a", .action = "a", .subject = ""},
        {.actor = "a", .action = "a", .subject = "s", .detail = much, .detail_size = sizeof much}};
    struct tally_audit_head head;
    int64_t number;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_int_eq(tally_audit_append(NULL, &bad[i], &number), TALLY_E_FORMAT);
    append(1);
    ck_assert_int_eq(tally_audit_sign(db, key, "", 1, &head), TALLY_E_FORMAT);
}
END_TEST

static TCase *make_case(const char *name, void (*set_up)(void))
{
    TCase *all = tcase_create(name);
    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, set_up, teardown);
    tcase_add_test(all, a_chain_that_nobody_touched_is_good);
    tcase_add_loop_test(all, whatever_is_changed_is_found, 0, sizeof crimes / sizeof crimes[0]);
    tcase_add_test(all, a_rewritten_chain_contradicts_its_head);
    tcase_add_test(all, entries_have_limits);
    return all;
}

int main(void)
{
    if (!pg_world_start(false))
        return 1;
    Suite *suite = suite_create("db_audit");
    suite_add_tcase(suite, make_case("sqlite", setup_sqlite));
    suite_add_tcase(suite, make_case("postgresql", setup_postgres));
    int status = tally_check_main(suite, NULL);
    return pg_world_stop() ? status : 1;
}
