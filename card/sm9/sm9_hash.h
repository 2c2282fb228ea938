/* The auxiliary functions H1, H2 and KDF: GB/T 38635.2, 5.3. */
#ifndef TALLY_SM9_SM9_HASH_H
#define TALLY_SM9_SM9_HASH_H

#include "card/sm9/sm3.h"
#include "card/sm9/sm9.h"

/* r = H1(id || hid, n). */
void sm9_h1(struct fn *r, const struct sm9_id *id, uint8_t hid);

/* r = H2(message || w, n). */
void sm9_h2(struct fn *r, const void *message, size_t len, const struct fp12 *w);

/* The KDF over what has been given to an SM3 context: out = SM3(input || 1) || SM3(input || 2) || ... */
void sm9_kdf(uint8_t *out, size_t len, const struct sm3 *input);

/* Its block i, from 1 on. */
void sm9_kdf_block(uint8_t out[SM3_SIZE], const struct sm3 *input, uint32_t i);

/* input = C || w || id: what the key encapsulation derives its key from. */
void sm9_kem_input(struct sm3 *input, const uint8_t c[G1_BYTES], const struct fp12 *w,
                   const struct sm9_id *id);

/* Hashes an element of GT in the standard's order. */
void sm9_update_gt(struct sm3 *c, const struct fp12 *a);

/* A scalar in [1, n-1], by rejection. */
enum sm9_result sm9_random_scalar(struct fn *r, const struct sm9_random *random);

/* r = p in projective coordinates that are drawn: what is computed from them takes other values each time, so
 * that traces of power cannot be averaged. */
enum sm9_result sm9_blinded_point(struct g1 *r, const struct g1_affine *p, const struct sm9_random *random);

/* Q = [H1(id || hid)] P1 + Ppub-e, affine. */
void sm9_identity_point(struct g1_affine *q, const struct sm9_encrypt_public *key, const struct sm9_id *id,
                        uint8_t hid);

#endif
