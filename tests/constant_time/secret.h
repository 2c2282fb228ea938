/* Secrets, for valgrind: undefined bytes, which must not decide about branches and addresses. */
#ifndef TALLY_TESTS_SECRET_H
#define TALLY_TESTS_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include <valgrind/memcheck.h>

static inline void secret(void *p, size_t n)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(p, n);
}

/* From here on everybody may see it. */
static inline void public(void *p, size_t n)
{
    (void)VALGRIND_MAKE_MEM_DEFINED(p, n);
}

/* A verdict, which whoever asked is told. */
static inline bool told(bool verdict)
{
    public(&verdict, sizeof verdict);
    return verdict;
}

#endif
