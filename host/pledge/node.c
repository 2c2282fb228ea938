#include "host/pledge/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/base/bytes.h"
#include "host/base/log.h"
#include "host/service/keyfile.h"

enum { THREADS = 4, PASS_MAX = 8, CALL_TIMEOUT_MS = 10000, SECRET = 32 };

static const struct tally_option options[] = {
    {"party", TALLY_OPTION_STRING, NULL, 1, 31, "own name among the parties, and key id of own requests"},
    {"party-key", TALLY_OPTION_PATH, NULL, 0, 0, "own key for requests (PEM, mode 0600)"},
    {"message-key", TALLY_OPTION_PATH, NULL, 0, 0, "own key for messages (64 hex digits, mode 0600)"},
    {"seed", TALLY_OPTION_PATH, NULL, 0, 0, "the bank's seed of channel keys (64 hex digits, mode 0600)"},
    {"parties", TALLY_OPTION_PATH, NULL, 0, 0, "JSON file of all parties; SIGHUP reads it again"},
    {"parties-ca", TALLY_OPTION_PATH, NULL, 0, 0,
     "PEM of the authorities trusted for them; else the system's"},
    {"ask-ms", TALLY_OPTION_INT, "5000", 10, 86400000, "until an outcome that is missing is asked for again"},
    {"ask-max-ms", TALLY_OPTION_INT, "600000", 10, 86400000, "the longest wait between two such questions"},
    {"issue-ms", TALLY_OPTION_INT, "900000", 100, 864000000,
     "until a line without money or ticket is given up"},
    {"hold-ms", TALLY_OPTION_INT, "3600000", 200, 864000000, "until held money is given back"},
    {"pass-ms", TALLY_OPTION_INT, "1000", 10, 600000, "how often is looked for what is due"},
    TALLY_OUTBOX_OPTIONS,
    {NULL, TALLY_OPTION_STRING, NULL, 0, 0, NULL}};

/* What main knows and start needs: tally_service_main has no argument for it. */
static struct {
    enum pledge_role role;
    struct pledge_sql *sql;
} self;

static enum tally_error secret_read(const char *path, uint8_t out[SECRET])
{
    char text[2 * SECRET + 2];
    size_t n, size;
    memset(out, 0, SECRET);
    if (path == NULL)
        return TALLY_E_USAGE;
    enum tally_error e = tally_private_file_read(path, text, sizeof text, &n);
    if (e == TALLY_OK && n > 0 && text[n - 1] == '\n')
        text[n - 1] = 0;
    if (e == TALLY_OK)
        e = tally_hex_decode(text, out, SECRET, &size);
    tally_wipe(text, sizeof text);
    return e == TALLY_OK && size != SECRET ? TALLY_E_FORMAT : e;
}

/* ---- The clockwork: what is due ---- */

struct pass {
    struct pledge_node *node;
    size_t count;
};

static enum tally_error pass_op(struct tally_tx *tx, void *arg)
{
    struct pass *pass = arg;
    struct pledge_sql_store store;
    pledge_sql_store_init(&store, pass->node->sql, &pass->node->party, tx);
    return pledge_pass(&pass->node->party, &store.store, PASS_MAX, &pass->count);
}

static void pass_all(struct pledge_node *node)
{
    struct pass pass = {.node = node, .count = PASS_MAX};
    bool any = false;
    while (pass.count >= PASS_MAX && tally_db_write(node->db, pass_op, &pass) == TALLY_OK)
        any = any || pass.count > 0;
    if (any)
        tally_outbox_pump_wake(node->pump);
}

static void *clockwork(void *arg)
{
    struct pledge_node *node = arg;
    pthread_mutex_lock(&node->lock);
    while (node->running) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        int64_t ns = until.tv_nsec + node->pass_ms % 1000 * 1000000;
        until.tv_sec += node->pass_ms / 1000 + ns / 1000000000;
        until.tv_nsec = ns % 1000000000;
        pthread_cond_timedwait(&node->changed, &node->lock, &until);
        pthread_mutex_unlock(&node->lock);
        pass_all(node);
        pthread_mutex_lock(&node->lock);
    }
    pthread_mutex_unlock(&node->lock);
    return NULL;
}

