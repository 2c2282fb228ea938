/* Umbral: threshold proxy re-encryption on secp256k1 (D. Nuñez, "Umbral: a threshold proxy re-encryption
 * scheme"), byte for byte as the npm package @nucypher/umbral-pre 0.10 has it. specs/umbral.md has the
 * equations.
 *
 * The owner of a delegating key lets proxies turn ciphertexts for that key into ciphertexts for one receiver:
 * it makes key fragments, each proxy makes a capsule fragment of its own, and any `threshold` of those open
 * the ciphertext with the receiver's key. Proxies learn nothing. All proxies together with the receiver learn
 * the delegating key: host/crypto/delegation.h gives each issuing channel one of its own.
 *
 * Errors: TALLY_E_FORMAT, bytes that are no such object (length, framing, not a point of the curve, a scalar
 * not in 1..n-1); TALLY_E_CRYPTO, a well-formed object that does not verify or does not open; TALLY_E_USAGE,
 * a limit of ours; TALLY_E_IO, the random source failed; TALLY_E_MEMORY; TALLY_E_BUG, a library failed. On
 * every failure results are zero; beyond a limit of size or number, nothing is written.
 *
 * Objects are plain values, owned by the caller. Any number of threads may call with objects of their own.
 * Secret scalars meet constant-time code only; structs that hold some have a wipe function, for the caller to
 * call.
 */
#ifndef TALLY_CRYPTO_UMBRAL_H
#define TALLY_CRYPTO_UMBRAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <secp256k1.h>

#include "host/base/error.h"
#include "host/base/random.h"
#include "host/crypto/sym.h"

enum {
    TALLY_UMBRAL_SCALAR_SIZE = 32,
    TALLY_UMBRAL_POINT_SIZE = 33, /* SEC 1, compressed */
    TALLY_UMBRAL_SIGNATURE_SIZE = 64,
    TALLY_UMBRAL_DER_MAX = 72,
    TALLY_UMBRAL_ID_SIZE = 32,
    /* As toBytes() writes them: MessagePack of one shape. */
    TALLY_UMBRAL_CAPSULE_SIZE = 105,
    TALLY_UMBRAL_KFRAG_SIZE = 310,
    TALLY_UMBRAL_CFRAG_SIZE = 381,
    /* As toBytesSimple() writes them: the fields alone. */
    TALLY_UMBRAL_CAPSULE_SIMPLE_SIZE = 98,
    TALLY_UMBRAL_CFRAG_SIMPLE_SIZE = 359,
    TALLY_UMBRAL_OVERHEAD = 24 + 16, /* of a ciphertext: nonce in front, tag behind */
    TALLY_UMBRAL_PLAINTEXT_MAX = 1 << 20,
    TALLY_UMBRAL_SHARES_MAX = 64
};

/* A point of the curve, never the point at infinity, in both forms that the work needs. */
struct tally_umbral_point {
    secp256k1_pubkey point;
    uint8_t bytes[TALLY_UMBRAL_POINT_SIZE];
};

struct tally_umbral_public {
    struct tally_umbral_point at;
};

struct tally_umbral_secret {
    uint8_t scalar[TALLY_UMBRAL_SCALAR_SIZE]; /* big-endian; toBEBytes() */
    struct tally_umbral_public public_key;
};

/* E, V and s, checked: sG = V + H(E, V)·E. */
struct tally_umbral_capsule {
    struct tally_umbral_point e, v;
    uint8_t s[TALLY_UMBRAL_SCALAR_SIZE];
};

/* What a proxy gets; key is secret. */
struct tally_umbral_kfrag {
    uint8_t id[TALLY_UMBRAL_ID_SIZE];
    uint8_t key[TALLY_UMBRAL_SCALAR_SIZE];
    struct tally_umbral_point precursor, commitment;
    uint8_t for_proxy[TALLY_UMBRAL_SIGNATURE_SIZE], for_receiver[TALLY_UMBRAL_SIGNATURE_SIZE];
    bool delegating_signed, receiving_signed; /* what for_proxy covers besides the fragment */
};

