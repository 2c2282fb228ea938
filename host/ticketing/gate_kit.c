#include "host/ticketing/gate_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/crypto/certificate.h"
#include "host/ticketing/authd.h"
#include "host/ticketing/commands.h"
#include "host/ticketing/json_values.h"
#include "host/ticketing/keystore_sm9.h"
#include "host/ticketing/private_file.h"

enum { NAME_MAX_BYTES = 32, URL_MAX = 512 };

static enum tally_error write_text(const char *folder, const char *name, const char *text, size_t n)
{
    char path[TALLY_PATH_MAX];
    enum tally_error e = tally_path_join(folder, name, path);
    return e == TALLY_OK ? tally_private_file_create(path, text, n) : e;
}

/* A key pair and its certificate by the operator's gate anchor. */
static enum tally_error write_pair(const struct tally_gate_kit *kit, const char *folder, uint8_t kind,
                                   const char *name)
{
    char path[TALLY_PATH_MAX], file[NAME_MAX_BYTES], hex[2 * GATE_CERT_RSA_SIZE + 2];
    uint8_t raw[GATE_CERT_RSA_SIZE];
    struct tally_key *key = NULL;
    struct tally_gate_certificate certificate = {.kind = kind,
                                                 .operator_id = kit->keys->id,
                                                 .gate = kit->gate,
                                                 .epoch = kit->keys->gate_epoch_floor,
                                                 .not_after = (uint32_t)(kit->now + kit->certificate_s)};
    size_t n = 0;
    snprintf(file, sizeof file, "%s.pem", name);
    enum tally_error e = tally_path_join(folder, file, path);
    if (e == TALLY_OK)
        e = tally_key_generate(kind == GATE_P256 ? SUITE_P256 : SUITE_RSA, &key);
    if (e == TALLY_OK)
        e = tally_keyfile_save(path, NULL, key);
    if (e == TALLY_OK) {
        const uint8_t *public_key = tally_key_public(key, &n);
        memcpy(certificate.public_key, public_key, n);
        e = tally_gate_certificate_make(kit->keys->gate_anchor, &certificate, raw, &n);
    }
    if (e == TALLY_OK)
        e = tally_hex_encode(raw, n, hex, sizeof hex);
    if (e == TALLY_OK) {
        hex[2 * n] = '\n';
        snprintf(file, sizeof file, "%s.cert", name);
        e = write_text(folder, file, hex, 2 * n + 1);
    }
    tally_key_free(key);
    return e;
}

/* The key of the gate's identity, when the operator has it: else the gate's engineer fetches it from the key
 * centre. */
static enum tally_error write_identity(const struct tally_gate_kit *kit, const char *folder)
{
    char path[TALLY_PATH_MAX];
    struct tally_sm9_holder holder;
    const struct identity identity = {.scheme = IDENTITY_GATE,
                                      .operator_id = kit->keys->id,
                                      .gate = kit->gate,
                                      .epoch = kit->keys->gate_epoch_floor};
    enum tally_error e = tally_keystore_holder(kit->keys, &identity, &holder);
    if (e == TALLY_E_NOT_FOUND)
        return TALLY_OK;
    if (e == TALLY_OK)
        e = tally_path_join(folder, "gate.sm9", path);
    if (e == TALLY_OK)
        e = tally_sm9_holder_save(path, &holder);
    tally_wipe(&holder, sizeof holder);
    return e;
}

static enum tally_error write_own_keys(const struct tally_gate_kit *kit, const char *folder)
{
    if (kit->keys->suite == SUITE_SM9)
        return write_identity(kit, folder);
    enum tally_error e = write_pair(kit, folder, GATE_P256, "gate-p256");
    return e == TALLY_OK ? write_pair(kit, folder, GATE_RSA, "gate-rsa") : e;
}

static enum tally_error write_vmks(const struct tally_gate_kit *kit, const char *folder)
{
    enum tally_error e = TALLY_OK;
    for (size_t i = 0; e == TALLY_OK && i < kit->keys->vmk.count; i++) {
        char path[TALLY_PATH_MAX], name[NAME_MAX_BYTES];
        if (kit->keys->vmk.at[i].version < kit->keys->sub_key_floor)
            continue;
        snprintf(name, sizeof name, "vmk-v%u.key", kit->keys->vmk.at[i].version);
        e = tally_path_join(folder, name, path);
        if (e == TALLY_OK)
            e = tally_secret_save(path, kit->keys->vmk.at[i].secret);
    }
    return e;
}

static json_t *document(const struct tally_gate_kit *kit)
{
    const struct tally_operator_keys *keys = kit->keys;
    char url[URL_MAX];
    size_t n;
    json_t *key6 = json_array(), *versions = json_array();
    for (size_t i = 0; i < keys->key1.count; i++) {
        json_t *entry = json_pack("{s:i}", "version", keys->key1.at[i].version);
        const uint8_t *raw = tally_key_public(keys->key1.at[i].key, &n);
        tally_json_set_hex(entry, "key", raw, n);
        json_array_append_new(key6, entry);
    }
    for (size_t i = 0; i < keys->vmk.count; i++)
        if (keys->vmk.at[i].version >= keys->sub_key_floor)
            json_array_append_new(versions, json_integer(keys->vmk.at[i].version));
    json_t *json = json_pack("{s:i, s:I, s:I, s:i, s:o, s:o, s:s}", "operator", keys->id, "gate",
                             (json_int_t)kit->gate, "station", (json_int_t)kit->station, "suite", keys->suite,
                             "key6", key6, "sub_key_versions", versions, "party", kit->party);
    tally_json_set_hex(json, "authority_key", tally_key_public(keys->authority, &n), P256_PUBLIC_SIZE);
    if (keys->suite == SUITE_SM9)
        json_object_set_new(json, "card_epoch_floor", json_integer(keys->card_epoch_floor));
    if (kit->url != NULL) {
        snprintf(url, sizeof url, "%s/v1/operators/%u/denylist", kit->url, keys->id);
        json_object_set_new(json, "deny_list_url", json_string(url));
    }
    return json;
}

static enum tally_error write_document(const struct tally_gate_kit *kit, const char *folder)
{
    json_t *json = document(kit);
    char *text = json == NULL ? NULL : json_dumps(json, JSON_INDENT(2));
    enum tally_error e = text == NULL ? TALLY_E_MEMORY : write_text(folder, "kit.json", text, strlen(text));
    free(text);
    json_decref(json);
    return e;
}

static enum tally_error write_deny_list(const struct tally_gate_kit *kit, const char *folder)
{
    char *text;
    size_t n;
    enum tally_error e = authd_denylist_make(kit->db, kit->keys, 0, kit->now, kit->deny_list_s, &text, &n);
    if (e == TALLY_OK)
        e = write_text(folder, "denylist", text, n);
    free(text);
    return e;
}

enum tally_error tally_gate_kit_write(const struct tally_gate_kit *kit, const char *folder)
{
    char party_key[TALLY_PATH_MAX];
    enum tally_error e = tally_path_join(folder, "party.pem", party_key);
    if (e == TALLY_OK)
        e = tally_private_folder_make(folder);
    if (e == TALLY_OK)
        e = tally_party_make(kit->trusted_keys, kit->party, "gate", party_key);
    if (e == TALLY_OK)
        e = write_document(kit, folder);
    if (e == TALLY_OK)
        e = write_vmks(kit, folder);
    if (e == TALLY_OK)
        e = write_own_keys(kit, folder);
    return e == TALLY_OK ? write_deny_list(kit, folder) : e;
}
