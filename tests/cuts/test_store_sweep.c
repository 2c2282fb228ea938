/* Complete enumeration of power cuts over the record store, for one size of unit (argument 1, in bytes): see
 * cuts.h. The program says how many cases it covered, and fails when they are fewer than argument 2. */
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "tests/cuts/workloads.h"
#include "tests/support/check_main.h"
#include "tests/support/must.h"

static uint32_t unit;

/* Tests run in processes of their own; what they covered is added up here. */
static struct cuts_tally *total;

static void finish(const char *name, const struct cuts_tally *t)
{
    printf("%s, units of %u: %llu + %llu + %llu cases\n", name, unit, (unsigned long long)t->cases[0],
           (unsigned long long)t->cases[1], (unsigned long long)t->cases[2]);
    cuts_add(total, t);
    ck_assert_msg(t->failures == 0, "%s: %llu failures; the first: %s", name, (unsigned long long)t->failures,
                  t->first);
}

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
    finish(workloads[which].name, &tally);
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
    finish("a long life", &tally);
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

static uint64_t wanted;

START_TEST(as_many_cases_as_promised)
{
    ck_assert_uint_ge(cuts_cases(total), wanted);
}
END_TEST

int main(int argc, char **argv)
{
    unit = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 8;
    wanted = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    total = mmap(NULL, sizeof *total, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(total != MAP_FAILED);
    Suite *s = suite_create("store sweep"), *sum = suite_create("sum");
    run_all(s);
    TCase *c = tcase_create("sum");
    tcase_add_test(c, as_many_cases_as_promised);
    suite_add_tcase(sum, c);
    int status = tally_check_main(s, sum, NULL);
    printf("store cuts, units of %u: %llu cases, %llu failures; a recovery writes %llu units at most, %.1f "
           "in the mean\n",
           unit, (unsigned long long)cuts_cases(total), (unsigned long long)total->failures,
           (unsigned long long)total->operations_max,
           (double)total->operations / (double)(total->recoveries + !total->recoveries));
    return status;
}
