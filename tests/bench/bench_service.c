/* Changes a second through db.h, and the same statements by the bare engines in the same run.
 *
 * A change is what a signed write does: look its idempotency key up, move money between two accounts of
 * 1,000, write a message to the outbox, store the answer. All commits are on disk (synchronous=FULL; fsync
 * and synchronous_commit on).
 *
 *   service.ENGINE_ops_per_s_N  by N clients, each with one change under way
 *   service.ENGINE_ratio_1      one client, divided by the bare engine with one change a transaction
 *   service.ENGINE_ratio_64     64 clients, divided by the bare engine with 64 changes a transaction, one
 * connection, no savepoints: the most that grouping can give service.pg_vs_clients_64    64 clients, divided
 * by 64 bare connections with one change a transaction each
 *
 * Measured in turn, three times; figures are medians.
 */
#include <endian.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/service/idempotency.h"
#include "host/service/outbox.h"
#include "tests/support/pg_world.h"

enum { ROUNDS = 3, CLIENTS = 64, ACCOUNTS = 1000, ROUND_MS = 700, STATEMENTS = 5, BODY = 200 };

static const struct tally_db_migration money[] = {
    {1, "CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL) STRICT"}, {0, NULL}};
static const struct tally_db_schema schemas[] = {
    TALLY_IDEMPOTENCY_SCHEMA, TALLY_OUTBOX_SCHEMA, {"money", money}, {NULL, NULL}};

static atomic_int serial, done, stop;
static char folder[64] = "/tmp/tally-bench-XXXXXX", sqlite_path[96], pg_location[PG_LOCATION_MAX];

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench_service: %s\n", what);
    (void)pg_world_stop();
    exit(8);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* One change and its parameters. */
struct change {
    char key[32];
    int64_t from, to;
    char body[BODY + 1];
    struct tally_db *db;
};

static void next_change(struct change *c)
{
    int n = atomic_fetch_add(&serial, 1);
    snprintf(c->key, sizeof c->key, "%012x-0123456789ab", (unsigned)n);
    c->from = (int64_t)n * 7919 % ACCOUNTS + 1;
    c->to = c->from % ACCOUNTS + 1;
    memset(c->body, 'b', BODY);
}

/* Ours. */

static enum tally_error move(struct tally_tx *tx, int64_t account, int64_t amount)
{
    struct tally_stmt *s = tally_db_prepare(tx, "UPDATE accounts SET balance = balance + ?1 WHERE id = ?2");
    tally_bind_int(s, 1, amount);
    tally_bind_int(s, 2, account);
    return amount < 0 ? tally_run(s) : tally_post(s);
}

static enum tally_error apply(struct tally_tx *tx, void *arg)
{
    struct change *c = arg;
    struct tally_idempotency id = {.party = "bench", .key = c->key};
    struct tally_idempotency_known known;
    struct tally_http_response response = {
        .status = 201, .content_type = "application/json", .body = c->body, .body_size = BODY};
    enum tally_error e = tally_idempotency_look(tx, &id, &known);
    if (e == TALLY_OK)
        e = move(tx, c->from, -1);
    if (e == TALLY_OK)
        e = move(tx, c->to, 1);
    if (e == TALLY_OK)
        e = tally_outbox_put(tx, c->key, "bank", "hold", c->body, BODY, 1);
    return e == TALLY_OK ? tally_idempotency_store(tx, &id, &response, 1) : e;
}

static void *client_of_ours(void *arg)
{
    struct change c = {.db = arg};
    while (atomic_load(&stop) == 0) {
        next_change(&c);
        if (tally_db_write(c.db, apply, &c) != TALLY_OK)
            die("a change failed");
        atomic_fetch_add(&done, 1);
    }
    return NULL;
}

/* Bare: the same statements, in order. ?N is $N there. */
static const char *const statements[STATEMENTS] = {
    "SELECT fingerprint, nonce, status, content_type, body FROM idempotency WHERE party = 'bench' AND key = "
    "$1",
    "UPDATE accounts SET balance = balance - 1 WHERE id = $2",
    "UPDATE accounts SET balance = balance + 1 WHERE id = $3",
    "INSERT INTO outbox (id, destination, kind, body, created, due, attempts, fence, owner, reason)"
    " VALUES ($1, 'bank', 'hold', $4, 1, 1, 0, 0, '', '')",
    "INSERT INTO idempotency (party, key, fingerprint, nonce, status, content_type, body, created)"
    " VALUES ('bench', $1, $5, $5, 201, 'application/json', $4, 1)"};

