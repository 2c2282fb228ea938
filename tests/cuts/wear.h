/* Wear of the flash under taps, as the card stores them: a usage record and the card transaction counter in
 * one commit. */
#ifndef TALLY_TESTS_CUTS_WEAR_H
#define TALLY_TESTS_CUTS_WEAR_H

#include <stdint.h>

struct wear {
    uint32_t tickets;
    uint32_t erases_min, erases_max; /* of any page, in all */
    double erases_per_tap;
    double programs_per_tap; /* units, compaction included */
    double amplification;    /* bytes programmed for each byte of the records that changed */
    double taps_per_10k;     /* taps until the pages have 10,000 erasures each */
};

/* A personalised card of 32 pages of 2 KB with one operator and up to `tickets` tickets of the larger suite
 * (as many as fit), each tapped in turn, taps times in all. */
struct wear wear_measure(uint32_t unit, uint32_t tickets, uint32_t taps);

#endif
