/* Sums of products with one Montgomery reduction, in MULX and ADX instructions, and the tower on top of them.
 *
 * Where a multiplication costs little more than moving its operands, sums of full products beat Karatsuba's
 * trick: no additions in front of the products, and one reduction a coefficient. (P. Longa, "Efficient
 * algorithms for large prime characteristic fields and their application to bilinear pairings", CHES 2023.)
 * Each function computes exactly what the C function it replaces computes.
 */
#include "card/sm9/adx.h"

#ifdef SM9_HAVE_ASSEMBLY

#include <string.h>

/* p; -1/p mod 2^64; 2p; 4p: behind one pointer, because registers are scarce. */
static const uint64_t constants[15] = {
    0xe56f9b27e351457d, 0x21f2934b1a7aeedb, 0xd603ab4ff58ec745, 0xb640000002a3a6f1, 0x892bc42c2f2ee42b,
    0xcadf364fc6a28afa, 0x43e5269634f5ddb7, 0xac07569feb1d8e8a, 0x6c80000005474de3, 1,
    0x95be6c9f8d4515f4, 0x87ca4d2c69ebbb6f, 0x580ead3fd63b1d14, 0xd90000000a8e9bc7, 2};

// clang-format off

/* w5..w0 += rdx * (the four limbs at base). Low halves travel on the CF chain, high halves on the OF chain. */
#define ROW(base, w0, w1, w2, w3, w4, w5)                                                           \
    "xorl %%eax, %%eax\n\t"                                                                         \
    "mulxq 0+" base ", %%rax, %%rcx\n\t"  "adcxq %%rax, " w0 "\n\t" "adoxq %%rcx, " w1 "\n\t"       \
    "mulxq 8+" base ", %%rax, %%rcx\n\t"  "adcxq %%rax, " w1 "\n\t" "adoxq %%rcx, " w2 "\n\t"       \
    "mulxq 16+" base ", %%rax, %%rcx\n\t" "adcxq %%rax, " w2 "\n\t" "adoxq %%rcx, " w3 "\n\t"       \
    "mulxq 24+" base ", %%rax, %%rcx\n\t" "adcxq %%rax, " w3 "\n\t" "adoxq %%rcx, " w4 "\n\t"       \
    "movl $0, %%eax\n\t" "adcxq %%rax, " w4 "\n\t" "adoxq %%rax, " w5 "\n\t" "adcxq %%rax, " w5 "\n\t"

/* One limb of a times all of b. */
#define PRODUCT(a, b, ...) "movq " a "(%[a]), %%rdx\n\t" ROW(b "(%[b])", __VA_ARGS__)

/* Adds the multiple of p that clears w0. The value, divided by 2^64, is then in w1..w5. */
#define REDUCE(w0, ...) "movq 32(%[p]), %%rdx\n\t" "imulq " w0 ", %%rdx\n\t" ROW("0(%[p])", w0, __VA_ARGS__)

/* A step for each limb of the a's: the products with it, and a quarter of the reduction. */
#define STEPS(STEP)                                                                                 \
    "xorl %%r8d, %%r8d\n\t" "xorl %%r9d, %%r9d\n\t" "xorl %%r10d, %%r10d\n\t"                       \
    "xorl %%r11d, %%r11d\n\t" "xorl %%r12d, %%r12d\n\t"                                             \
    STEP("0", "%%r8", "%%r9", "%%r10", "%%r11", "%%r12", "%%r13")                                   \
    STEP("8", "%%r9", "%%r10", "%%r11", "%%r12", "%%r13", "%%r8")                                   \
    STEP("16", "%%r10", "%%r11", "%%r12", "%%r13", "%%r8", "%%r9")                                  \
    STEP("24", "%%r11", "%%r12", "%%r13", "%%r8", "%%r9", "%%r10")
#define CLEAR(w0, w1, w2, w3, w4, w5) "movl $0, " w5 "d\n\t"

/* After the steps the value is in r12, r13, r8, r9 and r10. Subtracts the multiple of p at an offset from the
 * constants if that leaves a value that is not negative. */
#define SUBTRACT(at)                                                                                \
    "movq %%r12, %%rax\n\t" "movq %%r13, %%rcx\n\t" "movq %%r8, %%rdx\n\t" "movq %%r9, %%r11\n\t"   \
    "movq %%r10, %[b]\n\t"                                                                          \
    "subq 0+" at "(%[p]), %%rax\n\t" "sbbq 8+" at "(%[p]), %%rcx\n\t"                               \
    "sbbq 16+" at "(%[p]), %%rdx\n\t" "sbbq 24+" at "(%[p]), %%r11\n\t" "sbbq 32+" at "(%[p]), %[b]\n\t" \
    "cmovncq %%rax, %%r12\n\t" "cmovncq %%rcx, %%r13\n\t" "cmovncq %%rdx, %%r8\n\t"                 \
    "cmovncq %%r11, %%r9\n\t" "cmovncq %[b], %%r10\n\t"
