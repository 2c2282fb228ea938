#include "tests/cuts/cuts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/must.h"

enum {
    USABLE_EVERY = 16,
    FULL_EVERY = 512,
    PROBE_ID = 0xfe01,
    FILL_ID = 0xfd00,
    UNIT_MAX = 16,
    KINDS_MAX = 64
};

/* A kind of recovery, and how many there were. */
struct kind {
    uint32_t kind, seen;
};

struct cuts {
    size_t size; /* of an image */
    uint32_t unit, page_size, pages, capacity;
    struct flashsim work, base[CUTS_DEPTH], torn[CUTS_DEPTH];
    struct tape tapes[CUTS_DEPTH];
    struct store store;
    const struct picture *states;
    size_t count;
    uint8_t same[CUTS_STATES];      /* the first state that equals this one */
    uint8_t shown_by[TAPE_MAX + 1]; /* the state after so many operations of the recording */
    struct cuts_plan plan;
    struct cuts_tally *tally;
    uint64_t serial, followed[CUTS_DEPTH], chained;
    struct kind kinds[KINDS_MAX];
    size_t kind_count;
};

uint64_t cuts_cases(const struct cuts_tally *t)
{
    return t->cases[0] + t->cases[1] + t->cases[2];
}

void cuts_add(struct cuts_tally *sum, const struct cuts_tally *more)
{
    for (unsigned i = 0; i < CUTS_DEPTH; i++)
        sum->cases[i] += more->cases[i];
    if (sum->failures == 0)
        memcpy(sum->first, more->first, sizeof sum->first);
    sum->failures += more->failures;
    sum->recoveries += more->recoveries;
    sum->operations += more->operations;
    sum->reads += more->reads;
    if (sum->operations_max < more->operations_max)
        sum->operations_max = more->operations_max;
    if (sum->reads_max < more->reads_max)
        sum->reads_max = more->reads_max;
}

static void new_flash(const struct cuts *c, struct flashsim *sim)
{
    void *memory = calloc(1, c->size);
    must(memory != NULL);
    must(flashsim_open(sim, memory, c->size, c->unit, c->page_size, c->pages));
}

struct cuts *cuts_new(uint32_t unit, uint32_t page_size, uint32_t pages)
{
    struct cuts *c = calloc(1, sizeof *c);
    must(c != NULL);
    c->unit = unit;
    c->page_size = page_size;
    c->pages = pages;
    c->size = flashsim_size(unit, page_size, pages);
    c->capacity = cuts_capacity(unit, page_size, pages);
    new_flash(c, &c->work);
    for (unsigned i = 0; i < CUTS_DEPTH; i++) {
        new_flash(c, &c->base[i]);
        new_flash(c, &c->torn[i]);
    }
    return c;
}

void cuts_free(struct cuts *c)
{
    free(c->work.memory);
    for (unsigned i = 0; i < CUTS_DEPTH; i++) {
        free(c->base[i].memory);
        free(c->torn[i].memory);
    }
    free(c);
}

uint32_t cuts_capacity(uint32_t unit, uint32_t page_size, uint32_t pages)
{
    uint32_t start = (32 + unit - 1) / unit + 2, log = page_size / unit - start;
    uint32_t header = (16 + unit - 1) / unit, overhead = 2 * header + 2, longest = (1032 + unit - 1) / unit;
    uint32_t frame = log + longest - 1 + overhead;
    uint32_t growth = header + 3 + pages * (overhead * frame - (header + 2) * log) / frame;
    uint32_t decline = (longest - 1 + growth + log - 1) / log;
    uint32_t spare = pages / 16 * ((log - overhead) * 4 / 5);
    return ((pages - 6 - decline) * (log - overhead) - spare) * unit;
}

__attribute__((format(printf, 2, 3))) static bool violated(struct cuts *c, const char *format, ...)
{
    va_list args;
    if (c->tally->failures++ == 0) {
        va_start(args, format);
        (void)vsnprintf(c->tally->first, sizeof c->tally->first, format, args);
        va_end(args);
    }
    return false;
}

static bool enough(const struct cuts *c)
{
    return c->tally->failures >= CUTS_FAILURES_ENOUGH;
}

static void power_on(const struct cuts *c, struct flashsim *sim, uint64_t mood)
{
    flashsim_power_on(sim, mood);
    sim->flicker = c->plan.flicker;
    sim->ecc = c->plan.ecc;
    sim->misuse = 0;
}

