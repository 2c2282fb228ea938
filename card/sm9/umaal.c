/* The arithmetic on limbs in Thumb-2 with the DSP extension's UMAAL, which multiplies two words and adds two
 * more: for Cortex-M4, M7 and M33. Straight-line code, hence constant time wherever UMAAL is. Each function
 * computes exactly what the C function in limb.h computes.
 *
 * Products go by rows (a word of one factor times four of the other) in five registers that take turns; the
 * carry that comes into a row is the word that is already there. */
#include "card/sm9/limb.h"

#if SM9_UMAAL

// clang-format off

#define BEGIN(name)                                                                                 \
    ".syntax unified\n\t" ".thumb\n\t"                                                              \
    ".section .text." name ",\"ax\",%progbits\n\t" ".p2align 2\n\t"                                 \
    ".global " name "\n\t" ".type " name ",%function\n\t" ".thumb_func\n"                           \
    name ":\n\t" "push {r4-r11, lr}\n\t"
#define END(name) "pop {r4-r11, pc}\n\t" ".size " name ", .-" name "\n\t" ".text\n"

/* s3..s0 += a word of r1 times r7..r4; the lowest word is done. The carry moves on in c. */
#define ROW(at, s0, s1, s2, s3, c)                                                                  \
    "umaal " s0 ", " c ", r3, r4\n\t" "umaal " s1 ", " c ", r3, r5\n\t"                             \
    "umaal " s2 ", " c ", r3, r6\n\t" "umaal " s3 ", " c ", r3, r7\n\t"                             \
    "str " s0 ", [r0, #" at "]\n\t"
#define LOW(at, s0, s1, s2, s3, c)                                                                  \
    "ldr r3, [r1, #" at "]\n\t" "mov " c ", #0\n\t" ROW(at, s0, s1, s2, s3, c)
#define HIGH(at, to, s0, s1, s2, s3, c)                                                             \
    "ldr r3, [r1, #" at "]\n\t" "ldr " c ", [r0, #" to "]\n\t" ROW(to, s0, s1, s2, s3, c)
#define CLEAR "mov r8, #0\n\t" "mov r9, #0\n\t" "mov r10, #0\n\t" "mov r11, #0\n\t"

/* void limbs_mul_umaal(limb *t, const limb *a, const limb *b) */
__asm__(BEGIN("limbs_mul_umaal")
    "ldm r2!, {r4-r7}\n\t" CLEAR
    LOW("0", "r8", "r9", "r10", "r11", "r12")  LOW("4", "r9", "r10", "r11", "r12", "r8")
    LOW("8", "r10", "r11", "r12", "r8", "r9")  LOW("12", "r11", "r12", "r8", "r9", "r10")
    LOW("16", "r12", "r8", "r9", "r10", "r11") LOW("20", "r8", "r9", "r10", "r11", "r12")
    LOW("24", "r9", "r10", "r11", "r12", "r8") LOW("28", "r10", "r11", "r12", "r8", "r9")
    "strd r11, r12, [r0, #32]\n\t" "strd r8, r9, [r0, #40]\n\t"
    "ldm r2, {r4-r7}\n\t" CLEAR
    HIGH("0", "16", "r8", "r9", "r10", "r11", "r12")  HIGH("4", "20", "r9", "r10", "r11", "r12", "r8")
    HIGH("8", "24", "r10", "r11", "r12", "r8", "r9")  HIGH("12", "28", "r11", "r12", "r8", "r9", "r10")
    HIGH("16", "32", "r12", "r8", "r9", "r10", "r11") HIGH("20", "36", "r8", "r9", "r10", "r11", "r12")
    HIGH("24", "40", "r9", "r10", "r11", "r12", "r8") HIGH("28", "44", "r10", "r11", "r12", "r8", "r9")
    "strd r11, r12, [r0, #48]\n\t" "strd r8, r9, [r0, #56]\n\t"
    END("limbs_mul_umaal"));

/* r4..r11 op= the eight words at base, with carry from the first on but for the first operation. */
#define EIGHT(first, next, base, at)                                                                \
    "ldrd r12, lr, [" base ", #0+" at "]\n\t" first " r4, r4, r12\n\t" next " r5, r5, lr\n\t"       \
    "ldrd r12, lr, [" base ", #8+" at "]\n\t" next " r6, r6, r12\n\t" next " r7, r7, lr\n\t"        \
    "ldrd r12, lr, [" base ", #16+" at "]\n\t" next " r8, r8, r12\n\t" next " r9, r9, lr\n\t"       \
    "ldrd r12, lr, [" base ", #24+" at "]\n\t" next " r10, r10, r12\n\t" next " r11, r11, lr\n\t"
