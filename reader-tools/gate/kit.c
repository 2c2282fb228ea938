#include "reader-tools/gate/kit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/bytes.h"
#include "host/service/keyfile.h"

enum { PATH_SIZE = 1024 };

/* A kit being read: where, and what is wrong. */
struct loading {
    const char *folder;
    char *what;
    size_t what_size;
};

static enum tally_error blame(const struct loading *l, const char *file, enum tally_error e)
{
    if (e != TALLY_OK)
        snprintf(l->what, l->what_size, "%s/%s: %s", l->folder, file, tally_error_text(e));
    return e;
}

static bool number(const json_t *root, const char *name, json_int_t max, json_int_t *value)
{
    const json_t *v = json_object_get(root, name);
    *value = json_integer_value(v);
    return json_is_integer(v) && *value >= 0 && *value <= max;
}

static enum tally_error public_key(const json_t *hex, struct tally_key **key)
{
    uint8_t raw[TALLY_PUBLIC_MAX];
    size_t n;
    *key = NULL;
    if (!json_is_string(hex) || tally_hex_decode(json_string_value(hex), raw, sizeof raw, &n) != TALLY_OK)
        return TALLY_E_FORMAT;
    return tally_key_from_public(raw, n, key);
}

static enum tally_error take_key6(const json_t *root, struct gate_kit *kit)
{
    const json_t *list = json_object_get(root, "key6");
    size_t count = json_array_size(list);
    if (count == 0 || count > GATE_KIT_KEY6_MAX)
        return TALLY_E_FORMAT;
    for (size_t i = 0; i < count; i++) {
        json_int_t version;
        const json_t *entry = json_array_get(list, i);
        if (!number(entry, "version", UINT8_MAX, &version))
            return TALLY_E_FORMAT;
        kit->key6[i].version = (uint8_t)version;
        enum tally_error e = public_key(json_object_get(entry, "key"), &kit->key6[i].key);
        if (e != TALLY_OK)
            return e;
        kit->key6_count = i + 1;
    }
    return TALLY_OK;
}

static enum tally_error take_text(const json_t *root, const char *name, char out[GATE_KIT_TEXT_MAX])
{
    const char *text = json_string_value(json_object_get(root, name));
    if (text == NULL)
        return TALLY_OK;
    return snprintf(out, GATE_KIT_TEXT_MAX, "%s", text) < GATE_KIT_TEXT_MAX ? TALLY_OK : TALLY_E_FORMAT;
}

/* The suite by its number, or by its name as in the authentication server's key folder. */
static uint8_t take_suite(const json_t *root)
{
    const json_t *v = json_object_get(root, "suite");
    if (json_is_integer(v))
        return json_integer_value(v) >= SUITE_P256 && json_integer_value(v) <= SUITE_SM9
                   ? (uint8_t)json_integer_value(v)
                   : 0;
    static const char *const names[] = {[SUITE_P256] = "p256", [SUITE_RSA] = "rsa", [SUITE_SM9] = "sm9"};
    const char *name = json_is_string(v) ? json_string_value(v) : "";
    for (uint8_t suite = SUITE_P256; suite <= SUITE_SM9; suite++)
        if (strcmp(name, names[suite]) == 0)
            return suite;
    return 0;
}

static enum tally_error take_document(const json_t *root, struct gate_kit *kit)
{
    json_int_t operator_id, gate, station, card_epoch = 0;
    if (!number(root, "operator", UINT16_MAX, &operator_id) || !number(root, "gate", UINT32_MAX, &gate) ||
        !number(root, "station", UINT32_MAX, &station) || operator_id == 0 ||
        (json_object_get(root, "card_epoch_floor") != NULL &&
         !number(root, "card_epoch_floor", UINT16_MAX, &card_epoch)))
        return TALLY_E_FORMAT;
    kit->card_epoch_floor = (uint16_t)card_epoch;
    kit->operator_id = (uint16_t)operator_id;
    kit->gate = (uint32_t)gate;
    kit->station = (uint32_t)station;
    kit->suite = take_suite(root);
    enum tally_error e = kit->suite != 0 ? take_key6(root, kit) : TALLY_E_FORMAT;
    if (e == TALLY_OK)
        e = public_key(json_object_get(root, "authority_key"), &kit->authority);
    if (e == TALLY_OK)
        e = take_text(root, "party", kit->party);
    if (e == TALLY_OK)
        e = take_text(root, "deny_list_url", kit->deny_list_url);
    return e;
}

