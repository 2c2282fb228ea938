/* tally-umbral: keys, encryption, delegation, re-encryption and opening, on files. */
#include "host/crypto/umbral_tool.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Options ---- */

#define KEY                                                                                                  \
    {                                                                                                        \
        "key", TALLY_OPTION_PATH, NULL, 0, 0, "file with the secret key (64 hex digits, mode 0600)"          \
    }
#define TO                                                                                                   \
    {                                                                                                        \
        "to", TALLY_OPTION_STRING, NULL, 0, 0, "receiver's public key: 66 hex digits, or a file with them"   \
    }
#define FROM                                                                                                 \
    {                                                                                                        \
        "from", TALLY_OPTION_STRING, NULL, 0, 0, "owner's public key, likewise"                              \
    }
#define SIGNED_BY                                                                                            \
    {                                                                                                        \
        "signed-by", TALLY_OPTION_STRING, NULL, 0, 0, "public key of who signed"                             \
    }
#define CONTEXT                                                                                              \
    {                                                                                                        \
        "context", TALLY_OPTION_STRING, NULL, 0, UMBRAL_TOOL_CONTEXT_MAX,                                    \
            "text that must be the same for decryption"                                                      \
    }
#define IN                                                                                                   \
    {                                                                                                        \
        "in", TALLY_OPTION_PATH, NULL, 0, 0, "read this file, not standard input"                            \
    }
#define OUT                                                                                                  \
    {                                                                                                        \
        "out", TALLY_OPTION_PATH, NULL, 0, 0, "write a new file, not standard output"                        \
    }
#define KFRAG                                                                                                \
    {                                                                                                        \
        "kfrag", TALLY_OPTION_PATH, NULL, 0, 0, "file with a key fragment"                                   \
    }
#define END                                                                                                  \
    {                                                                                                        \
        .name = NULL                                                                                         \
    }

static const struct tally_option key_options[] = {KEY, END};
static const struct tally_option encrypt_options[] = {TO, CONTEXT, IN, OUT, END};
static const struct tally_option decrypt_options[] = {KEY, CONTEXT, IN, OUT, END};
static const struct tally_option rekey_options[] = {
    KEY,
    TO,
    {"signer", TALLY_OPTION_PATH, NULL, 0, 0, "file with the secret key that signs the fragments"},
    {"threshold", TALLY_OPTION_INT, "1", 1, TALLY_UMBRAL_SHARES_MAX, "so many fragments are enough"},
    {"shares", TALLY_OPTION_INT, "1", 1, TALLY_UMBRAL_SHARES_MAX, "so many are made"},
    {"out", TALLY_OPTION_PATH, NULL, 0, 0, "new files OUT-1.kfrag, OUT-2.kfrag and so on"},
    END};
static const struct tally_option reencrypt_options[] = {KFRAG, FROM, TO, SIGNED_BY, IN, OUT, END};
static const struct tally_option verify_options[] = {
    KFRAG,
    {"cfrag", TALLY_OPTION_PATH, NULL, 0, 0, "file with a capsule fragment of the message that --in names"},
    FROM,
    TO,
    SIGNED_BY,
    IN,
    END};
static const struct tally_option show_options[] = {IN, SIGNED_BY, END};
static const struct tally_option open_options[] = {
    KEY,
    FROM,
    SIGNED_BY,
    {"cfrags", TALLY_OPTION_STRING, NULL, 0, 0, "files with capsule fragments, separated by commas"},
    CONTEXT,
    IN,
    OUT,
    END};

/* ---- Keys ---- */

static enum tally_error print_public(const struct tally_umbral_secret *secret)
{
    char text[2 * TALLY_UMBRAL_POINT_SIZE + 1];
    enum tally_error e =
        tally_hex_encode(secret->public_key.at.bytes, TALLY_UMBRAL_POINT_SIZE, text, sizeof text);
    return e == TALLY_OK && puts(text) < 0 ? TALLY_E_IO : e;
}

