/* Keys at rest: PEM files (PKCS#8) for key pairs, hex files for 16-byte secrets, in files that only their
 * owner may read; folders of versions, NAME-vV.pem and NAME-vV.key, V = 1..255.
 *
 * Files: a regular file (no symbolic link) of this user or root, closed to group and others: otherwise
 * TALLY_E_DENIED. TALLY_E_NOT_FOUND, TALLY_E_IO, and TALLY_E_FORMAT for content that is not what it should
 * be. Saving makes the file with mode 0600, whole or not at all, and never replaces one: TALLY_E_EXISTS.
 */
#ifndef TALLY_CRYPTO_KEYFILE_H
#define TALLY_CRYPTO_KEYFILE_H

#include "host/crypto/key.h"

enum {
    TALLY_KEYFILE_MAX = 8192,    /* bytes of a key file */
    TALLY_PASSPHRASE_MAX = 1024, /* characters */
    TALLY_RING_MAX = 64          /* versions in a folder */
};

/* Loads a private key: P-256 or RSA-2048 in PEM, or the SM9 key file of an authentication server. passphrase
 * may be NULL for a file without one. TALLY_E_CRYPTO: the passphrase is wrong or missing, or the key is of
 * another kind. *key is NULL on failure. */
enum tally_error tally_keyfile_load(const char *path, const char *passphrase, struct tally_key **key);

/* Saves a private key, P-256 or RSA-2048, under the passphrase when it is not NULL (PBES2 with scrypt and
 * AES-256). */
enum tally_error tally_keyfile_save(const char *path, const char *passphrase, const struct tally_key *key);

/* A 16-byte secret in hex, one line. The caller wipes; secret is zero on failure. */
enum tally_error tally_secret_load(const char *path, uint8_t secret[SYM_KEY_SIZE]);
enum tally_error tally_secret_save(const char *path, const uint8_t secret[SYM_KEY_SIZE]);

/* All versions of a key pair in a folder, ascending. The newest signs, all verify. */
struct tally_key_ring {
    size_t count;
    struct {
        uint8_t version;
        struct tally_key *key;
    } at[TALLY_RING_MAX];
};

/* Loads every NAME-vV.pem of the folder or, when there is none, every NAME-vV.sm9. TALLY_E_NOT_FOUND when
 * there is none, TALLY_E_FULL when there are too many, TALLY_E_DENIED when the folder is not closed to group
 * and others. *ring is empty on failure. */
enum tally_error tally_key_ring_load(const char *dir, const char *name, const char *passphrase,
                                     struct tally_key_ring *ring);
void tally_key_ring_free(struct tally_key_ring *ring);

/* The key of that version, or NULL; owned by the ring. */
const struct tally_key *tally_key_ring_find(const struct tally_key_ring *ring, uint8_t version);

/* Makes the next version (1 in an empty folder) and saves it. TALLY_E_FULL after 255. *version is 0 on
 * failure. */
enum tally_error tally_key_ring_roll(const char *dir, const char *name, const char *passphrase, uint8_t suite,
                                     uint8_t *version);

/* Saves an SM9 holder's key file as the next version, NAME-vV.sm9; it is not looked at. */
enum tally_error tally_key_ring_add_holder(const char *dir, const char *name,
                                           const struct tally_sm9_holder *holder, uint8_t *version);

/* The same for 16-byte secrets, NAME-vV.key. */
struct tally_secret_ring {
    size_t count;
    struct {
        uint8_t version;
        uint8_t secret[SYM_KEY_SIZE];
    } at[TALLY_RING_MAX];
};
enum tally_error tally_secret_ring_load(const char *dir, const char *name, struct tally_secret_ring *ring);
void tally_secret_ring_wipe(struct tally_secret_ring *ring);
const uint8_t *tally_secret_ring_find(const struct tally_secret_ring *ring, uint8_t version);
enum tally_error tally_secret_ring_roll(const char *dir, const char *name, uint8_t *version);

#endif