#define MASKED_PAIR(first, low, high, base, at, mask)                                               \
    "ldrd r12, lr, [" base ", #" at "]\n\t" "and r12, r12, " mask "\n\t" "and lr, lr, " mask "\n\t" \
    first " " low ", " low ", r12\n\t" "adcs " high ", " high ", lr\n\t"
/* r4..r11 += what is at base, or nothing. */
#define ADD_MASKED(base, mask)                                                                      \
    MASKED_PAIR("adds", "r4", "r5", base, "0", mask) MASKED_PAIR("adcs", "r6", "r7", base, "8", mask)    \
    MASKED_PAIR("adcs", "r8", "r9", base, "16", mask) MASKED_PAIR("adcs", "r10", "r11", base, "24", mask)

/* void limbs_add_mod_umaal(limb *r, const limb *a, const limb *b, const limb *m) */
__asm__(BEGIN("limbs_add_mod_umaal")
    "ldm r1, {r4-r11}\n\t"
    EIGHT("adds", "adcs", "r2", "0")
    "mov.w r1, #0\n\t" "adc r1, r1, #0\n\t"
    EIGHT("subs", "sbcs", "r3", "0")
    "sbc r1, r1, #0\n\t" ADD_MASKED("r3", "r1")
    "stm r0, {r4-r11}\n\t"
    END("limbs_add_mod_umaal"));

/* void limbs_sub_mod_umaal(limb *r, const limb *a, const limb *b, const limb *m) */
__asm__(BEGIN("limbs_sub_mod_umaal")
    "ldm r1, {r4-r11}\n\t"
    EIGHT("subs", "sbcs", "r2", "0")
    "sbc r1, r1, r1\n\t" ADD_MASKED("r3", "r1")
    "stm r0, {r4-r11}\n\t"
    END("limbs_sub_mod_umaal"));

/* void limbs_sub_wide_umaal(limb *r, const limb *a, const limb *b, const limb *m) */
__asm__(BEGIN("limbs_sub_wide_umaal")
    "ldm r1!, {r4-r11}\n\t"
    EIGHT("subs", "sbcs", "r2", "0")
    "stm r0!, {r4-r11}\n\t" "ldm r1, {r4-r11}\n\t"
    EIGHT("sbcs", "sbcs", "r2", "32")
    "sbc r1, r1, r1\n\t" ADD_MASKED("r3", "r1")
    "stm r0, {r4-r11}\n\t"
    END("limbs_sub_wide_umaal"));

#define REDUCE_PAIR(at, w0, w1)                                                                     \
    "ldrd r0, r3, [r2, #" at "]\n\t" "umaal " w0 ", r12, lr, r0\n\t" "umaal " w1 ", r12, lr, r3\n\t"
/* Adds the multiple of m that clears w0; the next word of t comes into its place. The carry of that sum stays in the
 * flags until the next row. */
#define REDUCE(at, w0, w1, w2, w3, w4, w5, w6, w7)                                                  \
    "ldr lr, [sp, #4]\n\t" "mul lr, lr, " w0 "\n\t" "mov r12, #0\n\t"                               \
    REDUCE_PAIR("0", w0, w1) REDUCE_PAIR("8", w2, w3) REDUCE_PAIR("16", w4, w5) REDUCE_PAIR("24", w6, w7) \
    "ldr r0, [r1, #" at "]\n\t" "adcs " w0 ", r0, r12\n\t"

/* void limbs_redc_umaal(limb *r, const limb *t, const limb *m, limb m0) */
__asm__(BEGIN("limbs_redc_umaal")
    "push {r0, r3}\n\t"
    "ldm r1, {r4-r11}\n\t" "cmn r1, #0\n\t"
    REDUCE("32", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11")
    REDUCE("36", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r4")
    REDUCE("40", "r6", "r7", "r8", "r9", "r10", "r11", "r4", "r5")
    REDUCE("44", "r7", "r8", "r9", "r10", "r11", "r4", "r5", "r6")
    REDUCE("48", "r8", "r9", "r10", "r11", "r4", "r5", "r6", "r7")
    REDUCE("52", "r9", "r10", "r11", "r4", "r5", "r6", "r7", "r8")
    REDUCE("56", "r10", "r11", "r4", "r5", "r6", "r7", "r8", "r9")
    REDUCE("60", "r11", "r4", "r5", "r6", "r7", "r8", "r9", "r10")
    "mov.w r1, #0\n\t" "adc r1, r1, #0\n\t"
    EIGHT("subs", "sbcs", "r2", "0")
    "sbc r1, r1, #0\n\t" ADD_MASKED("r2", "r1")
    "pop {r0, r3}\n\t"
    "stm r0, {r4-r11}\n\t"
    END("limbs_redc_umaal"));

// clang-format on

#else
/* A translation unit is not empty. */
extern const int sm9_no_umaal;
#endif