#define SUBTRACT_P                                                                                  \
    "movq %%r12, %%rax\n\t" "movq %%r13, %%rcx\n\t" "movq %%r8, %%rdx\n\t" "movq %%r9, %%r11\n\t"   \
    "subq 0(%[p]), %%rax\n\t" "sbbq 8(%[p]), %%rcx\n\t" "sbbq 16(%[p]), %%rdx\n\t"                  \
    "sbbq 24(%[p]), %%r11\n\t" "sbbq $0, %%r10\n\t"                                                 \
    "cmovncq %%rax, %%r12\n\t" "cmovncq %%rcx, %%r13\n\t" "cmovncq %%rdx, %%r8\n\t"                 \
    "cmovncq %%r11, %%r9\n\t"
#define STORE                                                                                       \
    "movq %%r12, 0(%[r])\n\t" "movq %%r13, 8(%[r])\n\t" "movq %%r8, 16(%[r])\n\t" "movq %%r9, 24(%[r])\n\t"

#define SUM(code)                                                                                   \
    __asm__ volatile(code                                                                           \
                     : [b] "+&r"(b)                                                                 \
                     : [r] "r"(r), [a] "r"(a), [p] "r"(constants)                                   \
                     : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "cc", "memory")

/* With all factors at most p, the steps leave less than (0.72 n + 1) p of a sum of n products. */

#define STEP1(i, ...) CLEAR(__VA_ARGS__) PRODUCT(i, "0", __VA_ARGS__) REDUCE(__VA_ARGS__)
void fp_mul_adx(struct fp *r, const struct fp *a, const struct fp *b)
{
    SUM(STEPS(STEP1) SUBTRACT_P STORE);
}

/* r = a[0] b[0] + a[1] b[1] */
#define STEP2(i, ...)                                                                               \
    CLEAR(__VA_ARGS__) PRODUCT(i, "0", __VA_ARGS__) PRODUCT("32+" i, "32", __VA_ARGS__) REDUCE(__VA_ARGS__)
__attribute__((noinline)) static void sum2(struct fp *r, const struct fp a[2], const struct fp b[2])
{
    SUM(STEPS(STEP2) SUBTRACT("40") SUBTRACT_P STORE);
}

/* r = a[0] b[0] + a[1] b[1] + a[2] b[2] */
#define STEP3(i, ...)                                                                               \
    CLEAR(__VA_ARGS__) PRODUCT(i, "0", __VA_ARGS__) PRODUCT("32+" i, "32", __VA_ARGS__)             \
    PRODUCT("64+" i, "64", __VA_ARGS__) REDUCE(__VA_ARGS__)
__attribute__((noinline)) static void sum3(struct fp *r, const struct fp a[3], const struct fp b[3])
{
    SUM(STEPS(STEP3) SUBTRACT("40") SUBTRACT_P STORE);
}

/* r = a[0] b[0] + ... + a[3] b[3] */
#define STEP4(i, ...)                                                                               \
    CLEAR(__VA_ARGS__) PRODUCT(i, "0", __VA_ARGS__) PRODUCT("32+" i, "32", __VA_ARGS__)             \
    PRODUCT("64+" i, "64", __VA_ARGS__) PRODUCT("96+" i, "96", __VA_ARGS__) REDUCE(__VA_ARGS__)
__attribute__((noinline)) static void sum4(struct fp *r, const struct fp a[4], const struct fp b[4])
{
    SUM(STEPS(STEP4) SUBTRACT("40") SUBTRACT_P STORE);
}

/* r = a[0] b[0] + a[1] b[1] + a[2] b[2] + a[3] b[3] + a[6] b[4] + a[7] b[5] */
#define STEP6(i, ...)                                                                               \
    CLEAR(__VA_ARGS__) PRODUCT(i, "0", __VA_ARGS__) PRODUCT("32+" i, "32", __VA_ARGS__)             \
    PRODUCT("64+" i, "64", __VA_ARGS__) PRODUCT("96+" i, "96", __VA_ARGS__)                         \
    PRODUCT("192+" i, "128", __VA_ARGS__) PRODUCT("224+" i, "160", __VA_ARGS__) REDUCE(__VA_ARGS__)
__attribute__((noinline)) static void sum6(struct fp *r, const struct fp a[8], const struct fp b[6])
{
    SUM(STEPS(STEP6) SUBTRACT("80") SUBTRACT("40") SUBTRACT_P STORE);
}

// clang-format on

/* r = -2a */
static void minus_double(struct fp *r, const struct fp *a)
{
    struct fp t;
    fp_neg(&t, a);
    fp_double(r, &t);
}

void fp2_mul_adx(struct fp2 *r, const struct fp2 *a, const struct fp2 *b)
{
    const struct fp c[2] = {a->c0, a->c1};
    struct fp s[3] = {b->c1, b->c0};
    minus_double(&s[2], &b->c1);
    sum2(&r->c0, c, s + 1);
    sum2(&r->c1, c, s);
}

