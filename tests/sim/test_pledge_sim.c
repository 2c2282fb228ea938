/* Thousands of schedules of the pledge, and what was broken on purpose. With a seed as argument: that
 * schedule alone. */
#include <inttypes.h>

#include "tests/sim/schedule.h"
#include "tests/support/check_main.h"

/* The sanitizers make each schedule several times dearer. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif
#ifdef SANITIZED
enum { SCHEDULES = 400, PARTS = 4 };
#else
enum { SCHEDULES = 12000, PARTS = 4 };
#endif
enum { MUTANT_SCHEDULES = 3000 };

static void print(uint64_t seed, const struct sim_result *r)
{
    printf("pledge_sim: seed %" PRIu64 ": %s (%u findings)\n", seed, r->first, r->findings);
}

START_TEST(nothing_is_ever_wrong)
{
    struct sim_result r, all = {.findings = 0};
    uint64_t from = (uint64_t)_i * (SCHEDULES / PARTS) + 1;
    for (uint64_t seed = from; seed < from + SCHEDULES / PARTS; seed++) {
        sim_run(seed, NULL, &r);
        if (r.findings > 0)
            print(seed, &r);
        ck_assert_uint_eq(r.findings, 0);
        all.forged += r.forged;
        all.crashes += r.crashes;
        all.lines_delivered += r.lines_delivered;
        all.lines_failed += r.lines_failed;
    }
    /* The schedules are worth something only if all of this happens in them. */
    ck_assert_uint_gt(all.forged, SCHEDULES / PARTS);
    ck_assert_uint_gt(all.crashes, SCHEDULES / PARTS);
    ck_assert_uint_gt(all.lines_delivered, SCHEDULES / PARTS);
    ck_assert_uint_gt(all.lines_failed, SCHEDULES / PARTS);
}
END_TEST

START_TEST(a_mutant_is_noticed)
{
    const struct sim_mutant *mutant = &sim_mutants[_i];
    struct sim_result r = {.findings = 0};
    uint64_t seed = mutant->from;
    while (r.findings == 0 && seed < mutant->from + MUTANT_SCHEDULES)
        sim_run(++seed, mutant, &r);
    ck_assert_msg(r.findings > 0, "not noticed in %d schedules: %s", MUTANT_SCHEDULES, mutant->name);
}
END_TEST

/* The same seed, the same story: a failure can be looked at again. */
START_TEST(a_seed_repeats)
{
    struct sim_result a, b;
    for (uint64_t seed = 1; seed < 20; seed++) {
        sim_run(seed, NULL, &a);
        sim_run(seed, NULL, &b);
        ck_assert_mem_eq(&a, &b, sizeof a);
    }
}
END_TEST

int main(int argc, char **argv)
{
    int mutants = 0;
    if (argc > 1) {
        struct sim_result r;
        sim_run(strtoull(argv[1], NULL, 10), NULL, &r);
        print(strtoull(argv[1], NULL, 10), &r);
        return r.findings > 0;
    }
    while (sim_mutants[mutants].name != NULL)
        mutants++;
    Suite *s = suite_create("pledge_sim");
    TCase *c = tcase_create("schedules");
    tcase_set_timeout(c, 240);
    tcase_add_loop_test(c, nothing_is_ever_wrong, 0, PARTS);
    tcase_add_loop_test(c, a_mutant_is_noticed, 0, mutants);
    tcase_add_test(c, a_seed_repeats);
    suite_add_tcase(s, c);
    return tally_check_main(s, (Suite *)NULL);
}
