/* The card's side of GlobalPlatform Secure Channel Protocol 03 (Card Specification Amendment D 1.1.2):
 * AES-128, MACs of 8 bytes, random card challenge, security level 33 only: command MAC and encryption,
 * response MAC and encryption.
 */
#ifndef TALLY_APDU_SCP03_H
#define TALLY_APDU_SCP03_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card/apdu/applet.h"
#include "card/wire/protocol.h"

enum {
    SCP03_CHALLENGE_SIZE = 8,
    SCP03_CRYPTOGRAM_SIZE = 8,
    SCP03_MAC_SIZE = 8,
    SCP03_LEVEL = 0x33,
    SCP03_BLOCK_SIZE = 16,
    SCP03_WRAP_OVERHEAD = SCP03_BLOCK_SIZE + SCP03_MAC_SIZE /* most bytes that scp03_wrap adds */
};

enum scp03_state { SCP03_CLOSED, SCP03_CHALLENGED, SCP03_OPEN };

struct scp03 {
    uint8_t state; /* enum scp03_state; closed: everything is zero */
    uint8_t s_enc[SYM_KEY_SIZE], s_mac[SYM_KEY_SIZE], s_rmac[SYM_KEY_SIZE];
    uint8_t host_cryptogram[SCP03_CRYPTOGRAM_SIZE]; /* what the host must prove */
    uint8_t mac_chain[SCP03_BLOCK_SIZE];            /* MAC of the last command, whole */
    uint32_t commands;                              /* since the channel opened: the encryption counter */
};

/* The static keys; the caller wipes them. */
struct scp03_keys {
    uint8_t enc[SYM_KEY_SIZE], mac[SYM_KEY_SIZE];
};

/* INITIALIZE UPDATE: derives the session keys and computes the card cryptogram. A channel that was open is
 * lost. */
void scp03_begin(struct scp03 *channel, const struct scp03_keys *keys,
                 const uint8_t host_challenge[SCP03_CHALLENGE_SIZE],
                 const uint8_t card_challenge[SCP03_CHALLENGE_SIZE],
                 uint8_t card_cryptogram[SCP03_CRYPTOGRAM_SIZE]);

/* EXTERNAL AUTHENTICATE, data = host cryptogram || MAC: opens the channel. False, and the channel closed,
 * when it was not begun or either is wrong. */
bool scp03_authenticate(struct scp03 *channel, const struct apdu_command *command);

/* Checks the MAC of a command and decrypts its data in place; command->len becomes the length of the
 * plaintext. The MAC covers Lc in its shortest form, one byte up to 255 and 00 with two bytes above, however
 * the command came. False, and the channel closed, on any error. */
bool scp03_unwrap(struct scp03 *channel, struct apdu_command *command);

/* Encrypts the n bytes of data in place and appends the MAC over them and the status word; data has room for
 * n + SCP03_WRAP_OVERHEAD. Returns the length of the result. The status word is 9000: others are answered
 * bare. */
size_t scp03_wrap(const struct scp03 *channel, uint8_t *data, size_t n);

/* Forgets all. */
void scp03_close(struct scp03 *channel);

#endif
