/* What the files of libtally-sm9 share. */
#ifndef TALLY_SM9_INTERNAL_H
#define TALLY_SM9_INTERNAL_H

#include "card/sm9/sm9.h"
#include "host/sm9/tsm9.h"

struct tsm9_encrypter {
    struct sm9_encrypt_public key;
};

struct tsm9_decrypter {
    struct sm9_decrypt_key key;
};

/* The caller's source, or the kernel's. */
struct sm9_random sm9lib_source(const struct tsm9_random *random);

/* The block mode; lengths of message and ciphertext are in range, out is zero. */
enum tsm9_result sm9lib_encrypt_blocks(uint8_t *out, const struct sm9_encrypt_public *key,
                                       const struct sm9_id *id, const uint8_t *message, size_t len,
                                       const struct sm9_random *random);
enum tsm9_result sm9lib_decrypt_blocks(uint8_t *message, size_t *message_len, const uint8_t *in, size_t len,
                                       const struct sm9_decrypt_key *own, const struct sm9_id *id);

#endif
