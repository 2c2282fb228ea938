/* Counters, gauges and histograms as OpenMetrics text. */
#include "host/service/metrics.h"
#include "tests/support/check_main.h"

#include <pthread.h>
#include <string.h>

static const uint64_t bounds[] = {1000, 10000};
static const struct tally_metric_family table[] = {
    {.name = "taps", .type = TALLY_COUNTER, .help = "Cards tapped."},
    {.name = "cards_near", .type = TALLY_GAUGE, .help = "Cards in the field."},
    {.name = "tap_seconds",
     .type = TALLY_HISTOGRAM,
     .help = "Time of a tap.",
     .bounds = bounds,
     .bound_count = 2,
     .scale = 1e-6},
    {.name = NULL},
};

static struct tally_metrics *metrics;
static char *text;

static void setup(void)
{
    metrics = tally_metrics_new();
    ck_assert_int_eq(tally_metrics_register(metrics, table), TALLY_OK);
}

static void teardown(void)
{
    free(text);
    text = NULL;
    tally_metrics_free(metrics);
}

static void write_text(void)
{
    size_t size;
    free(text);
    ck_assert_int_eq(tally_metrics_write(metrics, &text, &size), TALLY_OK);
    ck_assert_uint_eq(size, strlen(text));
}

START_TEST(the_text_is_openmetrics)
{
    char labels[TALLY_METRICS_LABELS_MAX] = "";
    tally_metric_label(labels, "gate", "a\"b\\c\nd");
    tally_metric_label(labels, "kind", "rail");
    tally_metric_add(tally_metrics_get(metrics, "taps", labels), 3);
    tally_metric_add(tally_metrics_get(metrics, "cards_near", ""), 5);
    tally_metric_add(tally_metrics_get(metrics, "cards_near", ""), -1);
    struct tally_metric *seconds = tally_metrics_get(metrics, "tap_seconds", "gate=\"x\"");
    tally_metric_observe(seconds, 1000);
    tally_metric_observe(seconds, 1001);
    tally_metric_observe(seconds, 2000000);
    write_text();
    ck_assert_str_eq(text, "# TYPE taps counter\n# HELP taps Cards tapped.\n"
                           "taps_total{gate=\"a\\\"b\\\\c\\nd\",kind=\"rail\"} 3\n"
                           "# TYPE cards_near gauge\n# HELP cards_near Cards in the field.\n"
                           "cards_near 4\n"
                           "# TYPE tap_seconds histogram\n# HELP tap_seconds Time of a tap.\n"
                           "tap_seconds_bucket{gate=\"x\",le=\"0.001\"} 1\n"
                           "tap_seconds_bucket{gate=\"x\",le=\"0.01\"} 2\n"
                           "tap_seconds_bucket{gate=\"x\",le=\"+Inf\"} 3\n"
                           "tap_seconds_sum{gate=\"x\"} 2.002001\n"
                           "tap_seconds_count{gate=\"x\"} 3\n"
                           "# EOF\n");
}
END_TEST

START_TEST(series_are_found_again)
{
    struct tally_metric *one = tally_metrics_get(metrics, "taps", "a=\"1\"");
    ck_assert_ptr_eq(tally_metrics_get(metrics, "taps", "a=\"1\""), one);
    ck_assert_ptr_ne(tally_metrics_get(metrics, "taps", "a=\"2\""), one);
    tally_metric_set(one, 7);
    ck_assert_int_eq(tally_metric_value(one), 7);
}
END_TEST

START_TEST(unknown_and_surplus_series_are_counted_nowhere)
{
    char labels[64], big[2 * TALLY_METRICS_LABELS_MAX];
    tally_metric_add(tally_metrics_get(metrics, "nothing", ""), 1);
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    tally_metric_observe(tally_metrics_get(metrics, "tap_seconds", big), 1);
    for (int i = 0; i < TALLY_METRICS_SERIES_MAX + 10; i++) {
        snprintf(labels, sizeof labels, "n=\"%d\"", i);
        tally_metric_add(tally_metrics_get(metrics, "taps", labels), 1);
    }
    write_text();
    int lines = 0;
    for (const char *at = text; (at = strstr(at, "taps_total")) != NULL; at++)
        lines++;
    ck_assert_int_eq(lines, TALLY_METRICS_SERIES_MAX);
    ck_assert_ptr_null(strstr(text, "xxx"));
}
END_TEST

START_TEST(labels_that_do_not_fit_stay_well_formed)
{
    char labels[TALLY_METRICS_LABELS_MAX] = "", big[2 * TALLY_METRICS_LABELS_MAX];
    memset(big, 'v', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    tally_metric_label(labels, "a", "1");
    tally_metric_label(labels, "b", big);
    ck_assert_str_eq(labels, "a=\"1\"");
}
END_TEST

START_TEST(names_are_registered_once)
{
    ck_assert_int_eq(tally_metrics_register(metrics, table), TALLY_E_EXISTS);
}
END_TEST

static void *count_up(void *arg)
{
    for (int i = 0; i < 10000; i++) {
        tally_metric_add(tally_metrics_get(metrics, "taps", ""), 1);
        tally_metric_observe(arg, 5);
    }
    return NULL;
}

START_TEST(threads_lose_no_count)
{
    pthread_t threads[4];
    struct tally_metric *seconds = tally_metrics_get(metrics, "tap_seconds", "");
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, count_up, seconds), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(tally_metric_value(tally_metrics_get(metrics, "taps", "")), 40000);
    ck_assert_int_eq(tally_metric_value(seconds), 40000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("service_metrics");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, the_text_is_openmetrics);
    tcase_add_test(all, series_are_found_again);
    tcase_add_test(all, unknown_and_surplus_series_are_counted_nowhere);
    tcase_add_test(all, labels_that_do_not_fit_stay_well_formed);
    tcase_add_test(all, names_are_registered_once);
    tcase_add_test(all, threads_lose_no_count);
    suite_add_tcase(suite, all);
    return tally_check_main(suite, NULL);
}
