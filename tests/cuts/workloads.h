/* Commits to cut: each on a store that was brought to a particular state. */
#ifndef TALLY_TESTS_CUTS_WORKLOADS_H
#define TALLY_TESTS_CUTS_WORKLOADS_H

#include "tests/cuts/cuts.h"

/* A store, what it holds by the model, and the commit that comes next. */
struct bed {
    struct flashsim sim;
    struct store store;
    struct model model;
    struct batch next;
    void *memory;
};

void bed_open(struct bed *b, uint32_t unit, uint32_t page_size, uint32_t pages);
void bed_close(struct bed *b);

/* Makes the next commit for good. */
void bed_commit(struct bed *b);

/* A commit of up to three changes, from the state of a random generator. False: it would not fit. */
bool bed_random(struct bed *b, uint32_t *state);

/* The next commit, taken apart: the flash before it, its operations, the records before and after. The bed is
 * left with the commit made. */
struct commit_case {
    void *start; /* an image */
    struct tape *tape;
    struct picture *states; /* two */
    struct batch batch;
};
void bed_record(struct bed *b, struct commit_case *out);
void commit_case_free(struct commit_case *cc);

/* Records the next commit and sweeps it. */
void bed_sweep(struct bed *b, struct cuts *c, const struct cuts_plan *plan, struct cuts_tally *tally);

struct workload {
    const char *name;
    void (*prepare)(struct bed *b);
};
enum { WORKLOAD_PAGES = 11, WORKLOAD_PAGE = 2048 };
extern const struct workload workloads[];
extern const int workload_count;

/* A nearly full store whose log has gone around the flash: the next commit compacts. */
void workload_compaction(struct bed *b);

#endif
