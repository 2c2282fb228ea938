/* The store under power cuts, far more of them than in the tests (tests/cuts/): every workload on every size
 * of unit, every command of the card; and how the flash wears. One process for each size of unit. Time goes
 * with TALLY_CUTS, the number of second cuts for each workload. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/cuts/scenario.h"
#include "tests/cuts/wear.h"
#include "tests/cuts/workloads.h"
#include "tests/support/must.h"

enum { UNITS = 3, MODES = 3, SECOND_CUTS = 2000, CARD_PAGES = 16, LIFE = 60, WEAR_TAPS = 20000 };

typedef unsigned long long ull;

static const uint32_t units[UNITS] = {4, 8, 16};
static struct cuts_tally *totals; /* one for each size of unit */
static uint64_t second_cuts = SECOND_CUTS;

static void add(unsigned u, const char *name, const struct cuts_tally *t)
{
    cuts_add(&totals[u], t);
    fprintf(stderr, "%s, units of %u: %llu + %llu + %llu cases%s%s\n", name, units[u], (ull)t->cases[0],
            (ull)t->cases[1], (ull)t->cases[2], t->failures > 0 ? "; FAILED: " : "", t->first);
}

static void sweep_workload(unsigned u, int which, int mode)
{
    static struct bed bed;
    const uint64_t budget[] = {second_cuts, second_cuts / 2};
    struct cuts_plan plan = {.tears = {2 * FLASHSIM_TEARS, 2, 1}, .chains = 5, .rare = mode == 0};
    struct cuts *c = cuts_new(units[u], WORKLOAD_PAGE, WORKLOAD_PAGES);
    struct cuts_tally tally = {0};
    struct commit_case cc;
    plan.flicker = mode == 1;
    plan.ecc = mode == 2;
    bed_open(&bed, units[u], WORKLOAD_PAGE, WORKLOAD_PAGES);
    workloads[which].prepare(&bed);
    bed_record(&bed, &cc);
    cuts_sweep_within(c, cc.start, cc.tape, cc.states, 2, plan, budget, &tally);
    cuts_fail(c, cc.start, &cc.batch, cc.states, cc.tape->count, &tally);
    commit_case_free(&cc);
    bed_close(&bed);
    cuts_free(c);
    add(u, workloads[which].name, &tally);
}

static void sweep_life(unsigned u)
{
    static const struct cuts_plan plan = {.tears = {FLASHSIM_TEARS, 1, 1}, .every = {211, 0}, .chains = 11};
    static struct bed bed;
    struct cuts *c = cuts_new(units[u], WORKLOAD_PAGE, WORKLOAD_PAGES);
    struct cuts_tally tally = {0};
    uint32_t state = 12345 + u;
    bed_open(&bed, units[u], WORKLOAD_PAGE, WORKLOAD_PAGES);
    for (unsigned i = 0; i < 6 * LIFE; i++)
        if (bed_random(&bed, &state))
            bed_commit(&bed);
    for (unsigned i = 0; i < LIFE; i++)
        if (bed_random(&bed, &state))
            bed_sweep(&bed, c, &plan, &tally);
    bed_close(&bed);
    cuts_free(c);
    add(u, "a long life", &tally);
}

/* In a process of its own, on the world as it was made. */
static void sweep_command(unsigned u, const struct scenario *s)
{
    static const struct cuts_plan plan = {.tears = {2 * FLASHSIM_TEARS, 1, 1}, .chains = 5};
    const uint64_t budget[] = {second_cuts / 2, second_cuts / 8};
    struct cuts_tally tally = {0};
    pid_t pid = fork();
    must(pid >= 0);
    if (pid > 0) {
        must(waitpid(pid, NULL, 0) == pid);
        return;
    }
    scenario_cut(s, &plan, budget, &tally);
    add(u, s->name, &tally);
    _exit(0);
}

static void sweep_all(unsigned u)
{
    for (int mode = 0; mode < MODES; mode++)
        for (int i = 0; i < workload_count; i++)
            sweep_workload(u, i, mode);
    sweep_life(u);
    ramcard_shape = (struct ramcard_shape){units[u], CARD_PAGES};
    scenario_set_up();
    for (int i = 0; i < issuer_scenario_count; i++)
        sweep_command(u, issuer_scenarios[i]);
    for (int i = 0; i < ticket_scenario_count; i++)
        sweep_command(u, &ticket_scenarios[i]);
}

static bool sweep_units(void)
{
    pid_t pids[UNITS];
    bool good = true;
    for (unsigned u = 0; u < UNITS; u++) {
        pids[u] = fork();
        must(pids[u] >= 0);
        if (pids[u] == 0) {
            sweep_all(u);
            _exit(0);
        }
    }
    for (unsigned u = 0; u < UNITS; u++) {
        int status;
        must(waitpid(pids[u], &status, 0) == pids[u]);
        good = good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    return good;
}

static void print_cuts(const struct cuts_tally *t)
{
    double recoveries = (double)(t->recoveries + (t->recoveries == 0));
    printf("store.cuts %llu\n", (ull)cuts_cases(t));
    printf("store.cuts_single %llu\n", (ull)t->cases[0]);
    printf("store.cuts_double %llu\n", (ull)t->cases[1]);
    printf("store.cuts_more %llu\n", (ull)t->cases[2]);
    printf("store.cut_failures %llu\n", (ull)t->failures);
    printf("store.recovery_operations_max %llu\n", (ull)t->operations_max);
    printf("store.recovery_operations_mean %.1f\n", (double)t->operations / recoveries);
    printf("store.recovery_reads_max %llu\n", (ull)t->reads_max);
    printf("store.recovery_reads_mean %.1f\n", (double)t->reads / recoveries);
}

static void print_wear(uint32_t unit, bool full)
{
    struct wear w = wear_measure(unit, full ? UINT32_MAX : 1, WEAR_TAPS);
    char suffix[24];
    (void)snprintf(suffix, sizeof suffix, "_%s_u%u", full ? "full" : "empty", unit);
    printf("store.tickets%s %u\n", suffix, w.tickets);
    printf("store.erases_per_tap%s %.4f\n", suffix, w.erases_per_tap);
    printf("store.programs_per_tap%s %.1f\n", suffix, w.programs_per_tap);
    printf("store.write_amplification%s %.2f\n", suffix, w.amplification);
    printf("store.taps_per_10k_cycles%s %.0f\n", suffix, w.taps_per_10k);
}

START_TEST(figures)
{
    struct cuts_tally sum = {0};
    bool good = sweep_units();
    for (unsigned u = 0; u < UNITS; u++)
        cuts_add(&sum, &totals[u]);
    sum.failures += !good;
    print_cuts(&sum);
    for (unsigned u = 0; u < UNITS; u++)
        for (unsigned full = 0; full < 2; full++)
            print_wear(units[u], full == 1);
    ck_assert_uint_eq(sum.failures, 0);
}
END_TEST

/* The card's world asserts by Check, which has to be running. */
int main(void)
{
    const char *asked = getenv("TALLY_CUTS");
    if (asked != NULL)
        second_cuts = strtoull(asked, NULL, 10);
    totals = mmap(NULL, UNITS * sizeof *totals, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(totals != MAP_FAILED);
    Suite *suite = suite_create("store");
    TCase *c = tcase_create("store");
    tcase_add_test(c, figures);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
