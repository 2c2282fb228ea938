#include "tests/cuts/workloads.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/must.h"

enum { PAGES = WORKLOAD_PAGES, ALIKE = 100 };

void bed_open(struct bed *b, uint32_t unit, uint32_t page_size, uint32_t pages)
{
    size_t size = flashsim_size(unit, page_size, pages);
    memset(b, 0, sizeof *b);
    b->memory = calloc(1, size);
    must(b->memory != NULL);
    must(flashsim_open(&b->sim, b->memory, size, unit, page_size, pages));
    must(store_format(&b->store, &b->sim.flash) == STORE_OK);
}

void bed_close(struct bed *b)
{
    must(b->sim.misuse == 0);
    free(b->memory);
}

void bed_commit(struct bed *b)
{
    must(store_commit(&b->store, b->next.changes, b->next.count) == STORE_OK);
    model_apply(&b->model, &b->next);
    b->next.count = 0;
}

bool bed_random(struct bed *b, uint32_t *state)
{
    struct model after;
    size_t want = 1 + model_random(state) % 3;
    b->next.count = 0;
    for (size_t i = 0; i < want; i++) {
        /* One record of three: ids of one batch never meet. */
        uint16_t id = (uint16_t)(model_random(state) % 16 * 3 + i);
        size_t longest = i == 0 && model_random(state) % 3 == 0 ? STORE_DATA_MAX : 200;
        if (model_random(state) % 5 == 0 && model_find(&b->model, id) != NULL)
            batch_delete(&b->next, id);
        else
            batch_put(&b->next, id, model_random(state) % (longest + 1), model_random(state));
    }
    after = b->model;
    model_apply(&after, &b->next);
    return model_cost(&after, &b->store) <= store_stats(&b->store).capacity_bytes;
}

void bed_record(struct bed *b, struct commit_case *out)
{
    size_t size = flashsim_size(b->sim.flash.unit, b->sim.flash.page_size, b->sim.flash.page_count);
    out->start = malloc(size);
    out->tape = calloc(1, sizeof *out->tape);
    out->states = calloc(2, sizeof *out->states);
    must(out->start != NULL && out->tape != NULL && out->states != NULL);
    memcpy(out->start, b->memory, size);
    out->batch = b->next;
    for (size_t i = 0; i < out->batch.count; i++)
        if (out->batch.changes[i].data != NULL)
            out->batch.changes[i].data = out->batch.data[i];
    picture_of_model(&b->model, &out->states[0]);
    tape_begin(out->tape, &b->sim);
    bed_commit(b);
    tape_end(out->tape);
    picture_of_model(&b->model, &out->states[1]);
}

void commit_case_free(struct commit_case *cc)
{
    free(cc->start);
    free(cc->tape);
    free(cc->states);
}

void bed_sweep(struct bed *b, struct cuts *c, const struct cuts_plan *plan, struct cuts_tally *tally)
{
    struct commit_case cc;
    bed_record(b, &cc);
    cuts_sweep(c, cc.start, cc.tape, cc.states, 2, plan, tally);
    commit_case_free(&cc);
}

static void put_now(struct bed *b, uint16_t id, size_t len, uint32_t fill)
{
    b->next.count = 0;
    batch_put(&b->next, id, len, fill);
    bed_commit(b);
}

static void few_records(struct bed *b)
{
    put_now(b, 1, 40, 1);
    put_now(b, 2, 32, 2);
}

static void small_commit(struct bed *b)
{
    few_records(b);
    batch_put(&b->next, 2, 32, 3);
}

static void delete_only(struct bed *b)
{
    few_records(b);
    batch_delete(&b->next, 2);
}

static void exchange(struct bed *b)
{
    few_records(b);
    batch_delete(&b->next, 1);
    batch_put(&b->next, 0x101, 372, 4);
    batch_put(&b->next, 0x201, 32, 5);
}

