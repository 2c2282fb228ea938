/* The parts of the field and tower arithmetic that exist in MULX and ADX instructions, and how one of the two
 * versions is chosen.
 *
 * The choice is made once, when the program is loaded, by ELF indirect functions: it costs nothing at a call
 * and leaves no state to set.
 */
#ifndef TALLY_SM9_ADX_H
#define TALLY_SM9_ADX_H

#include "card/sm9/fp12.h"

#if SM9_X86_64 && defined(__ELF__)
#define SM9_HAVE_ASSEMBLY 1

#include <cpuid.h>

void fp_mul_adx(struct fp *r, const struct fp *a, const struct fp *b);
void fp2_mul_adx(struct fp2 *r, const struct fp2 *a, const struct fp2 *b);
void fp2_square_adx(struct fp2 *r, const struct fp2 *a);
void fp4_mul_adx(struct fp4 *r, const struct fp4 *a, const struct fp4 *b);
void fp4_square_adx(struct fp4 *r, const struct fp4 *a);
void fp12_mul_line_adx(struct fp12 *r, const struct fp12 *a, const struct fp4 *l0, const struct fp2 *l2);

/* Resolvers run before the program's relocations and sanitizers are ready. */
#if defined(__clang__)
#define SM9_RESOLVER __attribute__((no_sanitize("address", "undefined", "coverage"), used))
#else
#define SM9_RESOLVER __attribute__((no_sanitize("address", "undefined"), used))
#endif

SM9_RESOLVER static inline bool sm9_have_mulx_and_adx(void)
{
    unsigned a, b, c, d;
    __cpuid_count(7, 0, a, b, c, d);
    return (b >> 8 & 1) != 0 && (b >> 19 & 1) != 0;
}

/* Defines NAME(PARAMETERS) as NAME_adx or NAME_reference. */
#define SM9_CHOOSE(NAME, PARAMETERS, ARGUMENTS)                                                              \
    typedef void(*NAME##_function) PARAMETERS;                                                               \
    SM9_RESOLVER static NAME##_function choose_##NAME(void)                                                  \
    {                                                                                                        \
        return sm9_have_mulx_and_adx() ? NAME##_adx : NAME##_reference;                                      \
    }                                                                                                        \
    void NAME PARAMETERS __attribute__((ifunc("choose_" #NAME)));
#else
#define SM9_CHOOSE(NAME, PARAMETERS, ARGUMENTS)                                                              \
    void NAME PARAMETERS                                                                                     \
    {                                                                                                        \
        NAME##_reference ARGUMENTS;                                                                          \
    }
#endif

#endif