static enum tally_error keygen(const struct tally_config *config)
{
    struct tally_umbral_secret secret;
    char text[2 * TALLY_UMBRAL_SCALAR_SIZE + 2];
    const char *path = umbral_tool_needs(config, "key");
    if (path == NULL)
        return TALLY_E_USAGE;
    enum tally_error e = tally_umbral_secret_generate(&tally_system_random, &secret);
    if (e == TALLY_OK)
        e = tally_hex_encode(secret.scalar, sizeof secret.scalar, text, sizeof text);
    if (e == TALLY_OK) {
        memcpy(text + sizeof text - 2, "\n", 2);
        e = umbral_tool_write(path, (const uint8_t *)text, sizeof text - 1);
    }
    if (e == TALLY_OK)
        e = print_public(&secret);
    tally_wipe(text, sizeof text);
    tally_umbral_secret_wipe(&secret);
    return e;
}

static enum tally_error show_public(const struct tally_config *config)
{
    struct tally_umbral_secret secret;
    enum tally_error e = umbral_tool_secret(config, "key", &secret);
    if (e == TALLY_OK)
        e = print_public(&secret);
    tally_umbral_secret_wipe(&secret);
    return e;
}

/* ---- Encryption ---- */

static void wipe_and_free(uint8_t *data, size_t n)
{
    if (data != NULL)
        tally_wipe(data, n);
    free(data);
}

static enum tally_error encrypt(const struct tally_config *config)
{
    struct tally_umbral_public to;
    struct tally_umbral_capsule capsule;
    struct tally_bytes context;
    uint8_t *in = NULL, *out = NULL;
    size_t n = 0, count = umbral_tool_context(config, &context);
    enum tally_error e = umbral_tool_public(config, "to", &to);
    if (e == TALLY_OK)
        e = umbral_tool_read(tally_config_string(config, "in"), TALLY_UMBRAL_PLAINTEXT_MAX, &in, &n);
    if (e != TALLY_OK)
        return e;
    size_t size = TALLY_UMBRAL_CAPSULE_SIZE + n + TALLY_UMBRAL_OVERHEAD;
    out = malloc(size);
    e = out == NULL ? TALLY_E_MEMORY
                    : tally_umbral_encrypt(&to, in, n, &context, count, &tally_system_random, &capsule,
                                           out + TALLY_UMBRAL_CAPSULE_SIZE);
    umbral_tool_fail(e, "encrypt");
    if (e == TALLY_OK) {
        tally_umbral_capsule_write(&capsule, out);
        e = umbral_tool_write(tally_config_string(config, "out"), out, size);
    }
    wipe_and_free(in, n);
    free(out);
    return e;
}

/* Both ways to decrypt: by the owner (no fragments), and by a receiver. */
struct opening {
    struct tally_umbral_secret key;
    struct tally_umbral_public from, signed_by;
    struct tally_umbral_capsule capsule;
    struct tally_umbral_verified_cfrag cfrags[TALLY_UMBRAL_SHARES_MAX];
    size_t count;
};

static enum tally_error decrypt_to(const struct tally_config *config, const struct opening *o,
                                   const uint8_t *ciphertext, size_t n)
{
    struct tally_bytes context;
    size_t count = umbral_tool_context(config, &context), size = n - TALLY_UMBRAL_OVERHEAD;
    uint8_t *out = malloc(size + 1);
    if (out == NULL)
        return umbral_tool_fail(TALLY_E_MEMORY, "decrypt");
    enum tally_error e =
        o->count == 0
            ? tally_umbral_decrypt_original(&o->key, &o->capsule, &context, count, ciphertext, n, out)
            : tally_umbral_decrypt_reencrypted(&o->key, &o->from, &o->capsule, o->cfrags, o->count, &context,
                                               count, ciphertext, n, out);
    umbral_tool_fail(e, "decrypt");
    if (e == TALLY_OK)
        e = umbral_tool_write(tally_config_string(config, "out"), out, size);
    wipe_and_free(out, size);
    return e;
}