/* A commit that begins in one page and ends in the next, for several places of the page's end within it. */
static void into_next_page(struct bed *b, uint32_t left)
{
    uint32_t unit = b->sim.flash.unit;
    few_records(b);
    while ((uint32_t)(b->store.units - b->store.end) * unit > 600)
        put_now(b, 3, 100, 6);
    size_t rest = (uint32_t)(b->store.units - b->store.end) * unit - left - 24 - 2 * unit;
    put_now(b, 4, rest, 7);
    batch_put(&b->next, 2, 100, 8);
    batch_delete(&b->next, 1);
}

static void ends_in_header(struct bed *b)
{
    into_next_page(b, 8);
}

static void ends_in_entry(struct bed *b)
{
    into_next_page(b, 48);
}

static void ends_before_pair(struct bed *b)
{
    into_next_page(b, 16 + 8 + 8 + 104 + 16);
}

static void fill_up(struct bed *b)
{
    for (uint16_t id = 0; store_free_bytes(&b->store) >= store_cost(&b->store, 300); id++)
        put_now(b, id, 300, id);
}

void workload_compaction(struct bed *b)
{
    fill_up(b);
    for (uint32_t i = 0; b->store.page_of[b->store.head % PAGES] != PAGES - 1 || i < ALIKE; i++)
        put_now(b, (uint16_t)(i % 7), 300, i);
    batch_put(&b->next, 3, 300, 1234);
    batch_delete(&b->next, 5);
}

/* From a store that has been cut and has settled once already. */
static void after_a_cut(struct bed *b)
{
    few_records(b);
    batch_put(&b->next, 9, 100, 9);
    flashsim_cut_after(&b->sim, 2, 3);
    must(store_commit(&b->store, b->next.changes, b->next.count) == STORE_IO);
    flashsim_power_on(&b->sim, 5);
    must(store_mount(&b->store, &b->sim.flash) == STORE_OK);
    b->next.count = 0;
    batch_put(&b->next, 2, 60, 10);
}

/* Makes the next commit on trial; true when it opened three pages and freed one. Undone in any case. */
static bool opens_three(struct bed *b)
{
    size_t size = flashsim_size(b->sim.flash.unit, b->sim.flash.page_size, b->sim.flash.page_count);
    void *image = malloc(size);
    struct store store = b->store;
    must(image != NULL);
    memcpy(image, b->memory, size);
    must(store_commit(&b->store, b->next.changes, b->next.count) == STORE_OK);
    bool found = b->store.head - store.head == 3 && b->store.tail - store.tail == 1;
    memcpy(b->memory, image, size);
    b->store = store;
    free(image);
    return found;
}

/* A commit that fills a new page nearly to its end, with a compaction whose frame then needs two more pages:
 * looked for by trying. */
static void compaction_over_three(struct bed *b)
{
    uint32_t unit = b->sim.flash.unit, longest = (8 + STORE_DATA_MAX + unit - 1) / unit;
    /* What the largest commit has room for, in units: specs/store.md. */
    uint32_t room = WORKLOAD_PAGE / unit - (32 + unit - 1) / unit - 16 / unit - 5;
    for (uint16_t id = 2; store_free_bytes(&b->store) >= 3 * store_cost(&b->store, STORE_DATA_MAX); id++)
        put_now(b, id, STORE_DATA_MAX, id);
    for (uint32_t i = 0; i < 4000; i++) {
        put_now(b, 1, 300 - i % 80, i);
        if (b->store.units - b->store.end > 8)
            continue;
        batch_put(&b->next, 1, STORE_DATA_MAX, 77);
        batch_put(&b->next, 0x101, (room - longest) * unit - 8, 78);
        if (opens_three(b))
            return;
        b->next.count = 0;
    }
    must(false);
}

const struct workload workloads[] = {
    {"small commit", small_commit},
    {"delete", delete_only},
    {"after a cut", after_a_cut},
    {"exchange", exchange},
    {"page ends in header", ends_in_header},
    {"page ends in entry", ends_in_entry},
    {"page ends before pair", ends_before_pair},
    {"compaction", workload_compaction},
    {"compaction over three pages", compaction_over_three},
};
const int workload_count = sizeof workloads / sizeof workloads[0];
