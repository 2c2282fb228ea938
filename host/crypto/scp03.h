/* The off-card side of SCP03 (GlobalPlatform Card Specification 2.3, Amendment D 1.1.2), AES-128, 8-byte MACs
 * (S8), security level 33, static keys derived from K_admin as in specs/apdu.md.
 *
 * Over bytes: the caller exchanges APDUs. Any failure ends the session and wipes it; further calls are
 * TALLY_E_STATE.
 */
#ifndef TALLY_CRYPTO_SCP03_H
#define TALLY_CRYPTO_SCP03_H

#include "host/crypto/kdf.h"

enum {
    TALLY_SCP03_CHALLENGE_SIZE = 8,
    TALLY_SCP03_MAC_SIZE = 8,
    TALLY_SCP03_INITIALIZE_SIZE = 29,   /* answer to INITIALIZE UPDATE */
    TALLY_SCP03_AUTHENTICATE_SIZE = 16, /* data of EXTERNAL AUTHENTICATE */
    TALLY_SCP03_DATA_MAX = 1264,        /* wrapped */
    TALLY_SCP03_PLAIN_MAX = 1247        /* what fits: padded to 1248, with MAC 1256 */
};

/* Private to the functions below. */
struct tally_scp03 {
    uint8_t phase;
    uint8_t host_challenge[TALLY_SCP03_CHALLENGE_SIZE];
    uint8_t enc_key[SYM_KEY_SIZE], mac_key[SYM_KEY_SIZE], rmac_key[SYM_KEY_SIZE];
    uint8_t chain[TALLY_BLOCK_SIZE]; /* MAC chaining value */
    uint32_t counter;                /* of commands, for the IVs */
};

/* A wrapped command: send it with CLA as given. */
struct tally_scp03_command {
    uint8_t cla, ins, p1, p2;
    uint8_t data[TALLY_SCP03_DATA_MAX];
    size_t n;
};

/* Begins; host_challenge is 8 fresh random bytes and the data of INITIALIZE UPDATE (80 50 00 00). */
void tally_scp03_begin(struct tally_scp03 *s, const uint8_t host_challenge[TALLY_SCP03_CHALLENGE_SIZE]);

/* The chip id in the answer to INITIALIZE UPDATE, from which K_admin is derived. TALLY_E_FORMAT when the
 * answer is not one of this protocol and variant; chip_id is zero then. */
enum tally_error tally_scp03_chip_id(const uint8_t *answer, size_t n, uint8_t chip_id[CHIP_ID_SIZE]);

/* Checks the card cryptogram (TALLY_E_CRYPTO) and gives EXTERNAL AUTHENTICATE. */
enum tally_error tally_scp03_authenticate(struct tally_scp03 *s, const uint8_t admin_key[SYM_KEY_SIZE],
                                          const uint8_t *answer, size_t n,
                                          struct tally_scp03_command *command);

/* The same with static keys K-ENC and K-MAC that come from elsewhere than K_admin. */
enum tally_error tally_scp03_authenticate_with(struct tally_scp03 *s, const uint8_t k_enc[SYM_KEY_SIZE],
                                               const uint8_t k_mac[SYM_KEY_SIZE], const uint8_t *answer,
                                               size_t n, struct tally_scp03_command *command);

/* Wraps a command (CLA without the secure messaging bit): encrypts its data and appends the command MAC.
 * TALLY_E_FULL when n > TALLY_SCP03_PLAIN_MAX. */
enum tally_error tally_scp03_wrap(struct tally_scp03 *s, uint8_t cla, uint8_t ins, uint8_t p1, uint8_t p2,
                                  const uint8_t *data, size_t n, struct tally_scp03_command *command);

/* Checks and decrypts the answer to the last wrapped command. EXTERNAL AUTHENTICATE's own answer is bare:
 * 9000. An answer with another status than 9000 carries neither MAC nor data, and proves nothing; after 6982
 * or 6988 the card has closed the channel. out has room for n bytes. */
enum tally_error tally_scp03_unwrap(struct tally_scp03 *s, uint16_t sw, const uint8_t *answer, size_t n,
                                    uint8_t *out, size_t *out_n);

void tally_scp03_end(struct tally_scp03 *s);

#endif