static enum tally_error decrypt(const struct tally_config *config)
{
    struct opening o = {.count = 0};
    uint8_t *ciphertext = NULL;
    size_t n = 0;
    enum tally_error e = umbral_tool_secret(config, "key", &o.key);
    if (e == TALLY_OK)
        e = umbral_tool_message(tally_config_string(config, "in"), &o.capsule, &ciphertext, &n);
    if (e == TALLY_OK)
        e = decrypt_to(config, &o, ciphertext, n);
    free(ciphertext);
    tally_umbral_secret_wipe(&o.key);
    return e;
}

/* ---- Delegation ---- */

/* None is written when one of the names is taken. */
static enum tally_error write_kfrags(const char *prefix, const struct tally_umbral_verified_kfrag *kfrags,
                                     size_t count)
{
    char path[PATH_MAX];
    uint8_t bytes[TALLY_UMBRAL_KFRAG_SIZE];
    enum tally_error e = TALLY_OK;
    for (size_t i = 0; e == TALLY_OK && i < count; i++) {
        int n = snprintf(path, sizeof path, "%s-%zu.kfrag", prefix, i + 1);
        e = n < 0 || (size_t)n >= sizeof path ? TALLY_E_USAGE
            : access(path, F_OK) == 0         ? TALLY_E_EXISTS
                                              : TALLY_OK;
        umbral_tool_fail(e, path);
    }
    for (size_t i = 0; e == TALLY_OK && i < count; i++) {
        snprintf(path, sizeof path, "%s-%zu.kfrag", prefix, i + 1);
        tally_umbral_kfrag_write(&kfrags[i].kfrag, bytes);
        e = umbral_tool_write(path, bytes, sizeof bytes);
    }
    tally_wipe(bytes, sizeof bytes);
    return e;
}

static enum tally_error rekey(const struct tally_config *config)
{
    struct tally_umbral_secret key = {.scalar = {0}}, signer = {.scalar = {0}};
    struct tally_umbral_public to;
    struct tally_umbral_verified_kfrag kfrags[TALLY_UMBRAL_SHARES_MAX];
    const struct tally_umbral_rekey_options options = {(size_t)tally_config_int(config, "threshold"),
                                                       (size_t)tally_config_int(config, "shares"), true,
                                                       true};
    const char *prefix = umbral_tool_needs(config, "out");
    enum tally_error e = prefix != NULL ? umbral_tool_secret(config, "key", &key) : TALLY_E_USAGE;
    if (e == TALLY_OK)
        e = umbral_tool_secret(config, "signer", &signer);
    if (e == TALLY_OK)
        e = umbral_tool_public(config, "to", &to);
    if (e == TALLY_OK) {
        e = tally_umbral_rekey(&key, &to, &signer, &options, &tally_system_random, kfrags);
        umbral_tool_fail(e, "rekey");
        if (e == TALLY_OK)
            e = write_kfrags(prefix, kfrags, options.shares);
        tally_wipe(kfrags, sizeof kfrags);
    }
    tally_umbral_secret_wipe(&key);
    tally_umbral_secret_wipe(&signer);
    return e;
}

/* ---- Fragments ---- */

struct parties {
    struct tally_umbral_public from, to, signed_by;
};

static enum tally_error read_parties(const struct tally_config *config, struct parties *p)
{
    enum tally_error e = umbral_tool_public(config, "from", &p->from);
    if (e == TALLY_OK)
        e = umbral_tool_public(config, "to", &p->to);
    return e == TALLY_OK ? umbral_tool_public(config, "signed-by", &p->signed_by) : e;
}

