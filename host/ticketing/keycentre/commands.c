/* The sub-commands that make and keep a centre. They work on its database, most also beside a running daemon.
 */
#include "host/ticketing/keycentre/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/bytes.h"
#include "host/ticketing/keycentre/keycentre.h"

enum { DAY_S = 86400 };

const struct tally_db_schema *keycentre_schemas(void)
{
    static struct tally_db_schema list[2];
    list[0] = keycentre_schema;
    return list;
}

/* An existing database, or with `make` one that init makes. */
enum tally_error keycentre_open_db(const struct tally_config *config, bool make, struct tally_db **db)
{
    const char *path = tally_command_needs(config, "database");
    *db = NULL;
    if (path == NULL)
        return TALLY_E_USAGE;
    if (!make && access(path, R_OK) != 0)
        return tally_command_fail(TALLY_E_NOT_FOUND, "database", path);
    return tally_command_fail(
        tally_db_open(&(struct tally_db_options){.location = path, .schemas = keycentre_schemas()}, db),
        "database", path);
}

static enum tally_error read_passphrase(const struct tally_config *config,
                                        struct keycentre_passphrase *passphrase)
{
    return keycentre_passphrase_read(tally_config_string(config, "kek-file"),
                                     tally_config_int(config, "kek-fd"), passphrase);
}

/* A record by whoever has the database in hands. */
enum tally_error keycentre_log_here(struct tally_tx *tx, const char *event, const char *subject)
{
    struct keycentre_record record = {
        .time = tally_clock_wall_s(&tally_system_clock), .party = "-", .request = "-"};
    snprintf(record.event, sizeof record.event, "%s", event);
    snprintf(record.subject, sizeof record.subject, "%s", subject);
    return keycentre_audit_append(tx, &record);
}

void keycentre_print_hex(const char *name, const uint8_t *bytes, size_t n)
{
    printf("%s ", name);
    for (size_t i = 0; i < n; i++)
        printf("%02x", bytes[i]);
    putchar('\n');
}

/* --- init --- */

static const struct tally_option init_options[] = {
    DATABASE_OPTION,
    KEYCENTRE_KEK_OPTIONS,
    {"threshold", TALLY_OPTION_BOOL, "false", 0, 0, "a member of a group instead of a single centre"},
    {"epoch-start", TALLY_OPTION_INT, "-1", -1, UINT32_MAX,
     "of epoch 0, seconds since 1970; -1: last midnight"},
    {"epoch-length", TALLY_OPTION_INT, "2592000", KEYCENTRE_EPOCH_LENGTH_MIN, KEYCENTRE_EPOCH_LENGTH_MAX,
     "seconds, for servers and gates"},
    {"card-epoch-length", TALLY_OPTION_INT, "31536000", KEYCENTRE_EPOCH_LENGTH_MIN,
     KEYCENTRE_EPOCH_LENGTH_MAX, "seconds, for cards"},
    {"epoch-lead", TALLY_OPTION_INT, "604800", 0, KEYCENTRE_EPOCH_LENGTH_MAX,
     "seconds before an epoch in which its keys are given already"},
    END_OPTION};

struct init {
    struct keycentre_settings settings;
    struct keycentre_secret secrets[2];
    size_t count;
};

static int fill_random(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    return tally_random(out, n) == TALLY_OK ? 0 : -1;
}

static enum tally_error make_masters(const struct keycentre_wrap *wrap, struct init *init)
{
    const struct sm9_random random = {fill_random, NULL};
    struct keycentre_masters *masters = &init->settings.keys.masters;
    uint8_t sign[SM9_KEY_BYTES], encrypt[SM9_KEY_BYTES];
    enum tally_error e = TALLY_E_IO;
    if (sm9_master_generate(sign, &random) == SM9_OK && sm9_master_generate(encrypt, &random) == SM9_OK &&
        sm9_sign_master_public(masters->sign, sign) == SM9_OK &&
        sm9_encrypt_master_public(masters->encrypt, encrypt) == SM9_OK)
        e = keycentre_secret_make(wrap, "sign", sign, sizeof sign, &init->secrets[0]);
    if (e == TALLY_OK)
        e = keycentre_secret_make(wrap, "encrypt", encrypt, sizeof encrypt, &init->secrets[1]);
    init->count = 2;
    init->settings.set_up = true;
    tally_wipe(sign, sizeof sign);
    tally_wipe(encrypt, sizeof encrypt);
    return e;
}

