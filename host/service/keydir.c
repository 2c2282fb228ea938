#include "host/service/keydir.h"

#include <ctype.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/service/json.h"
#include "host/service/keyfile.h"

struct table {
    struct tally_party **parties; /* sorted by key id */
    size_t count;
    struct table *older; /* replaced tables live on: requests may still look at their parties */
};

struct tally_keydir {
    _Atomic(struct table *) table;
};

static void free_party(struct tally_party *party)
{
    if (party != NULL)
        EVP_PKEY_free(party->key);
    free(party);
}

static void free_tables(struct table *table)
{
    while (table != NULL) {
        struct table *older = table->older;
        for (size_t i = 0; i < table->count; i++)
            free_party(table->parties[i]);
        free(table->parties);
        free(table);
        table = older;
    }
}

struct tally_keydir *tally_keydir_new(void)
{
    struct tally_keydir *keys = calloc(1, sizeof *keys);
    struct table *table = calloc(1, sizeof *table);
    if (keys == NULL || table == NULL) {
        free(keys);
        free(table);
        return NULL;
    }
    atomic_init(&keys->table, table);
    return keys;
}

void tally_keydir_free(struct tally_keydir *keys)
{
    if (keys == NULL)
        return;
    free_tables(atomic_load(&keys->table));
    free(keys);
}

static int compare(const char *keyid, size_t n, const char *other)
{
    int order = strncmp(keyid, other, n);
    return order != 0 ? order : other[n] == '\0' ? 0 : -1;
}

/* Index of the first party whose key id is not below. */
static size_t lower_bound(const struct table *table, const char *keyid, size_t n)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(keyid, n, table->parties[middle]->keyid) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct tally_party *find(const struct table *table, const char *keyid, size_t n)
{
    size_t at = lower_bound(table, keyid, n);
    if (at == table->count || compare(keyid, n, table->parties[at]->keyid) != 0)
        return NULL;
    return table->parties[at];
}

