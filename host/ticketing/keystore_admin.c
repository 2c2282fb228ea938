#include <stdio.h>
#include <string.h>

#include "host/ticketing/keystore.h"
#include "host/ticketing/keystore_files.h"
#include "host/ticketing/keystore_sm9.h"

void tally_operator_folder(uint16_t id, char name[TALLY_OPERATOR_FOLDER_MAX])
{
    snprintf(name, TALLY_OPERATOR_FOLDER_MAX, "operator-%u", id);
}

static const char *const suite_names[] = {[SUITE_P256] = "p256", [SUITE_RSA] = "rsa", [SUITE_SM9] = "sm9"};

const char *tally_suite_name(uint8_t suite)
{
    return suite <= SUITE_SM9 ? suite_names[suite] : NULL;
}

uint8_t tally_suite_parse(const char *name)
{
    for (uint8_t suite = SUITE_P256; suite <= SUITE_SM9; suite++)
        if (strcmp(name, suite_names[suite]) == 0)
            return suite;
    return 0;
}

static enum tally_error make_pem(const char *folder, const char *name)
{
    char path[TALLY_PATH_MAX];
    struct tally_key *key = NULL;
    enum tally_error e = tally_path_join(folder, name, path);
    if (e == TALLY_OK)
        e = tally_key_generate(SUITE_P256, &key);
    if (e == TALLY_OK)
        e = tally_keyfile_save(path, NULL, key);
    tally_key_free(key);
    return e;
}

enum tally_error tally_keystore_make_text(const char *folder, const char *name, const char *text)
{
    char path[TALLY_PATH_MAX];
    enum tally_error e = tally_path_join(folder, name, path);
    return e == TALLY_OK ? tally_private_file_create(path, text, strlen(text)) : e;
}

static enum tally_error make_admin_master(const char *folder)
{
    char path[TALLY_PATH_MAX];
    uint8_t secret[SYM_KEY_SIZE];
    enum tally_error e = tally_path_join(folder, KEYSTORE_ADMIN_MASTER, path);
    if (e == TALLY_OK)
        e = tally_random(secret, sizeof secret);
    if (e == TALLY_OK)
        e = tally_secret_save(path, secret);
    tally_wipe(secret, sizeof secret);
    return e;
}

enum tally_error tally_keystore_init(const char *folder)
{
    char issuer[TALLY_PATH_MAX];
    enum tally_error e = tally_path_join(folder, KEYSTORE_ISSUER, issuer);
    if (e == TALLY_OK)
        e = tally_private_folder_make(folder);
    if (e == TALLY_OK)
        e = tally_private_folder_make(issuer);
    if (e == TALLY_OK)
        e = make_pem(issuer, KEYSTORE_ENROLMENT);
    return e == TALLY_OK ? make_admin_master(issuer) : e;
}

enum tally_error tally_keystore_operator_path(const char *folder, uint16_t id, char path[TALLY_PATH_MAX])
{
    char name[TALLY_OPERATOR_FOLDER_MAX];
    path[0] = '\0';
    enum tally_error e = tally_private_folder_check(folder);
    if (e != TALLY_OK)
        return e;
    tally_operator_folder(id, name);
    return tally_path_join(folder, name, path);
}

enum tally_error tally_keystore_begin_operator(const char *folder, uint16_t id, uint8_t suite,
                                               char path[TALLY_PATH_MAX])
{
    char text[16];
    uint8_t version;
    path[0] = '\0';
    if (id == 0 || tally_suite_name(suite) == NULL)
        return TALLY_E_USAGE;
    enum tally_error e = tally_keystore_operator_path(folder, id, path);
    if (e == TALLY_OK)
        e = tally_private_folder_make(path);
    if (e == TALLY_OK) {
        snprintf(text, sizeof text, "%s\n", tally_suite_name(suite));
        e = tally_keystore_make_text(path, KEYSTORE_SUITE, text);
    }
    if (e == TALLY_OK)
        e = tally_keystore_make_text(path, KEYSTORE_FLOORS, "1 0\n");
    if (e == TALLY_OK)
        e = make_pem(path, KEYSTORE_AUTHORITY);
    return e == TALLY_OK ? tally_secret_ring_roll(path, KEYSTORE_VMK, &version) : e;
}

enum tally_error tally_keystore_add_operator(const char *folder, uint16_t id, uint8_t suite)
{
    char path[TALLY_PATH_MAX];
    uint8_t version;
    if (suite == SUITE_SM9)
        return tally_keystore_add_operator_sm9(folder, id, NULL);
    enum tally_error e = tally_keystore_begin_operator(folder, id, suite, path);
    if (e == TALLY_OK)
        e = make_pem(path, KEYSTORE_GATE_ANCHOR);
    return e == TALLY_OK ? tally_key_ring_roll(path, KEYSTORE_KEY1, NULL, suite, &version) : e;
}

enum tally_error tally_keystore_roll_key1(const char *folder, uint16_t id, uint8_t *version)
{
    char path[TALLY_PATH_MAX];
    uint8_t suite;
    *version = 0;
    enum tally_error e = tally_keystore_operator_path(folder, id, path);
    if (e == TALLY_OK)
        e = tally_keystore_read_suite(path, &suite);
    if (e == TALLY_OK && suite == SUITE_SM9)
        return tally_keystore_roll_key1_sm9(folder, id, NULL, version);
    return e == TALLY_OK ? tally_key_ring_roll(path, KEYSTORE_KEY1, NULL, suite, version) : e;
}

enum tally_error tally_keystore_roll_vmk(const char *folder, uint16_t id, uint8_t *version)
{
    char path[TALLY_PATH_MAX];
    uint8_t suite;
    *version = 0;
    enum tally_error e = tally_keystore_operator_path(folder, id, path);
    if (e == TALLY_OK)
        e = tally_keystore_read_suite(path, &suite);
    return e == TALLY_OK ? tally_secret_ring_roll(path, KEYSTORE_VMK, version) : e;
}

enum tally_error tally_keystore_set_floors(const char *folder, uint16_t id, uint8_t sub_key_floor,
                                           uint16_t gate_epoch_floor)
{
    char path[TALLY_PATH_MAX], file[TALLY_PATH_MAX], text[32];
    struct tally_secret_ring vmk = {0};
    uint8_t old_sub_key;
    uint16_t old_epoch;
    enum tally_error e = tally_keystore_operator_path(folder, id, path);
    if (e == TALLY_OK)
        e = tally_keystore_read_floors(path, &old_sub_key, &old_epoch);
    if (e == TALLY_OK)
        e = tally_secret_ring_load(path, KEYSTORE_VMK, &vmk);
    if (e == TALLY_OK && (sub_key_floor < old_sub_key || gate_epoch_floor < old_epoch ||
                          vmk.at[vmk.count - 1].version < sub_key_floor))
        e = TALLY_E_STATE;
    if (e == TALLY_OK)
        e = tally_path_join(path, KEYSTORE_FLOORS, file);
    if (e == TALLY_OK) {
        int n = snprintf(text, sizeof text, "%u %u\n", sub_key_floor, gate_epoch_floor);
        e = tally_private_file_replace(file, text, (size_t)n);
    }
    tally_secret_ring_wipe(&vmk);
    return e;
}
