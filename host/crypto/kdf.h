/* Key derivation: the CMAC KDF and the derived keys of specs/formats.md, and HKDF. Errors as in sym.h. */
#ifndef TALLY_CRYPTO_KDF_H
#define TALLY_CRYPTO_KDF_H

#include "host/crypto/sym.h"

enum { TALLY_KDF_MAX = 255 * TALLY_BLOCK_SIZE, TALLY_HKDF_MAX = 255 * TALLY_SHA256_SIZE };

/* n bytes (1..TALLY_KDF_MAX, else TALLY_E_FULL) of KDF(key, label, context): SP 800-108 counter mode with
 * AES-128-CMAC as in specs/formats.md. */
enum tally_error tally_kdf_cmac(const uint8_t key[SYM_KEY_SIZE], const char *label,
                                const struct tally_bytes *context, size_t count, uint8_t *out, size_t n);

/* HKDF-SHA256 (RFC 5869): both steps, and both at once. An absent salt has n = 0. n is at most
 * TALLY_HKDF_MAX, else TALLY_E_FULL. */
enum tally_error tally_hkdf_extract(struct tally_bytes salt, const struct tally_bytes *ikm, size_t count,
                                    uint8_t prk[TALLY_SHA256_SIZE]);
enum tally_error tally_hkdf_expand(const uint8_t prk[TALLY_SHA256_SIZE], const struct tally_bytes *info,
                                   size_t count, uint8_t *out, size_t n);
enum tally_error tally_hkdf(struct tally_bytes salt, struct tally_bytes ikm, const struct tally_bytes *info,
                            size_t count, uint8_t *out, size_t n);

/* K_sub of one card, from the operator's verification master key of that version. */
enum tally_error tally_derive_sub_key(const uint8_t vmk[SYM_KEY_SIZE], uint8_t version, uint16_t operator_id,
                                      const uint8_t serial[SERIAL_SIZE], uint8_t sub_key[SYM_KEY_SIZE]);

/* K_id, which all cards of the operator share. */
enum tally_error tally_derive_id_key(const uint8_t vmk[SYM_KEY_SIZE], uint8_t version, uint16_t operator_id,
                                     uint8_t id_key[SYM_KEY_SIZE]);

/* K_receipt, from K_sub. */
enum tally_error tally_derive_receipt_key(const uint8_t sub_key[SYM_KEY_SIZE],
                                          uint8_t receipt_key[SYM_KEY_SIZE]);

/* K_admin of one chip, from the card issuer's administration master. */
enum tally_error tally_derive_admin_key(const uint8_t master[SYM_KEY_SIZE],
                                        const uint8_t chip_id[CHIP_ID_SIZE], uint8_t admin_key[SYM_KEY_SIZE]);

#endif
