/* Counters, gauges and histograms, described in tables, written as OpenMetrics text. Safe in any thread.
 *
 * A family has a name and a type; a series is a family with one set of labels. Look a series up once and keep
 * it: adding to it is one atomic operation.
 */
#ifndef TALLY_SERVICE_METRICS_H
#define TALLY_SERVICE_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "host/base/error.h"

#define TALLY_METRICS_FAMILIES_MAX 64
#define TALLY_METRICS_SERIES_MAX   1024 /* over all families; beyond it series are counted nowhere */
#define TALLY_METRICS_BOUNDS_MAX   16
#define TALLY_METRICS_LABELS_MAX   192 /* bytes of a series' labels as text */
#define TALLY_METRICS_CONTENT_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

enum tally_metric_type { TALLY_COUNTER, TALLY_GAUGE, TALLY_HISTOGRAM };

struct tally_metric_family {
    const char *name; /* without "_total"; a table ends with a NULL name */
    enum tally_metric_type type;
    const char *help;
    /* Histograms: observations and bounds are whole numbers, written multiplied by scale (1e-6 turns
     * microseconds into the seconds OpenMetrics wants). Bounds rise; an infinite last bucket is added. */
    const uint64_t *bounds;
    size_t bound_count;
    double scale;
};

struct tally_metrics;
struct tally_metric;

/* NULL when memory is out. */
struct tally_metrics *tally_metrics_new(void);
void tally_metrics_free(struct tally_metrics *metrics);

/* Adds a table, which must outlive the metrics. TALLY_E_FULL beyond the limits, TALLY_E_EXISTS for a name
 * twice. */
enum tally_error tally_metrics_register(struct tally_metrics *metrics,
                                        const struct tally_metric_family *table);

/* The series of a registered family with these labels (name="value" pairs joined by commas, made with
 * tally_metric_label; "" for none). Never NULL: an unknown family, labels too long or too many series give a
 * series that is not written. Lives as long as the metrics. */
struct tally_metric *tally_metrics_get(struct tally_metrics *metrics, const char *family, const char *labels);

/* Appends name="value" (escaped, with a comma where needed) to labels, a buffer of TALLY_METRICS_LABELS_MAX
 * bytes. */
void tally_metric_label(char *labels, const char *name, const char *value);

void tally_metric_add(struct tally_metric *metric, int64_t n);          /* counters (n >= 0) and gauges */
void tally_metric_set(struct tally_metric *metric, int64_t n);          /* gauges */
void tally_metric_observe(struct tally_metric *metric, uint64_t value); /* histograms */
/* The value of a counter or gauge, the number of observations of a histogram. */
int64_t tally_metric_value(const struct tally_metric *metric);

/* All series as OpenMetrics text: *text is malloc'd, *size without the NUL; NULL and 0 on TALLY_E_MEMORY. */
enum tally_error tally_metrics_write(struct tally_metrics *metrics, char **text, size_t *size);

#endif
