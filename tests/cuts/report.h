/* What the tests of a program covered, added up over their processes, and held against what it promises. */
#ifndef TALLY_TESTS_CUTS_REPORT_H
#define TALLY_TESTS_CUTS_REPORT_H

#include "tests/cuts/cuts.h"
#include "tests/support/check_main.h"

/* Before the suites are made. */
void report_open(void);

/* Prints one line, adds, and fails the test when there were failures. */
void report_add(const char *name, const struct cuts_tally *tally);

/* Runs the suite and a test that at least `wanted` cases were covered; says how many it were. */
int report_main(Suite *suite, const char *title, uint64_t wanted);

#endif
