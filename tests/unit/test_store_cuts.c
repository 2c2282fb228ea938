#include <string.h>

#include "tests/support/check_main.h"
#include "tests/support/store_model.h"

/* Power is cut in every flash operation of a commit, and again in every operation of the recovery from that.
 * After each, the store must hold exactly what it held before the commit or what it should hold after it;
 * once a mount has shown which, every later mount must show the same, however torn units read then. */

enum { PAGES = 10, PAGE = 2048 };

static struct flashsim sim;
static struct store store;
static struct model before, after;
static struct batch batch;
static uint8_t *memory, *start_image, *cut_image;
static size_t memory_size;

/* --- workloads: what is there, and the commit that is cut --- */

static void commit_now(void)
{
    ck_assert_int_eq(store_commit(&store, batch.changes, batch.count), STORE_OK);
    model_apply(&before, &batch);
    batch.count = 0;
}

static void put_now(uint16_t id, size_t len, uint32_t fill)
{
    batch.count = 0;
    batch_put(&batch, id, len, fill);
    commit_now();
}

static void few_records(void)
{
    put_now(1, 40, 1);
    put_now(2, 32, 2);
}

static void small_commit(void)
{
    few_records();
    batch_put(&batch, 2, 32, 3);
}

static void exchange(void)
{
    few_records();
    batch_delete(&batch, 1);
    batch_put(&batch, 0x101, 372, 4);
    batch_put(&batch, 0x201, 32, 5);
}

static void delete_only(void)
{
    few_records();
    batch_delete(&batch, 2);
}

/* A commit that begins in one page and ends in the next, for several places of the page's end within it. */
static void into_next_page(uint32_t left)
{
    few_records();
    uint32_t unit = sim.flash.unit;
    while ((store.units - store.end) * unit > 600)
        put_now(3, 100, 6);
    size_t rest = (store.units - store.end) * unit - left - 24 - 2 * unit;
    put_now(4, rest, 7);
    batch_put(&batch, 2, 100, 8);
    batch_delete(&batch, 1);
}

static void ends_in_header(void)
{
    into_next_page(8);
}

static void ends_in_entry(void)
{
    into_next_page(48);
}

static void ends_before_pair(void)
{
    into_next_page(16 + 8 + 8 + 104 + 16);
}

static void fill_up(void)
{
    for (uint16_t id = 0; store_free_bytes(&store) >= store_cost(&store, 300); id++)
        put_now(id, 300, id);
}

/* Commits until the next one would have to compact, and begins where the log has gone around the flash. */
static void compaction(void)
{
    fill_up();
    for (uint32_t i = 0; store.page_of[store.head % PAGES] != PAGES - 1 || i < 100; i++)
        put_now((uint16_t)(i % 7), 300, i);
    batch_put(&batch, 3, 300, 1234);
    batch_delete(&batch, 5);
}

/* The same from a store that has been cut and has settled once already. */
static void after_a_cut(void)
{
    few_records();
    batch_put(&batch, 9, 100, 9);
    flashsim_cut_after(&sim, 9, 3);
    ck_assert_int_eq(store_commit(&store, batch.changes, batch.count), STORE_IO);
    flashsim_power_on(&sim, 5);
    ck_assert_int_eq(store_mount(&store, &sim.flash), STORE_OK);
    batch.count = 0;
    batch_put(&batch, 2, 60, 10);
}

/* A commit that fills a new page nearly to its end, with a compaction whose frame then needs two more pages:
 * looked for by trying. */
static void compaction_over_three(void)
{
    static struct store store_now;
    for (uint16_t id = 2; id < 7; id++)
        put_now(id, STORE_DATA_MAX, id);
    for (uint32_t i = 0; i < 4000; i++) {
        put_now(1, 300 - i % 80, i);
        if (store.units - store.end > 8)
            continue;
        batch_put(&batch, 1, STORE_DATA_MAX, 77);
        batch_put(&batch, 0x101, 920, 78);
        memcpy(start_image, memory, memory_size);
        store_now = store;
        ck_assert_int_eq(store_commit(&store, batch.changes, batch.count), STORE_OK);
        bool found = store.head - store_now.head == 3 && store.tail - store_now.tail == 1;
        memcpy(memory, start_image, memory_size);
        store = store_now;
        if (found)
            return;
        batch.count = 0;
    }
    ck_abort_msg("no such commit");
}