static enum tally_error make_signing_key(const struct keycentre_wrap *wrap, struct init *init,
                                         struct tally_key **key)
{
    uint8_t raw[P256_PRIVATE_SIZE];
    enum tally_error e = tally_key_generate(SUITE_P256, key);
    if (e == TALLY_OK)
        e = tally_key_p256_private(*key, raw);
    if (e == TALLY_OK)
        e = keycentre_secret_make(wrap, "signing-key", raw, sizeof raw, &init->secrets[0]);
    init->count = 1;
    tally_wipe(raw, sizeof raw);
    return e;
}

static enum tally_error store_init(struct tally_tx *tx, void *arg)
{
    const struct init *init = arg;
    enum tally_error e = keycentre_settings_insert(tx, &init->settings);
    for (size_t i = 0; e == TALLY_OK && i < init->count; i++)
        e = keycentre_secret_put(tx, &init->secrets[i]);
    return e == TALLY_OK ? keycentre_log_here(tx, "init", init->settings.threshold ? "threshold" : "single")
                         : e;
}

static enum tally_error set_epochs(const struct tally_config *config, struct keycentre_epochs *epochs)
{
    int64_t now = tally_clock_wall_s(&tally_system_clock), start = tally_config_int(config, "epoch-start");
    *epochs = (struct keycentre_epochs){.start = start >= 0 ? start : now - now % DAY_S,
                                        .length = tally_config_int(config, "epoch-length"),
                                        .card_length = tally_config_int(config, "card-epoch-length"),
                                        .lead = tally_config_int(config, "epoch-lead")};
    if (keycentre_epochs_valid(epochs))
        return TALLY_OK;
    fprintf(stderr, "--epoch-lead must not be longer than an epoch\n");
    return TALLY_E_USAGE;
}

/* What a new centre consists of; *key is the signing key of a threshold centre. */
static enum tally_error make_centre(const struct tally_config *config, struct init *init,
                                    struct tally_key **key)
{
    struct keycentre_passphrase passphrase;
    struct keycentre_wrap wrap = {{0}, {0}};
    struct keycentre_settings *settings = &init->settings;
    settings->threshold = tally_config_bool(config, "threshold");
    enum tally_error e = set_epochs(config, &settings->group.epochs);
    if (e == TALLY_OK)
        e = read_passphrase(config, &passphrase);
    if (e != TALLY_OK)
        return e;
    e = tally_random(settings->centre, KEYCENTRE_ID);
    if (e == TALLY_OK)
        e = tally_random(settings->salt, KEYCENTRE_SALT);
    if (e == TALLY_OK)
        e = keycentre_wrap_open(&passphrase, settings->salt, settings->centre, &wrap);
    if (e == TALLY_OK)
        e = settings->threshold ? make_signing_key(&wrap, init, key) : make_masters(&wrap, init);
    tally_wipe(&passphrase, sizeof passphrase);
    tally_wipe(&wrap, sizeof wrap);
    return tally_command_fail(e, "init", "keys");
}

static enum tally_error run_init(const struct tally_config *config)
{
    struct init init = {.count = 0};
    struct tally_key *key = NULL;
    struct tally_db *db = NULL;
    uint8_t master[KEYCENTRE_DIGEST];
    size_t n;
    enum tally_error e = tally_command_needs(config, "database") != NULL ? TALLY_OK : TALLY_E_USAGE;
    if (e == TALLY_OK)
        e = make_centre(config, &init, &key);
    if (e == TALLY_OK)
        e = keycentre_open_db(config, true, &db);
    if (e == TALLY_OK)
        e = tally_command_fail(tally_db_write(db, store_init, &init), "init",
                               tally_config_string(config, "database"));
    if (e == TALLY_OK && key != NULL)
        keycentre_print_hex("signing_key", tally_key_public(key, &n), P256_PUBLIC_SIZE);
    else if (e == TALLY_OK && keycentre_masters_digest(&init.settings.keys.masters, master) == TALLY_OK)
        keycentre_print_hex("master", master, sizeof master);
    tally_db_close(db);
    tally_key_free(key);
    tally_wipe(&init, sizeof init);
    return e;
}

