#include "host/service/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/text.h"

struct tally_metric {
    const struct tally_metric_family *family; /* NULL: not written */
    char labels[TALLY_METRICS_LABELS_MAX];
    _Atomic int64_t value; /* counter, gauge; of a histogram the number of observations */
    _Atomic uint64_t sum;
    _Atomic uint64_t buckets[TALLY_METRICS_BOUNDS_MAX + 1];
};

struct tally_metrics {
    pthread_mutex_t lock; /* guards both lists; series themselves are atomic */
    const struct tally_metric_family *families[TALLY_METRICS_FAMILIES_MAX];
    size_t family_count;
    struct tally_metric *series[TALLY_METRICS_SERIES_MAX];
    size_t series_count;
    struct tally_metric nowhere;
};

struct tally_metrics *tally_metrics_new(void)
{
    struct tally_metrics *metrics = calloc(1, sizeof *metrics);
    if (metrics != NULL)
        pthread_mutex_init(&metrics->lock, NULL);
    return metrics;
}

void tally_metrics_free(struct tally_metrics *metrics)
{
    if (metrics == NULL)
        return;
    for (size_t i = 0; i < metrics->series_count; i++)
        free(metrics->series[i]);
    pthread_mutex_destroy(&metrics->lock);
    free(metrics);
}

static const struct tally_metric_family *find_family(const struct tally_metrics *metrics, const char *name)
{
    for (size_t i = 0; i < metrics->family_count; i++)
        if (strcmp(metrics->families[i]->name, name) == 0)
            return metrics->families[i];
    return NULL;
}

enum tally_error tally_metrics_register(struct tally_metrics *metrics,
                                        const struct tally_metric_family *table)
{
    enum tally_error e = TALLY_OK;
    pthread_mutex_lock(&metrics->lock);
    for (; e == TALLY_OK && table->name != NULL; table++) {
        if (metrics->family_count == TALLY_METRICS_FAMILIES_MAX ||
            table->bound_count > TALLY_METRICS_BOUNDS_MAX)
            e = TALLY_E_FULL;
        else if (find_family(metrics, table->name) != NULL)
            e = TALLY_E_EXISTS;
        else
            metrics->families[metrics->family_count++] = table;
    }
    pthread_mutex_unlock(&metrics->lock);
    return e;
}

static struct tally_metric *find_or_add(struct tally_metrics *metrics, const char *name, const char *labels)
{
    const struct tally_metric_family *family = find_family(metrics, name);
    if (family == NULL || strlen(labels) >= TALLY_METRICS_LABELS_MAX)
        return &metrics->nowhere;
    for (size_t i = 0; i < metrics->series_count; i++) {
        struct tally_metric *metric = metrics->series[i];
        if (metric->family == family && strcmp(metric->labels, labels) == 0)
            return metric;
    }
    if (metrics->series_count == TALLY_METRICS_SERIES_MAX)
        return &metrics->nowhere;
    struct tally_metric *metric = calloc(1, sizeof *metric);
    if (metric == NULL)
        return &metrics->nowhere;
    metric->family = family;
    memcpy(metric->labels, labels, strlen(labels) + 1);
    metrics->series[metrics->series_count++] = metric;
    return metric;
}

struct tally_metric *tally_metrics_get(struct tally_metrics *metrics, const char *family, const char *labels)
{
    pthread_mutex_lock(&metrics->lock);
    struct tally_metric *metric = find_or_add(metrics, family, labels);
    pthread_mutex_unlock(&metrics->lock);
    return metric;
}

static void put_label(struct tally_text *text, const char *name, const char *value)
{
    if (text->length > 0)
        tally_text_char(text, ',');
    tally_text_string(text, name);
    tally_text_string(text, "=\"");
    for (; *value != '\0'; value++) {
        if (*value == '\n') {
            tally_text_string(text, "\\n");
            continue;
        }
        if (*value == '"' || *value == '\\')
            tally_text_char(text, '\\');
        tally_text_char(text, *value);
    }
    tally_text_char(text, '"');
}

