/* The sub-commands of those who use a key centre, or carry a ceremony's messages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/bytes.h"
#include "host/crypto/sm9_file.h"
#include "host/service/keyfile.h"
#include "host/ticketing/json_values.h"
#include "host/ticketing/keycentre/client.h"
#include "host/ticketing/keycentre/commands.h"
#include "host/ticketing/private_file.h"

#define CALLER_OPTIONS                                                                                       \
    {"party", TALLY_OPTION_STRING, NULL, 0, 64, "who calls: the key id at the centres"},                     \
        {"party-key", TALLY_OPTION_PATH, NULL, 0, 0, "PEM file with the caller's key"},                      \
    {                                                                                                        \
        "ca-file", TALLY_OPTION_PATH, NULL, 0, 0, "PEM file of the only certificate authorities trusted"     \
    }

/* The caller frees caller->key. */
static enum tally_error open_caller(const struct tally_config *config, struct keycentre_caller *caller)
{
    const char *key = tally_command_needs(config, "party-key");
    *caller = (struct keycentre_caller){.party = tally_command_needs(config, "party"),
                                        .ca_file = tally_config_string(config, "ca-file")};
    if (key == NULL || caller->party == NULL)
        return TALLY_E_USAGE;
    return tally_key_file_load(key, false, &caller->key);
}

/* --- ceremony --- */

const struct tally_option keycentre_ceremony_options[] = {
    {"group", TALLY_OPTION_PATH, NULL, 0, 0, "the group file"},
    {"id", TALLY_OPTION_STRING, NULL, 0, 32, "32 hex digits: go on with a ceremony that was interrupted"},
    CALLER_OPTIONS,
    END_OPTION};

static enum tally_error choose_id(const struct tally_config *config, uint8_t id[KEYCENTRE_CEREMONY_ID])
{
    const char *given = tally_config_string(config, "id");
    if (given == NULL)
        return tally_random(id, KEYCENTRE_CEREMONY_ID);
    return tally_hex_parse(given, id, KEYCENTRE_CEREMONY_ID) ? TALLY_OK
                                                             : tally_command_fail(TALLY_E_USAGE, "id", given);
}

enum tally_error keycentre_run_ceremony(const struct tally_config *config)
{
    struct keycentre_group group;
    struct keycentre_caller caller = {.key = NULL};
    uint8_t id[KEYCENTRE_CEREMONY_ID], master[KEYCENTRE_DIGEST];
    char text[2 * KEYCENTRE_DIGEST + 1];
    enum tally_error e = keycentre_group_load(config, &group);
    if (e == TALLY_OK)
        e = choose_id(config, id);
    if (e == TALLY_OK)
        e = open_caller(config, &caller);
    if (e == TALLY_OK && tally_hex_encode(id, sizeof id, text, sizeof text) == TALLY_OK) {
        printf("ceremony %s\n", text);
        fflush(stdout);
        e = keycentre_ceremony_run(&group, &caller, id, master);
    }
    if (e == TALLY_OK && tally_hex_encode(master, sizeof master, text, sizeof text) == TALLY_OK)
        printf("master %s\n", text);
    EVP_PKEY_free(caller.key);
    return e;
}

/* --- parameters --- */

const struct tally_option keycentre_parameters_options[] = {
    {"url", TALLY_OPTION_STRING, NULL, 0, 1000, "of the centre, or of all centres of the group with commas"},
    {"out", TALLY_OPTION_PATH, NULL, 0, 0, "file to make"},
    {"ca-file", TALLY_OPTION_PATH, NULL, 0, 0, "PEM file of the only certificate authorities trusted"},
    END_OPTION};

/* Splits at commas in place. */
static unsigned split(char *list, const char *urls[KEYCENTRE_CENTRES_MAX])
{
    unsigned count = 0;
    char *rest = list;
    while (rest != NULL && count < KEYCENTRE_CENTRES_MAX)
        urls[count++] = strsep(&rest, ",");
    return rest == NULL ? count : 0;
}

