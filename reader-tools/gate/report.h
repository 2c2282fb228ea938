/* What a gate says about a tap: one line for people, one JSON object for programs, and metrics. */
#ifndef TALLY_GATE_REPORT_H
#define TALLY_GATE_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "host/service/metrics.h"
#include "reader-tools/gate/tap.h"

/* OPEN or STOP, reason, what was done, for which ticket, and what went over the wire. */
void gate_report_line(FILE *out, const struct gate *gate, const struct gate_tap *tap);

/* NULL when memory is out. */
json_t *gate_report_json(const struct gate *gate, const struct gate_tap *tap);

enum gate_state {
    GATE_READY,
    GATE_OFFLINE,    /* the ticket server cannot be reached; taps are decided all the same */
    GATE_LIST_OLD,   /* LIST-STALE */
    GATE_CLOCK_SKEW, /* cards or the journal come from this clock's future */
    GATE_NO_READER,
    GATE_OUT_OF_SERVICE /* the journal cannot be written */
};

/* "READY", "OFFLINE", "LIST-STALE", "CLOCK-SKEW", "NO-READER", "OUT-OF-SERVICE". */
const char *gate_state_name(enum gate_state state);

enum { GATE_LAPS_MAX = 1024 };

/* Counters of a gate's life, and the durations of its last taps. */
struct gate_metrics {
    struct tally_metrics *all;
    unsigned laps; /* taps whose durations are in lap_us, at most GATE_LAPS_MAX */
    unsigned lap_next;
    uint64_t lap_us[GATE_PHASES + 1][GATE_LAPS_MAX]; /* the last row: the whole tap */
};

/* TALLY_E_MEMORY. The caller frees with gate_metrics_free. */
enum tally_error gate_metrics_init(struct gate_metrics *metrics);
void gate_metrics_free(struct gate_metrics *metrics);

void gate_metrics_tap(struct gate_metrics *metrics, const struct gate_tap *tap);
void gate_metrics_state(struct gate_metrics *metrics, enum gate_state state, uint64_t backlog,
                        uint32_t list_version);

/* The p-th percentile (0..100) of the phase's last durations in microseconds (GATE_PHASES: the whole tap); 0
 * when there are none. */
uint64_t gate_metrics_percentile(const struct gate_metrics *metrics, unsigned phase, unsigned p);

/* Writes the metrics as OpenMetrics text into a file, in one step. */
enum tally_error gate_metrics_write(const struct gate_metrics *metrics, const char *path);

#endif
