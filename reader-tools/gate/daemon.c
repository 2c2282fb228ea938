#include "reader-tools/gate/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/service/http_server.h"
#include "reader-tools/common/tool_card.h"

const struct tally_option gate_daemon_options[] = {
    {"exchange-every", TALLY_OPTION_INT, "30", 1, 86400, "seconds between uploads of the journal"},
    {"barrier", TALLY_OPTION_STRING, NULL, 0, 512,
     "shell command that opens the barrier; status 1: nobody passed"},
    {"metrics-file", TALLY_OPTION_PATH, NULL, 0, 0, "file that gets the metrics after every tap"},
    {"listen", TALLY_OPTION_INT, "-1", -1, 65535,
     "port on 127.0.0.1 for /metrics and /healthz; 0: any; -1: none"},
    {"port-file", TALLY_OPTION_PATH, NULL, 0, 0, "file that gets the port of --listen"},
    {.name = NULL},
};

struct daemon {
    const struct tool *tool;
    struct gate *gate;
    const struct gate_settings *settings;
    struct gate_metrics metrics;
    struct gate_link link;
    struct tally_http_server *http;
    struct tally_pcsc *pcsc;
    pthread_mutex_t lock; /* journal, list, metrics, state */
    pthread_cond_t wake;  /* for the exchange: a tap was made, or the end */
    pthread_t exchange, signals;
    atomic_bool stop;
    bool offline, no_reader, clock_alarm, broken;
    int shown; /* enum gate_state that was printed last; -1: none */
};

/* Prints the state when it is another than before. The lock is held. */
static void show_state(struct daemon *d)
{
    enum gate_state state = GATE_READY;
    uint32_t now = (uint32_t)tally_clock_wall_s(d->gate->clock);
    uint64_t backlog = gate_journal_backlog(d->gate->journal);
    if (d->offline)
        state = GATE_OFFLINE;
    if (gate_denylist_stale(&d->gate->list, now))
        state = GATE_LIST_OLD;
    if (d->clock_alarm || (uint64_t)now + d->gate->rules.skew_s < gate_journal_last_time(d->gate->journal))
        state = GATE_CLOCK_SKEW;
    if (d->no_reader)
        state = GATE_NO_READER;
    if (d->broken)
        state = GATE_OUT_OF_SERVICE;
    gate_metrics_state(&d->metrics, state, backlog, d->gate->list.version);
    if ((int)state == d->shown)
        return;
    d->shown = (int)state;
    if (d->tool->json)
        (void)tool_print_json(json_pack("{s:s, s:I, s:I}", "state", gate_state_name(state), "backlog",
                                        (json_int_t)backlog, "list_version",
                                        (json_int_t)d->gate->list.version));
    else
        printf("STATE %s; gate %u.%lu; list %lu; backlog %llu\n", gate_state_name(state),
               d->gate->kit.operator_id, (unsigned long)d->gate->kit.gate,
               (unsigned long)d->gate->list.version, (unsigned long long)backlog);
    fflush(stdout);
}

/* Opens the barrier; false when the command says that nobody passed. */
static bool let_through(const struct daemon *d, const struct gate_tap *tap)
{
    const char *command = tally_config_string(d->tool->config, "barrier");
    int status = 0;
    if (command == NULL)
        return true;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        setenv("TALLY_BARRIER_EVENT", gate_action_name(tap->action), 1);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 1;
}

static void report(const struct tool *tool, const struct gate *gate, const struct gate_tap *tap)
{
    if (tool->json)
        (void)tool_print_json(gate_report_json(gate, tap));
    else
        gate_report_line(stdout, gate, tap);
}

static void count(struct daemon *d, const struct gate_tap *tap)
{
    const char *path = tally_config_string(d->tool->config, "metrics-file");
    gate_metrics_tap(&d->metrics, tap);
    d->clock_alarm = tap->known ? tap->clock_alarm : d->clock_alarm;
    d->broken = tap->reason == GATE_JOURNAL_FAILED;
    d->no_reader = false;
    show_state(d);
    if (path != NULL && gate_metrics_write(&d->metrics, path) != TALLY_OK)
        (void)tool_fail(d->tool, TALLY_E_IO, "%s: cannot be written", path);
}

/* A tap, and its undoing when nobody passed. */
static void tap_card(struct daemon *d, struct tally_card *card)
{
    struct gate_request request = gate_settings_request(d->gate, d->settings);
    struct gate_tap tap;
    for (int turn = 0; turn < 2; turn++) {
        pthread_mutex_lock(&d->lock);
        gate_tap_run(d->gate, card, &request, &tap);
        report(d->tool, d->gate, &tap);
        count(d, &tap);
        pthread_mutex_unlock(&d->lock);
        if (turn > 0 || !tap.open || let_through(d, &tap))
            break;
        request.action = GATE_DO_UNDO;
        request.criterion.by_tid = true;
        memcpy(request.criterion.tid, tap.face.tid, TID_SIZE);
    }
    pthread_mutex_lock(&d->lock);
    pthread_cond_signal(&d->wake);
    pthread_mutex_unlock(&d->lock);
}

