/* Assertions for code that runs in Check's tests, before them, and in fuzz targets: Check's own work in tests
 * only. */
#ifndef TALLY_TESTS_MUST_H
#define TALLY_TESTS_MUST_H

#include <stdio.h>
#include <stdlib.h>

#define must(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s: not so: %s\n", __FILE__, __LINE__, __func__, #condition);            \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

#endif