static enum tally_error load_document(const struct loading *l, struct gate_kit *kit)
{
    char path[PATH_SIZE];
    size_t n;
    char *text = malloc(GATE_KIT_FILE_MAX);
    if (text == NULL)
        return TALLY_E_MEMORY;
    snprintf(path, sizeof path, "%s/kit.json", l->folder);
    enum tally_error e = tally_private_file_read(path, text, GATE_KIT_FILE_MAX, &n);
    json_t *root = e == TALLY_OK ? json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (e == TALLY_OK)
        e = root != NULL ? take_document(root, kit) : TALLY_E_FORMAT;
    json_decref(root);
    free(text);
    return blame(l, "kit.json", e);
}

/* A key pair with its certificate; a kit without it is a kit all the same. */
static enum tally_error load_pair(const struct loading *l, const char *name, struct tally_key **key,
                                  uint8_t *certificate, size_t size)
{
    char path[PATH_SIZE], file[32], hex[2 * GATE_CERT_RSA_SIZE + 16];
    size_t n;
    snprintf(path, sizeof path, "%s/%s.pem", l->folder, name);
    enum tally_error e = tally_keyfile_load(path, NULL, key);
    if (e == TALLY_E_NOT_FOUND)
        return TALLY_OK;
    snprintf(file, sizeof file, "%s.pem", name);
    if (e != TALLY_OK)
        return blame(l, file, e);
    snprintf(path, sizeof path, "%s/%s.cert", l->folder, name);
    snprintf(file, sizeof file, "%s.cert", name);
    e = tally_private_file_read(path, hex, sizeof hex, &n);
    if (e == TALLY_OK) {
        hex[strcspn(hex, "\r\n")] = '\0';
        e = tally_hex_decode(hex, certificate, size, &n);
        if (e == TALLY_OK && n != size)
            e = TALLY_E_FORMAT;
    }
    return blame(l, file, e);
}

/* The gate's identity, if there is one, must be this gate's, of the key centre that key 6 is of. */
static enum tally_error load_identity(const struct loading *l, struct gate_kit *kit)
{
    static const char file[] = "gate.sm9";
    char path[PATH_SIZE];
    struct tally_sm9_holder holder;
    snprintf(path, sizeof path, "%s/%s", l->folder, file);
    enum tally_error e = tally_sm9_holder_load(path, &holder);
    if (e == TALLY_E_NOT_FOUND)
        return TALLY_OK;
    if (e == TALLY_OK &&
        (kit->suite != SUITE_SM9 || holder.identity.scheme != IDENTITY_GATE ||
         holder.identity.operator_id != kit->operator_id || holder.identity.gate != kit->gate))
        e = TALLY_E_FORMAT;
    if (e == TALLY_OK)
        e = tally_sm9_key_make(&holder, &kit->identity);
    tally_wipe(&holder, sizeof holder);
    return blame(l, file, e);
}

enum tally_error gate_kit_load(const char *folder, struct gate_kit *kit, char *what, size_t what_size)
{
    const struct loading l = {folder, what, what_size};
    memset(kit, 0, sizeof *kit);
    what[0] = '\0';
    enum tally_error e = load_document(&l, kit);
    if (e == TALLY_OK)
        e = blame(&l, "vmk-v*.key", tally_secret_ring_load(folder, "vmk", &kit->vmk));
    if (e == TALLY_OK)
        e = load_pair(&l, "gate-p256", &kit->p256, kit->p256_certificate, sizeof kit->p256_certificate);
    if (e == TALLY_OK)
        e = load_pair(&l, "gate-rsa", &kit->rsa, kit->rsa_certificate, sizeof kit->rsa_certificate);
    if (e == TALLY_OK)
        e = load_identity(&l, kit);
    if (e != TALLY_OK)
        gate_kit_free(kit);
    return e;
}

void gate_kit_free(struct gate_kit *kit)
{
    for (size_t i = 0; i < kit->key6_count; i++)
        tally_key_free(kit->key6[i].key);
    tally_key_free(kit->authority);
    tally_key_free(kit->p256);
    tally_key_free(kit->rsa);
    tally_sm9_key_free(kit->identity);
    tally_secret_ring_wipe(&kit->vmk);
    memset(kit, 0, sizeof *kit);
}

const struct tally_key *gate_kit_key6(const struct gate_kit *kit, uint8_t version)
{
    for (size_t i = 0; i < kit->key6_count; i++)
        if (kit->key6[i].version == version)
            return kit->key6[i].key;
    return NULL;
}
