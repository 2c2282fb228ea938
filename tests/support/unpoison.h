/* For MemorySanitizer: bytes that come from code it did not compile (OpenSSL) count as initialized from here on.
 * Nothing in other builds. */
#ifndef TALLY_TESTS_UNPOISON_H
#define TALLY_TESTS_UNPOISON_H

#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define TALLY_MSAN 1
#endif
#endif

static inline void unpoison(const void *p, size_t n)
{
#ifdef TALLY_MSAN
    __msan_unpoison(p, n);
#else
    (void)p;
    (void)n;
#endif
}

#endif
