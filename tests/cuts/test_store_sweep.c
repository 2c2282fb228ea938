/* Complete enumeration of power cuts over the record store, for one size of unit (argument 1, in bytes): see
 * cuts.h. The program says how many cases it covered, and fails when they are fewer than argument 2. */
#include "tests/cuts/report.h"
#include "tests/cuts/workloads.h"

static uint32_t unit;

enum { STABLE, FLICKER, ECC, MODES };

enum { LONG_COMMIT = 200 /* operations; for these, each way to tear is tried once */ };

static void sweep_workload(int which, int mode)
{
    struct cuts *c = cuts_new(unit, WORKLOAD_PAGE, WORKLOAD_PAGES);
    struct cuts_tally tally = {0};
    struct commit_case cc;
    static struct bed bed;
    bed_open(&bed, unit, WORKLOAD_PAGE, WORKLOAD_PAGES);
    workloads[which].prepare(&bed);
    bed_record(&bed, &cc);
    uint64_t budget[] = {mode == STABLE ? 5000 : 1200, mode == STABLE ? 1500 : 300};
    struct cuts_plan plan = {.tears = {2 * FLASHSIM_TEARS, 1, 1}, .chains = 11};
    if (cc.tape->count > LONG_COMMIT)
        plan.tears[0] = FLASHSIM_TEARS;
    plan.rare = mode == STABLE;
    plan.flicker = mode == FLICKER;
    plan.ecc = mode == ECC;
    cuts_sweep_within(c, cc.start, cc.tape, cc.states, 2, plan, budget, &tally);
    if (mode == STABLE && tally.failures == 0)
        cuts_fail(c, cc.start, &cc.batch, cc.states, cc.tape->count, &tally);
    commit_case_free(&cc);
    bed_close(&bed);
    cuts_free(c);
    report_add(workloads[which].name, &tally);
}

START_TEST(every_cut_leaves_before_or_after)
{
    sweep_workload(_i, STABLE);
}
END_TEST

START_TEST(also_when_torn_units_read_differently_each_time)
{
    sweep_workload(_i, FLICKER);
}
END_TEST

START_TEST(also_when_torn_units_cannot_be_read)
{
    sweep_workload(_i, ECC);
}
END_TEST

/* Commit after commit on a store near its limit, so that hardly one goes without compaction, each cut
 * everywhere. */
START_TEST(a_long_life_is_cut_everywhere)
{
    static const struct cuts_plan plan = {.tears = {2, 1, 1}, .every = {311, 0}};
    struct cuts *c = cuts_new(unit, WORKLOAD_PAGE, WORKLOAD_PAGES);
    struct cuts_tally tally = {0};
    static struct bed bed;
    uint32_t state = 99 + (uint32_t)_i;
    bed_open(&bed, unit, WORKLOAD_PAGE, WORKLOAD_PAGES);
    for (unsigned i = 0; i < 400; i++)
        if (bed_random(&bed, &state))
            bed_commit(&bed);
    for (unsigned i = 0; i < 20 && tally.failures == 0; i++)
        if (bed_random(&bed, &state))
            bed_sweep(&bed, c, &plan, &tally);
    bed_close(&bed);
    cuts_free(c);
    report_add("a long life", &tally);
}
END_TEST

static void run_all(Suite *s)
{
    TCase *c = tcase_create("sweep");
    tcase_set_timeout(c, 240);
    tcase_add_loop_test(c, every_cut_leaves_before_or_after, 0, workload_count);
    tcase_add_loop_test(c, also_when_torn_units_read_differently_each_time, 0, workload_count);
    tcase_add_loop_test(c, also_when_torn_units_cannot_be_read, 0, workload_count);
    tcase_add_loop_test(c, a_long_life_is_cut_everywhere, 0, 3);
    suite_add_tcase(s, c);
}

int main(int argc, char **argv)
{
    char title[40];
    unit = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 8;
    (void)snprintf(title, sizeof title, "store cuts, units of %u", unit);
    report_open();
    Suite *s = suite_create("store sweep");
    run_all(s);
    return report_main(s, title, argc > 2 ? strtoull(argv[2], NULL, 10) : 0);
}
