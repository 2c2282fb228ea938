#include "host/ticketing/keycentre/problems.h"

#define KEYCENTRE_PROBLEM_ROW(id, code, status, name, title) {code, status, name, title},
const struct tally_problem keycentre_problems[KEYCENTRE_PROBLEM_COUNT] = {
    KEYCENTRE_PROBLEM_LIST(KEYCENTRE_PROBLEM_ROW)};
