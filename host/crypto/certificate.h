/* Enrolments, gate certificates and card certificates: specs/formats.md. Keys are P-256. Errors as in
 * ticket_crypto.h.
 */
#ifndef TALLY_CRYPTO_CERTIFICATE_H
#define TALLY_CRYPTO_CERTIFICATE_H

#include "host/crypto/key.h"

struct tally_enrolment {
    uint16_t operator_id;
    uint16_t version;
    uint8_t authority_key[P256_PUBLIC_SIZE]; /* x || y */
};

/* Signed by the card issuer's enrolment key. */
enum tally_error tally_enrolment_make(const struct tally_key *issuer, const struct tally_enrolment *enrolment,
                                      uint8_t out[ENROLMENT_SIZE]);

/* *enrolment is zero on failure. */
enum tally_error tally_enrolment_verify(const struct tally_key *issuer, const uint8_t in[ENROLMENT_SIZE],
                                        struct tally_enrolment *enrolment);

struct tally_gate_certificate {
    uint8_t kind; /* GATE_P256 or GATE_RSA */
    uint16_t operator_id;
    uint32_t gate;
    uint16_t epoch;
    uint32_t not_after;                   /* UTC seconds */
    uint8_t public_key[TALLY_PUBLIC_MAX]; /* 64 or 256 bytes of it */
};

/* Signed by the operator's gate anchor; *n is 142 or 334. */
enum tally_error tally_gate_certificate_make(const struct tally_key *anchor,
                                             const struct tally_gate_certificate *certificate,
                                             uint8_t out[GATE_CERT_RSA_SIZE], size_t *n);

/* Checks form and signature, not the expiry: that is the caller's, who has a clock. */
enum tally_error tally_gate_certificate_verify(const struct tally_key *anchor, const uint8_t *in, size_t n,
                                               struct tally_gate_certificate *certificate);

/* Reads the fields without a check of the signature. */
enum tally_error tally_gate_certificate_read(const uint8_t *in, size_t n,
                                             struct tally_gate_certificate *certificate);

/* The operator's authority signs the card's authentication key. */
enum tally_error tally_card_certificate_make(const struct tally_key *authority, uint16_t operator_id,
                                             const uint8_t serial[SERIAL_SIZE],
                                             const uint8_t auth_key[P256_PUBLIC_SIZE],
                                             uint8_t certificate[ECDSA_SIZE]);
enum tally_error tally_card_certificate_verify(const struct tally_key *authority, uint16_t operator_id,
                                               const uint8_t serial[SERIAL_SIZE],
                                               const uint8_t auth_key[P256_PUBLIC_SIZE],
                                               const uint8_t certificate[ECDSA_SIZE]);

#endif
