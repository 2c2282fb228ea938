#include "tests/cuts/report.h"

#include <sys/mman.h>

#include "tests/support/must.h"

typedef unsigned long long ull;

/* Tests run in processes of their own. */
static struct cuts_tally *total;
static uint64_t wanted_cases;

void report_open(void)
{
    total = mmap(NULL, sizeof *total, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(total != MAP_FAILED);
}

void report_add(const char *name, const struct cuts_tally *tally)
{
    printf("%s: %llu + %llu + %llu cases\n", name, (ull)tally->cases[0], (ull)tally->cases[1],
           (ull)tally->cases[2]);
    cuts_add(total, tally);
    ck_assert_msg(tally->failures == 0, "%s: %llu failures; the first: %s", name, (ull)tally->failures,
                  tally->first);
}

START_TEST(as_many_cases_as_promised)
{
    ck_assert_uint_ge(cuts_cases(total), wanted_cases);
}
END_TEST

int report_main(Suite *suite, const char *title, uint64_t wanted)
{
    Suite *sum = suite_create("sum");
    TCase *c = tcase_create("sum");
    wanted_cases = wanted;
    tcase_add_test(c, as_many_cases_as_promised);
    suite_add_tcase(sum, c);
    int status = tally_check_main(suite, sum, NULL);
    uint64_t recoveries = total->recoveries + (total->recoveries == 0);
    printf("%s: %llu cases, %llu failures; a recovery writes %llu units at most, %.1f in the mean\n", title,
           (ull)cuts_cases(total), (ull)total->failures, (ull)total->operations_max,
           (double)total->operations / (double)recoveries);
    return status;
}