/* Connects to the card that was found, taps it, and waits until it is gone. */
static void serve_card(struct daemon *d, const struct tally_reader *reader, struct tally_trace *trace)
{
    struct card_transport *transport;
    struct tally_card card;
    if (tally_pcsc_connect(d->pcsc, reader->name, &transport) == TALLY_OK) {
        if (trace != NULL)
            tally_card_set_trace(transport, trace);
        tally_card_init(&card, transport);
        if (tally_card_begin(transport) == TALLY_OK) {
            tap_card(d, &card);
            tally_card_end(transport);
        }
        tally_card_close(transport);
    }
    (void)tally_pcsc_wait_removal(d->pcsc, reader->name, TALLY_WAIT_FOREVER);
}

static void note_reader(struct daemon *d, bool missing)
{
    pthread_mutex_lock(&d->lock);
    d->no_reader = missing;
    show_state(d);
    pthread_mutex_unlock(&d->lock);
}

static void serve(struct daemon *d)
{
    const char *spec = tally_config_string(d->tool->config, "reader");
    struct tally_trace trace;
    struct tally_reader reader;
    tally_trace_init(&trace, stderr);
    while (!atomic_load(&d->stop)) {
        enum tally_error e = tally_pcsc_wait_card(d->pcsc, spec, 1000, &reader);
        if (e == TALLY_E_NO_READER || e == TALLY_E_NO_CARD)
            note_reader(d, e == TALLY_E_NO_READER);
        if (e == TALLY_OK && !atomic_load(&d->stop))
            serve_card(d, &reader, d->tool->verbose ? &trace : NULL);
    }
}

static void *watch_signals(void *context)
{
    struct daemon *d = context;
    sigset_t set;
    int signal;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1); /* from the daemon itself: the end */
    (void)sigwait(&set, &signal);
    pthread_mutex_lock(&d->lock);
    atomic_store(&d->stop, true);
    pthread_cond_signal(&d->wake);
    pthread_mutex_unlock(&d->lock);
    tally_pcsc_cancel(d->pcsc);
    return NULL;
}

static void *exchange(void *context)
{
    struct daemon *d = context;
    int64_t every = tally_config_int(d->tool->config, "exchange-every");
    while (!atomic_load(&d->stop)) {
        unsigned sent;
        enum tally_error list = gate_link_fetch_list(&d->link);
        enum tally_error journal = gate_link_upload(&d->link, &sent);
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += every;
        pthread_mutex_lock(&d->lock);
        d->offline = list != TALLY_OK || journal != TALLY_OK;
        show_state(d);
        if (!atomic_load(&d->stop))
            (void)pthread_cond_timedwait(&d->wake, &d->lock, &until);
        pthread_mutex_unlock(&d->lock);
    }
    return NULL;
}

static enum tally_error listen_http(struct daemon *d)
{
    int64_t port = tally_config_int(d->tool->config, "listen");
    static const struct tally_http_route no_routes[] = {{.method = NULL}};
    if (port < 0)
        return TALLY_OK;
    const struct tally_http_options options = {.address = "127.0.0.1",
                                               .port = (uint16_t)port,
                                               .port_file = tally_config_string(d->tool->config, "port-file"),
                                               .threads = 1,
                                               .connections_max = 16,
                                               .idle_timeout_s = 30,
                                               .body_timeout_s = 10,
                                               .body_max = 1024,
                                               .routes = no_routes,
                                               .metrics = d->metrics.all,
                                               .clock = d->gate->clock};
    return tally_http_server_start(&options, &d->http);
}

/* Starts what runs beside the taps. Signals are blocked first, so that every thread leaves them to one. */
static enum tally_error start(struct daemon *d)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    enum tally_error e = gate_metrics_init(&d->metrics);
    if (e == TALLY_OK)
        e = tally_pcsc_open(&d->pcsc);
    if (e == TALLY_OK)
        e = gate_link_open(d->tool, d->gate, &d->lock, d->settings->state_folder, &d->link);
    if (e == TALLY_OK)
        e = listen_http(d);
    return e;
}

enum tally_error gate_daemon_run(const struct tool *tool, struct gate *gate,
                                 const struct gate_settings *settings)
{
    struct daemon *d = calloc(1, sizeof *d);
    if (d == NULL)
        return TALLY_E_MEMORY;
    d->tool = tool;
    d->gate = gate;
    d->settings = settings;
    d->shown = -1;
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->wake, NULL);
    enum tally_error e = start(d);
    if (e == TALLY_OK && pthread_create(&d->signals, NULL, watch_signals, d) != 0)
        e = TALLY_E_MEMORY;
    if (e == TALLY_OK) {
        bool talks = pthread_create(&d->exchange, NULL, exchange, d) == 0;
        serve(d);
        pthread_kill(d->signals, SIGUSR1);
        pthread_join(d->signals, NULL);
        if (talks)
            pthread_join(d->exchange, NULL);
    } else {
        (void)tool_fail(tool, e, "%s", tally_error_text(e));
    }
    tally_http_server_free(d->http);
    gate_link_close(&d->link);
    tally_pcsc_close(d->pcsc);
    gate_metrics_free(&d->metrics);
    free(d);
    return e;
}

enum tally_error gate_once(const struct tool *tool, struct gate *gate, const struct gate_settings *settings)
{
    struct tool_card tc;
    struct gate_tap tap;
    const struct gate_request request = gate_settings_request(gate, settings);
    enum tally_error e = tool_card_open(tool, &tc);
    if (e == TALLY_OK) {
        gate_tap_run(gate, &tc.card, &request, &tap);
        report(tool, gate, &tap);
        e = gate_reason_error(tap.reason);
    }
    tool_card_close(&tc);
    return e;
}
