/* The sub-commands of tally-authd. They work on files; a running daemon takes keys and parties up at SIGHUP.
 */
#include <stdio.h>
#include <string.h>

#include "host/base/clock.h"
#include "host/ticketing/authd.h"
#include "host/ticketing/commands.h"
#include "host/ticketing/gate_kit.h"
#include "host/ticketing/keystore_sm9.h"
#include "host/ticketing/private_file.h"

extern const struct tally_command authd_commands[];

enum { SECONDS_PER_DAY = 86400, DENY_LIST_S = SECONDS_PER_DAY };

#define KEYS_OPTION                                                                                          \
    {                                                                                                        \
        "keys", TALLY_OPTION_PATH, NULL, 0, 0, "folder of keys"                                              \
    }
#define OPERATOR_OPTION                                                                                      \
    {                                                                                                        \
        "operator", TALLY_OPTION_INT, "0", 0, UINT16_MAX, "the operator's number, from 1"                    \
    }
#define DATABASE_OPTION                                                                                      \
    {                                                                                                        \
        "database", TALLY_OPTION_PATH, NULL, 0, 0, "the database of the service"                             \
    }
#define TRUSTED_OPTION                                                                                       \
    {                                                                                                        \
        "trusted-keys", TALLY_OPTION_PATH, NULL, 0, 0, "the register of callers"                             \
    }
#define KEY1_FILE_OPTION                                                                                     \
    {                                                                                                        \
        "key1-file", TALLY_OPTION_PATH, NULL, 0, 0, "suite sm9: the server's key file from a key centre"     \
    }
#define END_OPTION                                                                                           \
    {                                                                                                        \
        NULL, TALLY_OPTION_STRING, NULL, 0, 0, NULL                                                          \
    }

static const struct tally_db_schema *schemas(void)
{
    static struct tally_db_schema list[2];
    list[0] = authd_schema;
    return list;
}

/* A server's location may hold a password: it is not repeated. */
static enum tally_error open_db(const char *location, struct tally_db **db)
{
    const char *file = tally_db_file(location);
    enum tally_error e =
        tally_db_open(&(struct tally_db_options){.location = location, .schemas = schemas()}, db);
    return tally_command_fail(e, "database", file != NULL ? file : "server");
}

/* The folder of keys and the operator, both needed. */
static enum tally_error operator_of(const struct tally_config *config, const char **keys, uint16_t *id)
{
    *keys = tally_command_needs(config, "keys");
    *id = (uint16_t)tally_config_int(config, "operator");
    if (*id == 0)
        fprintf(stderr, "--operator is needed\n");
    return *keys != NULL && *id != 0 ? TALLY_OK : TALLY_E_USAGE;
}

static const struct tally_option init_options[] = {KEYS_OPTION, DATABASE_OPTION, END_OPTION};

static enum tally_error run_init(const struct tally_config *config)
{
    struct tally_db *db = NULL;
    const char *keys = tally_command_needs(config, "keys"), *path = tally_config_string(config, "database");
    if (keys == NULL)
        return TALLY_E_USAGE;
    enum tally_error e = tally_command_fail(tally_keystore_init(keys), "keys", keys);
    if (e == TALLY_OK && path != NULL)
        e = open_db(path, &db);
    tally_db_close(db);
    return e;
}

static const struct tally_option add_operator_options[] = {
    KEYS_OPTION,
    OPERATOR_OPTION,
    {"suite", TALLY_OPTION_STRING, "p256", 0, 8, "p256, rsa or sm9"},
    KEY1_FILE_OPTION,
    END_OPTION};

static enum tally_error run_add_operator(const struct tally_config *config)
{
    const char *keys, *name = tally_config_string(config, "suite"),
                      *file = tally_config_string(config, "key1-file");
    uint8_t suite = tally_suite_parse(name);
    uint16_t id;
    enum tally_error e = operator_of(config, &keys, &id);
    if (e != TALLY_OK)
        return e;
    if (suite == 0 || (suite != SUITE_SM9 && file != NULL))
        return tally_command_fail(TALLY_E_USAGE, "suite", name);
    e = suite == SUITE_SM9 ? tally_keystore_add_operator_sm9(keys, id, file)
                           : tally_keystore_add_operator(keys, id, suite);
    return tally_command_fail(e, "keys", keys);
}

