/* For MemorySanitizer; nothing in other builds. Code that it did not compile (OpenSSL, Check, libFuzzer)
 * leaves bytes that it takes for uninitialized, so: a program that links this looks at instrumented code
 * only, not at what libraries pass to memcmp and the like. */
#ifndef TALLY_TESTS_UNPOISON_H
#define TALLY_TESTS_UNPOISON_H

#include <stddef.h>

/* These n bytes come from such code, and count as initialized from here on. */
void unpoison(const void *p, size_t n);

#endif
