/* SM9, identity-based cryptography: GB/T 38635.1 and .2-2020 (GM/T 0044-2016; ISO/IEC 14888-3 and 18033-5).
 *
 * Points and keys cross this interface as bytes: G1 points x || y (64), G2 points x || y with the
 * u-coefficient first (128), scalars and hashes big-endian (32). The 04 in front of points, where the
 * standard's wire formats have it, is added and checked by the callers that write such formats, except in
 * signatures, which contain it (97 bytes).
 *
 * All functions are constant time in secrets, use no heap and no static state. Contexts belong to the caller.
 * On every error the outputs are zero.
 */
#ifndef TALLY_SM9_SM9_H
#define TALLY_SM9_SM9_H

#include "card/sm9/fn.h"
#include "card/sm9/gt.h"
#include "card/sm9/pairing.h"

enum {
    SM9_KEY_BYTES = 32,       /* master private key */
    SM9_SIGNATURE_BYTES = 97, /* h 32, 04, S 64 */
    SM9_TAG_BYTES = 32,       /* C3 */
    SM9_KEM_BYTES = G1_BYTES,
    SM9_ID_MAX = 255,         /* bytes of an identity */
    SM9_DERIVED_MAX = 1056,   /* bytes of a key that is encapsulated or agreed on */
    SM9_ENCRYPT_MAX = 1 << 24 /* bytes of a message in one encryption */
};

enum sm9_result {
    SM9_OK = 0,
    SM9_E_KEY,         /* a key is not in its group or range */
    SM9_E_POINT,       /* a point of the other side is not in its group */
    SM9_E_RANGE,       /* a number of the other side is out of range */
    SM9_E_LENGTH,      /* a length is out of range */
    SM9_E_MISMATCH,    /* signature, tag or confirmation does not verify */
    SM9_E_UNUSABLE_ID, /* H1(ID) + master key = 0: the master key has to be changed */
    SM9_E_RANDOM       /* the random source failed */
};

/* The function identifiers hid. */
enum { SM9_HID_SIGN = 1, SM9_HID_EXCHANGE = 2, SM9_HID_ENCRYPT = 3 };

struct sm9_random {
    int (*fill)(void *ctx, uint8_t *out, size_t n); /* 0 when n bytes fit for keys were written */
    void *ctx;
};

struct sm9_id {
    const uint8_t *bytes;
    size_t len; /* 1..SM9_ID_MAX */
};

/* Master public keys, with the powers of the pairing value every operation needs (gt.h says how large). */
struct sm9_sign_public {
    struct g2_affine ppub;
    struct gt_base g; /* e(P1, Ppub-s) */
};

struct sm9_encrypt_public {
    struct g1_affine ppub;
    struct gt_base g; /* e(Ppub-e, P2) */
};

/* An identity's private keys, read and checked. Secret: wipe them. */
struct sm9_sign_key {
    struct g1_affine ds;
};

struct sm9_decrypt_key {
    struct g2_affine de;
    struct fp2 blind; /* not zero */
};

/* --- Key centre: .2, 6.1 and 7.1 --- */

/* A master private key in [1, n-1]. */
enum sm9_result sm9_master_generate(uint8_t master[SM9_KEY_BYTES], const struct sm9_random *random);

enum sm9_result sm9_sign_master_public(uint8_t ppub[G2_BYTES], const uint8_t master[SM9_KEY_BYTES]);
enum sm9_result sm9_encrypt_master_public(uint8_t ppub[G1_BYTES], const uint8_t master[SM9_KEY_BYTES]);

/* Private keys of an identity: ds in G1; de in G2, for hid 2 or 3. */
enum sm9_result sm9_sign_extract(uint8_t ds[G1_BYTES], const uint8_t master[SM9_KEY_BYTES],
                                 const struct sm9_id *id);
enum sm9_result sm9_encrypt_extract(uint8_t de[G2_BYTES], const uint8_t master[SM9_KEY_BYTES],
                                    const struct sm9_id *id, uint8_t hid);

/* --- Keys, read and checked once --- */

/* A pairing each. */
enum sm9_result sm9_sign_public_init(struct sm9_sign_public *key, const uint8_t ppub[G2_BYTES]);
enum sm9_result sm9_encrypt_public_init(struct sm9_encrypt_public *key, const uint8_t ppub[G1_BYTES]);

/* The pairing value that init computed, to be kept where pairings are dear, and a key made of it without one.
 * The bytes are as trusted as the memory they were kept in: SM9_E_KEY only when they encode no element of
 * Fp12, or ppub no key. ppub may be NULL for a key that only signs: that needs the pairing value alone. */