static enum tally_error read_kfrag(const char *path, const struct parties *p,
                                   struct tally_umbral_verified_kfrag *verified)
{
    struct tally_umbral_kfrag kfrag;
    uint8_t *bytes;
    size_t n;
    enum tally_error e = umbral_tool_read(path, TALLY_UMBRAL_KFRAG_SIZE, &bytes, &n);
    if (e != TALLY_OK)
        return e;
    e = tally_umbral_kfrag_read(bytes, n, &kfrag);
    if (e == TALLY_OK)
        e = tally_umbral_kfrag_verify(&kfrag, &p->signed_by, &p->from, &p->to, verified);
    wipe_and_free(bytes, n);
    tally_umbral_kfrag_wipe(&kfrag);
    return umbral_tool_fail(e, path);
}

static enum tally_error read_cfrag(const char *path, const struct parties *p,
                                   const struct tally_umbral_capsule *capsule,
                                   struct tally_umbral_verified_cfrag *verified)
{
    struct tally_umbral_cfrag cfrag;
    uint8_t *bytes;
    size_t n;
    enum tally_error e = umbral_tool_read(path, TALLY_UMBRAL_CFRAG_SIZE, &bytes, &n);
    if (e != TALLY_OK)
        return e;
    e = tally_umbral_cfrag_read(bytes, n, &cfrag);
    if (e == TALLY_OK)
        e = tally_umbral_cfrag_verify(&cfrag, capsule, &p->signed_by, &p->from, &p->to, verified);
    free(bytes);
    return umbral_tool_fail(e, path);
}

static enum tally_error reencrypt(const struct tally_config *config)
{
    struct parties p;
    struct tally_umbral_verified_kfrag kfrag;
    struct tally_umbral_verified_cfrag cfrag;
    struct tally_umbral_capsule capsule;
    uint8_t *ciphertext = NULL, bytes[TALLY_UMBRAL_CFRAG_SIZE];
    size_t n;
    const char *path = umbral_tool_needs(config, "kfrag");
    enum tally_error e = path != NULL ? read_parties(config, &p) : TALLY_E_USAGE;
    if (e == TALLY_OK)
        e = umbral_tool_message(tally_config_string(config, "in"), &capsule, &ciphertext, &n);
    if (e == TALLY_OK)
        e = read_kfrag(path, &p, &kfrag);
    if (e == TALLY_OK) {
        e = tally_umbral_reencrypt(&capsule, &kfrag, &tally_system_random, &cfrag);
        umbral_tool_fail(e, "reencrypt");
        tally_wipe(&kfrag, sizeof kfrag);
    }
    if (e == TALLY_OK) {
        tally_umbral_cfrag_write(&cfrag.cfrag, bytes);
        e = umbral_tool_write(tally_config_string(config, "out"), bytes, sizeof bytes);
    }
    free(ciphertext);
    return e;
}

static enum tally_error verify(const struct tally_config *config)
{
    struct parties p;
    struct tally_umbral_verified_kfrag kfrag;
    struct tally_umbral_verified_cfrag cfrag;
    struct tally_umbral_capsule capsule;
    uint8_t *ciphertext = NULL;
    size_t n;
    const char *key = tally_config_string(config, "kfrag"), *made = tally_config_string(config, "cfrag");
    if (key == NULL && made == NULL)
        return umbral_tool_fail(TALLY_E_USAGE, "--kfrag or --cfrag");
    enum tally_error e = read_parties(config, &p);
    if (e == TALLY_OK && key != NULL) {
        e = read_kfrag(key, &p, &kfrag);
        tally_wipe(&kfrag, sizeof kfrag);
        if (e == TALLY_OK)
            printf("%s: a key fragment from that owner to that receiver\n", key);
    }
    if (e == TALLY_OK && made != NULL) {
        e = umbral_tool_message(tally_config_string(config, "in"), &capsule, &ciphertext, &n);
        if (e == TALLY_OK)
            e = read_cfrag(made, &p, &capsule, &cfrag);
        if (e == TALLY_OK)
            printf("%s: a capsule fragment of that message, from that owner to that receiver\n", made);
    }
    free(ciphertext);
    return e;
}

