/* RFC 9180, single shot, base mode, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-128-GCM.
 *
 * The sealed form is enc (65) || ciphertext || tag (16): TALLY_HPKE_OVERHEAD bytes more than the plaintext.
 * info is text, without its NUL.
 */
#ifndef TALLY_CRYPTO_HPKE_H
#define TALLY_CRYPTO_HPKE_H

#include "host/crypto/key.h"

enum { TALLY_HPKE_OVERHEAD = P256_POINT_SIZE + AEAD_TAG_SIZE };

/* Seals n bytes for peer (x || y) into out, n + TALLY_HPKE_OVERHEAD bytes, which must not overlap in.
 * TALLY_E_CRYPTO when peer is not a point of the curve; out is zero on failure. */
enum tally_error tally_hpke_seal(const uint8_t peer[P256_PUBLIC_SIZE], const char *info,
                                 const struct tally_bytes *aad, size_t count, const uint8_t *in, size_t n,
                                 uint8_t *out);

/* The same with an ephemeral key pair that the caller made and uses once. */
enum tally_error tally_hpke_seal_ephemeral(const struct tally_key *ephemeral,
                                           const uint8_t peer[P256_PUBLIC_SIZE], const char *info,
                                           const struct tally_bytes *aad, size_t count, const uint8_t *in,
                                           size_t n, uint8_t *out);

/* Opens n bytes, enc || ciphertext || tag, into n - TALLY_HPKE_OVERHEAD bytes of out. TALLY_E_FORMAT: too
 * short; TALLY_E_CRYPTO: it does not open. out is zero on failure. */
enum tally_error tally_hpke_open(const struct tally_key *key, const char *info, const struct tally_bytes *aad,
                                 size_t count, const uint8_t *in, size_t n, uint8_t *out);

#endif