/* (a0 + a1)(a0 - 2 a1) + a0 a1 = a0^2 - 2 a1^2. */
void fp2_square_adx(struct fp2 *r, const struct fp2 *a)
{
    struct fp sum, diff, product;
    fp_add(&sum, &a->c0, &a->c1);
    fp_sub(&diff, &a->c0, &a->c1);
    fp_sub(&diff, &diff, &a->c1);
    fp_mul_adx(&product, &a->c0, &a->c1);
    fp_mul_adx(&sum, &sum, &diff);
    fp_add(&r->c0, &sum, &product);
    fp_double(&r->c1, &product);
}

/* Fp4 = Fp[v]/(v^4 + 2): coefficient k of the product is the sum of a_j b_(k-j), where b_(-i) is -2 b_(4-i).
 * With b in descending order every coefficient reads four neighbours. */
void fp4_mul_adx(struct fp4 *r, const struct fp4 *a, const struct fp4 *b)
{
    const struct fp c[4] = {a->b0.c0, a->b1.c0, a->b0.c1, a->b1.c1};
    struct fp s[7] = {b->b1.c1, b->b0.c1, b->b1.c0, b->b0.c0};
    for (size_t i = 0; i < 3; i++)
        minus_double(&s[4 + i], &s[i]);
    sum4(&r->b0.c0, c, s + 3);
    sum4(&r->b1.c0, c, s + 2);
    sum4(&r->b0.c1, c, s + 1);
    sum4(&r->b1.c1, c, s);
}

/* With a = c0 + c1 v + c2 v^2 + c3 v^3: c0^2 - 4 c1 c3 - 2 c2^2, 2 c0 c1 - 4 c2 c3, 2 c0 c2 + c1^2 - 2 c3^2
 * and 2 c0 c3 + 2 c1 c2. */
void fp4_square_adx(struct fp4 *r, const struct fp4 *a)
{
    const struct fp c0 = a->b0.c0, c1 = a->b1.c0, c2 = a->b0.c1, c3 = a->b1.c1;
    struct fp d0, d1, m2, m3, mm3;
    fp_double(&d0, &c0);
    fp_double(&d1, &c1);
    minus_double(&m2, &c2);
    minus_double(&m3, &c3);
    fp_double(&mm3, &m3);
    const struct fp x[3] = {c0, c1, c2}, y[3] = {c0, mm3, m2};
    const struct fp s[2] = {d0, c2}, t[2] = {c1, mm3};
    const struct fp f[3] = {d0, c1, c3}, g[3] = {c2, c1, m3};
    const struct fp h[2] = {d0, d1}, i[2] = {c3, c2};
    sum3(&r->b0.c0, x, y);
    sum2(&r->b1.c0, s, t);
    sum3(&r->b0.c1, f, g);
    sum2(&r->b1.c1, h, i);
}

/* The factors x of y in the two parts of x y, and in those of x y u. */
static void factors(struct fp plain[2][2], struct fp wrapped[2][2], const struct fp2 *x)
{
    plain[0][0] = plain[1][1] = wrapped[1][0] = x->c0;
    plain[1][0] = x->c1;
    minus_double(&plain[0][1], &x->c1);
    wrapped[0][0] = wrapped[1][1] = plain[0][1];
    minus_double(&wrapped[0][1], &x->c0);
}

/* Coefficient k of the product with l0.b0 + l2 w^2 + l0.b1 w^3 has a_k, a_(k-2) and a_(k-3); an index below 0
 * wraps around w^6 = u. */
void fp12_mul_line_adx(struct fp12 *r, const struct fp12 *a, const struct fp4 *l0, const struct fp2 *l2)
{
    const struct fp2 *const in[6] = {&a->a0.b0, &a->a1.b0, &a->a2.b0, &a->a0.b1, &a->a1.b1, &a->a2.b1};
    struct fp2 *const out[6] = {&r->a0.b0, &r->a1.b0, &r->a2.b0, &r->a0.b1, &r->a1.b1, &r->a2.b1};
    struct fp x[18], s[2][6]; /* x[2 k + 6] and x[2 k + 7] are a_k */
    struct fp plain0[2][2], plain2[2][2], plain3[2][2], wrapped[2][2], wrapped2[2][2], wrapped3[2][2];
    factors(plain0, wrapped, &l0->b0);
    factors(plain2, wrapped2, l2);
    factors(plain3, wrapped3, &l0->b1);
    for (size_t k = 0; k < 9; k++) {
        x[2 * k] = in[(k + 3) % 6]->c0;
        x[2 * k + 1] = in[(k + 3) % 6]->c1;
    }
    for (size_t k = 0; k < 6; k++) {
        for (size_t part = 0; part < 2; part++) {
            memcpy(&s[part][0], k < 3 ? wrapped3[part] : plain3[part], sizeof plain3[part]);
            memcpy(&s[part][2], k < 2 ? wrapped2[part] : plain2[part], sizeof plain2[part]);
            memcpy(&s[part][4], plain0[part], sizeof plain0[part]);
        }
        sum6(&out[k]->c0, &x[2 * k], s[0]);
        sum6(&out[k]->c1, &x[2 * k], s[1]);
    }
}

#else
/* A translation unit is not empty. */
extern const int sm9_no_assembly;
#endif