/* --- join --- */

static const struct tally_option join_options[] = {DATABASE_OPTION,
                                                   {"group", TALLY_OPTION_PATH, NULL, 0, 0, "the group file"},
                                                   KEYCENTRE_KEK_OPTIONS,
                                                   END_OPTION};

struct join {
    struct keycentre_group group;
    const struct keycentre *centre;
};

static enum tally_error store_join(struct tally_tx *tx, void *arg)
{
    const struct join *join = arg;
    struct keycentre_settings settings;
    size_t n;
    enum tally_error e = keycentre_settings_get(tx, &settings);
    if (e == TALLY_OK && (!settings.threshold || settings.set_up))
        e = TALLY_E_STATE;
    if (e == TALLY_OK &&
        keycentre_group_index(&join->group, tally_key_public(join->centre->signing_key, &n)) == 0)
        e = TALLY_E_NOT_FOUND;
    if (e != TALLY_OK)
        return e;
    settings.group = join->group;
    settings.joined = true;
    e = keycentre_settings_update(tx, &settings);
    return e == TALLY_OK ? keycentre_log_here(tx, "join", "-") : e;
}

enum tally_error keycentre_group_load(const struct tally_config *config, struct keycentre_group *group)
{
    const char *path = tally_command_needs(config, "group"), *reason = NULL;
    json_t *json = path != NULL ? json_load_file(path, JSON_REJECT_DUPLICATES, NULL) : NULL;
    memset(group, 0, sizeof *group);
    if (path == NULL)
        return TALLY_E_USAGE;
    enum tally_error e = json != NULL ? keycentre_group_read(json, group, &reason) : TALLY_E_FORMAT;
    if (e != TALLY_OK)
        fprintf(stderr, "group %s: %s\n", path, reason != NULL ? reason : "is not a file of JSON");
    json_decref(json);
    return e;
}

/* Opens a centre for a command. The caller clears and closes when it is TALLY_OK. */
static enum tally_error open_centre(const struct tally_config *config, struct tally_db **db,
                                    struct keycentre *centre)
{
    struct keycentre_passphrase passphrase;
    *db = NULL;
    memset(centre, 0, sizeof *centre);
    enum tally_error e = read_passphrase(config, &passphrase);
    if (e == TALLY_OK)
        e = keycentre_open_db(config, false, db);
    if (e == TALLY_OK)
        e = tally_command_fail(keycentre_open(centre, *db, &passphrase, &tally_system_clock), "centre",
                               tally_config_string(config, "database"));
    if (e != TALLY_OK) {
        tally_db_close(*db);
        *db = NULL;
    }
    tally_wipe(&passphrase, sizeof passphrase);
    return e;
}

static enum tally_error run_join(const struct tally_config *config)
{
    struct keycentre centre;
    struct join join = {.centre = &centre};
    struct tally_db *db;
    enum tally_error e = keycentre_group_load(config, &join.group);
    if (e == TALLY_OK)
        e = open_centre(config, &db, &centre);
    if (e != TALLY_OK)
        return e;
    e = centre.signing_key != NULL ? tally_db_write(db, store_join, &join) : TALLY_E_STATE;
    keycentre_clear(&centre);
    tally_db_close(db);
    return tally_command_fail(e, "join", tally_config_string(config, "group"));
}

/* --- rewrap --- */

static const struct tally_option rewrap_options[] = {
    DATABASE_OPTION,
    KEYCENTRE_KEK_OPTIONS,
    {"new-kek-file", TALLY_OPTION_PATH, NULL, 0, 0, "file with the new passphrase, mode 0600"},
    END_OPTION};

struct rewrap {
    const struct keycentre_wrap *old;
    struct keycentre_wrap fresh;
    uint8_t salt[KEYCENTRE_SALT];
};