struct bare {
    sqlite3 *sqlite;
    sqlite3_stmt *stmts[STATEMENTS];
    PGconn *pg;
    int group; /* changes a transaction */
};

static void sqlite_text(const char *sql, char out[512])
{
    size_t n = 0;
    for (; *sql != '\0'; sql++)
        out[n++] = *sql == '$' ? '?' : *sql;
    out[n] = '\0';
}

static void open_sqlite(struct bare *bare)
{
    char sql[512];
    if (sqlite3_open(sqlite_path, &bare->sqlite) != SQLITE_OK ||
        sqlite3_exec(bare->sqlite, "PRAGMA synchronous = FULL; PRAGMA cache_size = -16384", NULL, NULL,
                     NULL) != 0)
        die("sqlite");
    for (int i = 0; i < STATEMENTS; i++) {
        sqlite_text(statements[i], sql);
        if (sqlite3_prepare_v2(bare->sqlite, sql, -1, &bare->stmts[i], NULL) != SQLITE_OK)
            die(sqlite3_errmsg(bare->sqlite));
    }
}

static void close_sqlite(struct bare *bare)
{
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(bare->stmts[i]);
    sqlite3_close(bare->sqlite);
}

static void sqlite_change(struct bare *bare, const struct change *c)
{
    static const char zeros[32];
    for (int i = 0; i < STATEMENTS; i++) {
        sqlite3_stmt *s = bare->stmts[i];
        sqlite3_bind_text(s, 1, c->key, -1, SQLITE_STATIC);
        sqlite3_bind_int64(s, 2, c->from);
        sqlite3_bind_int64(s, 3, c->to);
        sqlite3_bind_blob(s, 4, c->body, BODY, SQLITE_STATIC);
        sqlite3_bind_blob(s, 5, zeros, sizeof zeros, SQLITE_STATIC);
        if (sqlite3_step(s) != SQLITE_DONE)
            die(sqlite3_errmsg(bare->sqlite));
        sqlite3_reset(s);
    }
}

static void open_pg(struct bare *bare)
{
    static const char *const prepare = "PREPARE s%d (text, int8, int8, bytea, bytea) AS %s";
    char sql[600];
    bare->pg = PQconnectdb(pg_location);
    for (int i = 0; i < STATEMENTS; i++) {
        snprintf(sql, sizeof sql, prepare, i, statements[i]);
        PGresult *result = PQexec(bare->pg, sql);
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            die(PQerrorMessage(bare->pg));
        PQclear(result);
    }
}