static const struct workload {
    void (*prepare)(void);
    uint32_t unit;
    unsigned seeds;  /* tearing patterns for each cut of the commit */
    unsigned sparse; /* one in so many of those is followed by all the cuts of its recovery, */
    unsigned depth;  /* and every one that leaves something unstable by so many of them */
} workloads[] = {
    {small_commit, 8, 18, 8, 999},   {small_commit, 4, 6, 8, 999},          {small_commit, 16, 6, 8, 999},
    {delete_only, 8, 12, 8, 999},    {after_a_cut, 8, 12, 8, 999},          {exchange, 8, 6, 40, 8},
    {ends_in_header, 8, 6, 40, 8},   {ends_in_entry, 8, 6, 60, 8},          {ends_in_entry, 16, 6, 40, 8},
    {ends_before_pair, 8, 6, 40, 8}, {ends_before_pair, 4, 6, 90, 8},       {compaction, 8, 1, 600, 6},
    {compaction, 16, 3, 300, 8},     {compaction_over_three, 8, 1, 700, 6},
};
enum { WORKLOADS = sizeof workloads / sizeof *workloads };

/* --- the sweep --- */

static void make_flash(uint32_t unit, uint32_t page_size, uint32_t pages)
{
    memory_size = flashsim_size(unit, page_size, pages);
    memory = calloc(1, memory_size);
    start_image = malloc(memory_size);
    cut_image = malloc(memory_size);
    ck_assert(memory != NULL && start_image != NULL && cut_image != NULL);
    ck_assert(flashsim_open(&sim, memory, memory_size, unit, page_size, pages));
    ck_assert_int_eq(store_format(&store, &sim.flash), STORE_OK);
}

static void prepare(const struct workload *w)
{
    make_flash(w->unit, PAGE, PAGES);
    w->prepare();
    after = before;
    model_apply(&after, &batch);
    memcpy(start_image, memory, memory_size);
}

static void release(void)
{
    ck_assert_msg(sim.misuse == 0, "programmed a unit that was not erased");
    free(memory);
    free(start_image);
    free(cut_image);
}

enum shown { BEFORE = 1, AFTER = 2 };

/* Mounts, and says which of the two states is shown. */
static enum shown mounted(uint64_t seed)
{
    flashsim_power_on(&sim, seed);
    enum store_result result = store_mount(&store, &sim.flash);
    ck_assert_msg(result == STORE_OK, "mount after a cut: %d", (int)result);
    if (model_matches(&before, &store))
        return BEFORE;
    ck_assert_msg(model_matches(&after, &store), "neither before nor after the commit");
    return AFTER;
}

/* Settles after a cut and checks that what is shown then stays. allowed: the states that may be shown. */
static void check_settled(unsigned allowed, uint64_t seed)
{
    enum shown shown = mounted(seed);
    ck_assert_msg((shown & allowed) != 0, "an acknowledged commit is lost");
    for (unsigned i = 1; i <= 3; i++)
        ck_assert_msg(mounted(seed + i) == shown, "a later mount shows another state");
}

/* And that the store goes on from there: one more commit, which does not unsettle what was settled. */
static void check_usable(unsigned allowed, uint64_t seed)
{
    check_settled(allowed, seed);
    struct model *now = model_matches(&before, &store) ? &before : &after;
    static struct model more;
    static struct batch next;
    more = *now;
    next.count = 0;
    batch_put(&next, 2, 72, (uint32_t)seed);
    ck_assert_int_eq(store_commit(&store, next.changes, next.count), STORE_OK);
    model_apply(&more, &next);
    for (unsigned i = 5; i <= 6; i++) {
        flashsim_power_on(&sim, seed + i);
        ck_assert_int_eq(store_mount(&store, &sim.flash), STORE_OK);
        ck_assert(model_matches(&more, &store));
    }
    ck_assert_uint_ge(store_stats(&store).free_pages, 2);
}

