/* The operator package: an operator's keys for one card, signed and encrypted. specs/formats.md. Errors as in
 * ticket_crypto.h. */
#ifndef TALLY_CRYPTO_PACKAGE_H
#define TALLY_CRYPTO_PACKAGE_H

#include "host/crypto/hpke.h"
#include "host/crypto/sm9_file.h"

enum { TALLY_PACKAGE_SET = 1, TALLY_PACKAGE_REMOVE = 2 };

struct tally_package_key6 {
    uint8_t version;
    uint8_t key[TALLY_PUBLIC_MAX]; /* 64, 256 or 2 bytes of it (SM9: epoch of authd's identity), by suite */
};

struct tally_package_sub_key {
    uint8_t version;
    uint8_t sub_key[SYM_KEY_SIZE];
    uint8_t id_key[SYM_KEY_SIZE];
};

/* With action remove the fields from suite on are not used. */
struct tally_package {
    uint16_t operator_id;
    uint8_t card_key_version;
    uint8_t serial[SERIAL_SIZE];
    uint8_t action;
    uint32_t version;
    uint8_t sub_key_floor;
    uint16_t epoch_floor;
    uint8_t suite;
    size_t key6_count; /* 1..KEY6_MAX */
    struct tally_package_key6 key6[KEY6_MAX];
    uint8_t gate_anchor[P256_PUBLIC_SIZE]; /* not of suite SM9, nor the certificate */
    uint8_t card_certificate[ECDSA_SIZE];
    struct tally_sm9_holder holder; /* suite SM9: the card's keys of this operator, and its masters */
    size_t sub_key_count;           /* 1..SUB_KEYS_MAX, versions ascending and not below the floor */
    struct tally_package_sub_key sub_keys[SUB_KEYS_MAX];
};

enum {
    TALLY_PACKAGE_HEADER_SIZE = 5,
    TALLY_PACKAGE_PLAIN_MAX = 8 + 1 + 4 + 1 + 2 + 1 + 1 + KEY6_MAX * (1 + RSA_SIZE) + P256_PUBLIC_SIZE +
                              ECDSA_SIZE + 1 + SUB_KEYS_MAX * (1 + 2 * SYM_KEY_SIZE) + ECDSA_SIZE,
    TALLY_PACKAGE_MAX =
        TALLY_PACKAGE_HEADER_SIZE + ENROLMENT_SIZE + TALLY_HPKE_OVERHEAD + TALLY_PACKAGE_PLAIN_MAX
};

/* Builds, signs with the operator's authority key and encrypts to the card's key 2 (P-256, x || y).
 * TALLY_E_FORMAT when a count, version or action is out of range or the enrolment names another operator. */
enum tally_error tally_package_seal(const struct tally_package *package,
                                    const uint8_t enrolment[ENROLMENT_SIZE],
                                    const struct tally_key *authority,
                                    const uint8_t card_key[P256_PUBLIC_SIZE], uint8_t out[TALLY_PACKAGE_MAX],
                                    size_t *n);

/* Opens and checks a package as a card does, with the card's private key and the card issuer's enrolment key.
 */
enum tally_error tally_package_open(const struct tally_key *card_key, const struct tally_key *issuer,
                                    const uint8_t *in, size_t n, struct tally_package *package);

#endif
