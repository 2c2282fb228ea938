#include "tests/cuts/scenario.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "card/store/internal.h"
#include "card/wire/be.h"
#include "tests/support/must.h"

enum { RERUNS = 24, PAGE = 2048 };

struct ramcard *under_test;

/* One run of a command, taken apart. */
struct recorded {
    struct tape *tape;
    void *start;
    size_t size;
    struct picture *states;
    size_t count;
    size_t at[CUTS_STATES]; /* after so many operations, each is first shown */
    struct cuts_tally *tally;
    const struct scenario *s;
};

__attribute__((format(printf, 2, 3))) static bool broken(struct recorded *r, const char *format, ...)
{
    char text[160];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (r->tally->failures++ == 0)
        (void)snprintf(r->tally->first, sizeof r->tally->first, "%s: %s", r->s->name, text);
    return false;
}

static size_t image_size(void)
{
    const struct flashsim *sim = ramcard_flash(under_test);
    return flashsim_size(sim->flash.unit, sim->flash.page_size, sim->flash.page_count);
}

static void open_copy(struct flashsim *sim, void *memory)
{
    const struct flashsim *of = ramcard_flash(under_test);
    must(flashsim_open(sim, memory, image_size(), of->flash.unit, of->flash.page_size, of->flash.page_count));
}

/* Follows the recording with a power-on after each operation, and keeps each state that shows up. */
static bool find_states(struct recorded *r)
{
    struct flashsim base, look;
    static struct store store;
    void *memory = malloc(r->size), *copy = malloc(r->size);
    bool good = true;
    must(memory != NULL && copy != NULL);
    memcpy(memory, r->start, r->size);
    memcpy(copy, r->start, r->size);
    open_copy(&base, memory);
    open_copy(&look, copy);
    r->count = 0;
    for (size_t k = 0; k <= r->tape->count && good; k++) {
        memcpy(copy, memory, r->size);
        if (store_mount(&store, &look.flash) != STORE_OK)
            good = broken(r, "no mount after %zu operations", k);
        else if (r->count == 0 || !picture_matches(&r->states[r->count - 1], &store)) {
            if (r->count == CUTS_STATES)
                good = broken(r, "too many commits");
            else
                r->at[r->count] = k, picture_of_store(&store, &r->states[r->count++]);
        }
        if (k < r->tape->count)
            tape_play(r->tape, k, &base);
    }
    free(memory);
    free(copy);
    return good;
}

static bool record(struct recorded *r, const struct scenario *s, struct cuts_tally *tally, uint32_t from,
                   uint32_t to)
{
    r->s = s;
    r->tally = tally;
    r->size = image_size();
    r->tape = calloc(1, sizeof *r->tape);
    r->start = malloc(r->size);
    r->states = calloc(CUTS_STATES, sizeof *r->states);
    must(r->tape != NULL && r->start != NULL && r->states != NULL);
    memcpy(r->start, ramcard_flash(under_test)->memory, r->size);
    r->tape->watch_from = from;
    r->tape->watch_to = to;
    tape_begin(r->tape, ramcard_flash(under_test));
    uint16_t sw = s->run();
    tape_end(r->tape);
    if (sw != s->want)
        return broken(r, "answers %04x, not %04x", sw, s->want);
    return find_states(r);
}

static void release(struct recorded *r)
{
    free(r->tape);
    free(r->start);
    free(r->states);
}

/* ---- The rules ---- */

static const uint8_t *bytes_of(const struct picture *p, uint16_t id, size_t *n)
{
    const struct picture_record *r = picture_find(p, id);
    *n = r == NULL ? 0 : r->len;
    return r == NULL ? NULL : p->bytes + r->at;
}

static bool may(const struct rule *rule, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    switch (rule->effect) {
    case IS_NEW: return a == NULL;
    case IS_GONE: return b == NULL;
    case IS_SET:
    case MAY_BE_SET: return b != NULL;
    case COUNTS_UP: return a_len == 4 && b_len == 4 && be32_get(b) == be32_get(a) + 1;
    case COUNTS_DOWN: return a_len == 1 && b_len == 1 && b[0] + 1 == a[0];
    case BECOMES: return b_len == 1 && b[0] == rule->value;
    default: return false;
    }
}

/* Finds a rule that allows what happened to this record, and uses it up. */
static bool allowed(const struct step *step, unsigned used[RULES_MAX], uint16_t id,
                    const struct picture *from, const struct picture *to)
{
    size_t a_len, b_len;
    const uint8_t *a = bytes_of(from, id, &a_len), *b = bytes_of(to, id, &b_len);
    if (a != NULL && b != NULL && a_len == b_len && memcmp(a, b, a_len) == 0)
        return true;
    for (size_t i = 0; i < RULES_MAX && step->rules[i].effect != NOTHING_MORE; i++) {
        const struct rule *rule = &step->rules[i];
        bool here = rule->times == 0 ? rule->id == id : (rule->id ^ id) >> 8 == 0;
        unsigned times = rule->times == 0 ? 1 : rule->times;
        if (!here || used[i] == times || !may(rule, a, a_len, b, b_len))
            continue;
        used[i]++;
        return true;
    }
    return false;
}

static bool check_step(struct recorded *r, size_t n)
{
    const struct step *step = &r->s->steps[n];
    const struct picture *sides[] = {&r->states[n], &r->states[n + 1]};
    unsigned used[RULES_MAX] = {0};
    for (size_t side = 0; side < 2; side++)
        for (size_t i = 0; i < sides[side]->count; i++) {
            uint16_t id = sides[side]->list[i].id;
            /* A record of both sides is looked at once. */
            if (side == 1 && picture_find(sides[0], id) != NULL)
                continue;
            if (!allowed(step, used, id, sides[0], sides[1]))
                return broken(r, "commit %zu changes record %04x in a way that it must not", n + 1, id);
        }
    for (size_t i = 0; i < RULES_MAX && step->rules[i].effect != NOTHING_MORE; i++) {
        const struct rule *rule = &step->rules[i];
        if (rule->effect != MAY_BE_SET && used[i] != (rule->times == 0 ? 1u : rule->times))
            return broken(r, "commit %zu does not do to %04x what it should", n + 1, rule->id);
    }
    return true;
}

