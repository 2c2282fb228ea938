/* Limbs: 64 bits where the compiler multiplies to 128, else 32. Everything in card/sm9/ is written once, for
 * both. Defining SM9_LIMB32 asks for the narrow ones on any machine. */
#ifndef TALLY_SM9_LIMB_H
#define TALLY_SM9_LIMB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#if defined(__x86_64__)
#include <immintrin.h>

#include "card/sm9/x86_64.h"
#endif

#if defined(__SIZEOF_INT128__) && !defined(SM9_LIMB32)
typedef uint64_t limb;
typedef unsigned __int128 dlimb;
#define LIMB_IS_64 1
enum { LIMB_BITS = 64, LIMBS = 4 };
/* A 256-bit constant from four 64-bit words, least significant first. */
#define LIMBS_OF(w0, w1, w2, w3)                                                                             \
    {                                                                                                        \
        (w0), (w1), (w2), (w3)                                                                               \
    }
#else
typedef uint32_t limb;
typedef uint64_t dlimb;
#define LIMB_IS_64 0
enum { LIMB_BITS = 32, LIMBS = 8 };
#define LIMB_LO(w) ((uint32_t)(w))
#define LIMB_HI(w) ((uint32_t)((uint64_t)(w) >> 32))
#define LIMBS_OF(w0, w1, w2, w3)                                                                             \
    {                                                                                                        \
        LIMB_LO(w0), LIMB_HI(w0), LIMB_LO(w1), LIMB_HI(w1), LIMB_LO(w2), LIMB_HI(w2), LIMB_LO(w3),           \
            LIMB_HI(w3)                                                                                      \
    }
#endif

/* x86-64 assembly takes the place of the C reference; SM9_NO_ASSEMBLY leaves it out. */
#if LIMB_IS_64 && defined(__x86_64__) && !defined(SM9_NO_ASSEMBLY)
#define SM9_X86_64 1
#else
#define SM9_X86_64 0
#endif
#if !LIMB_IS_64 && defined(__ARM_FEATURE_DSP) && defined(__thumb2__) && !defined(SM9_NO_ASSEMBLY)
#define SM9_UMAAL 1
#else
#define SM9_UMAAL 0
#endif

/* All ones when bit is 1, all zeros when it is 0, without a branch the compiler could put back. */
static inline limb limb_mask(limb bit)
{
    limb mask = (limb)0 - bit;
    __asm__("" : "+r"(mask));
    return mask;
}

/* One limb of an addition or subtraction with carry; the intrinsics become one instruction each. */
#if LIMB_IS_64 && defined(__x86_64__)
static inline limb add_carry(limb *r, limb a, limb b, limb carry)
{
    unsigned long long sum;
    carry = _addcarry_u64((unsigned char)carry, a, b, &sum);
    *r = sum;
    return carry;
}

static inline limb sub_borrow(limb *r, limb a, limb b, limb borrow)
{
    unsigned long long difference;
    borrow = _subborrow_u64((unsigned char)borrow, a, b, &difference);
    *r = difference;
    return borrow;
}
#else
static inline limb add_carry(limb *r, limb a, limb b, limb carry)
{
    dlimb t = (dlimb)a + b + carry;
    *r = (limb)t;
    return (limb)(t >> LIMB_BITS);
}

static inline limb sub_borrow(limb *r, limb a, limb b, limb borrow)
{
    dlimb t = (dlimb)a - b - borrow;
    *r = (limb)t;
    return (limb)(t >> LIMB_BITS) & 1;
}
#endif

/* r = a + b, returns the carry. r may be a or b. */
static inline limb limbs_add(limb *r, const limb *a, const limb *b, size_t n)
{
    limb carry = 0;
#pragma GCC unroll 16
    for (size_t i = 0; i < n; i++)
        carry = add_carry(&r[i], a[i], b[i], carry);
    return carry;
}

/* r = a - b, returns the borrow. r may be a or b. */
static inline limb limbs_sub(limb *r, const limb *a, const limb *b, size_t n)
{
    limb borrow = 0;
#pragma GCC unroll 16
    for (size_t i = 0; i < n; i++)
        borrow = sub_borrow(&r[i], a[i], b[i], borrow);
    return borrow;
}

/* r = r + (m & mask), carry dropped. */
static inline void limbs_add_masked(limb *r, const limb *m, limb mask, size_t n)
{
    limb carry = 0;
#pragma GCC unroll 8
    for (size_t i = 0; i < n; i++)
        carry = add_carry(&r[i], r[i], m[i] & mask, carry);
}

/* r = mask ? a : b, limb by limb. */
static inline void limbs_select(limb *r, limb mask, const limb *a, const limb *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        r[i] = (a[i] & mask) | (b[i] & ~mask);
}

/* r = table[index - 1] of n limbs an entry, reading every entry; zeros when there is none, as for index 0. */
static inline void limbs_lookup(limb *r, const limb *table, size_t n, size_t entries, limb index)
{
    for (size_t i = 0; i < n; i++)
        r[i] = 0;
    for (size_t e = 0; e < entries; e++) {
        limb differs = (limb)(e + 1) ^ index;
        limb mask = limb_mask(((differs | ((limb)0 - differs)) >> (LIMB_BITS - 1)) ^ 1);
        for (size_t i = 0; i < n; i++)
            r[i] |= table[e * n + i] & mask;
    }
}