static const struct tally_option roll_options[] = {KEYS_OPTION,
                                                   OPERATOR_OPTION,
                                                   {"key", TALLY_OPTION_STRING, NULL, 0, 8, "key1 or vmk"},
                                                   KEY1_FILE_OPTION,
                                                   END_OPTION};

static enum tally_error run_roll(const struct tally_config *config)
{
    const char *keys, *key = tally_command_needs(config, "key");
    uint8_t version = 0;
    uint16_t id;
    enum tally_error e = operator_of(config, &keys, &id);
    if (e != TALLY_OK || key == NULL)
        return TALLY_E_USAGE;
    const char *file = tally_config_string(config, "key1-file");
    if (strcmp(key, "key1") == 0)
        e = file != NULL ? tally_keystore_roll_key1_sm9(keys, id, file, &version)
                         : tally_keystore_roll_key1(keys, id, &version);
    else if (strcmp(key, "vmk") == 0)
        e = tally_keystore_roll_vmk(keys, id, &version);
    else
        e = TALLY_E_USAGE;
    if (e == TALLY_OK)
        printf("%s version %u\n", key, version);
    return tally_command_fail(e, "roll", key);
}

static const struct tally_option floors_options[] = {
    KEYS_OPTION,
    OPERATOR_OPTION,
    {"sub-key-floor", TALLY_OPTION_INT, "1", 1, UINT8_MAX, "lowest version of the sub-key that cards keep"},
    {"gate-epoch-floor", TALLY_OPTION_INT, "0", 0, UINT16_MAX,
     "lowest epoch of gate certificates that cards take"},
    END_OPTION};

static enum tally_error run_floors(const struct tally_config *config)
{
    const char *keys;
    uint16_t id;
    enum tally_error e = operator_of(config, &keys, &id);
    if (e == TALLY_OK)
        e = tally_command_fail(
            tally_keystore_set_floors(keys, id, (uint8_t)tally_config_int(config, "sub-key-floor"),
                                      (uint16_t)tally_config_int(config, "gate-epoch-floor")),
            "floors", keys);
    return e;
}

static const struct tally_option card_epochs_options[] = {
    KEYS_OPTION,
    OPERATOR_OPTION,
    {"epoch", TALLY_OPTION_INT, "0", 0, UINT16_MAX,
     "epoch of the identities that new packages give to cards"},
    {"floor", TALLY_OPTION_INT, "0", 0, UINT16_MAX, "lowest epoch that gates accept"},
    END_OPTION};

static enum tally_error run_card_epochs(const struct tally_config *config)
{
    const char *keys;
    uint16_t id;
    enum tally_error e = operator_of(config, &keys, &id);
    if (e == TALLY_OK)
        e = tally_command_fail(tally_keystore_set_card_epochs(keys, id,
                                                              (uint16_t)tally_config_int(config, "epoch"),
                                                              (uint16_t)tally_config_int(config, "floor")),
                               "card-epochs", keys);
    return e;
}

static const struct tally_option personaliser_kit_options[] = {
    KEYS_OPTION, {"out", TALLY_OPTION_PATH, NULL, 0, 0, "folder to make"}, END_OPTION};

static enum tally_error write_personaliser_kit(const struct tally_keystore *keys, const char *folder)
{
    char path[TALLY_PATH_MAX], hex[2 * P256_PUBLIC_SIZE + 2];
    size_t n;
    const uint8_t *enrolment = tally_key_public(keys->enrolment, &n);
    enum tally_error e = tally_private_folder_make(folder);
    if (e == TALLY_OK)
        e = tally_path_join(folder, "admin-master.key", path);
    if (e == TALLY_OK)
        e = tally_secret_save(path, keys->admin_master);
    if (e == TALLY_OK)
        e = tally_path_join(folder, "enrolment.pub", path);
    if (e == TALLY_OK)
        e = tally_hex_encode(enrolment, n, hex, sizeof hex);
    if (e != TALLY_OK)
        return e;
    hex[2 * n] = '\n';
    return tally_private_file_create(path, hex, 2 * n + 1);
}

