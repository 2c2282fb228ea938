#include "host/crypto/keyfile.h"

#include <string.h>

#include <openssl/err.h>

#include "host/crypto/key_internal.h"
#include "host/crypto/pkcs8.h"
#include "host/crypto/private_file.h"
#include "host/crypto/sm9.h"

enum { SECRET_DIGITS = 2 * SYM_KEY_SIZE };

/* That private and public half belong together: nothing else would notice a damaged file. */
static bool consistent(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    bool good = ctx != NULL && EVP_PKEY_pairwise_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good;
}

static const char sm9_begins[] = "tally-sm9-key ";

static enum tally_error read_sm9(const char *text, size_t n, struct tally_key **key)
{
    struct tally_sm9_holder holder;
    enum tally_error e = tally_sm9_holder_parse(text, n, &holder);
    if (e == TALLY_OK)
        e = tally_key_from_holder(&holder, key);
    tally_wipe(&holder, sizeof holder);
    return e == TALLY_E_USAGE ? TALLY_E_CRYPTO : e;
}

enum tally_error tally_keyfile_load(const char *path, const char *passphrase, struct tally_key **key)
{
    char text[TALLY_KEYFILE_MAX];
    size_t n;
    PKCS8_PRIV_KEY_INFO *p8 = NULL;
    EVP_PKEY *pkey = NULL;
    *key = NULL;
    enum tally_error e = tally_key_bytes_read(path, text, &n);
    bool sm9 = e == TALLY_OK && strncmp(text, sm9_begins, sizeof sm9_begins - 1) == 0;
    if (sm9)
        e = read_sm9(text, n, key);
    else if (e == TALLY_OK)
        e = tally_pkcs8_read(text, n, passphrase, &p8);
    if (e == TALLY_OK && !sm9) {
        pkey = EVP_PKCS82PKEY(p8);
        e = pkey != NULL ? tally_key_wrap(pkey, key) : TALLY_E_CRYPTO;
    }
    if (e == TALLY_OK && !sm9 && !(tally_key_is_private(*key) && consistent(pkey))) {
        e = TALLY_E_CRYPTO;
        tally_key_free(*key);
        *key = NULL;
    }
    PKCS8_PRIV_KEY_INFO_free(p8);
    tally_wipe(text, sizeof text);
    ERR_clear_error();
    return e;
}

enum tally_error tally_keyfile_save(const char *path, const char *passphrase, const struct tally_key *key)
{
    if (!tally_key_is_private(key) || tally_key_suite(key) == SUITE_SM9 ||
        (passphrase != NULL && (passphrase[0] == '\0' || strlen(passphrase) > TALLY_PASSPHRASE_MAX)))
        return TALLY_E_USAGE;
    char *text = NULL;
    PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(key->pkey);
    BIO *bio = BIO_new(BIO_s_mem()); /* its buffer is cleared when freed */
    enum tally_error e = TALLY_E_MEMORY;
    if (p8 != NULL && bio != NULL && tally_pkcs8_write(bio, p8, passphrase)) {
        long n = BIO_get_mem_data(bio, &text);
        e = n > 0 && n < TALLY_KEYFILE_MAX ? tally_key_bytes_write(path, text, (size_t)n) : TALLY_E_BUG;
    }
    BIO_free(bio);
    PKCS8_PRIV_KEY_INFO_free(p8);
    return e;
}

enum tally_error tally_secret_load(const char *path, uint8_t secret[SYM_KEY_SIZE])
{
    char text[TALLY_KEYFILE_MAX];
    size_t n, size;
    memset(secret, 0, SYM_KEY_SIZE);
    enum tally_error e = tally_key_bytes_read(path, text, &n);
    if (e == TALLY_OK && n == SECRET_DIGITS + 1 && text[SECRET_DIGITS] == '\n')
        text[--n] = '\0';
    /* A NUL within the text would end it early: the lengths must agree. */
    if (e == TALLY_OK && (n != SECRET_DIGITS || strlen(text) != n ||
                          tally_hex_decode(text, secret, SYM_KEY_SIZE, &size) != TALLY_OK)) {
        tally_wipe(secret, SYM_KEY_SIZE);
        e = TALLY_E_FORMAT;
    }
    tally_wipe(text, sizeof text);
    return e;
}

enum tally_error tally_secret_save(const char *path, const uint8_t secret[SYM_KEY_SIZE])
{
    char text[SECRET_DIGITS + 2];
    enum tally_error e = tally_hex_encode(secret, SYM_KEY_SIZE, text, sizeof text);
    if (e == TALLY_OK) {
        memcpy(text + SECRET_DIGITS, "\n", 2);
        e = tally_key_bytes_write(path, text, SECRET_DIGITS + 1);
    }
    tally_wipe(text, sizeof text);
    return e;
}
