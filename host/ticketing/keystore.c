/* Loading and sharing; keystore_admin.c makes and changes the folder. */
#include "host/ticketing/keystore.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/log.h"
#include "host/crypto/certificate.h"
#include "host/service/keyfile.h"
#include "host/ticketing/keystore_files.h"
#include "host/ticketing/keystore_sm9.h"

enum { TEXT_MAX = 64 };

static void operator_clear(struct tally_operator_keys *op)
{
    tally_key_ring_free(&op->key1);
    tally_secret_ring_wipe(&op->vmk);
    tally_key_free(op->authority);
    tally_key_free(op->gate_anchor);
    tally_wipe(&op->centre, sizeof op->centre);
}

struct tally_keystore *tally_keystore_acquire(struct tally_keystore *keys)
{
    keys->references++;
    return keys;
}

void tally_keystore_release(struct tally_keystore *keys)
{
    if (keys == NULL || --keys->references > 0)
        return;
    for (size_t i = 0; i < keys->count; i++)
        operator_clear(&keys->operators[i]);
    free(keys->operators);
    tally_key_free(keys->enrolment);
    tally_wipe(keys->admin_master, sizeof keys->admin_master);
    free(keys);
}

static int by_id(const void *a, const void *b)
{
    return (int)((const struct tally_operator_keys *)a)->id -
           (int)((const struct tally_operator_keys *)b)->id;
}

const struct tally_operator_keys *tally_keystore_operator(const struct tally_keystore *keys, uint16_t id)
{
    struct tally_operator_keys wanted = {.id = id};
    return keys->count == 0 ? NULL
                            : bsearch(&wanted, keys->operators, keys->count, sizeof *keys->operators, by_id);
}

enum tally_error tally_keystore_read_suite(const char *folder, uint8_t *suite)
{
    char path[TALLY_PATH_MAX], text[TEXT_MAX];
    size_t n;
    *suite = 0;
    enum tally_error e = tally_path_join(folder, KEYSTORE_SUITE, path);
    if (e == TALLY_OK)
        e = tally_private_file_read(path, text, sizeof text, &n);
    if (e != TALLY_OK)
        return e;
    text[strcspn(text, "\n")] = '\0';
    *suite = tally_suite_parse(text);
    return *suite != 0 ? TALLY_OK : TALLY_E_FORMAT;
}

enum tally_error tally_keystore_read_floors(const char *folder, uint8_t *sub_key, uint16_t *gate_epoch)
{
    char path[TALLY_PATH_MAX], text[TEXT_MAX], end;
    unsigned a = 0, b = 0;
    size_t n;
    *sub_key = 0;
    *gate_epoch = 0;
    enum tally_error e = tally_path_join(folder, KEYSTORE_FLOORS, path);
    if (e == TALLY_OK)
        e = tally_private_file_read(path, text, sizeof text, &n);
    if (e != TALLY_OK)
        return e;
    if (sscanf(text, "%3u %5u%c", &a, &b, &end) != 3 || end != '\n' || a > UINT8_MAX || b > UINT16_MAX)
        return TALLY_E_FORMAT;
    *sub_key = (uint8_t)a;
    *gate_epoch = (uint16_t)b;
    return TALLY_OK;
}

static enum tally_error load_pem(const char *folder, const char *name, uint8_t suite, struct tally_key **key)
{
    char path[TALLY_PATH_MAX];
    *key = NULL;
    enum tally_error e = tally_path_join(folder, name, path);
    if (e == TALLY_OK)
        e = tally_keyfile_load(path, NULL, key);
    if (e == TALLY_OK && tally_key_suite(*key) != suite)
        e = TALLY_E_CRYPTO;
    return e;
}

static enum tally_error make_enrolment(const struct tally_key *issuer, struct tally_operator_keys *op)
{
    struct tally_enrolment enrolment = {.operator_id = op->id, .version = TALLY_ENROLMENT_VERSION};
    size_t n;
    memcpy(enrolment.authority_key, tally_key_public(op->authority, &n), sizeof enrolment.authority_key);
    return tally_enrolment_make(issuer, &enrolment, op->enrolment);
}

