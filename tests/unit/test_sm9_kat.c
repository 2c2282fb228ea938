/* Every value of the standard's examples, intermediate ones included. */
#include "tests/support/check_main.h"
#include "tests/support/sm9_kat.h"

static void result(void *ctx, const char *name, bool ok)
{
    unsigned *count = ctx;
    ++*count;
    ck_assert_msg(ok, "%s", name);
}

START_TEST(standard_values)
{
    unsigned count = 0;
    const struct sm9_kat kat = {result, &count};
    sm9_kat_run(&kat);
    ck_assert_uint_gt(count, 60);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sm9 vectors");
    TCase *c = tcase_create("vectors");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, standard_values);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
