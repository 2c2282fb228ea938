#include "host/crypto/sm9_file.h"

#include <string.h>

#include "card/sm9/sm9.h"
#include "host/base/bytes.h"
#include "host/base/text.h"
#include "host/crypto/private_file.h"
#include "host/crypto/sm9.h"

enum { VALUE_MAX = 2 * SM9_G2_SIZE };

bool tally_sm9_scheme_signs(enum identity_scheme scheme)
{
    return scheme == IDENTITY_AUTHD || scheme == IDENTITY_CARD;
}

bool tally_sm9_scheme_decrypts(enum identity_scheme scheme)
{
    return scheme == IDENTITY_CARD || scheme == IDENTITY_GATE;
}

/* --- the key file --- */

struct lines {
    const char *p;
    size_t left;
    bool good; /* so far */
};

/* The value of the next line, which must have this name; "" once something is wrong. */
static void take(struct lines *l, const char *name, char value[VALUE_MAX + 1])
{
    size_t n = strlen(name), length;
    const char *end = memchr(l->p, '\n', l->left);
    value[0] = '\0';
    l->good =
        l->good && end != NULL && (size_t)(end - l->p) > n && memcmp(l->p, name, n) == 0 && l->p[n] == ' ';
    if (!l->good)
        return;
    length = (size_t)(end - l->p) - n - 1;
    l->good = length <= VALUE_MAX && memchr(l->p + n + 1, '\0', length) == NULL;
    if (!l->good)
        return;
    memcpy(value, l->p + n + 1, length);
    value[length] = '\0';
    l->left -= (size_t)(end + 1 - l->p);
    l->p = end + 1;
}

/* Exactly size bytes in lower case. */
static void take_hex(struct lines *l, const char *name, uint8_t *out, size_t size)
{
    char value[VALUE_MAX + 1];
    size_t n = 0;
    memset(out, 0, size);
    take(l, name, value);
    for (const char *c = value; *c != '\0'; c++)
        l->good = l->good && !(*c >= 'A' && *c <= 'F');
    l->good = l->good && tally_hex_decode(value, out, size, &n) == TALLY_OK && n == size;
    tally_wipe(value, sizeof value);
}

enum tally_error tally_sm9_holder_parse(const char *text, size_t n, struct tally_sm9_holder *holder)
{
    struct lines l = {text, n, n < TALLY_SM9_FILE_MAX};
    char value[VALUE_MAX + 1];
    memset(holder, 0, sizeof *holder);
    take(&l, "tally-sm9-key", value);
    l.good = l.good && strcmp(value, "1") == 0;
    take(&l, "identity", value);
    l.good = l.good && identity_parse(value, strlen(value), &holder->identity);
    take_hex(&l, "sign-master", holder->masters.sign, sizeof holder->masters.sign);
    take_hex(&l, "encrypt-master", holder->masters.encrypt, sizeof holder->masters.encrypt);
    holder->signs = tally_sm9_scheme_signs(holder->identity.scheme);
    holder->decrypts = tally_sm9_scheme_decrypts(holder->identity.scheme);
    if (holder->signs)
        take_hex(&l, "sign-key", holder->sign_key, sizeof holder->sign_key);
    if (holder->decrypts)
        take_hex(&l, "decrypt-key", holder->decrypt_key, sizeof holder->decrypt_key);
    if (l.good && l.left == 0)
        return TALLY_OK;
    tally_wipe(holder, sizeof *holder);
    return TALLY_E_FORMAT;
}

static void put(struct tally_text *t, const char *name, const char *value)
{
    tally_text_string(t, name);
    tally_text_char(t, ' ');
    tally_text_string(t, value);
    tally_text_char(t, '\n');
}

static void put_hex(struct tally_text *t, const char *name, const uint8_t *bytes, size_t n)
{
    char hex[VALUE_MAX + 1];
    tally_hex_encode(bytes, n, hex, sizeof hex);
    put(t, name, hex);
    tally_wipe(hex, sizeof hex);
}

size_t tally_sm9_holder_print(const struct tally_sm9_holder *holder, char text[TALLY_SM9_FILE_MAX])
{
    char identity[IDENTITY_MAX + 1];
    struct tally_text t;
    identity_print(&holder->identity, identity);
    tally_text_init(&t, text, TALLY_SM9_FILE_MAX);
    put(&t, "tally-sm9-key", "1");
    put(&t, "identity", identity);
    put_hex(&t, "sign-master", holder->masters.sign, sizeof holder->masters.sign);
    put_hex(&t, "encrypt-master", holder->masters.encrypt, sizeof holder->masters.encrypt);
    if (holder->signs)
        put_hex(&t, "sign-key", holder->sign_key, sizeof holder->sign_key);
    if (holder->decrypts)
        put_hex(&t, "decrypt-key", holder->decrypt_key, sizeof holder->decrypt_key);
    return t.length;
}

