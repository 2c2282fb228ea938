/* Suite SM9 for the card, over card/sm9: constant time on secrets, no heap.
 *
 * Signatures are h || S, 96 bytes, over label || parts. Identities are the texts of card/wire/identity.h.
 * Pairing values of the master public keys ("powers") are computed once, when the keys come, and kept.
 */
#ifndef TALLY_CARD_CRYPTO_SM9_SUITE_H
#define TALLY_CARD_CRYPTO_SM9_SUITE_H

#include "card/crypto/sym.h"
#include "card/sm9/sm9.h"
#include "card/wire/identity.h"

enum {
    SM9_POWER_SIZE = FP12_BYTES,
    SM9_SECRET_SIZE = 32, /* an encapsulated key */
    SM9_MESSAGE_MAX = 160 /* bytes of label and parts */
};

/* What is large for a small stack: a master public key expanded for use, a message and its signature. Holds
 * public values only. */
struct sm9_work {
    union {
        struct sm9_sign_public sign;
        struct sm9_encrypt_public encrypt;
    } key;
    uint8_t message[SM9_MESSAGE_MAX];
    uint8_t signature[SM9_SIGNATURE_BYTES]; /* as card/sm9 has it */
};

/* True when the four keys are in their groups; the powers of the two master keys (two pairings). powers is
 * zero otherwise. */
bool sm9_powers(struct sm9_work *work, const uint8_t sign_master[SM9_G2_SIZE],
                const uint8_t encrypt_master[SM9_G1_SIZE], uint8_t sign_power[SM9_POWER_SIZE],
                uint8_t encrypt_power[SM9_POWER_SIZE]);
bool sm9_private_valid(const uint8_t sign_key[SM9_G1_SIZE], const uint8_t decrypt_key[SM9_G2_SIZE]);

/* Decapsulates the 32-byte secret that c holds for the identity (one pairing, blinded by rng). False, and the
 * secret zero, when c is not a point or the key none. A c made for another identity gives another secret. */
bool sm9_open_secret(struct rng *rng, const uint8_t decrypt_key[SM9_G2_SIZE], const struct identity *identity,
                     const uint8_t c[SM9_G1_SIZE], uint8_t secret[SM9_SECRET_SIZE]);

/* Expand a master key, with its power, into work: for sm9_seal_secret, sm9_sign_parts, sm9_verify_parts.
 * False when they are not as sm9_powers left them. */
bool sm9_load_sealer(struct sm9_work *work, const uint8_t encrypt_master[SM9_G1_SIZE],
                     const uint8_t encrypt_power[SM9_POWER_SIZE]);
bool sm9_load_signer(struct sm9_work *work, const uint8_t sign_power[SM9_POWER_SIZE]);
bool sm9_load_verifier(struct sm9_work *work, const uint8_t sign_master[SM9_G2_SIZE],
                       const uint8_t sign_power[SM9_POWER_SIZE]);

/* Draws a secret for the identity, and c, which only its key opens. No pairing. False, and both zero, when
 * that is no identity. */
bool sm9_seal_secret(const struct sm9_work *work, struct rng *rng, const struct identity *identity,
                     uint8_t c[SM9_G1_SIZE], uint8_t secret[SM9_SECRET_SIZE]);

/* Signs label || parts (at most SM9_MESSAGE_MAX bytes). No pairing. The nonce depends on key, message and
 * rng, so that a weak source of random does not give the key away. False, and the signature zero, when the
 * key is none or the message too long. */
bool sm9_sign_parts(struct sm9_work *work, struct rng *rng, const uint8_t sign_key[SM9_G1_SIZE],
                    const char *label, const struct bytes *parts, size_t count,
                    uint8_t signature[SM9_CODE_SIZE]);

/* True when the signature is right (one pairing). */
bool sm9_verify_parts(struct sm9_work *work, const struct identity *identity, const char *label,
                      const struct bytes *parts, size_t count, const uint8_t signature[SM9_CODE_SIZE]);

#endif
