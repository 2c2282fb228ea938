#include "tests/support/unpoison.h"

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define TALLY_MSAN
#endif
#endif

#ifdef TALLY_MSAN
#include <sanitizer/msan_interface.h>

__attribute__((constructor)) static void trust_libraries(void)
{
    __msan_scoped_disable_interceptor_checks();
}
#endif

void unpoison(const void *p, size_t n)
{
#ifdef TALLY_MSAN
    __msan_unpoison(p, n);
#else
    (void)p;
    (void)n;
#endif
}