const struct tally_party *tally_keydir_find(const struct tally_keydir *keys, const char *keyid, size_t n)
{
    return n < TALLY_PARTY_NAME_SIZE ? find(atomic_load(&keys->table), keyid, n) : NULL;
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

static enum tally_error insert(struct table *table, struct tally_party *party)
{
    size_t n = strlen(party->keyid);
    if (find(table, party->keyid, n) != NULL)
        return TALLY_E_EXISTS;
    if (table->count == TALLY_KEYDIR_MAX)
        return TALLY_E_FULL;
    struct tally_party **longer = realloc(table->parties, (table->count + 1) * sizeof *longer);
    if (longer == NULL)
        return TALLY_E_MEMORY;
    table->parties = longer;
    size_t at = lower_bound(table, party->keyid, n);
    memmove(longer + at + 1, longer + at, (table->count - at) * sizeof *longer);
    longer[at] = party;
    table->count++;
    return TALLY_OK;
}

static enum tally_error add(struct table *table, const char *keyid, const char *name, const char *role,
                            const char *pem)
{
    enum tally_error e = TALLY_OK;
    struct tally_party *party = calloc(1, sizeof *party);
    if (party == NULL)
        return TALLY_E_MEMORY;
    if (!copy_name(party->keyid, keyid) || !copy_name(party->name, name) || !copy_name(party->role, role))
        e = TALLY_E_FORMAT;
    if (e == TALLY_OK)
        e = tally_public_key_parse(pem, &party->key);
    if (e == TALLY_OK)
        e = insert(table, party);
    if (e != TALLY_OK)
        free_party(party);
    return e;
}

enum tally_error tally_keydir_add(struct tally_keydir *keys, const char *keyid, const char *party,
                                  const char *role, const char *public_pem)
{
    return add(atomic_load(&keys->table), keyid, party, role, public_pem);
}

static enum tally_error add_entry(struct table *table, const json_t *entry, size_t index, const char *path)
{
    struct tally_json in;
    tally_json_begin(&in, entry);
    const char *keyid = tally_json_string(&in, "keyid", 1, TALLY_PARTY_NAME_SIZE - 1);
    const char *party = tally_json_string(&in, "party", 1, TALLY_PARTY_NAME_SIZE - 1);
    const char *role = tally_json_string(&in, "role", 1, TALLY_PARTY_NAME_SIZE - 1);
    const char *pem = tally_json_string(&in, "public_key", 1, TALLY_KEY_FILE_MAX - 1);
    enum tally_error e = tally_json_end(&in);
    if (e == TALLY_OK)
        e = add(table, keyid, party, role, pem);
    if (e != TALLY_OK)
        tally_log(TALLY_LOG_ERROR, "keys", NULL, "key directory refused", TALLY_STR("path", path),
                  TALLY_INT("entry", (int64_t)index), TALLY_STR("reason", tally_error_text(e)),
                  TALLY_STR("field", in.field), TALLY_STR("detail", in.reason));
    return e == TALLY_E_CRYPTO ? TALLY_E_FORMAT : e;
}

static enum tally_error fill(struct table *table, const json_t *root, const char *path)
{
    struct tally_json in;
    tally_json_begin(&in, root);
    const json_t *list = tally_json_array(&in, "keys", 0, TALLY_KEYDIR_MAX);
    enum tally_error e = tally_json_end(&in);
    if (e != TALLY_OK)
        tally_log(TALLY_LOG_ERROR, "keys", NULL, "key directory refused", TALLY_STR("path", path),
                  TALLY_STR("field", in.field), TALLY_STR("detail", in.reason));
    for (size_t i = 0; e == TALLY_OK && i < json_array_size(list); i++)
        e = add_entry(table, json_array_get(list, i), i, path);
    return e;
}

static enum tally_error make_table(const json_t *root, const char *path, struct table **table)
{
    *table = calloc(1, sizeof **table);
    enum tally_error e = *table != NULL ? fill(*table, root, path) : TALLY_E_MEMORY;
    if (e != TALLY_OK) {
        free_tables(*table);
        *table = NULL;
    }
    return e;
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
    json_t *root;
    struct table *table;
    enum tally_error e = load_json(path, &root);
    if (e == TALLY_OK)
        e = make_table(root, path, &table);
    if (e == TALLY_OK) {
        table->older = atomic_load(&keys->table);
        atomic_store(&keys->table, table);
    }
    json_decref(root);
    return e;
}

/* Written beside and renamed, so that a service that loads the file never sees half of it. */
static enum tally_error replace_file(const char *path, const json_t *root)
{
    char temporary[4096];
    if (snprintf(temporary, sizeof temporary, "%s.new", path) >= (int)sizeof temporary)
        return TALLY_E_USAGE;
    FILE *file = fopen(temporary, "we");
    bool ok = file != NULL && json_dumpf(root, file, JSON_INDENT(2)) == 0 && fputc('\n', file) != EOF &&
              fflush(file) == 0 && fsync(fileno(file)) == 0;
    if (file != NULL)
        ok = fclose(file) == 0 && ok;
    if (ok && rename(temporary, path) == 0)
        return TALLY_OK;
    unlink(temporary);
    return TALLY_E_IO;
}

enum tally_error tally_keydir_file_add(const char *path, const char *keyid, const char *party,
                                       const char *role, const char *public_pem)
{
    json_t *root = NULL;
    struct table *table = NULL;
    enum tally_error e = TALLY_OK;
    if (access(path, F_OK) == 0)
        e = load_json(path, &root);
    else
        root = json_pack("{s:[]}", "keys");
    if (e != TALLY_OK)
        goto out;
    if (json_array_append_new(json_object_get(root, "keys"),
                              json_pack("{s:s, s:s, s:s, s:s}", "keyid", keyid, "party", party, "role", role,
                                        "public_key", public_pem)) != 0)
        e = TALLY_E_FORMAT;
    if (e == TALLY_OK)
        e = make_table(root, path, &table);
    if (e == TALLY_OK)
        e = replace_file(path, root);
out:
    free_tables(table);
    json_decref(root);
    return e;
}