static enum tally_error run_personaliser_kit(const struct tally_config *config)
{
    struct tally_keystore *keys = NULL;
    const char *folder = tally_command_needs(config, "keys"), *out = tally_command_needs(config, "out");
    if (folder == NULL || out == NULL)
        return TALLY_E_USAGE;
    enum tally_error e = tally_command_fail(tally_keystore_load(folder, &keys), "keys", folder);
    if (e == TALLY_OK)
        e = tally_command_fail(write_personaliser_kit(keys, out), "kit", out);
    tally_keystore_release(keys);
    return e;
}

static const struct tally_option gate_kit_options[] = {
    KEYS_OPTION,
    OPERATOR_OPTION,
    DATABASE_OPTION,
    TRUSTED_OPTION,
    {"gate", TALLY_OPTION_INT, "0", 0, UINT32_MAX, "the gate's number"},
    {"station", TALLY_OPTION_INT, "0", 0, UINT32_MAX, "its station or venue"},
    {"party", TALLY_OPTION_STRING, NULL, 0, 64, "its key id towards the services; else gate-OPERATOR-GATE"},
    {"url", TALLY_OPTION_STRING, NULL, 0, 256, "of tally-authd, where the gate gets deny lists"},
    {"days", TALLY_OPTION_INT, "365", 1, 3650, "how long the gate's certificates are valid"},
    {"out", TALLY_OPTION_PATH, NULL, 0, 0, "folder to make"},
    END_OPTION};

static enum tally_error make_gate_kit(const struct tally_config *config, const struct tally_keystore *keys,
                                      struct tally_db *db, const char *out)
{
    char party[64];
    const char *given = tally_config_string(config, "party");
    struct tally_gate_kit kit = {
        .keys = tally_keystore_operator(keys, (uint16_t)tally_config_int(config, "operator")),
        .gate = (uint32_t)tally_config_int(config, "gate"),
        .station = (uint32_t)tally_config_int(config, "station"),
        .party = given != NULL ? given : party,
        .url = tally_config_string(config, "url"),
        .trusted_keys = tally_config_string(config, "trusted-keys"),
        .db = db,
        .now = tally_clock_wall_s(&tally_system_clock),
        .certificate_s = tally_config_int(config, "days") * SECONDS_PER_DAY,
        .deny_list_s = DENY_LIST_S};
    if (kit.keys == NULL)
        return TALLY_E_NOT_FOUND;
    snprintf(party, sizeof party, "gate-%u-%u", kit.keys->id, kit.gate);
    return tally_gate_kit_write(&kit, out);
}

static enum tally_error run_gate_kit(const struct tally_config *config)
{
    struct tally_keystore *keys = NULL;
    struct tally_db *db = NULL;
    const char *folder, *out = tally_command_needs(config, "out");
    const char *path = tally_command_needs(config, "database");
    uint16_t id;
    enum tally_error e = operator_of(config, &folder, &id);
    if (e != TALLY_OK || out == NULL || path == NULL || tally_command_needs(config, "trusted-keys") == NULL)
        return TALLY_E_USAGE;
    e = tally_command_fail(tally_keystore_load(folder, &keys), "keys", folder);
    if (e == TALLY_OK)
        e = open_db(path, &db);
    if (e == TALLY_OK)
        e = tally_command_fail(make_gate_kit(config, keys, db, out), "kit", out);
    tally_db_close(db);
    tally_keystore_release(keys);
    return e;
}

static enum tally_error run_backup(const struct tally_config *config)
{
    return tally_backup(config, schemas());
}

const struct tally_command authd_commands[] = {
    {"init", "make the folder of keys with the card issuer's keys, and the database", init_options, run_init},
    {"add-operator", "make an operator's keys", add_operator_options, run_add_operator},
    {"roll", "make the next version of an operator's key", roll_options, run_roll},
    {"floors", "raise the lowest versions that cards accept", floors_options, run_floors},
    {"card-epochs", "raise the epochs of cards' identities (suite SM9)", card_epochs_options,
     run_card_epochs},
    {"add-party", "register who may call", tally_add_party_options, tally_add_party},
    {"personaliser-kit", "write what a personalisation station needs", personaliser_kit_options,
     run_personaliser_kit},
    {"gate-kit", "write what one gate needs", gate_kit_options, run_gate_kit},
    {"backup", "copy the database while the service runs", tally_backup_options, run_backup},
    {NULL, NULL, NULL, NULL}};
