/* SM9 for the host, over card/sm9: an identity's keys made ready for use, and the operations of suite SM9.
 *
 * A key is immutable once made; any number of threads may use it at the same time. It takes some 170 kB.
 * Signatures are h || S (96 bytes) over label || parts. Errors: TALLY_E_USAGE for an operation the key has no
 * private half for, TALLY_E_CRYPTO for what does not verify or open, TALLY_E_FORMAT for an identity or
 * message that cannot be, and those of sym.h. Results are zero on failure.
 */
#ifndef TALLY_CRYPTO_SM9_H
#define TALLY_CRYPTO_SM9_H

#include "card/sm9/sm9.h"
#include "host/crypto/sm9_file.h"
#include "host/crypto/sym.h"

struct tally_sm9_key;

enum { TALLY_SM9_SECRET_SIZE = 32, TALLY_SM9_MESSAGE_MAX = 1024 /* bytes of label and parts */ };

/* The system's random source in the form card/sm9 wants. */
struct sm9_random tally_sm9_random(void);

/* From a holder, which the caller wipes: checks that the keys are in their groups and belong to the identity
 * and the masters (TALLY_E_CRYPTO). *key is NULL on failure. */
enum tally_error tally_sm9_key_make(const struct tally_sm9_holder *holder, struct tally_sm9_key **key);

/* The same without private halves. */
enum tally_error tally_sm9_key_public(const struct tally_sm9_masters *masters,
                                      const struct identity *identity, struct tally_sm9_key **key);

/* NULL is allowed. The private halves are wiped. */
void tally_sm9_key_free(struct tally_sm9_key *key);

const struct identity *tally_sm9_key_identity(const struct tally_sm9_key *key);
const struct tally_sm9_masters *tally_sm9_key_masters(const struct tally_sm9_key *key);
bool tally_sm9_key_is_private(const struct tally_sm9_key *key);

enum tally_error tally_sm9_sign(const struct tally_sm9_key *key, const char *label,
                                const struct tally_bytes *parts, size_t count,
                                uint8_t signature[SM9_CODE_SIZE]);

/* Checks a signature of this identity under the masters of key. */
enum tally_error tally_sm9_verify(const struct tally_sm9_key *key, const struct identity *identity,
                                  const char *label, const struct tally_bytes *parts, size_t count,
                                  const uint8_t signature[SM9_CODE_SIZE]);

/* A fresh secret for this identity under the masters of key, and c, which holds it. */
enum tally_error tally_sm9_encapsulate(const struct tally_sm9_key *key, const struct identity *identity,
                                       uint8_t c[SM9_G1_SIZE], uint8_t secret[TALLY_SM9_SECRET_SIZE]);

/* The secret in c for the identity of key. A c for another identity gives another secret, not an error. */
enum tally_error tally_sm9_decapsulate(const struct tally_sm9_key *key, const uint8_t c[SM9_G1_SIZE],
                                       uint8_t secret[TALLY_SM9_SECRET_SIZE]);

#endif
