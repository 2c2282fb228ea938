/* What tally-sm9 writes and reads: specs/sm9.md, "Files". Signatures and ciphertexts are those of GM/T
 * 0080-2020; keys are PKCS #8 and PEM. */
#ifndef TALLY_SM9_TOOL_FORMATS_H
#define TALLY_SM9_TOOL_FORMATS_H

#include <stdbool.h>

#include "host/base/error.h"
#include "host/sm9/tsm9.h"

enum {
    SM9_SIGNATURE_DER_MAX = 128,   /* bytes */
    SM9_CIPHERTEXT_DER_EXTRA = 32, /* bytes beyond those of tsm9_ciphertext_size, at most */
    SM9_SECRET_MAX = 128,
    SM9_POINT_MAX = 128
};

/* SM9Signature. */
size_t sm9_signature_print(uint8_t out[SM9_SIGNATURE_DER_MAX], const uint8_t signature[TSM9_SIGNATURE_SIZE]);
enum tally_error sm9_signature_parse(const uint8_t *in, size_t n, uint8_t signature[TSM9_SIGNATURE_SIZE]);

/* SM9Cipher. raw is C1 || C3 || C2 as libtally-sm9 has it; out has room for n + SM9_CIPHERTEXT_DER_EXTRA
 * bytes, and raw, when parsing, for n. */
size_t sm9_ciphertext_print(uint8_t *out, enum tsm9_mode mode, const uint8_t *raw, size_t n);
enum tally_error sm9_ciphertext_parse(const uint8_t *in, size_t n, enum tsm9_mode *mode, uint8_t *raw,
                                      size_t *raw_n);

enum sm9_kind { SM9_SIGN_MASTER, SM9_ENCRYPT_MASTER, SM9_SIGN_KEY, SM9_DECRYPT_KEY, SM9_EXCHANGE_KEY };

/* A private key: a master key, or an identity's, with the master public key. Secret: wipe it. */
struct sm9_private {
    enum sm9_kind kind;
    uint8_t secret[SM9_SECRET_MAX];
    uint8_t master_public[SM9_POINT_MAX];
};

struct sm9_public {
    bool signs; /* Ppub-s; otherwise Ppub-e */
    uint8_t master_public[SM9_POINT_MAX];
};

/* Bytes of the secret, and of the master public key beside it. */
size_t sm9_secret_size(enum sm9_kind kind);
size_t sm9_public_size(bool signs);
bool sm9_kind_signs(enum sm9_kind kind);

/* PEM of a private key, under a passphrase unless it is NULL; *text is freed and wiped with sm9_text_free. */
enum tally_error sm9_private_print(const struct sm9_private *key, const char *passphrase, char **text,
                                   size_t *n);

/* TALLY_E_FORMAT; TALLY_E_CRYPTO when the passphrase is wrong or missing, or a master key's halves do not
 * agree. *encrypted says whether one is needed, also on failure. */
enum tally_error sm9_private_parse(const char *text, size_t n, const char *passphrase,
                                   struct sm9_private *key);
bool sm9_private_is_encrypted(const char *text);

/* PEM of a master public key. */
enum tally_error sm9_public_print(const struct sm9_public *key, char **text, size_t *n);
enum tally_error sm9_public_parse(const char *text, size_t n, struct sm9_public *key);

void sm9_text_free(char *text, size_t n);

#endif
