/* Arithmetic under Umbral: scalars modulo the order n of secp256k1, points, hashes to scalars. Internal to
 * host/crypto/umbral_*.c.
 *
 * A scalar is 32 bytes, big-endian, in 1..n-1. All functions are constant-time in their scalars but those
 * whose name ends in _public. They return false when a library fails, memory is short, or a result is no
 * scalar or point, which happens to random input with probability 2^-250; results are unspecified then.
 */
#ifndef TALLY_CRYPTO_UMBRAL_CURVE_H
#define TALLY_CRYPTO_UMBRAL_CURVE_H

#include "host/crypto/umbral.h"

typedef uint8_t umbral_scalar[TALLY_UMBRAL_SCALAR_SIZE];

/* libsecp256k1's context, one for the process, never NULL; the other one is the same, blinded, for multiples
 * of G by secrets: NULL when there was no randomness for it. */
const secp256k1_context *umbral_context(void);
const secp256k1_context *umbral_blinded_context(void);

/* ---- Scalars ---- */

bool umbral_scalar_valid(const uint8_t in[TALLY_UMBRAL_SCALAR_SIZE]);
enum tally_error umbral_scalar_random(const struct tally_random *random, umbral_scalar out);
bool umbral_scalar_add(const umbral_scalar a, const umbral_scalar b, umbral_scalar out);
bool umbral_scalar_mul(const umbral_scalar a, const umbral_scalar b, umbral_scalar out);
bool umbral_scalar_negate(const umbral_scalar a, umbral_scalar out);
bool umbral_scalar_invert(const umbral_scalar a, umbral_scalar out);
/* a mod (n-1), plus 1: how Umbral turns 32 bytes of hash into a scalar. Cannot fail. */
void umbral_scalar_reduce_nonzero(uint8_t a[TALLY_UMBRAL_SCALAR_SIZE]);

/* 64 bytes, big-endian, mod n; false when that is 0. */
bool umbral_scalar_reduce_wide(const uint8_t in[2 * TALLY_UMBRAL_SCALAR_SIZE], umbral_scalar out);

/* ---- Points; out may equal an input ---- */

bool umbral_point_read(const uint8_t in[TALLY_UMBRAL_POINT_SIZE], struct tally_umbral_point *out);
bool umbral_point_equal(const struct tally_umbral_point *a, const struct tally_umbral_point *b);
bool umbral_base_mul(const umbral_scalar k, struct tally_umbral_point *out);
bool umbral_point_mul(const struct tally_umbral_point *a, const umbral_scalar k,
                      struct tally_umbral_point *out);
bool umbral_point_mul_public(const struct tally_umbral_point *a, const umbral_scalar k,
                             struct tally_umbral_point *out);
bool umbral_point_add(const struct tally_umbral_point *a, const struct tally_umbral_point *b,
                      struct tally_umbral_point *out);

/* The second generator U, and k·U from a table. */
extern const uint8_t umbral_u_bytes[TALLY_UMBRAL_POINT_SIZE];
bool umbral_u_mul(const umbral_scalar k, struct tally_umbral_point *out);

/* ---- Hashes to scalars: SHA-256( be32(length of dst) || dst || parts ), reduced ---- */

bool umbral_hash(const char *dst, const struct tally_bytes *parts, size_t count, umbral_scalar out);
bool umbral_hash_under(struct tally_bytes dst, const struct tally_bytes *parts, size_t count,
                       umbral_scalar out);

/* H("CAPSULE_POINTS", E, V). */
bool umbral_hash_capsule(const struct tally_umbral_point *e, const struct tally_umbral_point *v,
                         umbral_scalar out);
/* H("CFRAG_VERIFICATION", E, E1, E2, V, V1, V2, U, U1, U2). */
bool umbral_hash_cfrag(const struct tally_umbral_capsule *c, const struct tally_umbral_cfrag *f,
                       umbral_scalar h);
/* What the two ends of a delegation share: X, B, D. */
struct umbral_shared {
    const struct tally_umbral_point *precursor, *receiving, *dh;
};
/* H("SHARED_SECRET", X, B, D) and H("POLYNOMIAL_ARG", X, B, D, id). */
bool umbral_hash_shared(const struct umbral_shared *shared, umbral_scalar d);
bool umbral_hash_polynomial_arg(const struct umbral_shared *shared, const uint8_t id[TALLY_UMBRAL_ID_SIZE],
                                umbral_scalar out);

/* ---- The symmetric part (umbral_dem.c); key_point is secret ---- */

enum { UMBRAL_NONCE_SIZE = 24, UMBRAL_TAG_SIZE = 16, UMBRAL_DEM_KEY_SIZE = 32, UMBRAL_CONTEXT_MAX = 4096 };

enum tally_error umbral_seal(const struct tally_umbral_point *key_point,
                             const struct tally_umbral_capsule *capsule, const struct tally_bytes *context,
                             size_t count, const struct tally_random *random, const uint8_t *in, size_t n,
                             uint8_t *out);
enum tally_error umbral_open(const struct tally_umbral_point *key_point,
                             const struct tally_umbral_capsule *capsule, const struct tally_bytes *context,
                             size_t count, const uint8_t *in, size_t n, uint8_t *out);

/* Checks sG = V + H(E, V)·E. */
bool umbral_capsule_check(const struct tally_umbral_capsule *capsule);

/* ---- The message under a key fragment's signatures; either key may be NULL ---- */

enum { UMBRAL_KFRAG_MESSAGE_MAX = 32 + 2 * 33 + 2 * 34 };
size_t
umbral_kfrag_message(const uint8_t id[TALLY_UMBRAL_ID_SIZE], const struct tally_umbral_point *commitment,
                     const struct tally_umbral_point *precursor, const struct tally_umbral_public *delegating,
                     const struct tally_umbral_public *receiving, uint8_t out[UMBRAL_KFRAG_MESSAGE_MAX]);

#endif
