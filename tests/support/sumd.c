#include "tests/support/sumd.h"

#include <check.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/service/keyfile.h"
#include "host/service/outbox_admin.h"
#include "host/service/outbox_pump.h"
#include "tests/support/pg_world.h"
#include "tests/support/service_support.h"

static const struct tally_db_migration sums_migrations[] = {
    {1, "CREATE TABLE sums (name TEXT PRIMARY KEY, total INTEGER NOT NULL CHECK (total >= 0)) STRICT"},
    {0, NULL},
};
static const struct tally_db_schema sums_schemas[] = {
    {"sums", sums_migrations}, TALLY_OUTBOX_SCHEMA, {NULL, NULL}};

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
        tally_db_prepare(tx, "INSERT INTO sums (name, total) VALUES (?1, 0) ON CONFLICT DO NOTHING");
    tally_bind_text(stmt, 1, addition->name);
    enum tally_error e = tally_run(stmt);
    if (e != TALLY_OK)
        return e;
    stmt = tally_db_prepare(tx, "UPDATE sums SET total = total + ?2 WHERE name = ?1 RETURNING total");
    tally_bind_text(stmt, 1, addition->name);
    tally_bind_int(stmt, 2, addition->amount);
    e = tally_first(stmt);
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

/* Opens a sum that must not be there yet; sees to that before it comes to the writer. */
static enum tally_error prepare_open(struct tally_call *call, void *state)
{
    struct addition *addition = state;
    struct tally_json in;
    tally_json_begin(&in, call->body);
    tally_json_string_copy(&in, "name", 1, addition->name, sizeof addition->name);
    enum tally_error e = tally_call_end_json(call, &in);
    struct query query = {.name = addition->name};
    return e == TALLY_OK && tally_db_read(call->db, select_total, &query) == TALLY_OK ? TALLY_E_EXISTS : e;
}

/* A change that waits in the writer until somebody writes to the pipe named in the environment. */
static enum tally_error apply_wait(struct tally_call *call, void *state, struct tally_tx *tx)
{
    char byte;
    (void)state, (void)tx;
    int fd = open(sumd.pipe, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, &byte, 1) : -1;
    close(fd);
    return n == 1 ? tally_call_answer(call, 200, json_pack("{s:b}", "waited", 1)) : TALLY_E_IO;
}

/* Writes, answers, and then fails all the same. */
static enum tally_error apply_fail(struct tally_call *call, void *state, struct tally_tx *tx)
{
    enum tally_error e = apply_add(call, state, tx);
    return e == TALLY_OK ? TALLY_E_FULL : e;
}

static enum tally_error apply_letter(struct tally_call *call, void *state, struct tally_tx *tx)
{
    (void)state;
    const char *id = tally_http_param(call->request, "id");
    enum tally_error e =
        tally_outbox_put(tx, id, "nobody", "letter", "", 0, tally_clock_wall_ms(call->clock));
    return e == TALLY_OK ? tally_call_answer(call, 201, json_pack("{s:s}", "id", id)) : e;
}

/* Nothing that is sent can be delivered. */
static enum tally_error refuse_letter(void *ctx, const struct tally_outbox_item *item,
                                      struct tally_outbox_answer *answer)
{
    (void)ctx, (void)item;
    strcpy(answer->reason, "nobody lives there");
    return TALLY_E_DENIED;
}

static const struct tally_endpoint sums_endpoints[] = {
    TALLY_OUTBOX_ENDPOINTS,
    {.method = "PUT", .path = "/v1/letters/{id}", .roles = {"kiosk"}, .apply = apply_letter},
    {.method = "POST",
     .path = "/v1/sums",
     .roles = {"kiosk"},
     .state_size = sizeof(struct addition),
     .prepare = prepare_add,
     .apply = apply_add},
    {.method = "POST",
     .path = "/v1/failing",
     .roles = {"kiosk"},
     .state_size = sizeof(struct addition),
     .prepare = prepare_add,
     .apply = apply_fail},
    {.method = "POST",
     .path = "/v1/opened",
     .roles = {"kiosk"},
     .state_size = sizeof(struct addition),
     .prepare = prepare_open,
     .apply = apply_add},
    {.method = "POST", .path = "/v1/wait", .roles = {"kiosk"}, .apply = apply_wait},
    {.method = "DELETE", .path = "/v1/sums", .roles = {"admin"}, .apply = apply_wait},
    {.method = "GET", .path = "/v1/sums/{name}", .roles = {"*"}, .read = read_total},
    {.method = NULL},
};

