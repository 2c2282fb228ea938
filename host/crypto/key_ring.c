/* Folders of key versions: the second half of keyfile.h. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/crypto/private_file.h"
#include "host/crypto/sm9_file.h"

enum { VERSION_MAX = UINT8_MAX };

static const char pem[] = ".pem", sm9[] = ".sm9", hex[] = ".key";

/* Which versions a folder has. */
struct versions {
    bool has[VERSION_MAX + 1];
    size_t count;
    uint8_t newest;
};

/* The V of NAME-vV.SUFFIX; 0 for other files, -1 for one that is named so but whose V is no version. */
static int version_of(const char *file, const char *name, const char *suffix)
{
    size_t name_n = strlen(name), file_n = strlen(file), suffix_n = strlen(suffix);
    if (file_n < name_n + 2 + suffix_n || strncmp(file, name, name_n) != 0 ||
        strncmp(file + name_n, "-v", 2) != 0 || strcmp(file + file_n - suffix_n, suffix) != 0)
        return 0;
    const char *digits = file + name_n + 2;
    size_t digits_n = file_n - name_n - 2 - suffix_n;
    int v = 0;
    if (digits_n < 1 || digits_n > 3 || digits[0] == '0')
        return -1;
    for (size_t i = 0; i < digits_n; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return -1;
        v = v * 10 + (digits[i] - '0');
    }
    return v <= VERSION_MAX ? v : -1;
}

static enum tally_error list(const char *dir, const char *name, const char *suffix, struct versions *out)
{
    memset(out, 0, sizeof *out);
    enum tally_error e = tally_key_folder_check(dir);
    if (e != TALLY_OK)
        return e;
    DIR *d = opendir(dir);
    if (d == NULL)
        return TALLY_E_IO;
    for (struct dirent *entry = readdir(d); entry != NULL && e == TALLY_OK; entry = readdir(d)) {
        int v = version_of(entry->d_name, name, suffix);
        if (v < 0)
            e = TALLY_E_FORMAT;
        if (v <= 0)
            continue;
        out->has[v] = true;
        out->count++;
        out->newest = (uint8_t)(v > out->newest ? v : out->newest);
    }
    closedir(d);
    return e;
}

static enum tally_error path_of(const char *dir, const char *name, unsigned version, const char *suffix,
                                char out[PATH_MAX])
{
    int n = snprintf(out, PATH_MAX, "%s/%s-v%u%s", dir, name, version, suffix);
    return n > 0 && n < PATH_MAX ? TALLY_OK : TALLY_E_USAGE;
}

/* Lists, and refuses none and too many. */
static enum tally_error list_some(const char *dir, const char *name, const char *suffix, struct versions *out)
{
    enum tally_error e = list(dir, name, suffix, out);
    if (e == TALLY_OK && out->count == 0)
        e = TALLY_E_NOT_FOUND;
    if (e == TALLY_OK && out->count > TALLY_RING_MAX)
        e = TALLY_E_FULL;
    return e;
}

/* The version after the newest, and its file. */
static enum tally_error next_version(const char *dir, const char *name, const char *suffix, uint8_t *version,
                                     char path[PATH_MAX])
{
    struct versions have;
    enum tally_error e = list(dir, name, suffix, &have);
    *version = 0;
    if (e == TALLY_OK && have.newest == VERSION_MAX)
        e = TALLY_E_FULL;
    if (e == TALLY_OK) {
        *version = (uint8_t)(have.newest + 1);
        e = path_of(dir, name, *version, suffix, path);
    }
    return e;
}

enum tally_error tally_key_ring_load(const char *dir, const char *name, const char *passphrase,
                                     struct tally_key_ring *ring)
{
    struct versions have;
    char path[PATH_MAX];
    memset(ring, 0, sizeof *ring);
    const char *suffix = pem;
    enum tally_error e = list_some(dir, name, suffix, &have);
    if (e == TALLY_E_NOT_FOUND) {
        suffix = sm9;
        e = list_some(dir, name, suffix, &have);
    }
    for (unsigned v = 1; v <= VERSION_MAX && e == TALLY_OK; v++) {
        if (!have.has[v])
            continue;
        e = path_of(dir, name, v, suffix, path);
        if (e == TALLY_OK)
            e = tally_keyfile_load(path, passphrase, &ring->at[ring->count].key);
        if (e == TALLY_OK)
            ring->at[ring->count++].version = (uint8_t)v;
    }
    if (e != TALLY_OK)
        tally_key_ring_free(ring);
    return e;
}

void tally_key_ring_free(struct tally_key_ring *ring)
{
    for (size_t i = 0; i < ring->count; i++)
        tally_key_free(ring->at[i].key);
    memset(ring, 0, sizeof *ring);
}

const struct tally_key *tally_key_ring_find(const struct tally_key_ring *ring, uint8_t version)
{
    for (size_t i = 0; i < ring->count; i++)
        if (ring->at[i].version == version)
            return ring->at[i].key;
    return NULL;
}

enum tally_error tally_key_ring_roll(const char *dir, const char *name, const char *passphrase, uint8_t suite,
                                     uint8_t *version)
{
    char path[PATH_MAX];
    struct tally_key *key = NULL;
    enum tally_error e = next_version(dir, name, pem, version, path);
    if (e == TALLY_OK)
        e = tally_key_generate(suite, &key);
    if (e == TALLY_OK)
        e = tally_keyfile_save(path, passphrase, key);
    tally_key_free(key);
    if (e != TALLY_OK)
        *version = 0;
    return e;
}

enum tally_error tally_key_ring_add_holder(const char *dir, const char *name,
                                           const struct tally_sm9_holder *holder, uint8_t *version)
{
    char path[PATH_MAX];
    enum tally_error e = next_version(dir, name, sm9, version, path);
    if (e == TALLY_OK)
        e = tally_sm9_holder_save(path, holder);
    if (e != TALLY_OK)
        *version = 0;
    return e;
}

enum tally_error tally_secret_ring_load(const char *dir, const char *name, struct tally_secret_ring *ring)
{
    struct versions have;
    char path[PATH_MAX];
    memset(ring, 0, sizeof *ring);
    enum tally_error e = list_some(dir, name, hex, &have);
    for (unsigned v = 1; v <= VERSION_MAX && e == TALLY_OK; v++) {
        if (!have.has[v])
            continue;
        e = path_of(dir, name, v, hex, path);
        if (e == TALLY_OK)
            e = tally_secret_load(path, ring->at[ring->count].secret);
        if (e == TALLY_OK)
            ring->at[ring->count++].version = (uint8_t)v;
    }
    if (e != TALLY_OK)
        tally_secret_ring_wipe(ring);
    return e;
}

void tally_secret_ring_wipe(struct tally_secret_ring *ring)
{
    tally_wipe(ring, sizeof *ring);
}

const uint8_t *tally_secret_ring_find(const struct tally_secret_ring *ring, uint8_t version)
{
    for (size_t i = 0; i < ring->count; i++)
        if (ring->at[i].version == version)
            return ring->at[i].secret;
    return NULL;
}

enum tally_error tally_secret_ring_roll(const char *dir, const char *name, uint8_t *version)
{
    char path[PATH_MAX];
    uint8_t secret[SYM_KEY_SIZE];
    enum tally_error e = next_version(dir, name, hex, version, path);
    if (e == TALLY_OK)
        e = tally_random(secret, sizeof secret);
    if (e == TALLY_OK)
        e = tally_secret_save(path, secret);
    tally_wipe(secret, sizeof secret);
    if (e != TALLY_OK)
        *version = 0;
    return e;
}
