/* The enumeration of power cuts: every operation of a recording is cut, in several ways; every operation of
 * the recovery from that; and every one of the recovery from the second cut. After each the store is mounted
 * and must hold one of the states that are allowed at that point, the same one ever after, with the free
 * space that specs/store.md says, and go on working. */
#ifndef TALLY_TESTS_CUTS_CUTS_H
#define TALLY_TESTS_CUTS_CUTS_H

#include "tests/cuts/picture.h"
#include "tests/cuts/tape.h"

enum {
    CUTS_DEPTH = 3,           /* cuts in a row that are enumerated */
    CUTS_CHAIN = 12,          /* cuts in a row that are tried at random */
    CUTS_STATES = 8,          /* that one recording leads through, the first included */
    CUTS_FAILURES_ENOUGH = 50 /* a sweep ends early */
};

/* How much of it is done. */
struct cuts_plan {
    unsigned tears[CUTS_DEPTH]; /* ways to tear each operation of a first, second, third cut, besides a cut
                                   between two operations */
    unsigned every[CUTS_DEPTH - 1]; /* after one in so many first (second) cuts, every operation of the
                                       recovery is cut as well; 0: after none */
    bool rare;                      /* after first cuts with a rare kind of recovery, too */
    unsigned chains; /* one in so many first cuts begins a long row of cuts instead, each in the recovery from
                        the one before; 0: none */
    bool flicker, ecc; /* as in struct flashsim */
};

struct cuts_tally {
    uint64_t cases[CUTS_DEPTH]; /* sequences of one, two, three or more cuts, each recovered from */
    uint64_t failures;
    uint64_t recoveries; /* of those, which had to write */
    uint64_t operations, operations_max;
    uint64_t reads, reads_max;
    char first[240]; /* what the first failure was */
};

uint64_t cuts_cases(const struct cuts_tally *t);
void cuts_add(struct cuts_tally *sum, const struct cuts_tally *more);

struct cuts;

/* For flashes of this geometry. Free with cuts_free. */
struct cuts *cuts_new(uint32_t unit, uint32_t page_size, uint32_t pages);
void cuts_free(struct cuts *c);

/* Cuts everything that was recorded from `start` on, an image of flashsim_size bytes. states[0] is held at
 * the start, states[count - 1] at the end; what lies between are the commits on the way, in order. */
void cuts_sweep(struct cuts *c, const void *start, const struct tape *tape, const struct picture *states,
                size_t count, const struct cuts_plan *plan, struct cuts_tally *tally);

/* The same with tears as given, and as many second and third cuts as come to about these budgets: after first
 * cuts spread evenly over the operations and ways to tear them, each followed by all the cuts of its
 * recovery. */
void cuts_sweep_within(struct cuts *c, const void *start, const struct tape *tape,
                       const struct picture *states, size_t count, struct cuts_plan plan,
                       const uint64_t budget[CUTS_DEPTH - 1], struct cuts_tally *tally);

/* Lets every operation of this commit fail with the power on, alone and together with the next one or two,
 * noticed or silently: it must succeed elsewhere. states: before, after. */
void cuts_fail(struct cuts *c, const void *start, const struct batch *batch, const struct picture *states,
               size_t operations, struct cuts_tally *tally);

/* Capacity in bytes, by the formula of specs/store.md. */
uint32_t cuts_capacity(uint32_t unit, uint32_t page_size, uint32_t pages);

#endif