/* 1 when all n limbs are zero, else 0. */
static inline limb limbs_is_zero(const limb *a, size_t n)
{
    limb any = 0;
    for (size_t i = 0; i < n; i++)
        any |= a[i];
    return ((any | ((limb)0 - any)) >> (LIMB_BITS - 1)) ^ 1;
}

/* t (2*LIMBS limbs) = a * b (LIMBS limbs each). t overlaps neither. */
static inline void limbs_mul_reference(limb *t, const limb *a, const limb *b)
{
    for (size_t i = 0; i < LIMBS; i++)
        t[i] = 0;
#pragma GCC unroll 8
    for (size_t i = 0; i < LIMBS; i++) {
        limb carry = 0;
#pragma GCC unroll 8
        for (size_t j = 0; j < LIMBS; j++) {
            dlimb x = (dlimb)a[i] * b[j] + t[i + j] + carry;
            t[i + j] = (limb)x;
            carry = (limb)(x >> LIMB_BITS);
        }
        t[i + LIMBS] = carry;
    }
}

/* Montgomery reduction: r = t / 2^256 mod m, for t < m * 2^256; m0 = -1/m mod 2^LIMB_BITS. t is destroyed. */
static inline void limbs_redc_reference(limb *r, limb *t, const limb *m, limb m0)
{
    limb top = 0;
#pragma GCC unroll 8
    for (size_t i = 0; i < LIMBS; i++) {
        limb q = t[i] * m0, carry = 0;
#pragma GCC unroll 8
        for (size_t j = 0; j < LIMBS; j++) {
            dlimb x = (dlimb)q * m[j] + t[i + j] + carry;
            t[i + j] = (limb)x;
            carry = (limb)(x >> LIMB_BITS);
        }
        dlimb x = (dlimb)t[i + LIMBS] + carry + top;
        t[i + LIMBS] = (limb)x;
        top = (limb)(x >> LIMB_BITS);
    }
    limb reduced[LIMBS];
    limb borrow = limbs_sub(reduced, t + LIMBS, m, LIMBS);
    /* Keep t when it is below m: no carry out of the top, and the subtraction borrowed. */
    limbs_select(r, limb_mask(borrow & (top ^ 1)), t + LIMBS, reduced, LIMBS);
}

/* r = a + b mod m and r = a - b mod m, for a, b < m. */
static inline void limbs_add_mod_reference(limb *r, const limb *a, const limb *b, const limb *m)
{
    limb sum[LIMBS], reduced[LIMBS];
    limb carry = limbs_add(sum, a, b, LIMBS);
    limb borrow = limbs_sub(reduced, sum, m, LIMBS);
    limbs_select(r, limb_mask(borrow & (carry ^ 1)), sum, reduced, LIMBS);
}

static inline void limbs_sub_mod_reference(limb *r, const limb *a, const limb *b, const limb *m)
{
    limb borrow = limbs_sub(r, a, b, LIMBS);
    limbs_add_masked(r, m, limb_mask(borrow), LIMBS);
}

/* r = a - b (2*LIMBS limbs each), plus m * 2^256 if that is negative. r may be a. */
static inline void limbs_sub_wide_reference(limb *r, const limb *a, const limb *b, const limb *m)
{
    limb borrow = limbs_sub(r, a, b, 2 * LIMBS);
    limbs_add_masked(r + LIMBS, m, limb_mask(borrow), LIMBS);
}

/* Which of them is used. */
#if SM9_UMAAL
void limbs_mul_umaal(limb *t, const limb *a, const limb *b);
void limbs_redc_umaal(limb *r, const limb *t, const limb *m, limb m0);
void limbs_add_mod_umaal(limb *r, const limb *a, const limb *b, const limb *m);
void limbs_sub_mod_umaal(limb *r, const limb *a, const limb *b, const limb *m);
void limbs_sub_wide_umaal(limb *r, const limb *a, const limb *b, const limb *m);
#define limbs_mul      limbs_mul_umaal
#define limbs_redc     limbs_redc_umaal
#define limbs_add_mod  limbs_add_mod_umaal
#define limbs_sub_mod  limbs_sub_mod_umaal
#define limbs_sub_wide limbs_sub_wide_umaal
#else
#define limbs_mul      limbs_mul_reference
#define limbs_redc     limbs_redc_reference
#define limbs_sub_wide limbs_sub_wide_reference
#if SM9_X86_64
#define limbs_add_mod limbs_add_mod_x86
#define limbs_sub_mod limbs_sub_mod_x86
#else
#define limbs_add_mod limbs_add_mod_reference
#define limbs_sub_mod limbs_sub_mod_reference
#endif
#endif

/* 32 big-endian bytes from and to limbs. */
void limbs_from_bytes(limb r[LIMBS], const uint8_t in[32]);
void limbs_to_bytes(uint8_t out[32], const limb a[LIMBS]);

#endif
