#include "tests/sim/schedule.h"

#include <string.h>

#include "host/pledge/core/platform.h"
#include "tests/sim/story.h"
#include "tests/support/must.h"

enum { QUIET = 8000 };

static void mingle(struct story *s, unsigned steps)
{
    for (unsigned i = 0; i < steps && s->world->report.findings == 0; i++)
        sim_step(s->world);
}

static void sell_some(struct story *s, enum sim_who who)
{
    const char *type = sim_chance(s->world, 300) ? "child" : "adult";
    story_sell(s, who, type, 1 + sim_draw(s->world, 3));
}

static void trade(struct story *s)
{
    unsigned orders = 1 + sim_draw(s->world, 3);
    s->world->faults = s->faults;
    for (unsigned i = 0; i < orders; i++) {
        sell_some(s, SIM_SELLER_A);
        mingle(s, sim_draw(s->world, 60));
    }
    if (sim_chance(s->world, 200)) {
        if (!story_settle(s) || !story_dispose(s))
            return;
        story_approve(s, SIM_OPERATOR_2, PLEDGE_SUBJECT_DISPOSAL, SIM_SELLER_B);
        mingle(s, 20);
        if (!story_enrol(s, SIM_SELLER_B))
            return;
        s->world->faults = s->faults;
        sell_some(s, SIM_SELLER_B);
        sell_some(s, SIM_SELLER_A); /* too late: the project is in disposal */
        mingle(s, 40);
    }
    mingle(s, 200 + sim_draw(s->world, 200));
    sim_heal(s->world);
    if (!sim_quiet(s->world, QUIET))
        sim_found(s->world, "it never came to rest");
}

static void plaintext_at_rest(struct sim_world *world)
{
    const struct memstore *mem = &world->parties[SIM_PLATFORM].mem;
    for (size_t i = 0; i < mem->table_count; i++)
        for (size_t j = 0; j < mem->tables[i].count; j++)
            if (memmem(mem->tables[i].rows[j], mem->tables[i].table->row_size, world->mark,
                       strlen(world->mark)) != NULL)
                sim_found(world, "the platform keeps a ticket in clear");
}

static void final_audit(struct sim_world *world)
{
    struct pledge_books books;
    sim_books(world, &books);
    must(pledge_audit(&books, true, &world->report) == TALLY_OK);
    plaintext_at_rest(world);
    for (int i = 0; i < SIM_PARTIES; i++)
        if (world->parties[i].mem.pending_count > 0)
            sim_found(world, "messages were left in an outbox");
}

static void play(struct story *s)
{
    struct sim_world *world = s->world;
    s->faults = (struct sim_faults){.loss = sim_draw(world, 300),
                                    .doubling = sim_draw(world, 300),
                                    .ack_loss = sim_draw(world, 300),
                                    .crash = sim_draw(world, 150),
                                    .away = sim_draw(world, 20),
                                    .forgery = sim_draw(world, 60)};
    if (sim_chance(world, 250)) /* otherwise the set-up goes smoothly and the trade does not */
        world->faults = s->faults;
    s->simple = sim_chance(world, 250);
    s->stock = 1 + sim_draw(world, 6);
    story_account(s, "prepay-a", "Underwriter", sim_draw(world, 900));
    story_account(s, "prepay-b", "Channel", sim_draw(world, 300));
    if (!story_settle(s) || !story_finance(s) || !story_enrol(s, SIM_SELLER_A))
        return;
    if (s->simple)
        story_unpledge_terms(s);
    if (story_settle(s))
        trade(s);
    if (world->report.findings == 0)
        final_audit(world);
}

static void count_lines(const struct sim_world *world, struct sim_result *result)
{
    const struct memstore *mem = &world->parties[SIM_PLATFORM].mem;
    for (size_t i = 0; i < mem->table_count; i++)
        for (size_t j = 0; mem->tables[i].table == &pledge_t_line && j < mem->tables[i].count; j++) {
            const struct pledge_r_line *line = (const void *)mem->tables[i].rows[j];
            result->lines_delivered += line->state == PLEDGE_LINE_DELIVERED;
            result->lines_failed += line->state == PLEDGE_LINE_FAILED;
        }
}

void sim_run_world(uint64_t seed, const struct pledge_machines *machines, const struct sim_mutant *mutant,
                   struct sim_result *result)
{
    sim_run_prepared(seed, machines, mutant, NULL, result);
}

void sim_run_prepared(uint64_t seed, const struct pledge_machines *machines, const struct sim_mutant *mutant,
                      void (*prepare)(struct sim_world *world), struct sim_result *result)
{
    static struct sim_world world;
    struct story story = {.world = &world};
    memset(result, 0, sizeof *result);
    sim_open(&world, seed, machines);
    if (prepare != NULL)
        prepare(&world);
    for (int i = 0; mutant != NULL && i < SIM_PARTIES; i++) {
        world.parties[i].mem.leaky_outbox = mutant->leaky_outbox;
        world.parties[i].mem.no_unique_entries = mutant->no_unique_entries;
        world.parties[i].crypto.trusting = mutant->trusting;
        world.ack_before_commit = mutant->ack_before_commit;
    }
    play(&story);
    result->findings = world.report.findings;
    memcpy(result->first, world.report.first, sizeof result->first);
    result->steps = world.steps;
    result->delivered = world.delivered;
    result->forged = world.forged;
    result->crashes = world.crashes;
    count_lines(&world, result);
    sim_close(&world);
}
