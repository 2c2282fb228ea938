#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reader-tools/gate/report.h"

static const uint64_t bounds_us[] = {1000,  2000,  5000,   10000,  20000,  30000,
                                     50000, 75000, 100000, 200000, 300000, 500000};

static const struct tally_metric_family families[] = {
    {.name = "tally_gate_taps", .type = TALLY_COUNTER, .help = "Taps by reason"},
    {.name = "tally_gate_torn", .type = TALLY_COUNTER, .help = "Taps whose card left before the receipt"},
    {.name = "tally_gate_ratified", .type = TALLY_COUNTER, .help = "Torn taps that turned out to be written"},
    {.name = "tally_gate_replayed", .type = TALLY_COUNTER, .help = "Answers that were recorded earlier"},
    {.name = "tally_gate_denied", .type = TALLY_COUNTER, .help = "Refusals by reason"},
    {.name = "tally_gate_clock_alarms", .type = TALLY_COUNTER, .help = "Cards used in this gate's future"},
    {.name = "tally_gate_tap_seconds",
     .type = TALLY_HISTOGRAM,
     .help = "Duration of taps by phase",
     .bounds = bounds_us,
     .bound_count = sizeof bounds_us / sizeof *bounds_us,
     .scale = 1e-6},
    {.name = "tally_gate_tap_microseconds",
     .type = TALLY_GAUGE,
     .help = "Percentiles of the last taps by phase"},
    {.name = "tally_gate_state", .type = TALLY_GAUGE, .help = "1 for the state the gate is in"},
    {.name = "tally_gate_backlog",
     .type = TALLY_GAUGE,
     .help = "Receipts the ticket server does not have yet"},
    {.name = "tally_gate_list_version", .type = TALLY_GAUGE, .help = "Version of the deny list"},
    {.name = NULL},
};

enum tally_error gate_metrics_init(struct gate_metrics *m)
{
    memset(m, 0, sizeof *m);
    m->all = tally_metrics_new();
    return m->all != NULL ? tally_metrics_register(m->all, families) : TALLY_E_MEMORY;
}

void gate_metrics_free(struct gate_metrics *m)
{
    tally_metrics_free(m->all);
    m->all = NULL;
}

static struct tally_metric *series(const struct gate_metrics *m, const char *family, const char *name,
                                   const char *value)
{
    char labels[TALLY_METRICS_LABELS_MAX] = "";
    if (name != NULL)
        tally_metric_label(labels, name, value);
    return tally_metrics_get(m->all, family, labels);
}

static const char *phase_name(unsigned phase)
{
    return phase == GATE_PHASES ? "all" : gate_phase_name((enum gate_phase)phase);
}

static void show_percentiles(const struct gate_metrics *m)
{
    static const struct {
        unsigned p;
        const char *name;
    } wanted[] = {{50, "0.5"}, {95, "0.95"}, {99, "0.99"}};
    for (unsigned phase = 0; phase <= GATE_PHASES; phase++) {
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
            char labels[TALLY_METRICS_LABELS_MAX] = "";
            tally_metric_label(labels, "phase", phase_name(phase));
            tally_metric_label(labels, "quantile", wanted[i].name);
            tally_metric_set(tally_metrics_get(m->all, "tally_gate_tap_microseconds", labels),
                             (int64_t)gate_metrics_percentile(m, phase, wanted[i].p));
        }
    }
}

void gate_metrics_tap(struct gate_metrics *m, const struct gate_tap *tap)
{
    const char *reason = gate_reason_name(tap->reason);
    tally_metric_add(series(m, "tally_gate_taps", "reason", reason), 1);
    if (!tap->open)
        tally_metric_add(series(m, "tally_gate_denied", "reason", reason), 1);
    tally_metric_add(series(m, "tally_gate_torn", NULL, NULL), tap->torn);
    tally_metric_add(series(m, "tally_gate_ratified", NULL, NULL), tap->ratified);
    tally_metric_add(series(m, "tally_gate_replayed", NULL, NULL), tap->reason == GATE_REPLAYED);
    tally_metric_add(series(m, "tally_gate_clock_alarms", NULL, NULL), tap->clock_alarm);
    for (unsigned phase = 0; phase <= GATE_PHASES; phase++) {
        uint64_t us = phase == GATE_PHASES ? tap->total_us : tap->phase_us[phase];
        m->lap_us[phase][m->lap_next] = us;
        tally_metric_observe(series(m, "tally_gate_tap_seconds", "phase", phase_name(phase)), us);
    }
    m->lap_next = (m->lap_next + 1) % GATE_LAPS_MAX;
    if (m->laps < GATE_LAPS_MAX)
        m->laps++;
    show_percentiles(m);
}

void gate_metrics_state(struct gate_metrics *m, enum gate_state state, uint64_t backlog,
                        uint32_t list_version)
{
    for (int s = GATE_READY; s <= GATE_OUT_OF_SERVICE; s++)
        tally_metric_set(series(m, "tally_gate_state", "state", gate_state_name((enum gate_state)s)),
                         s == (int)state);
    tally_metric_set(series(m, "tally_gate_backlog", NULL, NULL), (int64_t)backlog);
    tally_metric_set(series(m, "tally_gate_list_version", NULL, NULL), list_version);
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

uint64_t gate_metrics_percentile(const struct gate_metrics *m, unsigned phase, unsigned p)
{
    uint64_t sorted[GATE_LAPS_MAX];
    if (m->laps == 0 || phase > GATE_PHASES || p > 100)
        return 0;
    memcpy(sorted, m->lap_us[phase], m->laps * sizeof *sorted);
    qsort(sorted, m->laps, sizeof *sorted, ascending);
    /* The nearest rank: the smallest value that p percent of all do not exceed. */
    size_t rank = ((size_t)p * m->laps + 99) / 100;
    return sorted[rank == 0 ? 0 : rank - 1];
}

enum tally_error gate_metrics_write(const struct gate_metrics *m, const char *path)
{
    char fresh[1024];
    char *text = NULL;
    size_t n = 0;
    if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh)
        return TALLY_E_USAGE;
    enum tally_error e = tally_metrics_write(m->all, &text, &n);
    if (e != TALLY_OK)
        return e;
    FILE *file = fopen(fresh, "we");
    bool ok = file != NULL && fwrite(text, 1, n, file) == n;
    if (file != NULL)
        ok = fclose(file) == 0 && ok;
    free(text);
    return ok && rename(fresh, path) == 0 ? TALLY_OK : TALLY_E_IO;
}