void tally_metric_label(char *labels, const char *name, const char *value)
{
    struct tally_text text = {.data = labels, .size = TALLY_METRICS_LABELS_MAX, .length = strlen(labels)};
    size_t before = text.length;
    put_label(&text, name, value);
    if (text.overflowed)
        labels[before] = '\0';
}

void tally_metric_add(struct tally_metric *metric, int64_t n)
{
    atomic_fetch_add_explicit(&metric->value, n, memory_order_relaxed);
}

void tally_metric_set(struct tally_metric *metric, int64_t n)
{
    atomic_store_explicit(&metric->value, n, memory_order_relaxed);
}

void tally_metric_observe(struct tally_metric *metric, uint64_t value)
{
    size_t bucket = 0;
    if (metric->family != NULL)
        while (bucket < metric->family->bound_count && value > metric->family->bounds[bucket])
            bucket++;
    atomic_fetch_add_explicit(&metric->buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metric->sum, value, memory_order_relaxed);
    atomic_fetch_add_explicit(&metric->value, 1, memory_order_relaxed);
}

int64_t tally_metric_value(const struct tally_metric *metric)
{
    return atomic_load_explicit(&metric->value, memory_order_relaxed);
}

static void write_sample(FILE *out, const struct tally_metric *metric, const char *suffix)
{
    const char *open = metric->labels[0] != '\0' ? "{" : "", *close = metric->labels[0] != '\0' ? "}" : "";
    fprintf(out, "%s%s%s%s%s %lld\n", metric->family->name, suffix, open, metric->labels, close,
            (long long)tally_metric_value(metric));
}

static void write_histogram(FILE *out, const struct tally_metric *metric)
{
    const struct tally_metric_family *family = metric->family;
    const char *comma = metric->labels[0] != '\0' ? "," : "";
    uint64_t total = 0;
    for (size_t i = 0; i <= family->bound_count; i++) {
        total += atomic_load_explicit(&metric->buckets[i], memory_order_relaxed);
        char bound[32] = "+Inf";
        if (i < family->bound_count)
            snprintf(bound, sizeof bound, "%.9g", (double)family->bounds[i] * family->scale);
        fprintf(out, "%s_bucket{%s%sle=\"%s\"} %llu\n", family->name, metric->labels, comma, bound,
                (unsigned long long)total);
    }
    const char *open = *comma != '\0' ? "{" : "", *close = *comma != '\0' ? "}" : "";
    double sum = (double)atomic_load_explicit(&metric->sum, memory_order_relaxed) * family->scale;
    fprintf(out, "%s_sum%s%s%s %.9g\n", family->name, open, metric->labels, close, sum);
    /* The count is the last bucket, so that a scrape in the middle of an observation still adds up. */
    fprintf(out, "%s_count%s%s%s %llu\n", family->name, open, metric->labels, close,
            (unsigned long long)total);
}

static void write_family(FILE *out, const struct tally_metrics *metrics,
                         const struct tally_metric_family *family)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    fprintf(out, "# TYPE %s %s\n# HELP %s %s\n", family->name, types[family->type], family->name,
            family->help);
    for (size_t i = 0; i < metrics->series_count; i++) {
        const struct tally_metric *metric = metrics->series[i];
        if (metric->family != family)
            continue;
        if (family->type == TALLY_HISTOGRAM)
            write_histogram(out, metric);
        else
            write_sample(out, metric, family->type == TALLY_COUNTER ? "_total" : "");
    }
}

enum tally_error tally_metrics_write(struct tally_metrics *metrics, char **text, size_t *size)
{
    *text = NULL;
    *size = 0;
    FILE *out = open_memstream(text, size);
    if (out == NULL)
        return TALLY_E_MEMORY;
    pthread_mutex_lock(&metrics->lock);
    for (size_t i = 0; i < metrics->family_count; i++)
        write_family(out, metrics, metrics->families[i]);
    pthread_mutex_unlock(&metrics->lock);
    fputs("# EOF\n", out);
    int failed = ferror(out);
    if (fclose(out) == 0 && !failed)
        return TALLY_OK;
    free(*text);
    *text = NULL;
    *size = 0;
    return TALLY_E_MEMORY;
}
