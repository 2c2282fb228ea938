/* tally-pledge: keys and messages of persons and enterprises, for scripts. tally-call carries the messages.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/bytes.h"
#include "host/base/config.h"
#include "host/crypto/private_file.h"
#include "host/pledge/openapi.h"
#include "host/pledge/umbral_crypto.h"
#include "host/pledge/wire.h"
#include "host/service/json.h"
#include "host/service/keydir.h"
#include "host/service/keyfile.h"

enum { BODY_MAX = 65536, SECRET = 32 };

static const struct tally_option keygen_options[] = {
    {"out", TALLY_OPTION_PATH, NULL, 0, 0, "file to make, mode 0600: 64 hex digits"}, {.name = NULL}};
static const struct tally_option message_options[] = {
    {"key", TALLY_OPTION_PATH, NULL, 0, 0, "the sender's message key"},
    {"from", TALLY_OPTION_STRING, NULL, 1, 31, "the sender"},
    {"to", TALLY_OPTION_STRING, NULL, 1, 31, "the recipient"},
    {"kind", TALLY_OPTION_STRING, NULL, 1, 31, "what message (specs/pledge.md)"},
    {"id", TALLY_OPTION_STRING, NULL, 1, 63, "its id; else a random one"},
    {.name = NULL}};

static const struct tally_option no_options[] = {{.name = NULL}};
static const struct tally_option party_options[] = {
    {"name", TALLY_OPTION_STRING, NULL, 1, 64, "the party, and its key id"},
    {"role", TALLY_OPTION_STRING, "party", 1, 64,
     "party, shop (sells at a seller) or admin (looks at records)"},
    {"key", TALLY_OPTION_PATH, NULL, 0, 0, "its key for requests (PEM); made when it is not there"},
    {"trusted-keys", TALLY_OPTION_PATH, NULL, 0, 0, "file to add its public half to"},
    {.name = NULL}};

static enum tally_error fail(enum tally_error e, const char *what)
{
    fprintf(stderr, "tally-pledge: %s: %s\n", what, tally_error_text(e));
    return e;
}

static enum tally_error load(const char *tool, const char *summary, const struct tally_option *table,
                             int argc, char *const *argv, struct tally_config **config, bool *help)
{
    const struct tally_option *const tables[] = {table, NULL};
    struct tally_config_input input = {
        .tool = tool, .summary = summary, .argc = argc, .argv = argv, .environment = environ};
    return tally_config_load(&input, tables, stderr, config, help);
}

static enum tally_error keygen(const struct tally_config *config)
{
    const char *path = tally_config_string(config, "out");
    struct tally_umbral_secret secret;
    char hex[2 * SECRET + 2], public_hex[2 * PLEDGE_KEY + 1];
    if (path == NULL)
        return fail(TALLY_E_USAGE, "--out is needed");
    enum tally_error e = tally_umbral_secret_generate(&tally_system_random, &secret);
    if (e == TALLY_OK)
        e = tally_hex_encode(secret.scalar, SECRET, hex, sizeof hex);
    if (e == TALLY_OK) {
        strcat(hex, "\n");
        e = tally_key_bytes_write(path, hex, strlen(hex));
    }
    if (e == TALLY_OK)
        e = tally_hex_encode(secret.public_key.at.bytes, PLEDGE_KEY, public_hex, sizeof public_hex);
    if (e == TALLY_OK)
        puts(public_hex);
    tally_umbral_secret_wipe(&secret);
    tally_wipe(hex, sizeof hex);
    return e == TALLY_OK ? e : fail(e, path);
}

/* A party's key for HTTP requests, and its entry among the trusted ones. */
static enum tally_error party(const struct tally_config *config)
{
    const char *name = tally_config_string(config, "name"), *path = tally_config_string(config, "key"),
               *trusted = tally_config_string(config, "trusted-keys");
    char pem[TALLY_PUBLIC_PEM_MAX];
    EVP_PKEY *key = NULL;
    if (name == NULL || path == NULL || trusted == NULL)
        return fail(TALLY_E_USAGE, "--name, --key and --trusted-keys are needed");
    enum tally_error e = tally_key_file_load(path, true, &key);
    if (e == TALLY_OK)
        e = tally_public_key_write(key, pem);
    if (e == TALLY_OK)
        e = tally_keydir_file_add(trusted, name, name, tally_config_string(config, "role"), pem);
    EVP_PKEY_free(key);
    return e == TALLY_OK ? e : fail(e, name);
}

static enum tally_error secret_read(const char *path, uint8_t out[SECRET])
{
    char text[2 * SECRET + 2];
    size_t n, size;
    enum tally_error e = tally_private_file_read(path, text, sizeof text, &n);
    if (e == TALLY_OK && n > 0 && text[n - 1] == '\n')
        text[n - 1] = 0;
    if (e == TALLY_OK)
        e = tally_hex_decode(text, out, SECRET, &size);
    tally_wipe(text, sizeof text);
    return e == TALLY_OK && size != SECRET ? TALLY_E_FORMAT : e;
}

