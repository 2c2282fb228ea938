/* tally-sm9: SM9 on files, for people and scripts that know openssl(1). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/bytes.h"
#include "host/crypto/private_file.h"
#include "host/sm9/tool/formats.h"
#include "host/sm9/tool/options.h"
#include "host/sm9/tool/streams.h"

/* ---- Keys from and to files ---- */

static enum tally_error load_private(const char *path, const char *passin, struct sm9_private *key)
{
    char text[TALLY_KEYFILE_MAX], passphrase[SM9_PASSPHRASE_SIZE] = "";
    size_t n;
    memset(key, 0, sizeof *key);
    enum tally_error e = tally_key_bytes_read(path, text, &n);
    if (e != TALLY_OK)
        return complain(
            path, e, e == TALLY_E_DENIED ? "not a file of yours that is closed to others (chmod 600)" : NULL);
    bool encrypted = sm9_private_is_encrypted(text);
    if (encrypted)
        e = read_passphrase(passin, "Passphrase of the key: ", false, passphrase);
    if (e == TALLY_OK) {
        e = sm9_private_parse(text, n, encrypted ? passphrase : NULL, key);
        if (e != TALLY_OK)
            complain(path, e,
                     e == TALLY_E_CRYPTO ? "the passphrase is wrong, or the key damaged" : "not an SM9 key");
    }
    tally_wipe(text, sizeof text);
    tally_wipe(passphrase, sizeof passphrase);
    return e;
}

static enum tally_error save_private(const struct options *o, const struct sm9_private *key)
{
    char passphrase[SM9_PASSPHRASE_SIZE] = "", *text = NULL;
    size_t n = 0;
    enum tally_error e = TALLY_OK;
    if (!o->noenc)
        e = read_passphrase(o->passout, "Passphrase for the new key: ", true, passphrase);
    if (e == TALLY_OK) {
        e = sm9_private_print(key, o->noenc ? NULL : passphrase, &text, &n);
        e = e == TALLY_OK ? write_private(o->out, text, n) : complain("key", e, NULL);
    }
    sm9_text_free(text, n);
    tally_wipe(passphrase, sizeof passphrase);
    return e;
}

static enum tally_error save_public(const char *path, const struct sm9_private *key)
{
    struct sm9_public public = {.signs = sm9_kind_signs(key->kind)};
    char *text = NULL;
    size_t n = 0;
    memcpy(public.master_public, key->master_public, sizeof public.master_public);
    enum tally_error e = sm9_public_print(&public, &text, &n);
    if (e == TALLY_OK)
        e = write_output(path, text, n);
    sm9_text_free(text, n);
    return e;
}

static enum tally_error load_public(const char *path, bool signs, struct sm9_public *key)
{
    struct buffer text;
    enum tally_error e = read_input(path, TALLY_KEYFILE_MAX, &text);
    if (e != TALLY_OK)
        return e;
    e = sm9_public_parse((const char *)text.data, text.size, key);
    if (e != TALLY_OK)
        complain(path, e, "not an SM9 master public key");
    else if (key->signs != signs)
        e = complain(path, TALLY_E_USAGE, signs ? "not a key for signatures" : "not a key for encryption");
    buffer_free(&text);
    return e;
}

static enum tally_error from(const char *what, enum tsm9_result r)
{
    return r == TSM9_OK ? TALLY_OK : complain(what, TALLY_E_CRYPTO, tsm9_text(r));
}

/* ---- The key centre's commands ---- */

static enum tally_error genmaster(const struct options *o)
{
    struct sm9_private key = {.kind = o->sign ? SM9_SIGN_MASTER : SM9_ENCRYPT_MASTER};
    enum tsm9_result r = tsm9_master_generate(key.secret, NULL);
    if (r == TSM9_OK)
        r = o->sign ? tsm9_sign_public(key.master_public, key.secret)
                    : tsm9_encrypt_public(key.master_public, key.secret);
    enum tally_error e = from("master key", r);
    if (e == TALLY_OK)
        e = save_private(o, &key);
    if (e == TALLY_OK && o->pubout != NULL)
        e = save_public(o->pubout, &key);
    tally_wipe(&key, sizeof key);
    return e;
}

static enum tally_error pubkey(const struct options *o)
{
    struct sm9_private key;
    enum tally_error e = load_private(o->in, o->passin, &key);
    if (e == TALLY_OK)
        e = save_public(o->out, &key);
    tally_wipe(&key, sizeof key);
    return e;
}

