/* How long the flash lasts: taps, by erasures of the most worn page, on a card with one ticket and on one
 * that holds as many as it can. Figures with the same simulation: ./tally bench store. */
#include <stdbool.h>

#include "tests/cuts/wear.h"
#include "tests/support/check_main.h"

static const struct wear_case {
    uint32_t unit;
    bool full;
    double taps; /* that 10,000 erasures of each page must last for */
} cases[] = {{4, false, 5e6}, {8, false, 5e6}, {16, false, 4e6},
             {4, true, 1e6},  {8, true, 1e6},  {16, true, 0.9e6}};

START_TEST(a_card_lasts_a_million_taps)
{
    const struct wear_case *w = &cases[_i];
    struct wear wear = wear_measure(w->unit, w->full ? UINT32_MAX : 1, 6000);
    ck_assert_msg(wear.taps_per_10k >= w->taps, "%.0f taps", wear.taps_per_10k);
    /* Levelled: pages are used in turn, so that none is ever more than one round ahead, or two around a
     * fault. */
    ck_assert_uint_le(wear.erases_max - wear.erases_min, 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("wear");
    TCase *c = tcase_create("wear");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, a_card_lasts_a_million_taps, 0, sizeof cases / sizeof cases[0]);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
