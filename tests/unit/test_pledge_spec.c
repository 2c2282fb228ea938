/* specs/pledge.md has the tables that the code executes, and all of its messages. */
#include "tests/support/check_main.h"
#include "tests/unit/pledge_spec.h"

static char spec[128 * 1024], table[32 * 1024];

static void setup(void)
{
    FILE *f = fopen(TALLY_SPECS "/pledge.md", "r");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(spec, 1, sizeof spec - 1, f);
    fclose(f);
    ck_assert_uint_gt(n, 1000);
    spec[n] = 0;
}

START_TEST(machines_are_as_specified)
{
    const struct pledge_machines *m = &pledge_machines;
    const struct pledge_machine *const all[] = {m->line,       m->hold,    m->loan,    m->grant,
                                                m->disposal,   m->ticket,  m->issuing, m->channel,
                                                m->redemption, m->project, m->sold};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        pledge_spec_machine(all[i], table, sizeof table);
        ck_assert_msg(strstr(spec, table) != NULL, "specs/pledge.md lacks this table of %s:\n%s",
                      all[i]->name, table);
    }
}
END_TEST

START_TEST(messages_are_as_specified)
{
    pledge_spec_messages(table, sizeof table);
    ck_assert_msg(strstr(spec, table) != NULL, "specs/pledge.md lacks this table:\n%s", table);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pledge_spec");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, setup, NULL);
    tcase_add_test(c, machines_are_as_specified);
    tcase_add_test(c, messages_are_as_specified);
    suite_add_tcase(s, c);
    return tally_check_main(s, (Suite *)NULL);
}
