/* Linked with one mutant of the card's commands (mutants/NAME.patch), shows that the tests of
 * test_card_sweep.c find it out. */
#include <sys/wait.h>
#include <unistd.h>

#include "tests/cuts/scenario.h"
#include "tests/support/check_main.h"

enum { CARD_PAGES = 16 };

static const struct cuts_plan plan = {.tears = {FLASHSIM_TEARS, 1, 1}};
static const uint64_t budget[CUTS_DEPTH - 1] = {100, 0};

/* Number i of all there is to try. */
static void try_one(int i, struct cuts_tally *tally)
{
    if (i < guess_count)
        scenario_guess(&guesses[i], tally);
    else if ((i -= guess_count) < issuer_scenario_count)
        scenario_cut(issuer_scenarios[i], &plan, budget, tally);
    else
        scenario_cut(&ticket_scenarios[i - issuer_scenario_count], &plan, budget, tally);
}

/* In a process of its own, from the world as it was made. */
static bool caught_by(int i)
{
    struct cuts_tally tally = {0};
    int status;
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        try_one(i, &tally);
        printf("%s\n", tally.first);
        fflush(stdout);
        _exit(tally.failures > 0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status) == 1;
}

START_TEST(mutant_is_caught)
{
    bool caught = false;
    for (int i = 0; i < guess_count + issuer_scenario_count + ticket_scenario_count && !caught; i++)
        caught = caught_by(i);
    ck_assert_msg(caught, "not caught");
}
END_TEST

int main(void)
{
    ramcard_shape.pages = CARD_PAGES;
    Suite *s = suite_create("mutant");
    TCase *c = tcase_create("mutant");
    tcase_set_timeout(c, 240);
    tcase_add_unchecked_fixture(c, scenario_set_up, NULL);
    tcase_add_test(c, mutant_is_caught);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