/* Mounts what is in c->work. The first state that equals what is shown, or -1. */
static int mounted(struct cuts *c, uint64_t mood)
{
    power_on(c, &c->work, mood);
    enum store_result result = store_mount(&c->store, &c->work.flash);
    if (result != STORE_OK) {
        violated(c, "a mount came to %d", (int)result);
        return -1;
    }
    for (size_t i = 0; i < c->count; i++)
        if (picture_matches(&c->states[i], &c->store))
            return (int)i;
    violated(c, "half a change, or something else moved");
    return -1;
}

/* Free space, and one record with its check. */
static bool exact(struct cuts *c, const struct picture *now)
{
    size_t want = c->capacity - picture_cost(now, c->unit), got = store_free_bytes(&c->store);
    if (got != want)
        return violated(c, "%zu bytes are free, should be %zu", got, want);
    if (!picture_reads(now, &c->store, (size_t)c->serial))
        return violated(c, "a record fails its check");
    return c->work.misuse == 0 || violated(c, "programmed a unit that was not erased");
}

static bool commit(struct cuts *c, uint16_t id, const void *data, size_t n)
{
    struct store_change change = {id, (uint16_t)n, data};
    return store_commit(&c->store, &change, 1) == STORE_OK;
}

/* The store goes on from here: one commit more, which does not unsettle what was settled; and back. */
static bool usable(struct cuts *c, int shown, uint64_t mood)
{
    static const uint8_t probe[24] = "one more";
    uint8_t seen[sizeof probe];
    bool fits = store_free_bytes(&c->store) >= sizeof probe + 8 + UNIT_MAX;
    if (fits && !commit(c, PROBE_ID, probe, sizeof probe))
        return violated(c, "no commit after the recovery");
    power_on(c, &c->work, mood);
    if (store_mount(&c->store, &c->work.flash) != STORE_OK)
        return violated(c, "no mount after the commit after the recovery");
    if (fits && (store_read(&c->store, PROBE_ID, 0, seen, sizeof seen) != STORE_OK ||
                 memcmp(seen, probe, sizeof probe) != 0 || !commit(c, PROBE_ID, NULL, 0)))
        return violated(c, "the commit after the recovery is gone");
    if (store_stats(&c->store).free_pages < 2)
        return violated(c, "fewer than two pages are free");
    return mounted(c, mood + 1) == shown || violated(c, "a commit after the recovery changed something else");
}

/* Free space can be used up to the last unit, and not beyond. */
static bool fills(struct cuts *c)
{
    static const uint8_t data[STORE_DATA_MAX];
    uint16_t id = FILL_ID;
    while (store_free_bytes(&c->store) >= c->unit &&
           store_free_bytes(&c->store) >= store_cost(&c->store, 0)) {
        size_t n = store_free_bytes(&c->store) - 8;
        /* What is left over must be a whole record too. */
        n = n > STORE_DATA_MAX ? STORE_DATA_MAX - 4 * UNIT_MAX : n;
        if (c->store.records == STORE_MAX_RECORDS)
            return true;
        if (!commit(c, id++, data, n))
            return violated(c, "no room for what should fit");
    }
    struct store_change more = {id, 16, data};
    return store_commit(&c->store, &more, 1) == STORE_FULL || violated(c, "room for what should not fit");
}

static void count_recovery(struct cuts_tally *t, const struct tape *tape)
{
    if (tape->count == 0)
        return;
    t->recoveries++;
    t->operations += tape->count;
    t->reads += tape->reads;
    if (t->operations_max < tape->count)
        t->operations_max = tape->count;
    if (t->reads_max < tape->reads)
        t->reads_max = tape->reads;
}

/* One case: power comes back to this image. The recovery is recorded in tape. */
static bool recover(struct cuts *c, const struct flashsim *image, unsigned allowed, uint64_t mood,
                    struct tape *tape)
{
    memcpy(c->work.memory, image->memory, c->size);
    tape_begin(tape, &c->work);
    int shown = mounted(c, mood);
    tape_end(tape);
    count_recovery(c->tally, tape);
    if (shown < 0)
        return false;
    if ((allowed >> shown & 1) == 0)
        return violated(c, "what was acknowledged is gone, or what was never begun is there");
    if (!exact(c, &c->states[shown]))
        return false;
    if (mounted(c, mood + 1) != shown)
        return violated(c, "a later mount shows another state");
    c->serial++;
    if (c->serial % USABLE_EVERY == 0 && !usable(c, shown, mood + 2))
        return false;
    return c->serial % FULL_EVERY != 0 || fills(c);
}

