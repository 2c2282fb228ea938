/* The issuer's side of SCP03 for tests, written from the standard over OpenSSL: shares no code with the card.
 */
#ifndef TALLY_TESTS_SCP03_PEER_H
#define TALLY_TESTS_SCP03_PEER_H

#include "tests/support/ramcard.h"

struct scp03_peer {
    uint8_t enc[16], mac[16]; /* static keys */
    uint8_t s_enc[16], s_mac[16], s_rmac[16];
    uint8_t host_cryptogram[8];
    uint8_t chain[16];
    uint32_t counter;
};

enum { PEER_WRAPPED_MAX = 1400 };

/* Static keys from the card's administration key. */
void peer_init(struct scp03_peer *peer, const uint8_t admin_key[16]);

/* INITIALIZE UPDATE; checks the card cryptogram and the fixed parts of the answer. Returns the status word.
 */
uint16_t peer_begin(struct scp03_peer *peer, struct ramcard *rc);

/* EXTERNAL AUTHENTICATE. */
uint16_t peer_finish(struct scp03_peer *peer, struct ramcard *rc);

/* Selects the issuer applet and does both; it aborts unless the channel is open. */
void peer_open(struct scp03_peer *peer, struct ramcard *rc);

/* Encrypts and MACs the n bytes for this header (its CLA without the bit); out has room for n + 24. Returns
 * the length. The channel's state goes on as if it had been sent. */
size_t peer_wrap(struct scp03_peer *peer, const uint8_t header[4], const uint8_t *data, size_t n,
                 uint8_t *out);

/* Checks and decrypts an answer in place when it is 9000. False when it is not what the standard says. */
bool peer_unwrap(const struct scp03_peer *peer, struct reply *reply);

/* A whole command, CLA 80: wrap, send, unwrap. The test fails when the answer's protection is wrong. */
void peer_command(struct scp03_peer *peer, struct ramcard *rc, uint8_t ins, uint8_t p1, uint8_t p2,
                  const uint8_t *data, size_t n, struct reply *reply);

/* ---- A card ready for use ---- */

/* A point of the curve, the generator (SEC 2), for an enrolment key that nobody signs with. */
extern const uint8_t peer_point[P256_PUBLIC_SIZE];

struct personalised {
    uint8_t serial[SERIAL_SIZE];
    uint8_t enrolment_key[P256_PUBLIC_SIZE]; /* in */
    uint8_t kem_key[P256_POINT_SIZE], auth_key[P256_POINT_SIZE];
    uint8_t rsa_modulus[RSA_SIZE]; /* zero without RSA */
};

#define TEST_PIN "274481"

/* Personalises a blank card over SCP03: serial and enrolment key as given, PIN TEST_PIN, keys made on the
 * card. */
void peer_personalise(struct ramcard *rc, struct personalised *p, bool with_rsa);

#endif
