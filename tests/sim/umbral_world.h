/* The simulator's parties with the cryptography of the daemons. */
#ifndef TALLY_TESTS_SIM_UMBRAL_WORLD_H
#define TALLY_TESTS_SIM_UMBRAL_WORLD_H

#include "tests/sim/schedule.h"

/* One schedule of the production code with real signatures and real re-encryption. */
void sim_run_umbral(uint64_t seed, struct sim_result *result);

#endif