/* What a proxy makes of a capsule. */
struct tally_umbral_cfrag {
    struct tally_umbral_point e1, v1, precursor;
    uint8_t id[TALLY_UMBRAL_ID_SIZE];
    struct tally_umbral_point e2, v2, commitment, u2;
    uint8_t z[TALLY_UMBRAL_SCALAR_SIZE];
    uint8_t for_receiver[TALLY_UMBRAL_SIGNATURE_SIZE];
};

/* The same, verified or made here: only these are worked with. */
struct tally_umbral_verified_kfrag {
    struct tally_umbral_kfrag kfrag;
};
struct tally_umbral_verified_cfrag {
    struct tally_umbral_cfrag cfrag;
};

/* ---- Keys and signatures ---- */

enum tally_error tally_umbral_secret_generate(const struct tally_random *random,
                                              struct tally_umbral_secret *secret);
enum tally_error tally_umbral_secret_read(const uint8_t in[TALLY_UMBRAL_SCALAR_SIZE],
                                          struct tally_umbral_secret *secret);
void tally_umbral_secret_wipe(struct tally_umbral_secret *secret);

/* toCompressedBytes() is public_key.at.bytes. */
enum tally_error tally_umbral_public_read(const uint8_t in[TALLY_UMBRAL_POINT_SIZE],
                                          struct tally_umbral_public *public_key);
bool tally_umbral_public_equal(const struct tally_umbral_public *a, const struct tally_umbral_public *b);

/* ECDSA over SHA-256 of the parts (FIPS 186-5), r || s, s low; nonces by RFC 6979 with random bytes added.
 * Verification refuses a high s. */
enum tally_error tally_umbral_sign(const struct tally_umbral_secret *signer, const struct tally_bytes *parts,
                                   size_t count, const struct tally_random *random,
                                   uint8_t signature[TALLY_UMBRAL_SIGNATURE_SIZE]);
enum tally_error tally_umbral_verify(const struct tally_umbral_public *signer,
                                     const struct tally_bytes *parts, size_t count,
                                     const uint8_t signature[TALLY_UMBRAL_SIGNATURE_SIZE]);

/* The same signature in DER, at most TALLY_UMBRAL_DER_MAX bytes; *n is set on every path. */
enum tally_error tally_umbral_signature_to_der(const uint8_t signature[TALLY_UMBRAL_SIGNATURE_SIZE],
                                               uint8_t der[TALLY_UMBRAL_DER_MAX], size_t *n);
enum tally_error tally_umbral_signature_from_der(const uint8_t *der, size_t n,
                                                 uint8_t signature[TALLY_UMBRAL_SIGNATURE_SIZE]);

/* ---- Encryption, and the owner's decryption ---- */

/* Encrypts n bytes (at most TALLY_UMBRAL_PLAINTEXT_MAX) to n + TALLY_UMBRAL_OVERHEAD. The additional data are
 * the capsule's 98 bytes and behind them the context's parts; the package knows no context: give it 0 parts.
 */
enum tally_error tally_umbral_encrypt(const struct tally_umbral_public *delegating, const uint8_t *plaintext,
                                      size_t n, const struct tally_bytes *context, size_t count,
                                      const struct tally_random *random, struct tally_umbral_capsule *capsule,
                                      uint8_t *ciphertext);

/* Decrypts n bytes to n - TALLY_UMBRAL_OVERHEAD. */
enum tally_error tally_umbral_decrypt_original(const struct tally_umbral_secret *delegating,
                                               const struct tally_umbral_capsule *capsule,
                                               const struct tally_bytes *context, size_t count,
                                               const uint8_t *ciphertext, size_t n, uint8_t *plaintext);

/* ---- Delegation ---- */

struct tally_umbral_rekey_options {
    size_t threshold, shares;             /* 1 <= threshold <= shares <= TALLY_UMBRAL_SHARES_MAX */
    bool sign_delegating, sign_receiving; /* put these keys under the signature that proxies check */
};