static void cut_all(struct cuts *c, unsigned level, const struct flashsim *image, const struct tape *tape,
                    uint64_t mood, unsigned allowed);

/* Recoveries are of one kind when they erase the same pages in the same order. True for the first, second,
 * fourth, eighth, ... of a kind. */
static bool is_rare(struct cuts *c, const struct tape *tape)
{
    uint32_t kind = 1;
    size_t i = 0;
    for (size_t k = 0; k < tape->count; k++)
        if (tape->ops[k].erase)
            kind = kind * 31 + tape->ops[k].at;
    while (i < c->kind_count && c->kinds[i].kind != kind)
        i++;
    if (i == KINDS_MAX)
        return false;
    if (i == c->kind_count)
        c->kinds[c->kind_count++] = (struct kind){kind, 0};
    uint32_t seen = ++c->kinds[i].seen;
    return (seen & (seen - 1)) == 0;
}

/* A row of cuts, each in the recovery from the one before, mostly where a page is sealed: in its last
 * operations. */
static void chain(struct cuts *c, const struct flashsim *image, struct tape *tape, uint64_t mood,
                  unsigned allowed)
{
    struct flashsim *torn = &c->torn[CUTS_DEPTH - 1];
    memcpy(torn->memory, image->memory, c->size);
    for (unsigned i = 0; i < CUTS_CHAIN && tape->count > 0; i++) {
        uint64_t r = (c->serial + i) * 2654435761u >> 7;
        size_t at =
            r % 8 == 0 || tape->count < 2 ? r / 8 % tape->count : tape->count - 1 - (r | c->chained) % 2;
        power_on(c, torn, mood);
        for (size_t k = 0; k < at; k++)
            tape_play(tape, k, torn);
        flashsim_cut_after(torn, 0, r - r % FLASHSIM_TEARS + (r % 3 == 0 ? r % 5 : FLASHSIM_UNSTABLE));
        tape_play(tape, at, torn);
        mood = r;
        c->tally->cases[CUTS_DEPTH - 1]++;
        if (!recover(c, torn, allowed, mood, tape))
            return;
    }
}

/* Power comes back after cut number level, to c->torn[level]. */
static void explore(struct cuts *c, unsigned level, unsigned allowed)
{
    struct tape *tape = &c->tapes[level];
    uint64_t mood = c->serial * 3 + level;
    c->tally->cases[level]++;
    if (!recover(c, &c->torn[level], allowed, mood, tape))
        return;
    if (level + 1 == CUTS_DEPTH || c->plan.every[level] == 0)
        return;
    if ((c->plan.rare && level == 0 && is_rare(c, tape)) ||
        c->followed[level]++ % c->plan.every[level] == c->plan.every[level] / 2)
        cut_all(c, level + 1, &c->torn[level], tape, mood, allowed);
    else if (level == 0 && c->plan.chains != 0 && c->chained++ % c->plan.chains == 0)
        chain(c, &c->torn[0], tape, mood, allowed);
}

/* Cuts each operation of tape, which was recorded from image in this mood. allowed: the states that may be
 * shown; 0: those that stand in c->shown_by. */
static void cut_all(struct cuts *c, unsigned level, const struct flashsim *image, const struct tape *tape,
                    uint64_t mood, unsigned allowed)
{
    struct flashsim *base = &c->base[level], *torn = &c->torn[level];
    memcpy(base->memory, image->memory, c->size);
    for (size_t k = 0; k < tape->count && !enough(c); k++) {
        unsigned before = allowed, during = allowed;
        if (allowed == 0) {
            before = 1u << c->same[c->shown_by[k]];
            during = before | 1u << c->same[c->shown_by[k + 1]];
        }
        memcpy(torn->memory, base->memory, c->size);
        explore(c, level, before);
        for (unsigned i = 0; i < c->plan.tears[level]; i++) {
            uint64_t kind = (i + k * c->plan.tears[level]) % FLASHSIM_TEARS;
            memcpy(torn->memory, base->memory, c->size);
            power_on(c, torn, mood);
            flashsim_cut_after(torn, 0, (c->serial * 977 + k) * FLASHSIM_TEARS + kind);
            tape_play(tape, k, torn);
            explore(c, level, during);
        }
        power_on(c, base, mood);
        tape_play(tape, k, base);
    }
}

