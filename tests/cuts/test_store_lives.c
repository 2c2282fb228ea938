/* Lives full of power cuts: stores that are cut at random, hundreds of times, hardly ever finishing anything
 * at the first attempt. Complete enumerations are in test_store_sweep.c. */
#include <string.h>

#include "tests/cuts/workloads.h"
#include "tests/support/check_main.h"

static struct bed bed;
static struct model after;

enum shown { BEFORE = 1, AFTER = 2 };

/* Mounts, and says which of the two states is shown. */
static enum shown mounted(uint64_t seed)
{
    flashsim_power_on(&bed.sim, seed);
    enum store_result result = store_mount(&bed.store, &bed.sim.flash);
    ck_assert_msg(result == STORE_OK, "mount after a cut: %d", (int)result);
    if (model_matches(&bed.model, &bed.store))
        return BEFORE;
    ck_assert_msg(model_matches(&after, &bed.store), "neither before nor after the commit");
    return AFTER;
}

/* Mounts, cut short a few times, until it is through; then the model is what is shown. */
static void settle_random(uint32_t *state, unsigned allowed, uint32_t span)
{
    for (unsigned cuts = model_random(state) % 4; cuts > 0; cuts--) {
        flashsim_power_on(&bed.sim, model_random(state));
        flashsim_cut_after(&bed.sim, model_random(state) % span, model_random(state));
        if (store_mount(&bed.store, &bed.sim.flash) == STORE_OK &&
            (model_matches(&bed.model, &bed.store) || model_matches(&after, &bed.store)))
            allowed &= model_matches(&bed.model, &bed.store) ? BEFORE : AFTER;
    }
    enum shown shown = mounted(model_random(state));
    ck_assert_msg((shown & allowed) != 0, "what was shown or acknowledged is gone");
    if (shown == AFTER)
        bed.model = after;
}

/* One commit, with a cut planned somewhere within span operations. */
static void live_on(uint32_t *state, uint32_t span)
{
    enum store_result want = bed_random(&bed, state) ? STORE_OK : STORE_FULL;
    after = bed.model;
    model_apply(&after, &bed.next);
    flashsim_cut_after(&bed.sim, model_random(state) % span, model_random(state));
    enum store_result got = store_commit(&bed.store, bed.next.changes, bed.next.count);
    ck_assert_msg(got == want || (bed.sim.dead && got == STORE_IO), "commit: got %d, want %d", (int)got,
                  (int)want);
    if (got == STORE_FULL)
        flashsim_power_on(&bed.sim, *state);
    else if (bed.sim.dead)
        settle_random(state, got == STORE_OK ? AFTER : BEFORE | AFTER, span);
    else
        bed.model = after;
}

/* That a commit that fits is never refused shows that cuts cost the store nothing for good. */
START_TEST(a_life_of_cuts_costs_nothing_for_good)
{
    static const uint32_t spans[] = {30, 120, 400, 1500};
    static const uint32_t geometries[][3] = {{8, 2048, 10}, {16, 2048, 10}, {4, 2048, 12}, {8, 4096, 9}};
    const uint32_t *g = geometries[_i % 4];
    uint32_t state = 77 + (uint32_t)_i;
    bed_open(&bed, g[0], g[1], g[2]);
    for (unsigned i = 0; i < 400; i++) {
        live_on(&state, spans[_i / 4 % 4]);
        ck_assert_uint_ge(store_stats(&bed.store).free_pages, 2);
    }
    bed_close(&bed);
}
END_TEST

/* Every session ends in the same operation, which is too early for a page to be compacted: nothing is gained,
 * but nothing is used up either; and the first session that lasts makes progress. */
START_TEST(a_weak_field_does_not_wear_the_store_down)
{
    bed_open(&bed, 8, WORKLOAD_PAGE, WORKLOAD_PAGES);
    workload_compaction(&bed);
    after = bed.model;
    model_apply(&after, &bed.next);
    uint64_t lasts = 20 + (uint64_t)_i * 37;
    for (unsigned i = 0; i < 200; i++) {
        flashsim_power_on(&bed.sim, i);
        flashsim_cut_after(&bed.sim, lasts, i);
        if (store_mount(&bed.store, &bed.sim.flash) == STORE_OK)
            (void)store_commit(&bed.store, bed.next.changes, bed.next.count);
    }
    if (mounted(1) == BEFORE) {
        ck_assert_int_eq(store_commit(&bed.store, bed.next.changes, bed.next.count), STORE_OK);
        ck_assert_int_eq(mounted(2), AFTER);
    }
    bed_close(&bed);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("store lives");
    TCase *c = tcase_create("lives");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, a_life_of_cuts_costs_nothing_for_good, 0, 16);
    tcase_add_loop_test(c, a_weak_field_does_not_wear_the_store_down, 0, 16);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