static enum tally_error extract(const struct options *o)
{
    struct sm9_private master, key = {.kind = SM9_SIGN_KEY};
    enum tsm9_result r = TSM9_OK;
    enum tally_error e = load_private(o->master, o->passin, &master);
    if (e == TALLY_OK && master.kind != SM9_SIGN_MASTER && master.kind != SM9_ENCRYPT_MASTER)
        e = complain(o->master, TALLY_E_USAGE, "not a master key");
    if (e == TALLY_OK && master.kind == SM9_SIGN_MASTER && o->exchange)
        e = complain(o->master, TALLY_E_USAGE, "-exchange wants a master key for encryption");
    if (e != TALLY_OK)
        goto out;
    memcpy(key.master_public, master.master_public, sizeof key.master_public);
    if (master.kind == SM9_SIGN_MASTER) {
        r = tsm9_sign_extract(key.secret, master.secret, o->id, o->id_len);
    } else {
        key.kind = o->exchange ? SM9_EXCHANGE_KEY : SM9_DECRYPT_KEY;
        r = tsm9_encrypt_extract(key.secret, master.secret, o->id, o->id_len,
                                 o->exchange ? TSM9_FOR_EXCHANGE : TSM9_FOR_ENCRYPTION);
    }
    e = from("extraction", r);
    if (e == TALLY_OK)
        e = save_private(o, &key);
out:
    tally_wipe(&master, sizeof master);
    tally_wipe(&key, sizeof key);
    return e;
}

/* ---- Signatures ---- */

static enum tally_error sign_bytes(const struct sm9_private *key, const struct buffer *message,
                                   uint8_t signature[TSM9_SIGNATURE_SIZE])
{
    struct tsm9_verifier *master = NULL;
    struct tsm9_signer *own = NULL;
    enum tsm9_result r = tsm9_verifier_new(&master, key->master_public);
    if (r == TSM9_OK)
        r = tsm9_signer_new(&own, key->secret);
    if (r == TSM9_OK)
        r = tsm9_sign(signature, master, own, message->data, message->size, NULL);
    tsm9_signer_free(own);
    tsm9_verifier_free(master);
    return from("signing", r);
}

static enum tally_error sign(const struct options *o)
{
    struct sm9_private key;
    struct buffer message = {NULL, 0};
    uint8_t signature[TSM9_SIGNATURE_SIZE], der[SM9_SIGNATURE_DER_MAX];
    enum tally_error e = load_private(o->key, o->passin, &key);
    if (e == TALLY_OK && key.kind != SM9_SIGN_KEY)
        e = complain(o->key, TALLY_E_USAGE, "not an identity's key for signatures");
    if (e == TALLY_OK)
        e = read_input(o->in, SM9_FILE_MAX, &message);
    if (e == TALLY_OK)
        e = sign_bytes(&key, &message, signature);
    if (e == TALLY_OK)
        e = write_output(o->out, der, sm9_signature_print(der, signature));
    tally_wipe(&key, sizeof key);
    buffer_free(&message);
    return e;
}

/* Whether the signature, in any form, is right. */
static bool right(const struct buffer *der, const struct tsm9_verifier *key, const struct options *o,
                  const struct buffer *message)
{
    uint8_t signature[TSM9_SIGNATURE_SIZE];
    return sm9_signature_parse(der->data, der->size, signature) == TALLY_OK &&
           tsm9_verify(signature, key, o->id, o->id_len, message->data, message->size) == TSM9_OK;
}

static enum tally_error verify(const struct options *o)
{
    struct sm9_public public;
    struct buffer message = {NULL, 0}, der = {NULL, 0};
    struct tsm9_verifier *key = NULL;
    enum tally_error e = load_public(o->pubkey, true, &public);
    if (e == TALLY_OK)
        e = from(o->pubkey, tsm9_verifier_new(&key, public.master_public));
    if (e == TALLY_OK)
        e = read_input(o->signature, SM9_SIGNATURE_DER_MAX, &der);
    if (e == TALLY_OK)
        e = read_input(o->in, SM9_FILE_MAX, &message);
    if (e == TALLY_OK && right(&der, key, o, &message)) {
        puts("Verified OK");
    } else if (e == TALLY_OK) {
        puts("Verification failure");
        e = TALLY_E_DENIED;
    }
    tsm9_verifier_free(key);
    buffer_free(&der);
    buffer_free(&message);
    return e;
}

