/* Complete enumeration of power cuts over every command of every applet, on a card with units of argument 1
 * bytes: what each commit may change stands with the commands in scenario_*.c, after
 * specs/crash-guarantees.md. Argument 2: the least number of cases. */
#include "tests/cuts/report.h"
#include "tests/cuts/scenario.h"

enum { CARD_PAGES = 16, LIFE_COMMANDS = 24, LIFE_AHEAD = 60 };

static const struct cuts_plan plan = {.tears = {FLASHSIM_TEARS, 1, 1}, .chains = 7};
static const uint64_t budget[CUTS_DEPTH - 1] = {1200, 300};

START_TEST(issuers_commands)
{
    struct cuts_tally tally = {0};
    scenario_cut(issuer_scenarios[_i], &plan, budget, &tally);
    report_add(issuer_scenarios[_i]->name, &tally);
}
END_TEST

START_TEST(ticket_commands)
{
    struct cuts_tally tally = {0};
    scenario_cut(&ticket_scenarios[_i], &plan, budget, &tally);
    report_add(ticket_scenarios[_i].name, &tally);
}
END_TEST

START_TEST(reading_writes_nothing)
{
    struct cuts_tally tally = {0};
    scenario_cut(&reading_scenarios[_i], &plan, budget, &tally);
    ck_assert_msg(tally.failures == 0, "%s", tally.first);
}
END_TEST

START_TEST(guesses_are_counted_first)
{
    struct cuts_tally tally = {0};
    scenario_guess(&guesses[_i], &tally);
    report_add(guesses[_i].what, &tally);
}
END_TEST

/* Until the log has gone around the flash, then with all cuts; so that compaction is part of them. */
START_TEST(a_life_of_commands)
{
    static const struct cuts_plan thin = {.tears = {2, 1, 1}, .chains = 31};
    static const uint64_t few[CUTS_DEPTH - 1] = {150, 0};
    struct cuts_tally tally = {0};
    uint32_t state = 4711;
    for (unsigned i = 0; i < LIFE_AHEAD; i++)
        ck_assert_uint_eq(scenario_life(&state)->run(), SW_OK);
    for (unsigned i = 0; i < LIFE_COMMANDS && tally.failures == 0; i++)
        scenario_cut_here(scenario_life(&state), &thin, few, &tally);
    report_add("a life of commands", &tally);
}
END_TEST

int main(int argc, char **argv)
{
    char title[40];
    ramcard_shape = (struct ramcard_shape){argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 8, CARD_PAGES};
    (void)snprintf(title, sizeof title, "card cuts, units of %u", ramcard_shape.unit);
    report_open();
    Suite *s = suite_create("card sweep");
    TCase *c = tcase_create("commands");
    tcase_set_timeout(c, 240);
    tcase_add_unchecked_fixture(c, scenario_set_up, NULL);
    tcase_add_loop_test(c, issuers_commands, 0, issuer_scenario_count);
    tcase_add_loop_test(c, ticket_commands, 0, ticket_scenario_count);
    tcase_add_loop_test(c, reading_writes_nothing, 0, reading_scenario_count);
    tcase_add_loop_test(c, guesses_are_counted_first, 0, guess_count);
    tcase_add_test(c, a_life_of_commands);
    suite_add_tcase(s, c);
    return report_main(s, title, argc > 2 ? strtoull(argv[2], NULL, 10) : 0);
}
