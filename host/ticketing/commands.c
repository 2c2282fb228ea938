#include "host/ticketing/commands.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/service/keyfile.h"
#include "host/ticketing/party_file.h"
#include "host/ticketing/private_file.h"

static const char *const roles[] = {"personaliser", "ticketing", "kiosk", "gate", "authd", "admin"};

enum tally_error tally_command_fail(enum tally_error e, const char *what, const char *where)
{
    if (e != TALLY_OK)
        fprintf(stderr, "%s %s: %s\n", what, where, tally_error_text(e));
    return e;
}

const char *tally_command_needs(const struct tally_config *config, const char *name)
{
    const char *value = tally_config_string(config, name);
    if (value == NULL)
        fprintf(stderr, "--%s is needed\n", name);
    return value;
}

static void usage(const char *tool, const struct tally_command *commands, FILE *out)
{
    fprintf(out, "usage: tally-%s COMMAND [OPTIONS]\n\n  %-18s %s\n", tool, "serve", "run the service");
    for (; commands->name != NULL; commands++)
        fprintf(out, "  %-18s %s\n", commands->name, commands->summary);
    fprintf(out, "\ntally-%s COMMAND --help tells a command's options.\n", tool);
}

static int run(const char *tool, const struct tally_command *command, int argc, char *const *argv)
{
    const struct tally_option *const tables[] = {command->options, NULL};
    char name[64];
    snprintf(name, sizeof name, "%s %s", tool, command->name);
    struct tally_config_input input = {name, command->summary, NULL, argc, argv, environ};
    struct tally_config *config;
    bool help;
    enum tally_error e = tally_config_load(&input, tables, stderr, &config, &help);
    if (e == TALLY_OK && !help)
        e = command->run(config);
    tally_config_free(config);
    return tally_error_exit_code(e);
}

int tally_command_main(const char *tool, const struct tally_command *commands,
                       int (*serve)(int, char *const *), int argc, char *const *argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "serve") == 0)
        return serve(argc - 1, argv + 1);
    for (const struct tally_command *c = commands; c->name != NULL; c++)
        if (strcmp(name, c->name) == 0)
            return run(tool, c, argc - 1, argv + 1);
    bool asked = strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0;
    usage(tool, commands, asked ? stdout : stderr);
    return tally_error_exit_code(asked ? TALLY_OK : TALLY_E_USAGE);
}

const struct tally_option tally_add_party_options[] = {
    {"trusted-keys", TALLY_OPTION_PATH, NULL, 0, 0, "the register of callers; made when it is not there"},
    {"id", TALLY_OPTION_STRING, NULL, 0, 64, "key id of the party"},
    {"role", TALLY_OPTION_STRING, NULL, 0, 64, "personaliser, ticketing, kiosk, gate, authd or admin"},
    {"out", TALLY_OPTION_PATH, NULL, 0, 0, "make a key and write it here (PEM, mode 0600)"},
    {"key", TALLY_OPTION_PATH, NULL, 0, 0, "or register this key, private or public (PEM)"},
    {NULL, TALLY_OPTION_STRING, NULL, 0, 0, NULL}};

static bool role_known(const char *role)
{
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (strcmp(role, roles[i]) == 0)
            return true;
    return false;
}

static enum tally_error register_private(const char *trusted_keys, const char *keyid, const char *role,
                                         const char *key_file, bool make)
{
    char pem[TALLY_PUBLIC_PEM_MAX];
    EVP_PKEY *key = NULL;
    enum tally_error e = tally_key_file_load(key_file, make, &key);
    if (e == TALLY_OK)
        e = tally_public_key_write(key, pem);
    if (e == TALLY_OK)
        e = tally_party_add(trusted_keys, keyid, role, pem);
    EVP_PKEY_free(key);
    return e;
}

enum tally_error tally_party_make(const char *trusted_keys, const char *keyid, const char *role,
                                  const char *key_file)
{
    if (access(key_file, F_OK) == 0)
        return TALLY_E_EXISTS;
    return register_private(trusted_keys, keyid, role, key_file, true);
}

/* A public key may lie in a file that everybody reads. TALLY_E_NOT_FOUND when it is no public key. */
static enum tally_error register_public(const char *trusted_keys, const char *keyid, const char *role,
                                        const char *key_file)
{
    char text[TALLY_PUBLIC_PEM_MAX], pem[TALLY_PUBLIC_PEM_MAX];
    EVP_PKEY *key = NULL;
    FILE *file = fopen(key_file, "re");
    if (file == NULL)
        return TALLY_E_IO;
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    if (strncmp(text, "-----BEGIN PUBLIC KEY-----", 26) != 0)
        return TALLY_E_NOT_FOUND;
    enum tally_error e = tally_public_key_parse(text, &key);
    if (e == TALLY_OK)
        e = tally_public_key_write(key, pem);
    EVP_PKEY_free(key);
    return e == TALLY_OK ? tally_party_add(trusted_keys, keyid, role, pem) : e;
}

enum tally_error tally_add_party(const struct tally_config *config)
{
    const char *trusted_keys = tally_command_needs(config, "trusted-keys");
    const char *id = tally_command_needs(config, "id"), *role = tally_command_needs(config, "role");
    const char *out = tally_config_string(config, "out"), *key = tally_config_string(config, "key");
    if (trusted_keys == NULL || id == NULL || role == NULL)
        return TALLY_E_USAGE;
    if (!role_known(role))
        return tally_command_fail(TALLY_E_USAGE, "role", role);
    if ((out == NULL) == (key == NULL)) {
        fprintf(stderr, "either --out or --key is needed\n");
        return TALLY_E_USAGE;
    }
    if (out != NULL)
        return tally_command_fail(tally_party_make(trusted_keys, id, role, out), "party", id);
    enum tally_error e = register_public(trusted_keys, id, role, key);
    if (e == TALLY_E_NOT_FOUND)
        e = register_private(trusted_keys, id, role, key, false);
    return tally_command_fail(e, "party", id);
}

const struct tally_option tally_backup_options[] = {
    {"database", TALLY_OPTION_PATH, NULL, 0, 0, "the database of the service"},
    {"out", TALLY_OPTION_PATH, NULL, 0, 0, "the copy, a file that is not there yet"},
    {NULL, TALLY_OPTION_STRING, NULL, 0, 0, NULL}};

enum tally_error tally_backup(const struct tally_config *config, const struct tally_db_schema *schemas)
{
    struct tally_db *db = NULL;
    const char *path = tally_command_needs(config, "database"), *out = tally_command_needs(config, "out");
    if (path == NULL || out == NULL)
        return TALLY_E_USAGE;
    const char *file = tally_db_file(path);
    if (file != NULL && access(file, R_OK) != 0)
        return tally_command_fail(TALLY_E_NOT_FOUND, "database", file);
    enum tally_error e = tally_db_open(&(struct tally_db_options){.location = path, .schemas = schemas}, &db);
    if (e == TALLY_OK)
        e = tally_db_backup(db, out);
    tally_db_close(db);
    return tally_command_fail(e, "backup", out);
}