/* ---- Encryption ---- */

static enum tally_error encrypt(const struct options *o)
{
    struct sm9_public public;
    struct buffer message = {NULL, 0};
    struct tsm9_encrypter *key = NULL;
    uint8_t *raw = NULL;
    enum tsm9_mode mode = o->sm4 ? TSM9_SM4_ECB : TSM9_STREAM;
    enum tally_error e = load_public(o->pubkey, false, &public);
    if (e == TALLY_OK)
        e = from(o->pubkey, tsm9_encrypter_new(&key, public.master_public));
    if (e == TALLY_OK)
        e = read_input(o->in, TSM9_MESSAGE_MAX, &message);
    if (e != TALLY_OK)
        goto out;
    size_t size = tsm9_ciphertext_size(mode, message.size);
    if (size == 0) {
        e = complain("message", TALLY_E_FORMAT, "is empty");
        goto out;
    }
    /* The ciphertext, and behind it the same as a file. */
    raw = calloc(2, size + SM9_CIPHERTEXT_DER_EXTRA);
    e = raw != NULL ? TALLY_OK : complain("message", TALLY_E_MEMORY, NULL);
    if (e == TALLY_OK)
        e = from("encryption",
                 tsm9_encrypt(raw, mode, key, o->id, o->id_len, message.data, message.size, NULL));
    if (e == TALLY_OK)
        e = write_output(o->out, raw + size, sm9_ciphertext_print(raw + size, mode, raw, size));
out:
    tsm9_encrypter_free(key);
    buffer_free(&message);
    free(raw);
    return e;
}

static enum tally_error decrypt_bytes(const struct options *o, const struct sm9_private *key,
                                      const struct buffer *in, struct buffer *message)
{
    struct tsm9_decrypter *own = NULL;
    enum tsm9_mode mode;
    size_t size, n = 0;
    uint8_t *raw = calloc(1, in->size + 1);
    *message = (struct buffer){calloc(1, in->size + 1), in->size};
    enum tally_error e =
        raw != NULL && message->data != NULL ? TALLY_OK : complain("message", TALLY_E_MEMORY, NULL);
    if (e == TALLY_OK) {
        e = sm9_ciphertext_parse(in->data, in->size, &mode, raw, &size);
        if (e != TALLY_OK)
            complain("ciphertext", e, NULL);
    }
    if (e == TALLY_OK)
        e = from(o->key, tsm9_decrypter_new(&own, key->secret));
    if (e == TALLY_OK)
        e = from("decryption", tsm9_decrypt(message->data, &n, mode, raw, size, own, o->id, o->id_len));
    if (e == TALLY_OK)
        message->size = n;
    tsm9_decrypter_free(own);
    free(raw);
    return e;
}

static enum tally_error decrypt(const struct options *o)
{
    struct sm9_private key;
    struct buffer in = {NULL, 0}, message = {NULL, 0};
    enum tally_error e = load_private(o->key, o->passin, &key);
    if (e == TALLY_OK && key.kind != SM9_DECRYPT_KEY)
        e = complain(o->key, TALLY_E_USAGE, "not an identity's key for encryption");
    if (e == TALLY_OK)
        e = read_input(o->in, TSM9_MESSAGE_MAX + TSM9_OVERHEAD + 2 * SM9_CIPHERTEXT_DER_EXTRA, &in);
    if (e == TALLY_OK)
        e = decrypt_bytes(o, &key, &in, &message);
    if (e == TALLY_OK)
        e = write_output(o->out, message.data, message.size);
    tally_wipe(&key, sizeof key);
    buffer_free(&in);
    buffer_free(&message);
    return e;
}

static const struct {
    const char *name;
    enum tally_error (*run)(const struct options *o);
} commands[] = {{"genmaster", genmaster}, {"pubkey", pubkey},   {"extract", extract}, {"sign", sign},
                {"verify", verify},       {"encrypt", encrypt}, {"decrypt", decrypt}};

int main(int argc, char **argv)
{
    struct options o;
    if (argc > 1 &&
        (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-help") == 0)) {
        options_usage(stdout);
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "version") == 0)
        return printf("tally-sm9 %s\n", TALLY_VERSION) < 0;
    if (!options_parse(argc, argv, &o))
        return 1;
    enum tally_error e = TALLY_E_USAGE;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, o.command) == 0)
            e = commands[i].run(&o);
    return e == TALLY_OK ? 0 : 1;
}
