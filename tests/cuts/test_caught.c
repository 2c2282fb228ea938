/* Linked with one mutant of the store (mutants/NAME.patch), shows that the enumeration finds it out: it stops
 * at the first violation, and fails when there is none. With argument "control", and the store as it is: that
 * there is none. */
#include <string.h>

#include "tests/cuts/workloads.h"
#include "tests/support/check_main.h"

static bool control;

/* What is tried, one after the other: a few cases of everything; second cuts in rare recoveries; rows of
 * cuts, thrice. */
enum { BROAD, RARE, ROWS, ROUNDS = ROWS + 3 };

static void sweep_workload(int which, struct cuts *c, unsigned round, struct cuts_tally *tally)
{
    const struct cuts_plan plan = {
        .tears = {FLASHSIM_TEARS, 1, 1}, .chains = round != RARE, .rare = round == RARE};
    const uint64_t budget[] = {300, round == BROAD ? 100 : 0};
    struct commit_case cc;
    static struct bed bed;
    bed_open(&bed, 8, WORKLOAD_PAGE, WORKLOAD_PAGES);
    workloads[which].prepare(&bed);
    bed_record(&bed, &cc);
    if (round == BROAD)
        cuts_fail(c, cc.start, &cc.batch, cc.states, cc.tape->count, tally);
    if (tally->failures == 0)
        cuts_sweep_within(c, cc.start, cc.tape, cc.states, 2, plan, budget, tally);
    commit_case_free(&cc);
    bed_close(&bed);
}

START_TEST(mutant_is_caught)
{
    struct cuts_tally tally = {0};
    struct cuts *c = cuts_new(8, WORKLOAD_PAGE, WORKLOAD_PAGES);
    unsigned rounds = control ? 1 : ROUNDS;
    for (unsigned round = 0; round < rounds && tally.failures == 0; round++)
        for (int i = 0; i < workload_count && tally.failures == 0; i++)
            if (round == BROAD || round == RARE || workloads[i].prepare == workload_compaction)
                sweep_workload(round == RARE ? workload_count - 1 - i : i, c, round, &tally);
    cuts_free(c);
    printf("%llu cases; %s\n", (unsigned long long)cuts_cases(&tally), tally.first);
    if (control)
        ck_assert_msg(tally.failures == 0, "%s", tally.first);
    else
        ck_assert_msg(tally.failures > 0, "not caught");
}
END_TEST

int main(int argc, char **argv)
{
    control = argc > 1 && strcmp(argv[1], "control") == 0;
    Suite *s = suite_create("mutant");
    TCase *c = tcase_create("mutant");
    tcase_set_timeout(c, 240);
    tcase_add_test(c, mutant_is_caught);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
