/* SM9 keys as a key centre hands them out: the text file of specs/formats.md, "SM9 key files", and a key
 * centre of one's own in a file. */
#ifndef TALLY_CRYPTO_SM9_FILE_H
#define TALLY_CRYPTO_SM9_FILE_H

#include <stdbool.h>

#include "card/wire/identity.h"
#include "host/base/error.h"

enum {
    TALLY_SM9_FILE_MAX = 1024, /* characters of a key file, NUL included */
    TALLY_SM9_MASTER_SIZE = 32 /* a master private key */
};

/* The master public keys of a key centre. */
struct tally_sm9_masters {
    uint8_t sign[SM9_G2_SIZE];    /* Ppub-s */
    uint8_t encrypt[SM9_G1_SIZE]; /* Ppub-e */
};

/* What one identity holds. Secret: wipe it. */
struct tally_sm9_holder {
    struct identity identity;
    struct tally_sm9_masters masters;
    bool signs, decrypts; /* which keys are there: authd signs, gate decrypts, card both */
    uint8_t sign_key[SM9_G1_SIZE];
    uint8_t decrypt_key[SM9_G2_SIZE];
};

/* The master private keys. Secret: wipe it. */
struct tally_sm9_centre {
    uint8_t sign[TALLY_SM9_MASTER_SIZE], encrypt[TALLY_SM9_MASTER_SIZE];
};

/* Whether identities of this scheme sign, and decrypt. */
bool tally_sm9_scheme_signs(enum identity_scheme scheme);
bool tally_sm9_scheme_decrypts(enum identity_scheme scheme);

/* Reads n characters. TALLY_E_FORMAT unless they are a key file in its only spelling, with the keys of the
 * identity's scheme. *holder is zero on failure. Points are not looked at: tally_sm9_key_make does. */
enum tally_error tally_sm9_holder_parse(const char *text, size_t n, struct tally_sm9_holder *holder);

/* Writes the key file and a NUL; returns the characters before it. The caller wipes. */
size_t tally_sm9_holder_print(const struct tally_sm9_holder *holder, char text[TALLY_SM9_FILE_MAX]);

/* The same from and to a file; errors as in keyfile.h. */
enum tally_error tally_sm9_holder_load(const char *path, struct tally_sm9_holder *holder);
enum tally_error tally_sm9_holder_save(const char *path, const struct tally_sm9_holder *holder);

/* Makes master keys. */
enum tally_error tally_sm9_centre_make(struct tally_sm9_centre *centre);

/* A file of two lines of 64 hex digits: the master key for signatures, the one for encryption. Errors as in
 * keyfile.h. */
enum tally_error tally_sm9_centre_load(const char *path, struct tally_sm9_centre *centre);
enum tally_error tally_sm9_centre_save(const char *path, const struct tally_sm9_centre *centre);

/* Extracts the keys of an identity. TALLY_E_FORMAT when it is none; TALLY_E_CRYPTO for master keys out of
 * range. */
enum tally_error tally_sm9_extract(const struct tally_sm9_centre *centre, const struct identity *identity,
                                   struct tally_sm9_holder *holder);

#endif
