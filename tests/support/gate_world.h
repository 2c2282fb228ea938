/* A small world for gates: two operators' keys, a personalised card in this process, tickets, gates. No
 * servers, no reader. Everything aborts the test when it fails. */
#ifndef TALLY_TESTS_GATE_WORLD_H
#define TALLY_TESTS_GATE_WORLD_H

#include "host/reader/card_gate.h"
#include "host/crypto/sm9.h"
#include "host/reader/card_issuer.h"
#include "reader-tools/gate/tap.h"
#include "tests/support/ram_transport.h"

enum {
    WORLD_EPOCH = 4,
    WORLD_NOW = 1800000000,
    WORLD_GATE = 77,
    WORLD_STATION = 100,
    WORLD_DESTINATION = 200
};
#define WORLD_PIN     "123456"
#define WORLD_SERVICE "G1234   "

struct world_operator {
    uint16_t id;
    uint8_t suite;
    struct tally_key *key1, *authority, *anchor;
    struct tally_sm9_centre centre; /* suite SM9 */
    uint8_t vmk[2][SYM_KEY_SIZE];   /* versions 1 and 2 */
    uint32_t package_version, sequence;
};

struct world {
    struct tally_key *enrolment;        /* the card issuer's */
    struct world_operator operators[3]; /* 1: P-256, 2: RSA, 3: SM9 */
    struct ramcard *rc;                 /* NULL when the card is elsewhere */
    struct ram_transport transport;
    struct tally_card card;
    uint8_t serial[SERIAL_SIZE];
    uint8_t kem_key[P256_POINT_SIZE], auth_key[P256_POINT_SIZE], rsa_modulus[RSA_SIZE];
    struct tally_manual_clock clock;
    struct tally_seeded_random random;
    char folder[64]; /* for journals */
};

/* Makes keys, card and operators; with_rsa also the card's RSA key and operator 2. */
void world_start(struct world *w, bool with_rsa);

/* The same with a blank card behind any transport, which is borrowed. */
void world_start_on(struct world *w, struct card_transport *transport, const uint8_t admin_key[SYM_KEY_SIZE],
                    bool with_rsa);
void world_end(struct world *w);

/* Makes operator 3 and puts it on the card. */
void world_add_sm9(struct world *w);

/* The keys of an identity of that operator, for WORLD_EPOCH of cards and servers. */
struct tally_sm9_holder world_holder(const struct world_operator *op, const struct identity *identity);

/* Puts a package with sub-key versions 1 to newest on the card. */
void world_put_package(struct world *w, struct world_operator *op, uint8_t newest);

/* A face that the card will take, valid around the world's clock; change what matters, then load it. */
struct ticket_face world_face(struct world *w, const struct world_operator *op);

/* Signs, encrypts and loads. */
void world_load(struct world *w, struct world_operator *op, const struct ticket_face *face);

/* Signs with any key 1 and encrypts: ciphertext 1 for this card. */
void world_seal(struct world *w, const struct tally_key *key1, const struct ticket_face *face,
                uint8_t out[CIPHERTEXT_1_MAX], size_t *n);

/* A gate of the operator with a journal of its own in the world's folder. Close it with world_close_gate. */
void world_open_gate(struct world *w, const struct world_operator *op, uint8_t mode, struct gate *gate);
void world_close_gate(struct gate *gate);

/* Writes the operator's gate kit into a new folder, as `tally-authd gate-kit` does; with an RSA pair when the
 * world has RSA. */
void world_write_kit(struct world *w, const struct world_operator *op, const char *folder);

#endif