/* Cuts the commit in operation k. Returns the states allowed from then on, 0 when the commit has fewer
 * operations. */
static unsigned cut_commit(uint64_t k, uint64_t seed)
{
    memcpy(memory, start_image, memory_size);
    flashsim_power_on(&sim, seed);
    ck_assert_int_eq(store_mount(&store, &sim.flash), STORE_OK);
    flashsim_cut_after(&sim, k, seed);
    enum store_result result = store_commit(&store, batch.changes, batch.count);
    ck_assert(result == STORE_OK || (sim.dead && result == STORE_IO));
    if (!sim.dead)
        return 0;
    return result == STORE_OK ? AFTER : BEFORE | AFTER;
}

/* Cuts the recovery from the first cut in each of its first operations. */
static void cut_recovery(unsigned allowed, uint64_t seed, uint64_t depth)
{
    memcpy(cut_image, memory, memory_size);
    for (uint64_t k = 0; k < depth; k++) {
        memcpy(memory, cut_image, memory_size);
        flashsim_power_on(&sim, seed);
        /* Every other one leaves its unit unstable: the worst, for a decision that hangs on it. */
        uint64_t tear = seed * 7 + k * 31;
        flashsim_cut_after(&sim, k,
                           (k + seed) % 2 == 0 ? tear : tear - tear % FLASHSIM_TEARS + FLASHSIM_UNSTABLE);
        enum store_result result = store_mount(&store, &sim.flash);
        if (!sim.dead) {
            ck_assert_int_eq(result, STORE_OK);
            break;
        }
        check_settled(allowed, seed + k + 100);
    }
    memcpy(memory, cut_image, memory_size);
}

static void sweep(const struct workload *w, unsigned coarser)
{
    unsigned allowed = 1, n = 0;
    for (uint64_t k = 0; allowed != 0; k++) {
        for (unsigned i = 0; i < w->seeds; i += coarser) {
            uint64_t seed = k * 1009 + i;
            allowed = cut_commit(k, seed);
            if (allowed == 0)
                break;
            if (n++ % w->sparse == 0)
                cut_recovery(allowed, seed + 1, UINT64_MAX);
            else if (seed % FLASHSIM_TEARS >= FLASHSIM_UNSTABLE)
                cut_recovery(allowed, seed + 1, w->depth);
            check_usable(allowed, seed + 2);
        }
    }
}

START_TEST(every_cut_leaves_before_or_after)
{
    prepare(&workloads[_i]);
    sweep(&workloads[_i], 1);
    release();
}
END_TEST

START_TEST(also_when_torn_units_read_differently_each_time)
{
    prepare(&workloads[_i]);
    sim.flicker = true;
    sweep(&workloads[_i], 3);
    release();
}
END_TEST

START_TEST(also_when_torn_units_cannot_be_read)
{
    prepare(&workloads[_i]);
    sim.ecc = true;
    sweep(&workloads[_i], 3);
    release();
}
END_TEST

/* --- a life of cuts --- */

static void random_batch(uint32_t *state)
{
    size_t want = 1 + model_random(state) % 3;
    batch.count = 0;
    for (size_t i = 0; i < want; i++) {
        /* One record of three: ids of one batch never meet. */
        uint16_t id = (uint16_t)(model_random(state) % 16 * 3 + i);
        size_t longest = i == 0 && model_random(state) % 3 == 0 ? STORE_DATA_MAX : 200;
        if (model_random(state) % 5 == 0 && model_find(&before, id) != NULL)
            batch_delete(&batch, id);
        else
            batch_put(&batch, id, model_random(state) % (longest + 1), model_random(state));
    }
    after = before;
    model_apply(&after, &batch);
}

