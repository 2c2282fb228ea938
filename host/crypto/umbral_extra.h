/* The package's objects beside the scheme itself, for who exchanges them with others; Tally's own wings use
 * none. Errors as in umbral.h. */
#ifndef TALLY_CRYPTO_UMBRAL_EXTRA_H
#define TALLY_CRYPTO_UMBRAL_EXTRA_H

#include "host/crypto/umbral.h"

enum {
    TALLY_UMBRAL_SEED_SIZE = 32,
    TALLY_UMBRAL_MADE_SECRET_SIZE = 64,
    TALLY_UMBRAL_LABEL_MAX = 1024,
    TALLY_UMBRAL_RECOVERABLE_SIZE = 65, /* r || s || v, v 0 or 1 */
    TALLY_UMBRAL_EVIDENCE_SIZE = 528
};

/* SecretKeyFactory: keys, secrets and other factories from a seed and a label of at most
 * TALLY_UMBRAL_LABEL_MAX bytes (TALLY_E_USAGE). HKDF-SHA256 of the seed, info "KEY_DERIVATION/" (and so on)
 * || label. The caller wipes. */
enum tally_error tally_umbral_factory_key(const uint8_t seed[TALLY_UMBRAL_SEED_SIZE], const uint8_t *label,
                                          size_t n, struct tally_umbral_secret *key);
enum tally_error tally_umbral_factory_secret(const uint8_t seed[TALLY_UMBRAL_SEED_SIZE], const uint8_t *label,
                                             size_t n, uint8_t secret[TALLY_UMBRAL_MADE_SECRET_SIZE]);
enum tally_error tally_umbral_factory_factory(const uint8_t seed[TALLY_UMBRAL_SEED_SIZE],
                                              const uint8_t *label, size_t n,
                                              uint8_t made[TALLY_UMBRAL_SEED_SIZE]);

/* RecoverableSignature: whose signature of this SHA-256 it is. */
enum tally_error tally_umbral_recover(const uint8_t digest[TALLY_SHA256_SIZE],
                                      const uint8_t signature[TALLY_UMBRAL_RECOVERABLE_SIZE],
                                      struct tally_umbral_public *signer);
/* A signature with the v that leads to this signer; TALLY_E_CRYPTO when none does. */
enum tally_error tally_umbral_recoverable(const uint8_t signature[TALLY_UMBRAL_SIGNATURE_SIZE],
                                          const uint8_t digest[TALLY_SHA256_SIZE],
                                          const struct tally_umbral_public *signer,
                                          uint8_t out[TALLY_UMBRAL_RECOVERABLE_SIZE]);

/* ReencryptionEvidence: what a contract needs to check a capsule fragment without multiplying. Points in the
 * order of the bytes: E, zE, E1, hE1, E2, V, zV, V1, hV1, V2, zU, U1, hU1, U2. */
enum { TALLY_UMBRAL_EVIDENCE_POINTS = 14 };
struct tally_umbral_evidence {
    struct tally_umbral_point point[TALLY_UMBRAL_EVIDENCE_POINTS];
    uint8_t message_digest[TALLY_SHA256_SIZE]; /* of what the receiver's signature in the fragment covers */
    bool v;                                    /* of that signature */
};
enum tally_error tally_umbral_evidence_make(const struct tally_umbral_capsule *capsule,
                                            const struct tally_umbral_verified_cfrag *cfrag,
                                            const struct tally_umbral_public *verifying,
                                            const struct tally_umbral_public *delegating,
                                            const struct tally_umbral_public *receiving,
                                            struct tally_umbral_evidence *evidence);
void tally_umbral_evidence_write(const struct tally_umbral_evidence *evidence,
                                 uint8_t out[TALLY_UMBRAL_EVIDENCE_SIZE]);
enum tally_error tally_umbral_evidence_read(const uint8_t *in, size_t n,
                                            struct tally_umbral_evidence *evidence);

#endif
