/* The issuer's commands to a card, under SCP03 (host/crypto/scp03.h): personalisation and the card's life
 * cycle.
 *
 * Errors as in card.h and scp03.h; issuer->card->error says them in words. After a failure the channel may be
 * closed: open it again.
 */
#ifndef TALLY_READER_CARD_ISSUER_H
#define TALLY_READER_CARD_ISSUER_H

#include "host/crypto/scp03.h"
#include "host/reader/card.h"

struct tally_issuer {
    struct tally_card *card; /* borrowed */
    struct tally_scp03 channel;
};

/* Selects the issuer's applet and opens the channel with the administration key that master and the card's
 * chip id give; challenge is 8 fresh random bytes. A card in the field wants its PIN first
 * (tally_card_verify_pin). Call tally_issuer_close in any case. chip_id may be NULL. */
enum tally_error tally_issuer_open(struct tally_issuer *issuer, struct tally_card *card,
                                   const uint8_t master[SYM_KEY_SIZE],
                                   const uint8_t challenge[TALLY_SCP03_CHALLENGE_SIZE],
                                   uint8_t chip_id[CHIP_ID_SIZE]);
/* The same with the card's own administration key, for who does not have the master. */
enum tally_error tally_issuer_open_with_key(struct tally_issuer *issuer, struct tally_card *card,
                                            const uint8_t admin_key[SYM_KEY_SIZE],
                                            const uint8_t challenge[TALLY_SCP03_CHALLENGE_SIZE],
                                            uint8_t chip_id[CHIP_ID_SIZE]);

void tally_issuer_close(struct tally_issuer *issuer);

/* One command through the channel; its answer's data, at most size bytes, goes to out (may be NULL when size
 * is 0). *out_n is set on every path. */
enum tally_error tally_issuer_command(struct tally_issuer *issuer, uint8_t ins, uint16_t p1p2,
                                      const uint8_t *data, size_t n, uint8_t *out, size_t size,
                                      size_t *out_n);

enum tally_error tally_issuer_get_state(struct tally_issuer *issuer, struct tally_card_state *state);

/* PUT DATA of DO_SERIAL (8), DO_ENROLMENT_KEY (64) or DO_INITIAL_PIN (4 to 12 digits): blank cards only. */
enum tally_error tally_issuer_put(struct tally_issuer *issuer, uint16_t object, const uint8_t *data,
                                  size_t n);

/* GENERATE KEY of KEY_REF_KEM or KEY_REF_AUTH (65 bytes) or KEY_REF_RSA (256): blank cards only. */
enum tally_error tally_issuer_generate(struct tally_issuer *issuer, uint8_t key_reference,
                                       uint8_t *public_key, size_t size);

/* PUT KEY of an RSA key's five parts, 128 bytes each, p || q || dp || dq || iq. */
enum tally_error tally_issuer_put_rsa(struct tally_issuer *issuer, const uint8_t parts[5 * 128]);

/* SET STATUS: LIFE_PERSONALISED, LIFE_BLOCKED, or LIFE_IN_USE to unblock. */
enum tally_error tally_issuer_set_life(struct tally_issuer *issuer, uint8_t life_cycle);

enum tally_error tally_issuer_reset_pin(struct tally_issuer *issuer, const char *pin);

#endif
