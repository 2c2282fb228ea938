/* One schedule: the whole story of a project under the faults of a seed, and what was wrong with it. */
#ifndef TALLY_TESTS_SIM_SCHEDULE_H
#define TALLY_TESTS_SIM_SCHEDULE_H

#include "tests/sim/world.h"

struct sim_mutant {
    const char *name; /* what is wrong with the code */
    uint64_t from;    /* where to begin looking: a seed shortly before one that shows it */
    /* A table with one rule changed: the first with this state, event (and next state, or NULL). */
    const char *machine, *state, *event, *was_next;
    const char *next;    /* its new next state; NULL: the rule is taken out */
    const char *effects; /* its new effects, separated by spaces; NULL: as they are */
    bool leaky_outbox, no_unique_entries, ack_before_commit, trusting, no_guard;
};

struct sim_result {
    unsigned findings;
    char first[256];
    uint64_t steps, delivered, forged, crashes, lines_delivered, lines_failed;
};

/* mutant NULL: the production code. */
void sim_run(uint64_t seed, const struct sim_mutant *mutant, struct sim_result *result);

/* The same with tables given. */
void sim_run_world(uint64_t seed, const struct pledge_machines *machines, const struct sim_mutant *mutant,
                   struct sim_result *result);
/* The same with something done to the world before anything happens in it. */
void sim_run_prepared(uint64_t seed, const struct pledge_machines *machines, const struct sim_mutant *mutant,
                      void (*prepare)(struct sim_world *world), struct sim_result *result);

extern const struct sim_mutant sim_mutants[]; /* ends with a NULL name */

#endif