static bool check_steps(struct recorded *r)
{
    size_t steps = 0;
    while (r->s->steps[steps].rules[0].effect != NOTHING_MORE)
        steps++;
    if (r->count != steps + 1)
        return broken(r, "%zu commits, not %zu", r->count - 1, steps);
    if (steps == 0 && r->tape->count > 0)
        return broken(r, "it writes to the flash");
    for (size_t i = 0; i < steps; i++)
        if (!check_step(r, i))
            return false;
    return true;
}

/* ---- Sending it again ---- */

static void torn_image(const struct recorded *r, size_t k, void *out)
{
    struct flashsim sim;
    memcpy(out, r->start, r->size);
    open_copy(&sim, out);
    for (size_t i = 0; i < k; i++)
        tape_play(r->tape, i, &sim);
    flashsim_cut_after(&sim, 0, k * 7919 + 1);
    tape_play(r->tape, k, &sim);
}

/* Cuts the real card in operation k, and lets it and the host carry on. */
static bool again_after(struct recorded *r, size_t k)
{
    struct flashsim *sim = ramcard_flash(under_test);
    const struct picture *last = &r->states[r->count - 1];
    torn_image(r, k, sim->memory);
    ramcard_power_cycle(under_test);
    bool done = picture_matches(last, &ramcard_card(under_test)->store);
    if (r->s->open != NULL)
        r->s->open();
    uint16_t sw = r->s->run();
    if (sw != r->s->want && !(r->s->already != 0 && (done || r->s->already == SW_OK) && sw == r->s->already))
        return broken(r, "again after a cut in operation %zu (%s): %04x", k, done ? "done" : "not done", sw);
    if (!r->s->differs && sw == r->s->want && !picture_matches(last, &ramcard_card(under_test)->store))
        return broken(r, "again after a cut in operation %zu: another end", k);
    return true;
}

static void send_again(struct recorded *r)
{
    size_t stride = r->tape->count / RERUNS + 1;
    for (size_t k = 0; k < r->tape->count; k += stride) {
        r->tally->cases[0]++;
        if (!again_after(r, k))
            return;
    }
}

static bool cut_recorded(struct recorded *r, const struct cuts_plan *plan,
                         const uint64_t budget[CUTS_DEPTH - 1])
{
    const struct flashsim *sim = ramcard_flash(under_test);
    struct cuts *c = cuts_new(sim->flash.unit, PAGE, sim->flash.page_count);
    uint64_t failures = r->tally->failures;
    cuts_sweep_within(c, r->start, r->tape, r->states, r->count, *plan, budget, r->tally);
    cuts_free(c);
    return r->tally->failures == failures;
}

void scenario_cut_here(const struct scenario *s, const struct cuts_plan *plan,
                       const uint64_t budget[CUTS_DEPTH - 1], struct cuts_tally *tally)
{
    struct recorded r;
    if (record(&r, s, tally, 0, 0) && check_steps(&r))
        (void)cut_recorded(&r, plan, budget);
    release(&r);
}

void scenario_cut(const struct scenario *s, const struct cuts_plan *plan,
                  const uint64_t budget[CUTS_DEPTH - 1], struct cuts_tally *tally)
{
    struct recorded r;
    s->prepare();
    if (s->open != NULL)
        s->open();
    if (record(&r, s, tally, 0, 0) && check_steps(&r) && cut_recorded(&r, plan, budget))
        send_again(&r);
    release(&r);
}

/* ---- Guesses ---- */

/* Where the record's bytes stand on the flash. */
static void locate(uint16_t id, uint32_t *from, uint32_t *to)
{
    const struct store *store = &ramcard_card(under_test)->store;
    struct store_entry entry;
    size_t where;
    *from = *to = 0;
    if (id == 0)
        return;
    must(store_index_find(store, id, &where));
    must(store_entry_load(store, store_slot_pos(store, where), &entry));
    *from = store_address(store, entry.at);
    *to = *from + STORE_ENTRY_HEADER + entry.len;
}

static bool alike_until(const struct recorded *a, const struct recorded *b, size_t n)
{
    return n <= a->tape->count && n <= b->tape->count &&
           memcmp(a->tape->ops, b->tape->ops, n * sizeof a->tape->ops[0]) == 0;
}

void scenario_guess(const struct guess *g, struct cuts_tally *tally)
{
    struct recorded right, wrong;
    uint32_t from, to;
    g->right->prepare();
    if (g->right->open != NULL)
        g->right->open();
    void *before = ramcard_save(under_test);
    locate(g->verifier, &from, &to);
    bool good = record(&wrong, g->wrong, tally, from, to);
    ramcard_restore(under_test, before);
    good = record(&right, g->right, tally, from, to) && good;
    if (good && wrong.count < 2)
        good = broken(&wrong, "a wrong guess is not counted");
    if (good && (right.tape->first_touch < wrong.at[1] || wrong.tape->first_touch < wrong.at[1]))
        good = broken(&right, "it is compared before it is counted");
    if (good && !alike_until(&right, &wrong, wrong.at[1]))
        broken(&right, "right and wrong can be told apart before the guess is counted");
    tally->cases[0] += good;
    free(before);
    release(&right);
    release(&wrong);
}
