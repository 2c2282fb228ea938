#include "host/ticketing/problems.h"

#define TICKETING_PROBLEM_ROW(id, code, status, name, title) {code, status, name, title},
const struct tally_problem ticketing_problems[TICKETING_PROBLEM_COUNT] = {
    TICKETING_PROBLEM_LIST(TICKETING_PROBLEM_ROW)};