enum tally_error tally_sm9_holder_load(const char *path, struct tally_sm9_holder *holder)
{
    char text[TALLY_KEYFILE_MAX];
    size_t n;
    memset(holder, 0, sizeof *holder);
    enum tally_error e = tally_key_bytes_read(path, text, &n);
    if (e == TALLY_OK)
        e = tally_sm9_holder_parse(text, n, holder);
    tally_wipe(text, sizeof text);
    return e;
}

enum tally_error tally_sm9_holder_save(const char *path, const struct tally_sm9_holder *holder)
{
    char text[TALLY_SM9_FILE_MAX];
    size_t n = tally_sm9_holder_print(holder, text);
    enum tally_error e = tally_key_bytes_write(path, text, n);
    tally_wipe(text, sizeof text);
    return e;
}

/* --- a key centre in a file --- */

enum tally_error tally_sm9_centre_make(struct tally_sm9_centre *centre)
{
    const struct sm9_random random = tally_sm9_random();
    memset(centre, 0, sizeof *centre);
    if (sm9_master_generate(centre->sign, &random) == SM9_OK &&
        sm9_master_generate(centre->encrypt, &random) == SM9_OK)
        return TALLY_OK;
    tally_wipe(centre, sizeof *centre);
    return TALLY_E_BUG;
}

enum { DIGITS = 2 * TALLY_SM9_MASTER_SIZE, CENTRE_FILE_SIZE = 2 * (DIGITS + 1) };

static bool line_of_hex(const char *text, uint8_t out[TALLY_SM9_MASTER_SIZE])
{
    char digits[DIGITS + 1] = {0};
    size_t n;
    memcpy(digits, text, DIGITS);
    bool good = text[DIGITS] == '\n' &&
                tally_hex_decode(digits, out, TALLY_SM9_MASTER_SIZE, &n) == TALLY_OK &&
                n == TALLY_SM9_MASTER_SIZE;
    tally_wipe(digits, sizeof digits);
    return good;
}

enum tally_error tally_sm9_centre_load(const char *path, struct tally_sm9_centre *centre)
{
    char text[TALLY_KEYFILE_MAX];
    size_t n;
    memset(centre, 0, sizeof *centre);
    enum tally_error e = tally_key_bytes_read(path, text, &n);
    if (e == TALLY_OK && !(n == CENTRE_FILE_SIZE && line_of_hex(text, centre->sign) &&
                           line_of_hex(text + DIGITS + 1, centre->encrypt)))
        e = TALLY_E_FORMAT;
    tally_wipe(text, sizeof text);
    if (e != TALLY_OK)
        tally_wipe(centre, sizeof *centre);
    return e;
}

enum tally_error tally_sm9_centre_save(const char *path, const struct tally_sm9_centre *centre)
{
    char text[CENTRE_FILE_SIZE + 1];
    tally_hex_encode(centre->sign, sizeof centre->sign, text, DIGITS + 1);
    text[DIGITS] = '\n';
    tally_hex_encode(centre->encrypt, sizeof centre->encrypt, text + DIGITS + 1, DIGITS + 1);
    text[CENTRE_FILE_SIZE - 1] = '\n';
    enum tally_error e = tally_key_bytes_write(path, text, CENTRE_FILE_SIZE);
    tally_wipe(text, sizeof text);
    return e;
}

enum tally_error tally_sm9_extract(const struct tally_sm9_centre *centre, const struct identity *identity,
                                   struct tally_sm9_holder *holder)
{
    char text[IDENTITY_MAX + 1];
    const struct sm9_id id = {(const uint8_t *)text, identity_print(identity, text)};
    memset(holder, 0, sizeof *holder);
    if (id.len == 0)
        return TALLY_E_FORMAT;
    holder->identity = *identity;
    holder->signs = tally_sm9_scheme_signs(identity->scheme);
    holder->decrypts = tally_sm9_scheme_decrypts(identity->scheme);
    enum sm9_result r = sm9_sign_master_public(holder->masters.sign, centre->sign);
    if (r == SM9_OK)
        r = sm9_encrypt_master_public(holder->masters.encrypt, centre->encrypt);
    if (r == SM9_OK && holder->signs)
        r = sm9_sign_extract(holder->sign_key, centre->sign, &id);
    if (r == SM9_OK && holder->decrypts)
        r = sm9_encrypt_extract(holder->decrypt_key, centre->encrypt, &id, SM9_HID_ENCRYPT);
    if (r == SM9_OK)
        return TALLY_OK;
    tally_wipe(holder, sizeof *holder);
    return TALLY_E_CRYPTO;
}
