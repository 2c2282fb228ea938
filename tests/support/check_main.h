/* One main for every Check program: runs the suites, prints a summary line that ./tally test adds up. */
#ifndef TALLY_TESTS_CHECK_MAIN_H
#define TALLY_TESTS_CHECK_MAIN_H

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Runs suites (NULL-terminated list) and returns the exit status for main: 0 only if every test passed. */
int tally_check_main(Suite *first, ...);

/* Asserts that two byte strings are equal, and prints both in hex when they are not. */
#define ck_assert_bytes_eq(got, got_len, want, want_len)                                                     \
    do {                                                                                                     \
        ck_assert_uint_eq((got_len), (want_len));                                                            \
        ck_assert_mem_eq((got), (want), (want_len));                                                         \
    } while (0)

#endif
