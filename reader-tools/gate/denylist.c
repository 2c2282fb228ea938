#include "reader-tools/gate/denylist.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/bytes.h"
#include "host/crypto/p256.h"

#define LABEL_DENYLIST "tally/denylist/1"

void gate_denylist_init(struct gate_denylist *list)
{
    *list = (struct gate_denylist){.serials.size = SERIAL_SIZE, .tids.size = TID_SIZE};
}

void gate_denylist_free(struct gate_denylist *list)
{
    free(list->serials.at);
    free(list->tids.at);
    gate_denylist_init(list);
}

/* Where the entry is, or would be. */
static size_t position(const struct denylist_set *set, const uint8_t *entry, bool *there)
{
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (memcmp(set->at + middle * set->size, entry, set->size) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *there = low < set->count && memcmp(set->at + low * set->size, entry, set->size) == 0;
    return low;
}

static int compare_serials(const void *a, const void *b)
{
    return memcmp(a, b, SERIAL_SIZE);
}

static int compare_tids(const void *a, const void *b)
{
    return memcmp(a, b, TID_SIZE);
}

/* Of a sorted set. */
static void drop_doubles(struct denylist_set *set)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++)
        if (kept == 0 || memcmp(set->at + (kept - 1) * set->size, set->at + i * set->size, set->size) != 0)
            memmove(set->at + kept++ * set->size, set->at + i * set->size, set->size);
    set->count = kept;
}

/* Adds all of a JSON list of hex strings. */
static enum tally_error add_all(struct denylist_set *set, const json_t *list)
{
    size_t more = json_array_size(list), n;
    if (!json_is_array(list))
        return TALLY_E_FORMAT;
    if (more > DENYLIST_ENTRIES_MAX - set->count)
        return TALLY_E_FULL;
    uint8_t *at = realloc(set->at, (set->count + more + 1) * set->size);
    if (at == NULL)
        return TALLY_E_MEMORY;
    set->at = at;
    for (size_t i = 0; i < more; i++) {
        const char *hex = json_string_value(json_array_get(list, i));
        uint8_t *entry = at + set->count * set->size;
        if (hex == NULL || tally_hex_decode(hex, entry, set->size, &n) != TALLY_OK || n != set->size)
            return TALLY_E_FORMAT;
        set->count++;
    }
    qsort(at, set->count, set->size, set->size == SERIAL_SIZE ? compare_serials : compare_tids);
    drop_doubles(set);
    return TALLY_OK;
}

static enum tally_error remove_all(struct denylist_set *set, const json_t *list)
{
    uint8_t entry[TID_SIZE];
    size_t n;
    bool there;
    if (!json_is_array(list))
        return TALLY_E_FORMAT;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *hex = json_string_value(json_array_get(list, i));
        if (hex == NULL || tally_hex_decode(hex, entry, set->size, &n) != TALLY_OK || n != set->size)
            return TALLY_E_FORMAT;
        size_t at = position(set, entry, &there);
        if (!there)
            continue;
        memmove(set->at + at * set->size, set->at + (at + 1) * set->size, (set->count - at - 1) * set->size);
        set->count--;
    }
    return TALLY_OK;
}

static bool number(const json_t *root, const char *name, uint32_t *value)
{
    const json_t *v = json_object_get(root, name);
    json_int_t i = json_integer_value(v);
    *value = json_is_integer(v) && i >= 0 && i <= UINT32_MAX ? (uint32_t)i : 0;
    return json_is_integer(v) && i >= 0 && i <= UINT32_MAX;
}

/* Applies one signed document to the list: a whole list replaces, a change adds and removes. */
static enum tally_error apply(struct gate_denylist *list, uint16_t operator_id, const json_t *root)
{
    uint32_t id, version, since;
    if (!number(root, "operator", &id) || id != operator_id || !number(root, "version", &version) ||
        version == 0)
        return TALLY_E_FORMAT;
    bool change = json_object_get(root, "since") != NULL;
    if (change && (!number(root, "since", &since) || since != list->version || since == 0))
        return TALLY_E_FORMAT;
    if (!number(root, "issued", &list->issued) || !number(root, "expires", &list->expires))
        return TALLY_E_FORMAT;
    enum tally_error e = TALLY_OK;
    if (change) {
        e = remove_all(&list->serials, json_object_get(root, "removed_serials"));
        if (e == TALLY_OK)
            e = remove_all(&list->tids, json_object_get(root, "removed_tids"));
    } else {
        list->serials.count = 0;
        list->tids.count = 0;
    }
    if (e == TALLY_OK)
        e = add_all(&list->serials, json_object_get(root, "serials"));
    if (e == TALLY_OK)
        e = add_all(&list->tids, json_object_get(root, "tids"));
    list->version = version;
    return e;
}