/* Mounts, cut short a few times, until it is through; then the model is what is shown. */
static void settle_random(uint32_t *state, unsigned allowed, uint32_t span)
{
    for (unsigned cuts = model_random(state) % 4; cuts > 0; cuts--) {
        flashsim_power_on(&sim, model_random(state));
        flashsim_cut_after(&sim, model_random(state) % span, model_random(state));
        if (store_mount(&store, &sim.flash) == STORE_OK &&
            (model_matches(&before, &store) || model_matches(&after, &store)))
            allowed &= model_matches(&before, &store) ? BEFORE : AFTER;
    }
    enum shown shown = mounted(model_random(state));
    ck_assert_msg((shown & allowed) != 0, "what was shown or acknowledged is gone");
    if (shown == AFTER)
        before = after;
    after = before;
}

/* A thousand commits and more on a store near its limit, hardly one of which goes through at the first
 * attempt. That a commit that fits is never refused shows that cuts cost the store nothing for good. */
static void live(uint32_t unit, uint32_t page, uint32_t pages, uint32_t seed, uint32_t span)
{
    uint32_t state = seed;
    make_flash(unit, page, pages);
    for (unsigned i = 0; i < 400; i++) {
        random_batch(&state);
        size_t cost = model_cost(&after, &store);
        enum store_result want = cost <= store_stats(&store).capacity_bytes ? STORE_OK : STORE_FULL;
        flashsim_cut_after(&sim, model_random(&state) % span, model_random(&state));
        enum store_result got = store_commit(&store, batch.changes, batch.count);
        ck_assert_msg(got == want || (sim.dead && got == STORE_IO), "commit: got %d, want %d", (int)got,
                      (int)want);
        if (got == STORE_FULL) {
            flashsim_power_on(&sim, state);
            ck_assert_int_eq(got, want);
            after = before;
            continue;
        }
        unsigned allowed = got == STORE_OK ? AFTER : BEFORE | AFTER;
        if (sim.dead)
            settle_random(&state, allowed, span);
        else
            before = after;
        ck_assert_uint_ge(store_stats(&store).free_pages, 2);
    }
    release();
}

START_TEST(a_life_of_cuts_costs_nothing_for_good)
{
    static const uint32_t spans[] = {30, 120, 400, 1500};
    static const uint32_t geometries[][3] = {{8, 2048, 10}, {16, 2048, 10}, {4, 2048, 12}, {8, 4096, 9}};
    const uint32_t *g = geometries[_i % 4];
    live(g[0], g[1], g[2], 77 + (uint32_t)_i, spans[_i / 4 % 4]);
}
END_TEST

/* Every session ends in the same operation, which is too early for a page to be compacted: nothing is gained,
 * but nothing is used up either; and the first session that lasts makes progress. */
START_TEST(a_weak_field_does_not_wear_the_store_down)
{
    make_flash(8, PAGE, PAGES);
    compaction();
    after = before;
    model_apply(&after, &batch);
    uint64_t lasts = 20 + (uint64_t)_i * 37;
    for (unsigned i = 0; i < 200; i++) {
        flashsim_power_on(&sim, i);
        flashsim_cut_after(&sim, lasts, i);
        if (store_mount(&store, &sim.flash) == STORE_OK)
            (void)store_commit(&store, batch.changes, batch.count);
    }
    if (mounted(1) == BEFORE) {
        ck_assert_int_eq(store_commit(&store, batch.changes, batch.count), STORE_OK);
        ck_assert_int_eq(mounted(2), AFTER);
    }
    release();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("store_cuts");
    TCase *c = tcase_create("store_cuts");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, every_cut_leaves_before_or_after, 0, WORKLOADS);
    tcase_add_loop_test(c, also_when_torn_units_read_differently_each_time, 0, WORKLOADS);
    tcase_add_loop_test(c, also_when_torn_units_cannot_be_read, 0, WORKLOADS);
    tcase_add_loop_test(c, a_life_of_cuts_costs_nothing_for_good, 0, 16);
    tcase_add_loop_test(c, a_weak_field_does_not_wear_the_store_down, 0, 16);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