/* Makes `shares` fragments, any `threshold` of which are enough. The receiver need not take part. The caller
 * wipes them. */
enum tally_error
tally_umbral_rekey(const struct tally_umbral_secret *delegating, const struct tally_umbral_public *receiving,
                   const struct tally_umbral_secret *signer, const struct tally_umbral_rekey_options *options,
                   const struct tally_random *random, struct tally_umbral_verified_kfrag *kfrags);

/* delegating and receiving may be NULL when the fragment does not sign them; with both, the signature for the
 * receiver is checked, too, which the package leaves to the receiver. */
enum tally_error tally_umbral_kfrag_verify(const struct tally_umbral_kfrag *kfrag,
                                           const struct tally_umbral_public *verifying,
                                           const struct tally_umbral_public *delegating,
                                           const struct tally_umbral_public *receiving,
                                           struct tally_umbral_verified_kfrag *verified);
void tally_umbral_kfrag_wipe(struct tally_umbral_kfrag *kfrag);

/* The proxy's work, with a proof that it was done right. */
enum tally_error tally_umbral_reencrypt(const struct tally_umbral_capsule *capsule,
                                        const struct tally_umbral_verified_kfrag *kfrag,
                                        const struct tally_random *random,
                                        struct tally_umbral_verified_cfrag *cfrag);

enum tally_error tally_umbral_cfrag_verify(const struct tally_umbral_cfrag *cfrag,
                                           const struct tally_umbral_capsule *capsule,
                                           const struct tally_umbral_public *verifying,
                                           const struct tally_umbral_public *delegating,
                                           const struct tally_umbral_public *receiving,
                                           struct tally_umbral_verified_cfrag *verified);

/* Opens with count capsule fragments (1..TALLY_UMBRAL_SHARES_MAX) of one tally_umbral_rekey() and different
 * key fragments; n bytes to n - TALLY_UMBRAL_OVERHEAD. TALLY_E_CRYPTO, too, when there are too few. */
enum tally_error tally_umbral_decrypt_reencrypted(const struct tally_umbral_secret *receiving,
                                                  const struct tally_umbral_public *delegating,
                                                  const struct tally_umbral_capsule *capsule,
                                                  const struct tally_umbral_verified_cfrag *cfrags,
                                                  size_t cfrag_count, const struct tally_bytes *context,
                                                  size_t count, const uint8_t *ciphertext, size_t n,
                                                  uint8_t *plaintext);

/* ---- Serialisation. Reading takes exactly the bytes that writing makes. ---- */

void tally_umbral_capsule_write(const struct tally_umbral_capsule *capsule,
                                uint8_t out[TALLY_UMBRAL_CAPSULE_SIZE]);
enum tally_error tally_umbral_capsule_read(const uint8_t *in, size_t n, struct tally_umbral_capsule *capsule);
void tally_umbral_capsule_write_simple(const struct tally_umbral_capsule *capsule,
                                       uint8_t out[TALLY_UMBRAL_CAPSULE_SIMPLE_SIZE]);

/* out holds a secret: the caller wipes it. */
void tally_umbral_kfrag_write(const struct tally_umbral_kfrag *kfrag, uint8_t out[TALLY_UMBRAL_KFRAG_SIZE]);
enum tally_error tally_umbral_kfrag_read(const uint8_t *in, size_t n, struct tally_umbral_kfrag *kfrag);

void tally_umbral_cfrag_write(const struct tally_umbral_cfrag *cfrag, uint8_t out[TALLY_UMBRAL_CFRAG_SIZE]);
enum tally_error tally_umbral_cfrag_read(const uint8_t *in, size_t n, struct tally_umbral_cfrag *cfrag);
void tally_umbral_cfrag_write_simple(const struct tally_umbral_cfrag *cfrag,
                                     uint8_t out[TALLY_UMBRAL_CFRAG_SIMPLE_SIZE]);

#endif
