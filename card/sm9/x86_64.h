/* Modular addition and subtraction for every x86-64 processor. From the C of limb.h compilers make vectors of
 * the selection, which costs more than all the rest. Straight-line code, hence constant time. */
#ifndef TALLY_SM9_X86_64_H
#define TALLY_SM9_X86_64_H

#include <stddef.h>
#include <stdint.h>

// clang-format off

/* r = a + b mod m for a, b < m. */
static inline void limbs_add_mod_x86(uint64_t *r, const uint64_t *a, const uint64_t *b, const uint64_t *m)
{
    uint64_t x0 = a[0], x1 = a[1], x2 = a[2], x3 = a[3], top, y0, y1, y2, y3;
    __asm__("addq %[b0], %[x0]\n\t" "adcq %[b1], %[x1]\n\t" "adcq %[b2], %[x2]\n\t" "adcq %[b3], %[x3]\n\t"
            "movl $0, %k[top]\n\t" "adcq $0, %[top]\n\t"
            "movq %[x0], %[y0]\n\t" "movq %[x1], %[y1]\n\t" "movq %[x2], %[y2]\n\t" "movq %[x3], %[y3]\n\t"
            "subq %[m0], %[y0]\n\t" "sbbq %[m1], %[y1]\n\t" "sbbq %[m2], %[y2]\n\t" "sbbq %[m3], %[y3]\n\t"
            "sbbq $0, %[top]\n\t"
            "cmovncq %[y0], %[x0]\n\t" "cmovncq %[y1], %[x1]\n\t"
            "cmovncq %[y2], %[x2]\n\t" "cmovncq %[y3], %[x3]\n\t"
            : [x0] "+&r"(x0), [x1] "+&r"(x1), [x2] "+&r"(x2), [x3] "+&r"(x3), [top] "=&r"(top),
              [y0] "=&r"(y0), [y1] "=&r"(y1), [y2] "=&r"(y2), [y3] "=&r"(y3)
            : [b0] "m"(b[0]), [b1] "m"(b[1]), [b2] "m"(b[2]), [b3] "m"(b[3]),
              [m0] "m"(m[0]), [m1] "m"(m[1]), [m2] "m"(m[2]), [m3] "m"(m[3])
            : "cc");
    r[0] = x0;
    r[1] = x1;
    r[2] = x2;
    r[3] = x3;
}

/* r = a - b mod m for a, b < m. */
static inline void limbs_sub_mod_x86(uint64_t *r, const uint64_t *a, const uint64_t *b, const uint64_t *m)
{
    uint64_t x0 = a[0], x1 = a[1], x2 = a[2], x3 = a[3], y0, y1, y2, y3;
    __asm__("subq %[b0], %[x0]\n\t" "sbbq %[b1], %[x1]\n\t" "sbbq %[b2], %[x2]\n\t" "sbbq %[b3], %[x3]\n\t"
            "sbbq %[y0], %[y0]\n\t"
            "movq %[y0], %[y1]\n\t" "movq %[y0], %[y2]\n\t" "movq %[y0], %[y3]\n\t"
            "andq %[m0], %[y0]\n\t" "andq %[m1], %[y1]\n\t" "andq %[m2], %[y2]\n\t" "andq %[m3], %[y3]\n\t"
            "addq %[y0], %[x0]\n\t" "adcq %[y1], %[x1]\n\t" "adcq %[y2], %[x2]\n\t" "adcq %[y3], %[x3]\n\t"
            : [x0] "+&r"(x0), [x1] "+&r"(x1), [x2] "+&r"(x2), [x3] "+&r"(x3),
              [y0] "=&r"(y0), [y1] "=&r"(y1), [y2] "=&r"(y2), [y3] "=&r"(y3)
            : [b0] "m"(b[0]), [b1] "m"(b[1]), [b2] "m"(b[2]), [b3] "m"(b[3]),
              [m0] "m"(m[0]), [m1] "m"(m[1]), [m2] "m"(m[2]), [m3] "m"(m[3])
            : "cc");
    r[0] = x0;
    r[1] = x1;
    r[2] = x2;
    r[3] = x3;
}

// clang-format on

#endif