static enum tally_error clockwork_start(struct pledge_node *node)
{
    pthread_condattr_t monotonic;
    pthread_mutex_init(&node->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&node->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    node->running = true;
    node->clockwork_started = pthread_create(&node->clockwork, NULL, clockwork, node) == 0;
    return node->clockwork_started ? TALLY_OK : TALLY_E_MEMORY;
}

static void clockwork_stop(struct pledge_node *node)
{
    if (!node->clockwork_started)
        return;
    pthread_mutex_lock(&node->lock);
    node->running = false;
    pthread_cond_signal(&node->changed);
    pthread_mutex_unlock(&node->lock);
    pthread_join(node->clockwork, NULL);
    pthread_mutex_destroy(&node->lock);
    pthread_cond_destroy(&node->changed);
}

/* ---- Parties ---- */

/* In the writer's thread, which is the one that reads the own callback. */
static enum tally_error set_callback(struct tally_tx *tx, void *arg)
{
    struct pledge_node *node = arg;
    char url[PLEDGE_URL];
    (void)tx;
    const struct pledge_peer *me = node->party.directory->find(node->party.directory->ctx, node->party.name);
    if (me == NULL)
        return TALLY_E_NOT_FOUND;
    snprintf(url, sizeof url, "%.100s%s", me->address, PLEDGE_MESSAGES_PATH);
    PLEDGE_SET(node->party.callback, url);
    return TALLY_OK;
}

static void reload(void *wing)
{
    struct pledge_node *node = wing;
    enum tally_error e = pledge_parties_load(node->parties, node->parties_path);
    if (e == TALLY_OK)
        e = tally_db_write(node->db, set_callback, node);
    if (e != TALLY_OK)
        tally_log(TALLY_LOG_ERROR, "pledge", NULL, "the file of parties was not taken over",
                  TALLY_STR("error", tally_error_text(e)));
    tally_outbox_pump_wake(node->pump);
}

static enum tally_error ready(void *wing)
{
    const struct pledge_node *node = wing;
    const struct pledge_directory *directory = node->party.directory;
    return directory->find(directory->ctx, node->party.name) != NULL ? TALLY_OK : TALLY_E_STATE;
}

/* ---- Start and stop ---- */

static enum tally_error keys_load(const struct tally_service *service, struct pledge_node *node)
{
    const struct tally_config *c = service->config;
    uint8_t secret[SECRET], seed[SECRET] = {0};
    const char *http_key = tally_config_string(c, "party-key");
    enum tally_error e =
        http_key == NULL ? TALLY_E_USAGE : tally_key_file_load(http_key, false, &node->http_key);
    if (e == TALLY_OK)
        e = secret_read(tally_config_string(c, "message-key"), secret);
    if (e == TALLY_OK && self.role == PLEDGE_BANK)
        e = secret_read(tally_config_string(c, "seed"), seed);
    if (e != TALLY_OK)
        return e;
    struct pledge_parties_options o = {.self = node->party.name,
                                       .http_key = node->http_key,
                                       .ca_file = tally_config_string(c, "parties-ca"),
                                       .timeout_ms = CALL_TIMEOUT_MS,
                                       .clock = service->clock,
                                       .random = service->random};
    node->parties = pledge_parties_new(&o);
    if (node->parties == NULL)
        return TALLY_E_MEMORY;
    node->party.directory = pledge_parties_directory(node->parties);
    e = pledge_umbral_init(&node->umbral, self.role, secret, seed, node->party.directory, service->random);
    memcpy(node->party.key, node->umbral.secret.public_key.at.bytes, PLEDGE_KEY);
    tally_wipe(secret, sizeof secret);
    tally_wipe(seed, sizeof seed);
    return e;
}

static enum tally_error party_set(const struct tally_service *service, struct pledge_node *node)
{
    const struct tally_config *c = service->config;
    const char *name = tally_config_string(c, "party");
    node->parties_path = tally_config_string(c, "parties");
    if (name == NULL || node->parties_path == NULL) {
        fprintf(stderr, "tally: --party and --parties are needed\n");
        return TALLY_E_USAGE;
    }
    node->db = service->db;
    node->sql = self.sql;
    node->pass_ms = tally_config_int(c, "pass-ms");
    node->party.role = self.role;
    PLEDGE_SET(node->party.name, name);
    node->party.clock = service->clock;
    node->party.random = service->random;
    node->party.crypto = &node->umbral.crypto;
    node->party.machines = &pledge_machines;
    node->party.terms = (struct pledge_terms){.ask_ms = tally_config_int(c, "ask-ms"),
                                              .ask_max_ms = tally_config_int(c, "ask-max-ms"),
                                              .issue_ms = tally_config_int(c, "issue-ms"),
                                              .hold_ms = tally_config_int(c, "hold-ms")};
    return node->party.terms.hold_ms > node->party.terms.issue_ms ? TALLY_OK : TALLY_E_USAGE;
}

static enum tally_error pump_start(const struct tally_service *service, struct pledge_node *node)
{
    const struct tally_config *c = service->config;
    struct tally_outbox_pump_options o = {.db = service->db,
                                          .clock = service->clock,
                                          .random = service->random,
                                          .metrics = service->metrics,
                                          .owner = node->owner,
                                          .lease_ms = tally_config_int(c, "lease") * 1000,
                                          .threads = (unsigned)tally_config_int(c, "outbox-threads"),
                                          .send = pledge_node_send,
                                          .settle = pledge_node_settle,
                                          .ctx = node};
    enum tally_error e = tally_retry_parse(tally_config_string(c, "retries"),
                                           (unsigned)tally_config_int(c, "retry-jitter"), &o.retry);
    tally_owner_make(service->random, node->owner);
    return e == TALLY_OK ? tally_outbox_pump_start(&o, &node->pump) : TALLY_E_USAGE;
}

static void stop(void *wing)
{
    struct pledge_node *node = wing;
    clockwork_stop(node);
    tally_outbox_pump_stop(node->pump);
    pledge_parties_free(node->parties);
    pledge_umbral_wipe(&node->umbral);
    EVP_PKEY_free(node->http_key);
    free(node);
}

static enum tally_error start(const struct tally_service *service, void **wing)
{
    struct pledge_node *node = calloc(1, sizeof *node);
    *wing = node;
    if (node == NULL)
        return TALLY_E_MEMORY;
    enum tally_error e = party_set(service, node);
    if (e == TALLY_OK)
        e = keys_load(service, node);
    if (e == TALLY_OK && pledge_parties_load(node->parties, node->parties_path) == TALLY_OK)
        e = tally_db_write(service->db, set_callback, node);
    if (e == TALLY_OK)
        e = pump_start(service, node);
    if (e == TALLY_OK)
        e = clockwork_start(node);
    if (e != TALLY_OK) {
        stop(node);
        *wing = NULL;
    }
    return e;
}

int pledge_node_main(enum pledge_role role, const char *name, const char *summary, int argc,
                     char *const *argv)
{
    enum tally_error e = pledge_sql_new(role, &self.sql);
    if (e != TALLY_OK)
        return tally_error_exit_code(e);
    self.role = role;
    struct tally_db_schema schemas[] = {pledge_sql_schema(self.sql), TALLY_OUTBOX_SCHEMA, {0}};
    struct tally_service_spec spec = {.name = name,
                                      .summary = summary,
                                      .threads = THREADS,
                                      .options = options,
                                      .schemas = schemas,
                                      .endpoints = role == PLEDGE_SELLER ? pledge_seller_endpoints
                                                                         : pledge_node_endpoints,
                                      .start = start,
                                      .stop = stop,
                                      .reload = reload,
                                      .ready = ready};
    int status = tally_service_main(&spec, argc, argv);
    pledge_sql_free(self.sql);
    return status;
}
