#include "host/service/service.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/service/keydir.h"
#include "host/service/nonces.h"

#define AUTHORITY_SIZE 256
#define SCHEMAS_MAX    8

const struct tally_option tally_service_options[] = {
    {"address", TALLY_OPTION_STRING, "127.0.0.1", 0, 64,
     "numeric address to listen on; beyond loopback only with TLS"},
    {"port", TALLY_OPTION_INT, "0", 0, 65535, "port to listen on; 0 lets the system choose"},
    {"port-file", TALLY_OPTION_PATH, NULL, 0, 0, "write the port here once requests are taken"},
    {"unix-socket", TALLY_OPTION_PATH, NULL, 0, 0, "listen on this socket instead of address and port"},
    {"tls-certificate", TALLY_OPTION_PATH, NULL, 0, 0, "certificate chain in PEM"},
    {"tls-key", TALLY_OPTION_PATH, NULL, 0, 0, "its private key in PEM, mode 0600"},
    {"authority", TALLY_OPTION_STRING, NULL, 0, 900,
     "Host values to answer to, with commas; else the address listened on"},
    {"database", TALLY_OPTION_PATH, NULL, 0, 0,
     "sqlite:PATH (or PATH; made when it is not there) or postgresql://HOST/NAME"},
    {"trusted-keys", TALLY_OPTION_PATH, NULL, 0, 0,
     "JSON file of the callers' public keys; SIGHUP reads it again"},
    {"threads", TALLY_OPTION_INT, "0", 0, 256, "threads that serve requests; 0: as many as suit"},
    {"connections", TALLY_OPTION_INT, "1024", 1, 65536, "connections at a time"},
    {"idle-timeout", TALLY_OPTION_INT, "60", 1, 3600, "seconds until a quiet connection is closed"},
    {"body-timeout", TALLY_OPTION_INT, "30", 1, 3600, "seconds a request's body may take"},
    {"body-max", TALLY_OPTION_INT, "65536", 1024, 16777216, "bytes of a request's body"},
    {"drain-timeout", TALLY_OPTION_INT, "10", 0, 600,
     "seconds to finish what is under way when told to stop"},
    {"nonces", TALLY_OPTION_INT, "2000000", 1000, 100000000,
     "signatures remembered against replay; beyond it: 503"},
    {"log-level", TALLY_OPTION_STRING, "info", 0, 8, "debug, info, warn, error or off"},
    {NULL, TALLY_OPTION_STRING, NULL, 0, 0, NULL},
};

/* Everything of one run; zero where not there yet. */
struct run {
    const struct tally_service_spec *spec;
    struct tally_config *config;
    struct tally_service service;
    struct tally_keydir *keys;
    struct tally_nonces *nonces;
    struct tally_inflight *inflight;
    struct tally_auth auth;
    char authorities[TALLY_AUTH_AUTHORITIES_MAX][AUTHORITY_SIZE];
    char tag[AUTHORITY_SIZE];
    struct tally_endpoint_context context;
    struct tally_http_route *routes;
    struct tally_http_check checks[3];
    struct tally_http_server *server;
    bool started;
    bool shared; /* the database may be served by other processes too */
};

static void add_authority(struct run *run, const char *text, size_t n)
{
    for (size_t i = 0; i < TALLY_AUTH_AUTHORITIES_MAX; i++) {
        if (run->auth.authorities[i] != NULL || n == 0 || n >= AUTHORITY_SIZE)
            continue;
        memcpy(run->authorities[i], text, n);
        run->authorities[i][n] = '\0';
        run->auth.authorities[i] = run->authorities[i];
        return;
    }
}

/* Which Host values are ours: those configured, else what is listened on. */
static void set_authorities(void *ctx, uint16_t port)
{
    struct run *run = ctx;
    const char *list = tally_config_string(run->config, "authority");
    const char *address = tally_config_string(run->config, "address");
    const char *const own[] = {address, "127.0.0.1", "localhost", "::1"};
    char name[AUTHORITY_SIZE];
    while (list != NULL && *list != '\0') {
        size_t n = strcspn(list, ", ");
        add_authority(run, list, n);
        list += n + strspn(list + n, ", ");
    }
    if (run->auth.authorities[0] != NULL)
        return;
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        bool v6 = strchr(own[i], ':') != NULL;
        int n = snprintf(name, sizeof name, "%s%s%s:%u", v6 ? "[" : "", own[i], v6 ? "]" : "", port);
        add_authority(run, name, (size_t)n);
    }
}

