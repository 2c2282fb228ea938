/* A recording of what is done to a flash model. Since nothing that runs can foresee a power cut, the flash
 * after a cut in operation k of a recording is the flash before it, k operations on, with operation k torn:
 * every cut of a command or of a recovery is made from one recording of it, without running it again. */
#ifndef TALLY_TESTS_CUTS_TAPE_H
#define TALLY_TESTS_CUTS_TAPE_H

#include "card/ports/flashsim/flashsim.h"

enum { TAPE_MAX = 40000 };

/* One unit programmed, or one page erased. */
struct tape_op {
    bool erase;
    uint32_t at; /* address of the unit, or number of the page */
    uint8_t data[16];
};

struct tape {
    struct flashsim *sim; /* NULL: not recording */
    struct hal_flash real;
    size_t count;
    uint64_t reads, read_bytes;
    /* Set by the caller: reads of these addresses are counted in touched, until an operation count is
     * reached. */
    uint32_t watch_from, watch_to;
    size_t first_touch; /* operations before the first of them; SIZE_MAX: none */
    struct tape_op ops[TAPE_MAX];
};

/* From here on, what reaches the model through its hal_flash is recorded, after what the tape holds.
 * tape_begin empties the tape first. tape_end must follow before the model is copied or goes away. */
void tape_begin(struct tape *tape, struct flashsim *sim);
void tape_end(struct tape *tape);

/* Does operation k to another flash, whole; torn when a cut is planned there for the next operation. */
void tape_play(const struct tape *tape, size_t k, struct flashsim *sim);

#endif