/* ---- Opening ---- */

static enum tally_error read_cfrags(char *list, struct opening *o)
{
    const struct parties p = {o->from, o->key.public_key, o->signed_by};
    enum tally_error e = TALLY_OK;
    for (char *path; e == TALLY_OK && (path = strsep(&list, ",")) != NULL;)
        e = o->count == TALLY_UMBRAL_SHARES_MAX ? umbral_tool_fail(TALLY_E_USAGE, "too many fragments")
                                                : read_cfrag(path, &p, &o->capsule, &o->cfrags[o->count++]);
    return e;
}

static enum tally_error open_message(const struct tally_config *config)
{
    struct opening o = {.count = 0};
    uint8_t *ciphertext = NULL;
    size_t n = 0;
    const char *given = umbral_tool_needs(config, "cfrags");
    char *list = given != NULL ? strdup(given) : NULL;
    enum tally_error e = list != NULL    ? umbral_tool_secret(config, "key", &o.key)
                         : given == NULL ? TALLY_E_USAGE
                                         : TALLY_E_MEMORY;
    if (e == TALLY_OK)
        e = umbral_tool_public(config, "from", &o.from);
    if (e == TALLY_OK)
        e = umbral_tool_public(config, "signed-by", &o.signed_by);
    if (e == TALLY_OK)
        e = umbral_tool_message(tally_config_string(config, "in"), &o.capsule, &ciphertext, &n);
    if (e == TALLY_OK)
        e = read_cfrags(list, &o);
    if (e == TALLY_OK)
        e = decrypt_to(config, &o, ciphertext, n);
    free(list);
    free(ciphertext);
    tally_umbral_secret_wipe(&o.key);
    return e;
}

/* ---- Commands ---- */

static const struct {
    const char *name, *summary;
    const struct tally_option *options;
    enum tally_error (*run)(const struct tally_config *config);
} commands[] = {
    {"keygen", "makes a secret key in a new file and prints its public key", key_options, keygen},
    {"public", "prints the public key of a secret key", key_options, show_public},
    {"encrypt", "encrypts to a public key", encrypt_options, encrypt},
    {"decrypt", "decrypts with the owner's key", decrypt_options, decrypt},
    {"rekey", "makes key fragments from an owner to a receiver", rekey_options, rekey},
    {"reencrypt", "makes a capsule fragment of a message with a key fragment", reencrypt_options, reencrypt},
    {"verify", "checks a key fragment, or a capsule fragment of a message", verify_options, verify},
    {"open", "decrypts with the receiver's key and capsule fragments", open_options, open_message},
    {"show", "tells what is in a file, and whether this party signed it", show_options, umbral_tool_show},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static void usage(FILE *out)
{
    fprintf(out, "usage: tally-umbral COMMAND [OPTIONS]\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fprintf(out, "\ntally-umbral COMMAND --help tells a command's options.\n");
}

static enum tally_error run(size_t which, int argc, char *const *argv)
{
    const struct tally_option *const tables[] = {commands[which].options, NULL};
    char name[32];
    snprintf(name, sizeof name, "umbral %s", commands[which].name);
    const struct tally_config_input input = {name, commands[which].summary, NULL, argc, argv, environ};
    struct tally_config *config;
    bool help;
    enum tally_error e = tally_config_load(&input, tables, stderr, &config, &help);
    if (e == TALLY_OK && !help)
        e = commands[which].run(config);
    tally_config_free(config);
    return e;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0)
            return tally_error_exit_code(run(i, argc - 1, argv + 1));
    bool asked = strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0;
    usage(asked ? stdout : stderr);
    return tally_error_exit_code(asked ? TALLY_OK : TALLY_E_USAGE);
}
