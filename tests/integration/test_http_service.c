/* A whole daemon in a process of its own: signed changes, idempotency, restart, signals, start rules. */
#include "host/base/random.h"
#include "host/service/http_client.h"
#include "host/service/keyfile.h"
#include "host/service/service.h"
#include "tests/support/check_main.h"

#include <fcntl.h>
#include <openssl/ec.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A small wing: named sums. */
static const struct tally_db_migration sums_migrations[] = {
    {1, "CREATE TABLE sums (name TEXT PRIMARY KEY, total INTEGER NOT NULL CHECK (total >= 0)) STRICT"},
    {0, NULL},
};
static const struct tally_db_schema sums_schemas[] = {{"sums", sums_migrations}, {NULL, NULL}};

struct addition {
    char name[32];
    int64_t amount;
};

static enum tally_error prepare_add(struct tally_call *call, void *state)
{
    struct addition *addition = state;
    struct tally_json in;
    tally_json_begin(&in, call->body);
    tally_json_string_copy(&in, "name", 1, addition->name, sizeof addition->name);
    addition->amount = tally_json_int(&in, "amount", -1000000, 1000000);
    return tally_call_end_json(call, &in);
}

static enum tally_error apply_add(struct tally_call *call, void *state, struct tally_tx *tx)
{
    const struct addition *addition = state;
    struct tally_stmt *stmt =
        tally_db_prepare(tx, "INSERT INTO sums (name, total) VALUES (?1, ?2) "
                             "ON CONFLICT (name) DO UPDATE SET total = total + ?2 RETURNING total");
    tally_bind_text(stmt, 1, addition->name);
    tally_bind_int(stmt, 2, addition->amount);
    enum tally_error e = tally_first(stmt);
    if (e != TALLY_OK)
        return e;
    return tally_call_answer(call, 200, json_pack("{s:I}", "total", (json_int_t)tally_column_int(stmt, 0)));
}

struct query {
    const char *name;
    int64_t total;
};

static enum tally_error select_total(struct tally_tx *tx, void *arg)
{
    struct query *query = arg;
    struct tally_stmt *stmt = tally_db_prepare(tx, "SELECT total FROM sums WHERE name = ?1");
    tally_bind_text(stmt, 1, query->name);
    enum tally_error e = tally_first(stmt);
    query->total = e == TALLY_OK ? tally_column_int(stmt, 0) : 0;
    return e;
}

static enum tally_error read_total(struct tally_call *call)
{
    struct query query = {.name = tally_http_param(call->request, "name")};
    enum tally_error e = tally_db_read(call->db, select_total, &query);
    if (e != TALLY_OK)
        return e;
    return tally_call_answer(call, 200, json_pack("{s:I}", "total", (json_int_t)query.total));
}

static const struct tally_endpoint sums_endpoints[] = {
    {.method = "POST",
     .path = "/v1/sums",
     .roles = {"kiosk"},
     .state_size = sizeof(struct addition),
     .prepare = prepare_add,
     .apply = apply_add},
    {.method = "GET", .path = "/v1/sums/{name}", .roles = {"*"}, .read = read_total},
    {.method = NULL},
};

static const struct tally_service_spec sums_spec = {
    .name = "sumd", .summary = "adds numbers", .schemas = sums_schemas, .endpoints = sums_endpoints};

static char folder[64], database[128], port_file[128], keys_file[128], base_url[64];
static EVP_PKEY *kiosk_key;
static struct tally_signer signer;
static struct tally_http_client *client;
static pid_t daemon_pid;

/* Starts the daemon with these options more and waits until it serves. */
static void start_daemon(void)
{
    char line[16] = "";
    unlink(port_file);
    daemon_pid = fork();
    ck_assert_int_ge(daemon_pid, 0);
    if (daemon_pid == 0) {
        char *argv[] = {"tally-sumd",     "--database", database,      "--port-file", port_file,
                        "--trusted-keys", keys_file,    "--log-level", "error",       NULL};
        _exit(tally_service_main(&sums_spec, 9, argv));
    }
    for (int i = 0; line[0] == '\0'; i++) {
        ck_assert_msg(i < 3000, "the daemon does not start");
        ck_assert_int_eq(waitpid(daemon_pid, NULL, WNOHANG), 0);
        int fd = open(port_file, O_RDONLY);
        if (fd >= 0) {
            ck_assert_int_gt(read(fd, line, sizeof line - 1), 0);
            close(fd);
        } else {
            usleep(10000);
        }
    }
    snprintf(base_url, sizeof base_url, "http://127.0.0.1:%d", atoi(line));
    struct tally_http_client_options options = {.base_url = base_url, .signer = &signer};
    ck_assert_int_eq(tally_http_client_new(&options, &client), TALLY_OK);
}

static int stop_daemon(int number)
{
    int status;
    tally_http_client_free(client);
    client = NULL;
    kill(daemon_pid, number);
    ck_assert_int_eq(waitpid(daemon_pid, &status, 0), daemon_pid);
    daemon_pid = 0;
    return status;
}

static void setup(void)
{
    char pem[TALLY_PUBLIC_PEM_MAX];
    strcpy(folder, "/tmp/tally-service-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(database, sizeof database, "%s/sums.db", folder);
    snprintf(port_file, sizeof port_file, "%s/port", folder);
    snprintf(keys_file, sizeof keys_file, "%s/keys.json", folder);
    kiosk_key = EVP_EC_gen("P-256");
    ck_assert_int_eq(tally_public_key_write(kiosk_key, pem), TALLY_OK);
    ck_assert_int_eq(tally_keydir_file_add(keys_file, "kiosk-1", "station-east", "kiosk", pem), TALLY_OK);
    signer =
        (struct tally_signer){kiosk_key, "kiosk-1", "tally-sumd", &tally_system_clock, &tally_system_random};
    start_daemon();
}

static void teardown(void)
{
    char command[128];
    if (daemon_pid > 0)
        (void)stop_daemon(SIGKILL);
    EVP_PKEY_free(kiosk_key);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static enum tally_error add(const char *key, const char *name, int64_t amount, int64_t *total, int *problem)
{
    json_t *result, *body = json_pack("{s:s, s:I}", "name", name, "amount", (json_int_t)amount);
    enum tally_error e = tally_http_client_json(client, "POST", "/v1/sums", key, body, &result, problem);
    *total = json_integer_value(json_object_get(result, "total"));
    json_decref(body);
    json_decref(result);
    return e;
}

START_TEST(a_change_counts_once)
{
    int64_t total;
    int problem;
    ck_assert_int_eq(add("k1", "a", 5, &total, &problem), TALLY_OK);
    ck_assert_int_eq(total, 5);
    ck_assert_int_eq(add("k1", "a", 5, &total, &problem), TALLY_OK);
    ck_assert_int_eq(total, 5);
    ck_assert_int_eq(add("k1", "a", 6, &total, &problem), TALLY_E_FORMAT);
    ck_assert_int_eq(problem, 301);
    ck_assert_int_eq(add("k2", "a", 6, &total, &problem), TALLY_OK);
    ck_assert_int_eq(total, 11);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_service");
    TCase *daemon = tcase_create("daemon");
    tcase_set_timeout(daemon, 60);
    tcase_add_checked_fixture(daemon, setup, teardown);
    tcase_add_test(daemon, a_change_counts_once);
    suite_add_tcase(suite, daemon);
    return tally_check_main(suite, NULL);
}