static void pg_exec(struct bare *bare, const char *sql)
{
    PGresult *result = PQexec(bare->pg, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        die(PQerrorMessage(bare->pg));
    PQclear(result);
}

static void pg_change(struct bare *bare, const struct change *c)
{
    static const char zeros[32];
    static const int formats[] = {1, 1, 1, 1, 1};
    uint64_t from = htobe64((uint64_t)c->from), to = htobe64((uint64_t)c->to);
    const char *const values[] = {c->key, (const char *)&from, (const char *)&to, c->body, zeros};
    const int lengths[] = {(int)strlen(c->key), 8, 8, BODY, sizeof zeros};
    char name[8];
    for (int i = 0; i < STATEMENTS; i++) {
        snprintf(name, sizeof name, "s%d", i);
        PGresult *result = PQexecPrepared(bare->pg, name, 5, values, lengths, formats, 1);
        ExecStatusType status = PQresultStatus(result);
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
            die(PQerrorMessage(bare->pg));
        PQclear(result);
    }
}

static void *bare_client(void *arg)
{
    struct bare *bare = arg;
    struct change c = {0};
    while (atomic_load(&stop) == 0) {
        bare->pg != NULL ? pg_exec(bare, "BEGIN")
                         : (void)sqlite3_exec(bare->sqlite, "BEGIN", NULL, NULL, NULL);
        for (int i = 0; i < bare->group; i++) {
            next_change(&c);
            bare->pg != NULL ? pg_change(bare, &c) : sqlite_change(bare, &c);
        }
        if (bare->pg != NULL)
            pg_exec(bare, "COMMIT");
        else if (sqlite3_exec(bare->sqlite, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
            die("commit");
        atomic_fetch_add(&done, bare->group);
    }
    return NULL;
}

/* Changes a second of n threads that run for a round. */
static double measure(void *(*client)(void *), void *const *args, int n)
{
    pthread_t threads[CLIENTS];
    atomic_store(&done, 0);
    atomic_store(&stop, 0);
    double start = now_s();
    for (int i = 0; i < n; i++)
        if (pthread_create(&threads[i], NULL, client, args[i]) != 0)
            die("thread");
    (void)usleep(ROUND_MS * 1000);
    atomic_store(&stop, 1);
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    return atomic_load(&done) / (now_s() - start);
}

static double measure_ours(const char *location, int n)
{
    void *args[CLIENTS];
    struct tally_db *db;
    struct tally_db_options options = {.location = location, .schemas = schemas};
    if (tally_db_open(&options, &db) != TALLY_OK)
        die("open");
    for (int i = 0; i < n; i++)
        args[i] = db;
    double rate = measure(client_of_ours, args, n);
    tally_db_close(db);
    return rate;
}

static double measure_bare(bool pg, int n, int group)
{
    static struct bare bare[CLIENTS];
    void *args[CLIENTS];
    memset(bare, 0, sizeof bare);
    for (int i = 0; i < n; i++) {
        pg ? open_pg(&bare[i]) : open_sqlite(&bare[i]);
        bare[i].group = group;
        args[i] = &bare[i];
    }
    double rate = measure(bare_client, args, n);
    for (int i = 0; i < n; i++)
        pg ? PQfinish(bare[i].pg) : close_sqlite(&bare[i]);
    return rate;
}

static enum tally_error fill(struct tally_tx *tx, void *arg)
{
    enum tally_error e = TALLY_OK;
    (void)arg;
    for (int i = 1; e == TALLY_OK && i <= ACCOUNTS; i++) {
        struct tally_stmt *s = tally_db_prepare(tx, "INSERT INTO accounts (id, balance) VALUES (?, 0)");
        tally_bind_int(s, 1, i);
        e = tally_run(s);
    }
    return e;
}

static void make(const char *location)
{
    struct tally_db *db;
    struct tally_db_options options = {.location = location, .schemas = schemas};
    if (tally_db_open(&options, &db) != TALLY_OK || tally_db_write(db, fill, NULL) != TALLY_OK)
        die("filling");
    tally_db_close(db);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double values[ROUNDS])
{
    qsort(values, ROUNDS, sizeof *values, compare);
    return values[ROUNDS / 2];
}

static void bench(const char *engine, const char *location, bool pg)
{
    double one[ROUNDS], many[ROUNDS], ratio_one[ROUNDS], ratio_many[ROUNDS], clients[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        one[i] = measure_ours(location, 1);
        ratio_one[i] = one[i] / measure_bare(pg, 1, 1);
        many[i] = measure_ours(location, CLIENTS);
        ratio_many[i] = many[i] / measure_bare(pg, 1, CLIENTS);
        clients[i] = pg ? many[i] / measure_bare(pg, CLIENTS, 1) : 0;
    }
    printf("service.%s_ops_per_s_1 %.0f\n", engine, median(one));
    printf("service.%s_ops_per_s_64 %.0f\n", engine, median(many));
    printf("service.%s_ratio_1 %.2f\n", engine, median(ratio_one));
    printf("service.%s_ratio_64 %.2f\n", engine, median(ratio_many));
    if (pg)
        printf("service.pg_vs_clients_64 %.2f\n", median(clients));
    fflush(stdout);
}

int main(void)
{
    char command[96];
    tally_log_setup(2, TALLY_LOG_ERROR, &tally_system_clock);
    if (mkdtemp(folder) == NULL || !pg_world_start(true) || !pg_world_fresh(pg_location))
        die("no database");
    snprintf(sqlite_path, sizeof sqlite_path, "%s/bench.db", folder);
    make(sqlite_path);
    make(pg_location);
    bench("sqlite", sqlite_path, false);
    bench("pg", pg_location, true);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) == 0 && pg_world_stop() ? 0 : 8;
}