static enum tally_error read_config(struct run *run, int argc, char *const *argv, bool *help)
{
    static const struct tally_option none[] = {{.name = NULL}};
    const struct tally_service_spec *spec = run->spec;
    const struct tally_option *const tables[] = {spec->options != NULL ? spec->options : none,
                                                 tally_service_options, NULL};
    struct tally_config_input input = {spec->name, spec->summary, NULL, argc, argv, environ};
    enum tally_log_level level;
    enum tally_error e = tally_config_load(&input, tables, stderr, &run->config, help);
    if (e != TALLY_OK || *help)
        return e;
    e = tally_log_level_parse(tally_config_string(run->config, "log-level"), &level);
    if (e == TALLY_OK && tally_config_string(run->config, "database") == NULL)
        e = TALLY_E_USAGE;
    if (e != TALLY_OK)
        fprintf(stderr, "tally-%s: %s\n", spec->name,
                e == TALLY_E_USAGE ? "--database is needed"
                                   : "log-level must be debug, info, warn, error or off");
    tally_log_setup(STDERR_FILENO, level, &tally_system_clock);
    return e == TALLY_OK ? TALLY_OK : TALLY_E_USAGE;
}

static enum tally_error open_database(struct run *run)
{
    static const struct tally_db_schema own[] = {TALLY_IDEMPOTENCY_SCHEMA, TALLY_NONCES_SCHEMA};
    struct tally_db_schema schemas[SCHEMAS_MAX + 3] = {own[0], own[1]};
    for (size_t i = 0; run->spec->schemas != NULL && run->spec->schemas[i].component != NULL; i++) {
        if (i == SCHEMAS_MAX)
            return TALLY_E_BUG;
        schemas[i + 2] = run->spec->schemas[i];
    }
    const char *location = tally_config_string(run->config, "database");
    run->shared = tally_db_file(location) == NULL;
    struct tally_db_options options = {
        .location = location, .schemas = schemas, .metrics = run->service.metrics};
    return tally_db_open(&options, &run->service.db);
}

static enum tally_error open_keys(struct run *run)
{
    const char *path = tally_config_string(run->config, "trusted-keys");
    run->keys = tally_keydir_new();
    run->nonces = tally_nonces_new((size_t)tally_config_int(run->config, "nonces"));
    run->inflight = tally_inflight_new();
    if (run->keys == NULL || run->nonces == NULL || run->inflight == NULL)
        return TALLY_E_MEMORY;
    if (path == NULL)
        tally_log(TALLY_LOG_WARN, "service", NULL, "no trusted keys: nobody may call");
    enum tally_error e = path != NULL ? tally_keydir_load(run->keys, path) : TALLY_OK;
    snprintf(run->tag, sizeof run->tag, "tally-%s", run->spec->name);
    run->auth.keys = run->keys;
    run->auth.nonces = run->nonces;
    run->auth.tag = run->tag;
    run->auth.clock = run->service.clock;
    run->auth.started_s = tally_clock_wall_s(run->service.clock);
    return e;
}

static enum tally_error start_server(struct run *run)
{
    const struct tally_config *c = run->config;
    unsigned threads = (unsigned)tally_config_int(c, "threads");
    struct tally_http_options options = {
        .address = tally_config_string(c, "address"),
        .port = (uint16_t)tally_config_int(c, "port"),
        .unix_socket = tally_config_string(c, "unix-socket"),
        .port_file = tally_config_string(c, "port-file"),
        .tls_certificate = tally_config_string(c, "tls-certificate"),
        .tls_key = tally_config_string(c, "tls-key"),
        .threads = threads > 0 ? threads : run->spec->threads,
        .connections_max = (unsigned)tally_config_int(c, "connections"),
        .idle_timeout_s = (unsigned)tally_config_int(c, "idle-timeout"),
        .body_timeout_s = (unsigned)tally_config_int(c, "body-timeout"),
        .body_max = (size_t)tally_config_int(c, "body-max"),
        .routes = run->routes,
        .checks = run->checks,
        .metrics = run->service.metrics,
        .clock = run->service.clock,
        .listening = set_authorities,
        .listening_ctx = run,
    };
    return tally_http_server_start(&options, &run->server);
}