static enum tally_error start_wing(const struct tally_service *service, void **wing)
{
    struct tally_outbox_pump *pump = NULL;
    struct tally_outbox_pump_options options = {
        .db = service->db,
        .clock = service->clock,
        .random = service->random,
        .metrics = service->metrics,
        .owner = "sumd",
        .lease_ms = 1000 * tally_config_int(service->config, "lease"),
        .threads = (unsigned)tally_config_int(service->config, "outbox-threads"),
        .poll_ms = 10,
        .send = refuse_letter};
    *wing = NULL;
    if (tally_config_bool(service->config, "refuse-to-start"))
        return TALLY_E_STATE;
    enum tally_error e =
        tally_retry_parse(tally_config_string(service->config, "retries"),
                          (unsigned)tally_config_int(service->config, "retry-jitter"), &options.retry);
    if (e == TALLY_OK)
        e = tally_outbox_pump_start(&options, &pump);
    *wing = pump;
    return e;
}

static void stop_wing(void *wing)
{
    tally_outbox_pump_stop(wing);
}

static const struct tally_option sums_options[] = {
    TALLY_OUTBOX_OPTIONS,
    {"refuse-to-start", TALLY_OPTION_BOOL, "false", 0, 0, "for a test"},
    {NULL, TALLY_OPTION_STRING, NULL, 0, 0, NULL},
};

const struct tally_service_spec sumd_spec = {.name = "sumd",
                                             .summary = "adds numbers",
                                             .options = sums_options,
                                             .schemas = sums_schemas,
                                             .endpoints = sums_endpoints,
                                             .start = start_wing,
                                             .stop = stop_wing};

struct sumd sumd;

pid_t sumd_run(char *const *words)
{
    char *argv[16] = {"tally-sumd"};
    int argc = 1;
    for (; words[argc - 1] != NULL; argc++)
        argv[argc] = words[argc - 1];
    fflush(NULL);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        _exit(tally_service_main(&sumd_spec, argc, argv));
    return pid;
}

void sumd_start(uint16_t port)
{
    char number[8];
    snprintf(number, sizeof number, "%u", port);
    char *words[] = {"--database",     sumd.database,  "--port",      number, "--port-file", sumd.port_file,
                     "--trusted-keys", sumd.keys_file, "--log-level", "off",  NULL};
    unlink(sumd.port_file);
    sumd.pid = sumd_run(words);
    while (access(sumd.port_file, R_OK) != 0) {
        ck_assert_int_eq(waitpid(sumd.pid, NULL, WNOHANG), 0);
        usleep(1000);
    }
    char *text = file_read(sumd.port_file);
    sumd.port = (uint16_t)atoi(text);
    free(text);
    snprintf(sumd.base_url, sizeof sumd.base_url, "http://127.0.0.1:%u", sumd.port);
    struct tally_http_client_options options = {.base_url = sumd.base_url, .signer = &sumd.signer};
    tally_http_client_free(sumd.client);
    ck_assert_int_eq(tally_http_client_new(&options, &sumd.client), TALLY_OK);
}

int sumd_stop(int number)
{
    int status;
    kill(sumd.pid, number);
    ck_assert_int_eq(waitpid(sumd.pid, &status, 0), sumd.pid);
    sumd.pid = 0;
    return status;
}

EVP_PKEY *sumd_add_party(const char *keyid, const char *role)
{
    char pem[TALLY_PUBLIC_PEM_MAX];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    ck_assert_int_eq(tally_public_key_write(key, pem), TALLY_OK);
    ck_assert_int_eq(tally_keydir_file_add(sumd.keys_file, keyid, "station-east", role, pem), TALLY_OK);
    return key;
}

void sumd_setup(void)
{
    tally_log_setup(STDERR_FILENO, TALLY_LOG_OFF, &tally_system_clock);
    folder_make(sumd.folder);
    if (sumd.postgres)
        ck_assert(pg_world_fresh(sumd.database));
    else
        folder_path(sumd.folder, "sums.db", sumd.database);
    folder_path(sumd.folder, "port", sumd.port_file);
    folder_path(sumd.folder, "keys.json", sumd.keys_file);
    folder_path(sumd.folder, "pipe", sumd.pipe);
    ck_assert_int_eq(mkfifo(sumd.pipe, 0600), 0);
    sumd.kiosk_key = sumd_add_party("kiosk-1", "kiosk");
    sumd.signer = (struct tally_signer){sumd.kiosk_key, "kiosk-1", "tally-sumd", &tally_system_clock,
                                        &tally_system_random};
    sumd_start(0);
}

void sumd_teardown(void)
{
    if (sumd.pid > 0)
        (void)sumd_stop(SIGKILL);
    tally_http_client_free(sumd.client);
    EVP_PKEY_free(sumd.kiosk_key);
    folder_remove(sumd.folder);
    sumd = (struct sumd){0};
}
