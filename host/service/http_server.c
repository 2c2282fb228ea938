#include "host/service/http_server.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "host/base/bytes.h"
#include "host/base/log.h"
#include "host/base/random.h"
#include "host/service/http_internal.h"

static const uint64_t latency_bounds_us[] = {250,   500,   1000,   2500,   5000,    10000,
                                             25000, 50000, 100000, 250000, 1000000, 5000000};

static const struct tally_metric_family families[] = {
    {.name = "http_requests", .type = TALLY_COUNTER, .help = "Requests answered, by route and status."},
    {.name = "http_request_seconds",
     .type = TALLY_HISTOGRAM,
     .help = "Time from a request's first line to its answer.",
     .bounds = latency_bounds_us,
     .bound_count = sizeof latency_bounds_us / sizeof latency_bounds_us[0],
     .scale = 1e-6},
    {.name = "http_in_flight", .type = TALLY_GAUGE, .help = "Requests being worked on."},
    {.name = NULL},
};

static unsigned thread_count(const struct tally_http_options *options)
{
    if (options->threads > 0)
        return options->threads;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 0 ? (unsigned)cores : 1;
}

static void log_library(void *cls, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
static void log_library(void *cls, const char *format, va_list arguments)
{
    char text[512];
    (void)cls;
    vsnprintf(text, sizeof text, format, arguments);
    text[strcspn(text, "\n")] = '\0';
    tally_log(TALLY_LOG_DEBUG, "http", NULL, "libmicrohttpd", TALLY_STR("text", text));
}

static enum tally_error start_daemon(struct tally_http_server *server)
{
    const struct tally_http_options *o = &server->options;
    unsigned threads = thread_count(o);
    unsigned connections = o->connections_max > threads ? o->connections_max : threads;
    unsigned flags =
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)log_library, NULL},
        {MHD_OPTION_LISTEN_SOCKET, server->listener, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, connections, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, o->idle_timeout_s, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, TALLY_HTTP_MEMORY, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)http_on_target, server},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)http_on_completed, server},
        {threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem tls[] = {
        {server->key != NULL ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, server->certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, server->key},
        {MHD_OPTION_END, 0, NULL},
    };
    if (server->key != NULL)
        flags |= MHD_USE_TLS;
    server->daemon = MHD_start_daemon(flags, 0, NULL, NULL, http_on_request, server, MHD_OPTION_ARRAY,
                                      options, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (server->daemon != NULL)
        return TALLY_OK;
    tally_log(TALLY_LOG_ERROR, "http", NULL, "server does not start");
    return TALLY_E_IO;
}

static enum tally_error setup_metrics(struct tally_http_server *server)
{
    struct tally_metrics *metrics = server->options.metrics;
    if (metrics == NULL)
        return TALLY_OK;
    enum tally_error e = tally_metrics_register(metrics, families);
    server->in_flight_gauge = tally_metrics_get(metrics, "http_in_flight", "");
    return e;
}

enum tally_error tally_http_server_start(const struct tally_http_options *options,
                                         struct tally_http_server **out)
{
    *out = NULL;
    struct tally_http_server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return TALLY_E_MEMORY;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->idle, &monotonic);
    pthread_condattr_destroy(&monotonic);
    server->options = *options;
    server->listener = -1;
    enum tally_error e = tally_random_fill(&tally_system_random, (uint8_t *)&server->trace_prefix, 8);
    if (e == TALLY_OK)
        e = setup_metrics(server);
    if (e == TALLY_OK)
        e = http_route_setup(server);
    if (e == TALLY_OK)
        e = http_listen(server);
    if (e == TALLY_OK && options->listening != NULL)
        options->listening(options->listening_ctx, server->port);
    if (e == TALLY_OK)
        e = start_daemon(server);
    if (e == TALLY_OK)
        e = http_write_port_file(server);
    if (e != TALLY_OK) {
        tally_http_server_free(server);
        return e;
    }
    *out = server;
    return TALLY_OK;
}

uint16_t tally_http_server_port(const struct tally_http_server *server)
{
    return server->port;
}

enum tally_error tally_http_server_drain(struct tally_http_server *server, unsigned deadline_ms)
{
    struct timespec until;
    int waited = 0;
    atomic_store(&server->draining, true);
    server->quiesced = MHD_quiesce_daemon(server->daemon) != MHD_INVALID_SOCKET;
    /* Refuses who tries to connect from here on; the descriptor itself stays until its threads are gone. */
    if (server->quiesced)
        shutdown(server->listener, SHUT_RDWR);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += deadline_ms / 1000;
    until.tv_nsec += (long)(deadline_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&server->lock);
    while (server->in_flight > 0 && waited == 0)
        waited = pthread_cond_timedwait(&server->idle, &server->lock, &until);
    bool idle = server->in_flight == 0;
    pthread_mutex_unlock(&server->lock);
    return idle ? TALLY_OK : TALLY_E_STATE;
}

void tally_http_server_free(struct tally_http_server *server)
{
    if (server == NULL)
        return;
    if (server->daemon != NULL)
        MHD_stop_daemon(server->daemon);
    if (server->listener >= 0 && (server->daemon == NULL || server->quiesced))
        close(server->listener);
    if (server->options.unix_socket != NULL && server->daemon != NULL)
        unlink(server->options.unix_socket);
    if (server->key != NULL)
        tally_wipe(server->key, strlen(server->key));
    free(server->key);
    free(server->certificate);
    pthread_cond_destroy(&server->idle);
    pthread_mutex_destroy(&server->lock);
    free(server);
}
