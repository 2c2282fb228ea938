/* Secrets at rest: wrapped by AES-128-GCM under a key from a passphrase (scrypt, RFC 7914).
 * specs/keycentre.md, "Keys at rest". */
#ifndef TALLY_TICKETING_KEYCENTRE_WRAP_H
#define TALLY_TICKETING_KEYCENTRE_WRAP_H

#include "host/base/config.h"
#include "host/crypto/sym.h"

enum {
    KEYCENTRE_ID = 16, /* random bytes that name a centre */
    KEYCENTRE_SALT = 16,
    KEYCENTRE_PASSPHRASE_MIN = 16, /* bytes */
    KEYCENTRE_PASSPHRASE_MAX = 1024,
    KEYCENTRE_WRAP_OVERHEAD = TALLY_GCM_NONCE_SIZE + AEAD_TAG_SIZE
};

#define KEYCENTRE_PASSPHRASE_VARIABLE "TALLY_KEYCENTRE_PASSPHRASE"

/* Secret: the caller wipes. */
struct keycentre_passphrase {
    size_t n;
    char text[KEYCENTRE_PASSPHRASE_MAX + 2]; /* room for a line end and a NUL while it is read */
};

struct keycentre_wrap {
    uint8_t key[SYM_KEY_SIZE];
    uint8_t centre[KEYCENTRE_ID];
};

/* Takes the passphrase out of the environment, where anything started later would see it. Call it first in
 * main; what it found is given by keycentre_passphrase_read. */
void keycentre_passphrase_take_environment(void);

/* From the file, else the descriptor (-1: none), else the environment. One line end is cut off.
 * TALLY_E_USAGE: none is given, or it is too short or long; TALLY_E_DENIED: the file is not closed to others;
 * TALLY_E_NOT_FOUND, TALLY_E_IO. A message says which. Zero on failure. */
enum tally_error keycentre_passphrase_read(const char *file, int64_t fd,
                                           struct keycentre_passphrase *passphrase);

/* About 0.1 s and 32 MB. Any passphrase gives a key; a wrong one shows when something is unwrapped. */
enum tally_error keycentre_wrap_open(const struct keycentre_passphrase *passphrase,
                                     const uint8_t salt[KEYCENTRE_SALT], const uint8_t centre[KEYCENTRE_ID],
                                     struct keycentre_wrap *wrap);

/* Wraps n bytes under a name into n + KEYCENTRE_WRAP_OVERHEAD bytes: nonce || ciphertext || tag. */
enum tally_error keycentre_wrap_seal(const struct keycentre_wrap *wrap, const char *name, const uint8_t *in,
                                     size_t n, uint8_t *out);
/* n bytes into n - KEYCENTRE_WRAP_OVERHEAD. TALLY_E_CRYPTO: the passphrase is wrong, or the bytes are another
 * secret's or were changed. out is zero on failure. */
enum tally_error keycentre_wrap_unseal(const struct keycentre_wrap *wrap, const char *name, const uint8_t *in,
                                       size_t n, uint8_t *out);

#endif