/* Which state is shown after each number of operations: one after the other, none left out. */
static bool follow(struct cuts *c, const void *start, const struct tape *tape)
{
    struct flashsim *base = &c->base[0];
    size_t last = 0;
    memcpy(base->memory, start, c->size);
    power_on(c, base, 1);
    for (size_t k = 0; k <= tape->count; k++) {
        memcpy(c->work.memory, base->memory, c->size);
        int shown = mounted(c, 1);
        if (shown < 0)
            return false;
        if (shown != c->same[last] && last + 1 < c->count)
            last++;
        if (shown != c->same[last])
            return violated(c, "state %d after %zu operations, not %zu", shown, k, last);
        c->shown_by[k] = (uint8_t)last;
        if (k < tape->count)
            tape_play(tape, k, base);
    }
    return last + 1 == c->count || violated(c, "all operations done, and state %zu", last);
}

static void set(struct cuts *c, const struct picture *states, size_t count, const struct cuts_plan *plan,
                struct cuts_tally *tally)
{
    must(count >= 1 && count <= CUTS_STATES);
    c->states = states;
    c->count = count;
    for (size_t i = 0; i < count; i++)
        for (c->same[i] = 0; !picture_equal(&states[c->same[i]], &states[i]);)
            c->same[i]++;
    c->plan = *plan;
    c->tally = tally;
    c->kind_count = 0;
}

void cuts_sweep(struct cuts *c, const void *start, const struct tape *tape, const struct picture *states,
                size_t count, const struct cuts_plan *plan, struct cuts_tally *tally)
{
    struct flashsim image = {.memory = (struct flashsim_memory *)start};
    set(c, states, count, plan, tally);
    if (follow(c, start, tape))
        cut_all(c, 0, &image, tape, 1, 0);
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    return b == 0 ? a : common_divisor(b, a % b);
}

/* One in so many of n cases, each followed by m more, makes about `budget`; never a multiple of a way to
 * tear. */
static unsigned one_in(uint64_t n, uint64_t m, uint64_t budget, unsigned ways)
{
    uint64_t every = budget == 0 ? 0 : n * m / budget + 1;
    while (every > 1 && common_divisor(every, ways + 1) != 1)
        every++;
    return (unsigned)every;
}

void cuts_sweep_within(struct cuts *c, const void *start, const struct tape *tape,
                       const struct picture *states, size_t count, struct cuts_plan plan,
                       const uint64_t budget[CUTS_DEPTH - 1], struct cuts_tally *tally)
{
    struct cuts_plan first = {.tears = {1}, .flicker = plan.flicker, .ecc = plan.ecc};
    struct cuts_tally seen = {0};
    cuts_sweep(c, start, tape, states, count, &first, &seen);
    uint64_t n = tape->count * (plan.tears[0] + 1);
    uint64_t mean = seen.operations / (seen.cases[0] + (seen.cases[0] == 0)) + 1;
    plan.every[0] = one_in(n, mean * (plan.tears[1] + 1), budget[0], plan.tears[0]);
    if (plan.every[0] != 0)
        n = n * mean * (plan.tears[1] + 1) / plan.every[0];
    plan.every[1] = one_in(n, mean * (plan.tears[2] + 1), budget[1], plan.tears[1]);
    cuts_sweep(c, start, tape, states, count, &plan, tally);
}

/* One run of the commit with operations k to k + n - 1 failing. */
static bool fail_once(struct cuts *c, const void *start, const struct batch *batch, size_t k, unsigned n,
                      bool silent)
{
    memcpy(c->work.memory, start, c->size);
    if (mounted(c, 1) != 0)
        return violated(c, "not the start");
    c->work.silent = silent;
    flashsim_fail_after(&c->work, k, n);
    enum store_result result = store_commit(&c->store, batch->changes, batch->count);
    c->work.silent = false;
    if (result != STORE_OK)
        return violated(c, "a failing operation made the commit fail: %d", (int)result);
    bool good = mounted(c, 2) == c->same[c->count - 1] && exact(c, &c->states[c->count - 1]);
    return good || violated(c, "a failing operation lost the commit");
}

void cuts_fail(struct cuts *c, const void *start, const struct batch *batch, const struct picture *states,
               size_t operations, struct cuts_tally *tally)
{
    static const struct cuts_plan none;
    set(c, states, 2, &none, tally);
    for (size_t k = 0; k < operations && !enough(c); k++)
        for (unsigned n = 1; n <= 3; n++)
            for (unsigned silent = 0; silent < 2; silent++) {
                tally->cases[0]++;
                (void)fail_once(c, start, batch, k, n, silent == 1);
            }
}