static enum tally_error rewrap_one(struct tally_tx *tx, const struct rewrap *r, const char *name)
{
    struct keycentre_secret secret;
    uint8_t bytes[KEYCENTRE_SHARE_BYTES_MAX];
    enum tally_error e = keycentre_secret_get(tx, name, &secret);
    if (e == TALLY_OK && secret.n < KEYCENTRE_WRAP_OVERHEAD)
        e = TALLY_E_CRYPTO;
    size_t n = e == TALLY_OK ? secret.n - KEYCENTRE_WRAP_OVERHEAD : 0;
    if (e == TALLY_OK)
        e = keycentre_secret_open(r->old, &secret, bytes, n);
    if (e == TALLY_OK)
        e = keycentre_secret_make(&r->fresh, name, bytes, n, &secret);
    tally_wipe(bytes, sizeof bytes);
    return e == TALLY_OK ? keycentre_secret_put(tx, &secret) : e;
}

static enum tally_error store_rewrap(struct tally_tx *tx, void *arg)
{
    const struct rewrap *r = arg;
    char names[KEYCENTRE_SECRETS_MAX][KEYCENTRE_SECRET_NAME_MAX + 1];
    struct keycentre_settings settings;
    size_t count;
    enum tally_error e = keycentre_settings_get(tx, &settings);
    if (e == TALLY_OK)
        e = keycentre_secret_names(tx, names, &count);
    for (size_t i = 0; e == TALLY_OK && i < count; i++)
        e = rewrap_one(tx, r, names[i]);
    if (e != TALLY_OK)
        return e;
    memcpy(settings.salt, r->salt, sizeof settings.salt);
    e = keycentre_settings_update(tx, &settings);
    return e == TALLY_OK ? keycentre_log_here(tx, "rewrap", "-") : e;
}

static enum tally_error run_rewrap(const struct tally_config *config)
{
    struct keycentre_passphrase fresh;
    struct keycentre centre;
    struct tally_db *db;
    struct rewrap r = {.old = &centre.wrap};
    if (tally_command_needs(config, "new-kek-file") == NULL)
        return TALLY_E_USAGE;
    enum tally_error e = keycentre_passphrase_read(tally_config_string(config, "new-kek-file"), -1, &fresh);
    if (e == TALLY_OK)
        e = open_centre(config, &db, &centre);
    if (e != TALLY_OK) {
        tally_wipe(&fresh, sizeof fresh);
        return e;
    }
    e = tally_random(r.salt, sizeof r.salt);
    if (e == TALLY_OK)
        e = keycentre_wrap_open(&fresh, r.salt, centre.wrap.centre, &r.fresh);
    if (e == TALLY_OK)
        e = tally_db_write(db, store_rewrap, &r);
    tally_wipe(&fresh, sizeof fresh);
    tally_wipe(&r, sizeof r);
    keycentre_clear(&centre);
    tally_db_close(db);
    return tally_command_fail(e, "rewrap", tally_config_string(config, "database"));
}

static enum tally_error run_backup(const struct tally_config *config)
{
    return tally_backup(config, keycentre_schemas());
}

const struct tally_command keycentre_commands[] = {
    {"init", "make a centre: its database and its keys", init_options, run_init},
    {"join", "take over the group file of a threshold centre", join_options, run_join},
    {"ceremony", "make a group's master keys", keycentre_ceremony_options, keycentre_run_ceremony},
    {"add-party", "register who may call", tally_add_party_options, tally_add_party},
    {"allow", "let a party ask for identities", keycentre_grant_options, keycentre_run_allow},
    {"disallow", "take that back", keycentre_grant_options, keycentre_run_disallow},
    {"grants", "print who may ask for what", keycentre_grants_options, keycentre_run_grants},
    {"rewrap", "wrap the secrets under another passphrase", rewrap_options, run_rewrap},
    {"audit", "check the audit log and print it", keycentre_audit_options, keycentre_run_audit},
    {"parameters", "fetch the public parameters", keycentre_parameters_options, keycentre_run_parameters},
    {"fetch", "obtain the key file of an identity", keycentre_fetch_options, keycentre_run_fetch},
    {"backup", "copy the database while the service runs", tally_backup_options, run_backup},
    {NULL, NULL, NULL, NULL}};
