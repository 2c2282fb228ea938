/* Products and Montgomery reductions for x86-64 with MULX (BMI2) and ADX, behind the C reference in fp.c.
 *
 * Which of the two runs is decided once, when the program is loaded, by ELF indirect functions: the choice
 * costs nothing at a call and leaves no state to set. The code is straight-line, hence constant time.
 * SM9_NO_ASSEMBLY leaves it out.
 */
#ifndef TALLY_SM9_FP_X86_64_H
#define TALLY_SM9_FP_X86_64_H

#include "card/sm9/limb.h"

#if LIMB_IS_64 && defined(__x86_64__) && defined(__ELF__) && !defined(SM9_NO_ASSEMBLY)
#define SM9_HAVE_ASSEMBLY 1

#include <cpuid.h>
#include <stdbool.h>

/* Resolvers run before the program's relocations and sanitizers are ready. */
#if defined(__clang__)
#define RESOLVER __attribute__((no_sanitize("address", "undefined", "coverage"), used))
#else
#define RESOLVER __attribute__((no_sanitize("address", "undefined"), used))
#endif

RESOLVER static inline bool processor_has_mulx_and_adx(void)
{
    unsigned a, b, c, d;
    __cpuid_count(7, 0, a, b, c, d);
    return (b >> 8 & 1) != 0 && (b >> 19 & 1) != 0;
}

/* w0..w4 = w0..w3 + rdx * (four limbs at base). w4 may hold anything before; the sum fits. Low halves are
 * added on the CF chain, high halves on the OF chain. */
#define SM9_ROW(base, w0, w1, w2, w3, w4)                                                                    \
    "xorl %%eax, %%eax\n\t"                                                                                  \
    "mulxq 0(%[" base "]), %%rax, %%rcx\n\tadcxq %%rax, " w0 "\n\tadoxq %%rcx, " w1 "\n\t"                   \
    "mulxq 8(%[" base "]), %%rax, %%rcx\n\tadcxq %%rax, " w1 "\n\tadoxq %%rcx, " w2 "\n\t"                   \
    "mulxq 16(%[" base "]), %%rax, %%rcx\n\tadcxq %%rax, " w2 "\n\tadoxq %%rcx, " w3 "\n\t"                  \
    "mulxq 24(%[" base "]), %%rax, " w4 "\n\tadcxq %%rax, " w3 "\n\t"                                        \
    "movl $0, %%eax\n\tadoxq %%rax, " w4 "\n\tadcxq %%rax, " w4 "\n\t"

/* t = a b. */
static inline void limbs_mul_adx(limb *t, const limb *a, const limb *b)
{
    __asm__(
        "movq 0(%[b]), %%rdx\n\t"
        "mulxq 0(%[a]), %%r8, %%r9\n\t"
        "mulxq 8(%[a]), %%rax, %%r10\n\taddq %%rax, %%r9\n\t"
        "mulxq 16(%[a]), %%rax, %%r11\n\tadcq %%rax, %%r10\n\t"
        "mulxq 24(%[a]), %%rax, %%r12\n\tadcq %%rax, %%r11\n\tadcq $0, %%r12\n\t"
        "movq %%r8, 0(%[t])\n\tmovq 8(%[b]), %%rdx\n\t" SM9_ROW(
            "a",
            "%%r9", "%%r10", "%%r11", "%%r12", "%%r8") "movq %%r9, 8(%[t])\n\tmovq 16(%[b]), "
                                                       "%%rdx\n\t" SM9_ROW("a", "%%r10", "%%r11", "%%r12",
                                                                           "%%r8",
                                                                           "%%r9") "movq %%r10, "
                                                                                   "16(%[t])\n\tmovq "
                                                                                   "24(%[b]), "
                                                                                   "%%rdx\n\t" SM9_ROW("a",
                                                                                                       "%%"
                                                                                                       "r11",
                                                                                                       "%%"
                                                                                                       "r12",
                                                                                                       "%%r8",
                                                                                                       "%%r9",
                                                                                                       "%%"
                                                                                                       "r10") "movq %%r11, 24(%[t])\n\tmovq %%r12, 32(%[t])\n\tmovq %%r8, 40(%[t])\n\t"
                                                                                                              "movq %%r9, 48(%[t])\n\tmovq %%r10, 56(%[t])\n\t"
        :
        : [t] "r"(t), [a] "r"(a), [b] "r"(b)
        : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "cc", "memory");
}

/* Adds the multiple of m that clears w0, and so divides by 2^64: the value is then in w1..w4. */
#define SM9_REDUCE(w0, w1, w2, w3, w4)                                                                       \
    "movq " w0 ", %%rdx\n\timulq %[m0], %%rdx\n\t" SM9_ROW("m", w0, w1, w2, w3, w4)

/* r = t / 2^256 mod m for t < m 2^256, m0 = -1/m mod 2^64. The low half is reduced alone, to at most m, and
 * the high half is added: no carry has to travel upwards in between. */
static inline void limbs_redc_adx(limb *r, const limb *t, const limb *m, limb m0)
{
    __asm__(
        "movq 0(%[t]), %%r8\n\tmovq 8(%[t]), %%r9\n\tmovq 16(%[t]), %%r10\n\tmovq 24(%[t]), "
        "%%r11\n\t" SM9_REDUCE("%%r8", "%%r9", "%%r10", "%%r11", "%%r12") SM9_REDUCE("%%r9", "%%r10", "%%r11",
                                                                                     "%%r12", "%%r8")
            SM9_REDUCE("%%r10", "%%r11", "%%r12", "%%r8", "%%r9") SM9_REDUCE(
                "%%r11", "%%r12", "%%r8", "%%r9",
                "%%r10") "xorl %%r11d, %%r11d\n\t"
                         "addq 32(%[t]), %%r12\n\tadcq 40(%[t]), %%r8\n\tadcq 48(%[t]), %%r9\n\tadcq "
                         "56(%[t]), %%r10\n\tadcq $0, %%r11\n\t"
                         "movq %%r12, %%rax\n\tmovq %%r8, %%rcx\n\tmovq %%r9, %%rdx\n\tmovq %%r10, %%r13\n\t"
                         "subq 0(%[m]), %%rax\n\tsbbq 8(%[m]), %%rcx\n\tsbbq 16(%[m]), %%rdx\n\tsbbq "
                         "24(%[m]), %%r13\n\tsbbq $0, %%r11\n\t"
                         "cmovncq %%rax, %%r12\n\tcmovncq %%rcx, %%r8\n\tcmovncq %%rdx, %%r9\n\tcmovncq "
                         "%%r13, %%r10\n\t"
                         "movq %%r12, 0(%[r])\n\tmovq %%r8, 8(%[r])\n\tmovq %%r9, 16(%[r])\n\tmovq %%r10, "
                         "24(%[r])\n\t"
        :
        : [r] "r"(r), [t] "r"(t), [m] "r"(m), [m0] "r"(m0)
        : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "cc", "memory");
}

#endif
#endif
