#include "host/service/keydir.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/log.h"
#include "host/service/keyfile.h"

struct tally_keydir {
    struct tally_party **parties; /* sorted by key id */
    size_t count;
};

struct tally_keydir *tally_keydir_new(void)
{
    return calloc(1, sizeof(struct tally_keydir));
}

static void free_party(struct tally_party *party)
{
    if (party != NULL)
        EVP_PKEY_free(party->key);
    free(party);
}

void tally_keydir_free(struct tally_keydir *keys)
{
    if (keys == NULL)
        return;
    for (size_t i = 0; i < keys->count; i++)
        free_party(keys->parties[i]);
    free(keys->parties);
    free(keys);
}

static int compare(const char *keyid, size_t n, const char *other)
{
    int order = strncmp(keyid, other, n);
    return order != 0 ? order : other[n] == '\0' ? 0 : -1;
}

/* Index of the first party whose key id is not below. */
static size_t lower_bound(const struct tally_keydir *keys, const char *keyid, size_t n)
{
    size_t low = 0, high = keys->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(keyid, n, keys->parties[middle]->keyid) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct tally_party *tally_keydir_find(const struct tally_keydir *keys, const char *keyid, size_t n)
{
    if (n >= TALLY_PARTY_NAME_SIZE)
        return NULL;
    size_t at = lower_bound(keys, keyid, n);
    if (at == keys->count || compare(keyid, n, keys->parties[at]->keyid) != 0)
        return NULL;
    return keys->parties[at];
}

static bool copy_name(char to[TALLY_PARTY_NAME_SIZE], const char *from)
{
    size_t n = strnlen(from, TALLY_PARTY_NAME_SIZE);
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)from[i]) && strchr("._-", from[i]) == NULL)
            return false;
    if (n < 1 || n >= TALLY_PARTY_NAME_SIZE)
        return false;
    memcpy(to, from, n + 1);
    return true;
}

static enum tally_error insert(struct tally_keydir *keys, struct tally_party *party)
{
    size_t n = strlen(party->keyid);
    if (tally_keydir_find(keys, party->keyid, n) != NULL)
        return TALLY_E_EXISTS;
    if (keys->count == TALLY_KEYDIR_MAX)
        return TALLY_E_FULL;
    struct tally_party **longer = realloc(keys->parties, (keys->count + 1) * sizeof *longer);
    if (longer == NULL)
        return TALLY_E_MEMORY;
    keys->parties = longer;
    size_t at = lower_bound(keys, party->keyid, n);
    memmove(longer + at + 1, longer + at, (keys->count - at) * sizeof *longer);
    longer[at] = party;
    keys->count++;
    return TALLY_OK;
}

enum tally_error tally_keydir_add(struct tally_keydir *keys, const char *keyid, const char *name,
                                  const char *role, const char *public_pem)
{
    enum tally_error e = TALLY_OK;
    struct tally_party *party = calloc(1, sizeof *party);
    if (party == NULL)
        return TALLY_E_MEMORY;
    if (!copy_name(party->keyid, keyid) || !copy_name(party->name, name) || !copy_name(party->role, role))
        e = TALLY_E_FORMAT;
    if (e == TALLY_OK)
        e = tally_public_key_parse(public_pem, &party->key);
    if (e == TALLY_OK)
        e = insert(keys, party);
    if (e != TALLY_OK)
        free_party(party);
    return e;
}

static enum tally_error add_entry(struct tally_keydir *keys, json_t *entry, size_t index, const char *path)
{
    const char *keyid, *party, *role, *pem;
    json_error_t wrong = {.text = "malformed key"};
    enum tally_error e = TALLY_E_FORMAT;
    if (json_unpack_ex(entry, &wrong, JSON_STRICT, "{s:s, s:s, s:s, s:s}", "keyid", &keyid, "party", &party,
                       "role", &role, "public_key", &pem) == 0) {
        e = tally_keydir_add(keys, keyid, party, role, pem);
        wrong.text[0] = '\0';
    }
    if (e != TALLY_OK)
        tally_log(TALLY_LOG_ERROR, "keys", NULL, "key directory refused", TALLY_STR("path", path),
                  TALLY_INT("entry", (int64_t)index), TALLY_STR("reason", tally_error_text(e)),
                  TALLY_STR("detail", wrong.text));
    return e == TALLY_E_CRYPTO ? TALLY_E_FORMAT : e;
}

static enum tally_error load_json(const char *path, json_t **root)
{
    json_error_t wrong;
    *root = NULL;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        tally_log(TALLY_LOG_ERROR, "keys", NULL, "key directory cannot be read", TALLY_STR("path", path));
        return TALLY_E_IO;
    }
    bool fits = fseek(file, 0, SEEK_END) == 0 && ftell(file) <= TALLY_KEYDIR_FILE_MAX;
    rewind(file);
    snprintf(wrong.text, sizeof wrong.text, "file is too long");
    wrong.line = 0;
    if (fits)
        *root = json_loadf(file, JSON_REJECT_DUPLICATES, &wrong);
    fclose(file);
    if (*root == NULL)
        tally_log(TALLY_LOG_ERROR, "keys", NULL, "key directory is malformed", TALLY_STR("path", path),
                  TALLY_INT("line", wrong.line), TALLY_STR("detail", wrong.text));
    return *root != NULL ? TALLY_OK : TALLY_E_FORMAT;
}

enum tally_error tally_keydir_load(struct tally_keydir *keys, const char *path)
{
    json_t *root, *list = NULL, *entry;
    size_t i;
    enum tally_error e = load_json(path, &root);
    if (e == TALLY_OK && json_unpack(root, "{s:o!}", "keys", &list) != 0)
        e = TALLY_E_FORMAT;
    if (e == TALLY_OK && !json_is_array(list))
        e = TALLY_E_FORMAT;
    if (e == TALLY_OK)
        json_array_foreach(list, i, entry)
        {
            e = add_entry(keys, entry, i, path);
            if (e != TALLY_OK)
                break;
        }
    json_decref(root);
    return e;
}
