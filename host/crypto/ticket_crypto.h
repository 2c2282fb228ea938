/* The ticket's cryptographic objects, specs/formats.md: authentication code, ciphertext 1, receipts, holder
 * hash.
 *
 * Errors: TALLY_E_CRYPTO for what does not verify or open, TALLY_E_FORMAT for wrong lengths and codes,
 * TALLY_E_USAGE for a key of the wrong kind, and those of sym.h. Results are zero on failure.
 */
#ifndef TALLY_CRYPTO_TICKET_CRYPTO_H
#define TALLY_CRYPTO_TICKET_CRYPTO_H

#include "card/wire/face.h"
#include "card/wire/usage.h"
#include "host/crypto/key.h"

enum {
    TALLY_TFV_MAX = RSA_SIZE,
    TALLY_FACE_AT_SUITE = 113,
    TALLY_DOCUMENT_NUMBER_MAX = 32 /* characters, spaces included */
};

/* Length of TF_V: 64 for SUITE_P256, 256 for SUITE_RSA, 96 for SUITE_SM9, otherwise 0. */
size_t tally_tfv_size(uint8_t suite);

/* Signs all fields of the face with key 1. TALLY_E_USAGE when the key is not of the face's suite. *n is
 * tally_tfv_size of it. */
enum tally_error tally_face_sign(const struct tally_key *key1, const uint8_t face[FACE_SIZE],
                                 uint8_t tfv[TALLY_TFV_MAX], size_t *n);

/* Checks TF_V with key 6 (the public half of key 1). A face of another suite than the key's is
 * TALLY_E_CRYPTO. */
enum tally_error tally_face_verify(const struct tally_key *key6, const uint8_t face[FACE_SIZE],
                                   const uint8_t *tfv, size_t n);

/* Makes ciphertext 1 for the card whose key 2 is card_key (SUITE_P256: 64 bytes x || y; SUITE_RSA: 256 bytes
 * of modulus), in the face's suite; operator and suite of the header come from the face. *n: 265 or 648. */
enum tally_error tally_ciphertext_1_seal(const uint8_t face[FACE_SIZE], const uint8_t *tfv, size_t tfv_size,
                                         const uint8_t *card_key, size_t card_key_size,
                                         uint8_t card_key_version, uint8_t out[CIPHERTEXT_1_MAX], size_t *n);

/* The same in suite SM9, for the identity card:SERIAL:EPOCH of the face's serial under the masters of this
 * key. *n: 296. */
enum tally_error tally_ciphertext_1_seal_sm9(const uint8_t face[FACE_SIZE], const uint8_t tfv[SM9_CODE_SIZE],
                                             const struct tally_sm9_key *masters, uint16_t card_epoch,
                                             uint8_t out[CIPHERTEXT_1_MAX], size_t *n);
enum tally_error tally_ciphertext_1_open_sm9(const struct tally_sm9_key *card, const uint8_t *in, size_t n,
                                             uint8_t face[FACE_SIZE], uint8_t tfv[SM9_CODE_SIZE]);

/* Opens ciphertext 1 with the card's key 3, as a card does; not of suite SM9. */
enum tally_error tally_ciphertext_1_open(const struct tally_key *card_key, const uint8_t *in, size_t n,
                                         uint8_t face[FACE_SIZE], uint8_t tfv[TALLY_TFV_MAX],
                                         size_t *tfv_size);

/* The receipt MAC over a usage record's first 32 bytes. */
enum tally_error tally_receipt_mac(const uint8_t receipt_key[SYM_KEY_SIZE], const uint8_t serial[SERIAL_SIZE],
                                   uint16_t operator_id, const uint8_t tid[TID_SIZE],
                                   const uint8_t usage[USAGE_SIZE], uint8_t mac[RECEIPT_MAC_SIZE]);

/* Checks a usage record's MAC. The sub-key is that of version usage[26]. */
enum tally_error tally_receipt_verify(const uint8_t receipt_key[SYM_KEY_SIZE],
                                      const uint8_t serial[SERIAL_SIZE], uint16_t operator_id,
                                      const uint8_t tid[TID_SIZE], const uint8_t usage[USAGE_SIZE]);

/* The holder hash of a face: document type 1..3 and number, from which spaces are removed and which is made
 * upper case. TALLY_E_FORMAT: another type, an empty or too long number, or a character that is not printable
 * ASCII. */
enum tally_error tally_holder_hash(const uint8_t tid[TID_SIZE], uint8_t document_type, const char *number,
                                   uint8_t hash[HOLDER_HASH_SIZE]);

#endif
