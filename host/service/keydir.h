/* Who may call: key ids, their public keys, the party and the role behind each. Read once from a JSON file:
 *
 *   {"keys": [{"keyid": "kiosk-7", "party": "station-east", "role": "kiosk", "public_key": "-----BEGIN PUBLIC
 * KEY-----\n..."}]}
 *
 * A party may have several keys, so that keys roll over without a gap. Read-only after loading: any thread
 * may look up.
 */
#ifndef TALLY_SERVICE_KEYDIR_H
#define TALLY_SERVICE_KEYDIR_H

#include <openssl/evp.h>
#include <stddef.h>

#include "host/base/error.h"

#define TALLY_KEYDIR_MAX      4096      /* keys */
#define TALLY_KEYDIR_FILE_MAX (4 << 20) /* bytes of the file */
#define TALLY_PARTY_NAME_SIZE 65 /* key ids, parties and roles: 1 to 64 of A-Z a-z 0-9 . _ - and a NUL */

struct tally_party {
    char keyid[TALLY_PARTY_NAME_SIZE];
    char name[TALLY_PARTY_NAME_SIZE];
    char role[TALLY_PARTY_NAME_SIZE];
    EVP_PKEY *key; /* public */
};

struct tally_keydir;

/* NULL when memory is out. */
struct tally_keydir *tally_keydir_new(void);
void tally_keydir_free(struct tally_keydir *keys);

/* Replaces all keys by the file's; on failure nothing changes. TALLY_E_IO when it cannot be read,
 * TALLY_E_FORMAT for anything wrong in it (the log says which key and what), TALLY_E_EXISTS for a key id
 * twice, TALLY_E_FULL beyond the limit. One thread at a time. */
enum tally_error tally_keydir_load(struct tally_keydir *keys, const char *path);

/* Adds one key; the PEM text is read. Errors as above, TALLY_E_CRYPTO for a key of the wrong kind. Only
 * before other threads look up. */
enum tally_error tally_keydir_add(struct tally_keydir *keys, const char *keyid, const char *party,
                                  const char *role, const char *public_pem);

/* Adds one key to a file, made when it is not there; the whole result is checked first and takes the file's
 * place in one step. Errors as above. */
enum tally_error tally_keydir_file_add(const char *path, const char *keyid, const char *party,
                                       const char *role, const char *public_pem);

/* The party with a key id of n bytes, or NULL. Lives as long as the directory, also when keys are loaded
 * again. */
const struct tally_party *tally_keydir_find(const struct tally_keydir *keys, const char *keyid, size_t n);

#endif