static enum tally_error start(struct run *run)
{
    const struct tally_service_spec *spec = run->spec;
    struct tally_service *service = &run->service;
    *service = (struct tally_service){.config = run->config,
                                      .metrics = tally_metrics_new(),
                                      .clock = &tally_system_clock,
                                      .random = &tally_system_random};
    enum tally_error e = service->metrics != NULL ? TALLY_OK : TALLY_E_MEMORY;
    if (e == TALLY_OK && spec->families != NULL)
        e = tally_metrics_register(service->metrics, spec->families);
    if (e == TALLY_OK)
        e = open_keys(run);
    if (e == TALLY_OK)
        e = open_database(run);
    run->context = (struct tally_endpoint_context){&run->auth,     service->db, run->inflight,
                                                   service->clock, NULL,        run->shared};
    if (e == TALLY_OK && spec->start != NULL)
        e = spec->start(service, &run->context.wing);
    run->started = e == TALLY_OK;
    run->checks[0] = (struct tally_http_check){"database", tally_db_check, service->db};
    if (spec->ready != NULL)
        run->checks[1] = (struct tally_http_check){spec->name, spec->ready, run->context.wing};
    if (e == TALLY_OK)
        e = tally_endpoint_routes(&run->context, spec->endpoints, &run->routes);
    return e == TALLY_OK ? start_server(run) : e;
}

/* The server's threads use all the rest, so they go before it; what the writer still has is finished before
 * them. */
static void stop(struct run *run)
{
    if (run->server != NULL) {
        unsigned deadline_ms = (unsigned)tally_config_int(run->config, "drain-timeout") * 1000;
        if (tally_http_server_drain(run->server, deadline_ms) != TALLY_OK)
            tally_log(TALLY_LOG_WARN, "service", NULL, "requests cut off by the drain timeout");
    }
    if (run->service.db != NULL)
        tally_db_stop(run->service.db);
    tally_http_server_free(run->server);
    if (run->started && run->spec->stop != NULL)
        run->spec->stop(run->context.wing);
    free(run->routes);
    tally_db_close(run->service.db);
    tally_inflight_free(run->inflight);
    tally_nonces_free(run->nonces);
    tally_keydir_free(run->keys);
    tally_metrics_free(run->service.metrics);
    tally_config_free(run->config);
}

/* Blocked before any thread starts, so that all inherit it and only sigwait sees them. */
static void block_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void wait_for_end(struct run *run, const sigset_t *signals)
{
    const char *path = tally_config_string(run->config, "trusted-keys");
    int number;
    while (sigwait(signals, &number) == 0 && number == SIGHUP) {
        enum tally_error e = path != NULL ? tally_keydir_load(run->keys, path) : TALLY_OK;
        tally_log(e == TALLY_OK ? TALLY_LOG_INFO : TALLY_LOG_ERROR, "service", NULL,
                  "trusted keys read again", TALLY_STR("result", tally_error_text(e)));
        if (run->spec->reload != NULL)
            run->spec->reload(run->context.wing);
    }
}

int tally_service_main(const struct tally_service_spec *spec, int argc, char *const *argv)
{
    struct run run = {.spec = spec};
    sigset_t signals;
    bool help;
    enum tally_error e = read_config(&run, argc, argv, &help);
    if (e != TALLY_OK || help) {
        tally_config_free(run.config);
        return tally_error_exit_code(e);
    }
    block_signals(&signals);
    e = start(&run);
    if (e == TALLY_OK) {
        tally_log(TALLY_LOG_INFO, "service", NULL, "ready", TALLY_STR("name", spec->name),
                  TALLY_INT("port", tally_http_server_port(run.server)));
        wait_for_end(&run, &signals);
        tally_log(TALLY_LOG_INFO, "service", NULL, "stopping");
    } else {
        tally_log(TALLY_LOG_ERROR, "service", NULL, "does not start",
                  TALLY_STR("reason", tally_error_text(e)));
    }
    stop(&run);
    return tally_error_exit_code(e);
}