static enum tally_error body_read(struct pledge_message *m)
{
    char *text = calloc(1, BODY_MAX + 1), field[PLEDGE_FIELD_NAME_MAX] = "";
    size_t n = text == NULL ? 0 : fread(text, 1, BODY_MAX, stdin);
    json_t *json = tally_json_parse(text == NULL ? "" : text, n);
    enum tally_error e =
        json == NULL ? TALLY_E_FORMAT : pledge_body_read(json, (enum pledge_kind)m->kind, &m->body, field);
    json_decref(json);
    free(text);
    return e == TALLY_OK ? e : fail(e, json == NULL ? "the body on standard input" : field);
}

static enum tally_error id_make(const struct tally_config *config, struct pledge_message *m)
{
    const char *id = tally_config_string(config, "id");
    uint8_t random[16];
    char hex[2 * sizeof random + 1];
    enum tally_error e = tally_random_fill(&tally_system_random, random, sizeof random);
    if (e == TALLY_OK)
        e = tally_hex_encode(random, sizeof random, hex, sizeof hex);
    PLEDGE_SET(m->id, id != NULL ? id : hex);
    return e;
}

static enum tally_error sign_and_print(struct pledge_message *m, const uint8_t secret[SECRET])
{
    struct pledge_umbral umbral;
    struct pledge_party self = {.crypto = &umbral.crypto};
    enum tally_error e =
        pledge_umbral_init(&umbral, PLEDGE_OPERATOR, secret, NULL, NULL, &tally_system_random);
    if (e == TALLY_OK) {
        memcpy(self.key, umbral.secret.public_key.at.bytes, PLEDGE_KEY);
        e = pledge_message_sign(&self, m);
    }
    pledge_umbral_wipe(&umbral);
    json_t *json = e == TALLY_OK ? pledge_message_write(m) : NULL;
    if (json != NULL) {
        json_dumpf(json, stdout, JSON_COMPACT);
        putchar('\n');
    }
    json_decref(json);
    return e;
}

static enum tally_error message(const struct tally_config *config)
{
    const char *key = tally_config_string(config, "key"), *from = tally_config_string(config, "from"),
               *to = tally_config_string(config, "to"), *kind = tally_config_string(config, "kind");
    struct pledge_message m;
    uint8_t secret[SECRET];
    memset(&m, 0, sizeof m);
    if (key == NULL || from == NULL || to == NULL || kind == NULL)
        return fail(TALLY_E_USAGE, "--key, --from, --to and --kind are needed");
    m.kind = pledge_kind_find(kind);
    if (m.kind == PLEDGE_K_NO_KIND)
        return fail(TALLY_E_USAGE, "there is no such kind");
    PLEDGE_SET(m.from, from);
    PLEDGE_SET(m.to, to);
    enum tally_error e = id_make(config, &m);
    if (e == TALLY_OK)
        e = body_read(&m);
    if (e != TALLY_OK)
        return e;
    e = secret_read(key, secret);
    if (e == TALLY_OK)
        e = sign_and_print(&m, secret);
    tally_wipe(secret, sizeof secret);
    return e == TALLY_OK ? e : fail(e, key);
}

static enum tally_error openapi(const struct tally_config *config)
{
    json_t *json = pledge_openapi();
    (void)config;
    if (json == NULL)
        return fail(TALLY_E_MEMORY, "openapi");
    json_dumpf(json, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(json);
    return TALLY_OK;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name, *tool, *summary;
        const struct tally_option *options;
        enum tally_error (*run)(const struct tally_config *config);
    } commands[] = {
        {"keygen", "pledge keygen", "makes a message key and prints its public half", keygen_options, keygen},
        {"party", "pledge party", "makes a key for requests and adds it to the trusted ones", party_options,
         party},
        {"openapi", "pledge openapi", "prints the OpenAPI 3.1 document of the daemons", no_options, openapi},
        {"message", "pledge message",
         "signs a message whose body is on standard input, and prints it for tally-call", message_options,
         message}};
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++) {
        struct tally_config *config;
        bool help;
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        enum tally_error e = load(commands[i].tool, commands[i].summary, commands[i].options, argc - 1,
                                  argv + 1, &config, &help);
        if (e == TALLY_OK && !help)
            e = commands[i].run(config);
        tally_config_free(config);
        return tally_error_exit_code(e);
    }
    fprintf(stderr, "usage: tally-pledge keygen --out FILE\n"
                    "       tally-pledge openapi\n"
                    "       tally-pledge party --name NAME [--role ROLE] --key FILE --trusted-keys FILE\n"
                    "       tally-pledge message --key FILE --from NAME --to NAME --kind KIND < BODY\n");
    return tally_error_exit_code(TALLY_E_USAGE);
}