static enum tally_error load_operator(const char *folder, const struct tally_key *issuer,
                                      struct tally_operator_keys *op)
{
    enum tally_error e = tally_private_folder_check(folder);
    if (e == TALLY_OK)
        e = tally_keystore_read_suite(folder, &op->suite);
    if (e == TALLY_OK)
        e = tally_keystore_read_floors(folder, &op->sub_key_floor, &op->gate_epoch_floor);
    if (e == TALLY_OK)
        e = tally_key_ring_load(folder, KEYSTORE_KEY1, NULL, &op->key1);
    for (size_t i = 0; e == TALLY_OK && i < op->key1.count; i++)
        e = tally_key_suite(op->key1.at[i].key) == op->suite ? TALLY_OK : TALLY_E_CRYPTO;
    if (e == TALLY_OK)
        e = tally_secret_ring_load(folder, KEYSTORE_VMK, &op->vmk);
    if (e == TALLY_OK && op->vmk.at[op->vmk.count - 1].version < op->sub_key_floor)
        e = TALLY_E_FORMAT;
    if (e == TALLY_OK)
        e = load_pem(folder, KEYSTORE_AUTHORITY, SUITE_P256, &op->authority);
    if (e == TALLY_OK)
        e = op->suite == SUITE_SM9 ? tally_keystore_load_sm9(folder, op)
                                   : load_pem(folder, KEYSTORE_GATE_ANCHOR, SUITE_P256, &op->gate_anchor);
    return e == TALLY_OK ? make_enrolment(issuer, op) : e;
}

static enum tally_error load_issuer(const char *folder, struct tally_keystore *keys)
{
    char issuer[TALLY_PATH_MAX], path[TALLY_PATH_MAX];
    enum tally_error e = tally_path_join(folder, KEYSTORE_ISSUER, issuer);
    if (e == TALLY_OK)
        e = tally_private_folder_check(issuer);
    if (e == TALLY_OK)
        e = load_pem(issuer, KEYSTORE_ENROLMENT, SUITE_P256, &keys->enrolment);
    if (e == TALLY_OK)
        e = tally_path_join(issuer, KEYSTORE_ADMIN_MASTER, path);
    return e == TALLY_OK ? tally_secret_load(path, keys->admin_master) : e;
}

/* The operator a folder entry belongs to; 0 for other entries. */
static uint16_t operator_of_name(const char *name)
{
    char again[TALLY_OPERATOR_FOLDER_MAX];
    unsigned id = 0;
    if (sscanf(name, "operator-%5u", &id) != 1 || id < 1 || id > UINT16_MAX)
        return 0;
    tally_operator_folder((uint16_t)id, again);
    return strcmp(name, again) == 0 ? (uint16_t)id : 0;
}

static enum tally_error load_operators(const char *folder, DIR *dir, struct tally_keystore *keys)
{
    enum tally_error e = TALLY_OK;
    for (struct dirent *entry; e == TALLY_OK && (entry = readdir(dir)) != NULL;) {
        char path[TALLY_PATH_MAX];
        uint16_t id = operator_of_name(entry->d_name);
        if (id == 0)
            continue;
        if (keys->count == TALLY_KEYSTORE_OPERATORS_MAX)
            return TALLY_E_FULL;
        struct tally_operator_keys *op = &keys->operators[keys->count++];
        op->id = id;
        e = tally_path_join(folder, entry->d_name, path);
        if (e == TALLY_OK)
            e = load_operator(path, keys->enrolment, op);
        if (e != TALLY_OK)
            tally_log(TALLY_LOG_ERROR, "keys", NULL, "an operator's keys are refused",
                      TALLY_STR("folder", path), TALLY_STR("reason", tally_error_text(e)));
    }
    qsort(keys->operators, keys->count, sizeof *keys->operators, by_id);
    return e;
}

enum tally_error tally_keystore_load(const char *folder, struct tally_keystore **keys)
{
    DIR *dir = NULL;
    enum tally_error e = TALLY_E_MEMORY;
    struct tally_keystore *made = calloc(1, sizeof *made);
    if (made != NULL)
        made->operators = calloc(TALLY_KEYSTORE_OPERATORS_MAX, sizeof *made->operators);
    if (made == NULL || made->operators == NULL)
        goto out;
    made->references = 1;
    e = tally_private_folder_check(folder);
    if (e == TALLY_OK)
        e = load_issuer(folder, made);
    if (e != TALLY_OK) {
        tally_log(TALLY_LOG_ERROR, "keys", NULL, "the folder of keys is refused", TALLY_STR("folder", folder),
                  TALLY_STR("reason", tally_error_text(e)));
        goto out;
    }
    dir = opendir(folder);
    e = dir == NULL ? TALLY_E_IO : load_operators(folder, dir, made);
out:
    if (dir != NULL)
        closedir(dir);
    if (e != TALLY_OK && made != NULL) {
        made->references = 1;
        tally_keystore_release(made);
        made = NULL;
    }
    *keys = made;
    return e;
}