/* Takes the pair of lines at *text, checks its signature, and applies it. */
static enum tally_error take_pair(struct gate_denylist *list, uint16_t operator_id,
                                  const struct tally_key *authority, const char **text, size_t *n,
                                  bool *change)
{
    char hex[2 * ECDSA_SIZE + 1];
    uint8_t signature[ECDSA_SIZE];
    size_t len;
    const char *end = memchr(*text, '\n', *n);
    if (end == NULL)
        return TALLY_E_FORMAT;
    const struct tally_bytes document = {(const uint8_t *)*text, (size_t)(end - *text)};
    size_t left = *n - document.n - 1;
    if (left < 2 * ECDSA_SIZE || (left > 2 * ECDSA_SIZE && end[1 + 2 * ECDSA_SIZE] != '\n'))
        return TALLY_E_FORMAT;
    memcpy(hex, end + 1, 2 * ECDSA_SIZE);
    hex[2 * ECDSA_SIZE] = '\0';
    enum tally_error e = tally_hex_decode(hex, signature, sizeof signature, &len);
    if (e == TALLY_OK)
        e = tally_p256_verify(authority, LABEL_DENYLIST, &document, 1, signature);
    if (e != TALLY_OK)
        return e;
    json_t *root = json_loadb(*text, document.n, JSON_REJECT_DUPLICATES, NULL);
    e = root != NULL ? apply(list, operator_id, root) : TALLY_E_FORMAT;
    *change = json_object_get(root, "since") != NULL;
    json_decref(root);
    size_t used = document.n + 1 + 2 * ECDSA_SIZE + (left > 2 * ECDSA_SIZE ? 1 : 0);
    *text += used;
    *n -= used;
    return e;
}

static bool copy_set(struct denylist_set *to, const struct denylist_set *from)
{
    *to = *from;
    to->at = malloc(from->count * from->size + 1);
    if (to->at != NULL && from->count > 0)
        memcpy(to->at, from->at, from->count * from->size);
    return to->at != NULL;
}

enum tally_error gate_denylist_update(struct gate_denylist *list, uint16_t operator_id,
                                      const struct tally_key *authority, const char *text, size_t n,
                                      bool *change)
{
    bool only_changes = true, pair_is_change = false;
    struct gate_denylist fresh = *list;
    fresh.serials.at = NULL;
    fresh.tids.at = NULL;
    enum tally_error e = n == 0 || n > DENYLIST_TEXT_MAX ? TALLY_E_FORMAT : TALLY_OK;
    if (!copy_set(&fresh.serials, &list->serials) || !copy_set(&fresh.tids, &list->tids))
        e = TALLY_E_MEMORY;
    while (e == TALLY_OK && n > 0) {
        e = take_pair(&fresh, operator_id, authority, &text, &n, &pair_is_change);
        only_changes = only_changes && pair_is_change;
    }
    if (change != NULL)
        *change = only_changes;
    if (e == TALLY_OK && fresh.version <= list->version)
        e = TALLY_E_EXISTS;
    if (e != TALLY_OK) {
        gate_denylist_free(&fresh);
        return e;
    }
    gate_denylist_free(list);
    *list = fresh;
    return TALLY_OK;
}

bool gate_denylist_has_serial(const struct gate_denylist *list, const uint8_t serial[SERIAL_SIZE])
{
    bool there;
    (void)position(&list->serials, serial, &there);
    return there;
}

bool gate_denylist_has_tid(const struct gate_denylist *list, const uint8_t tid[TID_SIZE])
{
    bool there;
    (void)position(&list->tids, tid, &there);
    return there;
}

bool gate_denylist_stale(const struct gate_denylist *list, uint32_t now)
{
    return list->version == 0 || now > list->expires;
}

enum tally_error gate_denylist_read_file(struct gate_denylist *list, uint16_t operator_id,
                                         const struct tally_key *authority, const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return errno == ENOENT ? TALLY_E_NOT_FOUND : TALLY_E_IO;
    enum tally_error e = TALLY_E_IO;
    char *text = NULL;
    long size;
    if (fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0 || fseek(file, 0, SEEK_SET) != 0)
        goto out;
    e = size > DENYLIST_TEXT_MAX ? TALLY_E_FULL : TALLY_E_MEMORY;
    text = e == TALLY_E_FULL ? NULL : malloc((size_t)size + 1);
    if (text == NULL)
        goto out;
    size_t n = fread(text, 1, (size_t)size, file);
    e = n == (size_t)size ? gate_denylist_update(list, operator_id, authority, text, n, NULL) : TALLY_E_IO;
out:
    free(text);
    fclose(file);
    return e;
}