static enum tally_error write_parameters(const struct keycentre_parameters *parameters, const char *path)
{
    json_t *json = keycentre_parameters_json(parameters);
    char *text = json != NULL ? json_dumps(json, JSON_INDENT(1)) : NULL;
    enum tally_error e = TALLY_E_MEMORY;
    if (text != NULL)
        e = tally_private_file_create(path, text, strlen(text));
    free(text);
    json_decref(json);
    return tally_command_fail(e, "parameters", path);
}

enum tally_error keycentre_run_parameters(const struct tally_config *config)
{
    const char *list = tally_command_needs(config, "url"), *out = tally_command_needs(config, "out");
    const char *urls[KEYCENTRE_CENTRES_MAX];
    struct keycentre_parameters parameters;
    char text[2 * KEYCENTRE_DIGEST + 1];
    if (list == NULL || out == NULL)
        return TALLY_E_USAGE;
    char *copy = strdup(list);
    unsigned count = copy != NULL ? split(copy, urls) : 0;
    enum tally_error e = count > 0 ? TALLY_OK : tally_command_fail(TALLY_E_USAGE, "url", list);
    if (e == TALLY_OK)
        e = keycentre_parameters_fetch(urls, count, tally_config_string(config, "ca-file"), &parameters);
    if (e == TALLY_OK)
        e = write_parameters(&parameters, out);
    if (e == TALLY_OK &&
        tally_hex_encode(parameters.master, sizeof parameters.master, text, sizeof text) == TALLY_OK)
        printf("master %s\n", text);
    free(copy);
    return e;
}

/* --- fetch --- */

const struct tally_option keycentre_fetch_options[] = {
    {"identity", TALLY_OPTION_STRING, NULL, 0, IDENTITY_MAX, "whose keys"},
    {"parameters", TALLY_OPTION_PATH, NULL, 0, 0, "file made by tally-keycentre parameters"},
    {"out", TALLY_OPTION_PATH, NULL, 0, 0, "key file to make, mode 0600"},
    CALLER_OPTIONS,
    END_OPTION};

static enum tally_error write_key_file(const struct keycentre_parameters *parameters, const char *identity,
                                       const struct keycentre_keys *keys, const char *path)
{
    struct tally_sm9_holder holder = {.signs = keys->signs, .decrypts = keys->decrypts};
    enum tally_error e =
        identity_parse(identity, strlen(identity), &holder.identity) ? TALLY_OK : TALLY_E_USAGE;
    memcpy(holder.masters.sign, parameters->keys.masters.sign, G2_BYTES);
    memcpy(holder.masters.encrypt, parameters->keys.masters.encrypt, G1_BYTES);
    memcpy(holder.sign_key, keys->sign, G1_BYTES);
    memcpy(holder.decrypt_key, keys->decrypt, G2_BYTES);
    if (e == TALLY_OK)
        e = tally_sm9_holder_save(path, &holder);
    tally_wipe(&holder, sizeof holder);
    return tally_command_fail(e, "key file", path);
}

static enum tally_error load_parameters(const char *path, struct keycentre_parameters *parameters)
{
    json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    enum tally_error e = json != NULL ? keycentre_parameters_read_json(json, parameters) : TALLY_E_FORMAT;
    json_decref(json);
    return tally_command_fail(e, "parameters", path);
}

enum tally_error keycentre_run_fetch(const struct tally_config *config)
{
    const char *identity = tally_command_needs(config, "identity"), *out = tally_command_needs(config, "out");
    const char *path = tally_command_needs(config, "parameters");
    struct keycentre_caller caller = {.key = NULL};
    struct keycentre_parameters parameters;
    struct keycentre_keys keys;
    if (identity == NULL || path == NULL || out == NULL)
        return TALLY_E_USAGE;
    enum tally_error e = load_parameters(path, &parameters);
    if (e == TALLY_OK)
        e = open_caller(config, &caller);
    if (e == TALLY_OK)
        e = tally_command_fail(keycentre_fetch(&parameters, &caller, identity, &keys), "keys of", identity);
    for (unsigned i = 0; e == TALLY_OK && i < parameters.count; i++)
        if (keys.records[i][0] != '\0')
            printf("record %s %s\n", parameters.urls[i], keys.records[i]);
    if (e == TALLY_OK) {
        e = write_key_file(&parameters, identity, &keys, out);
        tally_wipe(&keys, sizeof keys);
    }
    EVP_PKEY_free(caller.key);
    return e;
}