void sm9_sign_public_save(const struct sm9_sign_public *key, uint8_t g[FP12_BYTES]);
void sm9_encrypt_public_save(const struct sm9_encrypt_public *key, uint8_t g[FP12_BYTES]);
enum sm9_result sm9_sign_public_load(struct sm9_sign_public *key, const uint8_t ppub[G2_BYTES],
                                     const uint8_t g[FP12_BYTES]);
enum sm9_result sm9_encrypt_public_load(struct sm9_encrypt_public *key, const uint8_t ppub[G1_BYTES],
                                        const uint8_t g[FP12_BYTES]);

enum sm9_result sm9_sign_key_init(struct sm9_sign_key *key, const uint8_t ds[G1_BYTES]);

/* Also for the key of an exchange. */
enum sm9_result sm9_decrypt_key_init(struct sm9_decrypt_key *key, const uint8_t de[G2_BYTES]);

/* Draws what hides the key during its next decapsulations and exchanges from who measures power: the pairing
 * starts from other coordinates of the same point, at the cost of two multiplications. Before each use, where
 * that matters. The key is as before when the random source fails. */
enum sm9_result sm9_decrypt_key_blind(struct sm9_decrypt_key *key, const struct sm9_random *random);

/* --- Signature: .2, clause 6 --- */

enum sm9_result sm9_sign(uint8_t signature[SM9_SIGNATURE_BYTES], const struct sm9_sign_public *key,
                         const struct sm9_sign_key *own, const void *message, size_t len,
                         const struct sm9_random *random);

enum sm9_result sm9_verify(const uint8_t signature[SM9_SIGNATURE_BYTES], const struct sm9_sign_public *key,
                           const struct sm9_id *id, const void *message, size_t len);

/* --- Key encapsulation: .2, clause 8 --- */

/* A fresh key of key_len bytes (1..SM9_DERIVED_MAX) for the identity, and its encapsulation. No pairing.
 */
enum sm9_result sm9_encapsulate(uint8_t *key_out, size_t key_len, uint8_t c[SM9_KEM_BYTES],
                                const struct sm9_encrypt_public *key, const struct sm9_id *id,
                                const struct sm9_random *random);

/* One pairing. */
enum sm9_result sm9_decapsulate(uint8_t *key_out, size_t key_len, const uint8_t c[SM9_KEM_BYTES],
                                const struct sm9_decrypt_key *own, const struct sm9_id *id);

/* --- Public-key encryption with the key stream of the KDF: .2, clause 9 --- */

/* out: C1 (64) || C3 (32) || C2 (len); len 1..SM9_ENCRYPT_MAX. out and message do not overlap. */
enum sm9_result sm9_encrypt(uint8_t *out, const struct sm9_encrypt_public *key, const struct sm9_id *id,
                            const uint8_t *message, size_t len, const struct sm9_random *random);

/* message: len - 96 bytes. The tag is checked before anything is written. */
enum sm9_result sm9_decrypt(uint8_t *message, const uint8_t *in, size_t len,
                            const struct sm9_decrypt_key *own, const struct sm9_id *id);

/* The tag C3 = SM3(C2 || K2), for other modes of encryption built on the encapsulation. */
void sm9_tag(uint8_t tag[SM9_TAG_BYTES], const uint8_t *c2, size_t len, const uint8_t *k2, size_t k2_len);

/* --- Key exchange: .2, clause 7 --- */

struct sm9_exchange {
    struct fn r;
    uint8_t mine[G1_BYTES]; /* R of this side */
};

/* Draws r and computes R = [r] Q of the other side. */
enum sm9_result sm9_exchange_begin(struct sm9_exchange *x, const struct sm9_encrypt_public *key,
                                   const struct sm9_id *other, const struct sm9_random *random);

/* The shared key and the two confirmations: *confirm_82 is SM3(82 || ...), sent by the responder; *confirm_83
 * is sent by the initiator. Compare in constant time. Wipes x. */
enum sm9_result sm9_exchange_finish(struct sm9_exchange *x, const struct sm9_encrypt_public *key,
                                    const struct sm9_decrypt_key *own, bool initiator,
                                    const struct sm9_id *id_initiator, const struct sm9_id *id_responder,
                                    const uint8_t other_r[G1_BYTES], uint8_t *key_out, size_t key_len,
                                    uint8_t confirm_82[32], uint8_t confirm_83[32]);

#endif
