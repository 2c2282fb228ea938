#include "host/ticketing/party_file.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "host/service/keydir.h"
#include "host/ticketing/private_file.h"

static bool same(const json_t *entry, const char *name, const char *value)
{
    const char *have = json_string_value(json_object_get(entry, name));
    return have != NULL && strcmp(have, value) == 0;
}

/* TALLY_OK with *file a new reference: the file's object, or an empty one. */
static enum tally_error read_file(const char *path, json_t **file)
{
    char *text = NULL;
    size_t n = 0;
    *file = NULL;
    enum tally_error e = tally_private_file_load(path, TALLY_KEYDIR_FILE_MAX, &text, &n);
    if (e == TALLY_E_NOT_FOUND)
        *file = json_pack("{s:[]}", "keys");
    else if (e == TALLY_OK)
        *file = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    else
        return e;
    free(text);
    return json_is_array(json_object_get(*file, "keys")) ? TALLY_OK : TALLY_E_FORMAT;
}

static enum tally_error append(json_t *file, const char *keyid, const char *role, const char *public_pem,
                               bool *changed)
{
    json_t *keys = json_object_get(file, "keys"), *entry;
    size_t i;
    *changed = false;
    json_array_foreach(keys, i, entry)
    {
        if (same(entry, "keyid", keyid))
            return same(entry, "role", role) && same(entry, "public_key", public_pem) ? TALLY_OK
                                                                                      : TALLY_E_EXISTS;
    }
    *changed = true;
    entry = json_pack("{s:s, s:s, s:s, s:s}", "keyid", keyid, "party", keyid, "role", role, "public_key",
                      public_pem);
    return json_array_append_new(keys, entry) == 0 ? TALLY_OK : TALLY_E_MEMORY;
}

/* What keydir refuses must not get into the file. */
static enum tally_error acceptable(const char *keyid, const char *role, const char *public_pem)
{
    struct tally_keydir *keys = tally_keydir_new();
    enum tally_error e =
        keys == NULL ? TALLY_E_MEMORY : tally_keydir_add(keys, keyid, keyid, role, public_pem);
    tally_keydir_free(keys);
    return e;
}

enum tally_error tally_party_add(const char *path, const char *keyid, const char *role,
                                 const char *public_pem)
{
    json_t *file = NULL;
    char *text = NULL;
    bool changed = false;
    enum tally_error e = acceptable(keyid, role, public_pem);
    if (e == TALLY_OK)
        e = read_file(path, &file);
    if (e == TALLY_OK)
        e = append(file, keyid, role, public_pem, &changed);
    if (e != TALLY_OK || !changed)
        goto out;
    text = json_dumps(file, JSON_INDENT(2));
    e = text == NULL ? TALLY_E_MEMORY : tally_private_file_replace(path, text, strlen(text));
out:
    free(text);
    json_decref(file);
    return e;
}
