#include "host/crypto/keyfile.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "host/crypto/key_internal.h"
#include "host/crypto/private_file.h"

/* scrypt as RFC 7914 recommends for logins: 16 MB, some 50 ms. */
enum { SCRYPT_N = 16384, SCRYPT_R = 8, SCRYPT_P = 1 };

enum { SECRET_DIGITS = 2 * SYM_KEY_SIZE };

static enum tally_error decrypt(const uint8_t *der, long n, const char *passphrase, PKCS8_PRIV_KEY_INFO **p8)
{
    X509_SIG *sig = d2i_X509_SIG(NULL, &der, n);
    *p8 = NULL;
    if (sig == NULL)
        return TALLY_E_FORMAT;
    if (passphrase != NULL && strlen(passphrase) <= TALLY_PASSPHRASE_MAX)
        *p8 = PKCS8_decrypt(sig, passphrase, (int)strlen(passphrase));
    X509_SIG_free(sig);
    return *p8 != NULL ? TALLY_OK : TALLY_E_CRYPTO;
}

/* The PKCS#8 structure in a PEM file, decrypted when it is encrypted. */
static enum tally_error read_pkcs8(const char *text, size_t n, const char *passphrase,
                                   PKCS8_PRIV_KEY_INFO **p8)
{
    char *name = NULL, *header = NULL;
    uint8_t *der = NULL;
    long der_n = 0;
    enum tally_error e = TALLY_E_FORMAT;
    *p8 = NULL;
    BIO *bio = BIO_new_mem_buf(text, (int)n);
    if (bio == NULL || PEM_read_bio(bio, &name, &header, &der, &der_n) != 1)
        goto out;
    if (strcmp(name, PEM_STRING_PKCS8) == 0) {
        e = decrypt(der, der_n, passphrase, p8);
    } else if (strcmp(name, PEM_STRING_PKCS8INF) == 0) {
        const uint8_t *at = der;
        *p8 = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, der_n);
        e = *p8 != NULL ? TALLY_OK : TALLY_E_FORMAT;
    }
out:
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(der, (size_t)der_n);
    BIO_free(bio);
    return e;
}

/* That private and public half belong together: nothing else would notice a damaged file. */
static bool consistent(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    bool good = ctx != NULL && EVP_PKEY_pairwise_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good;
}

enum tally_error tally_keyfile_load(const char *path, const char *passphrase, struct tally_key **key)
{
    char text[TALLY_KEYFILE_MAX];
    size_t n;
    PKCS8_PRIV_KEY_INFO *p8 = NULL;
    EVP_PKEY *pkey = NULL;
    *key = NULL;
    enum tally_error e = tally_key_bytes_read(path, text, &n);
    if (e == TALLY_OK)
        e = read_pkcs8(text, n, passphrase, &p8);
    if (e == TALLY_OK) {
        pkey = EVP_PKCS82PKEY(p8);
        e = pkey != NULL ? tally_key_wrap(pkey, key) : TALLY_E_CRYPTO;
    }
    if (e == TALLY_OK && !(tally_key_is_private(*key) && consistent(pkey))) {
        e = TALLY_E_CRYPTO;
        tally_key_free(*key);
        *key = NULL;
    }
    PKCS8_PRIV_KEY_INFO_free(p8);
    tally_wipe(text, sizeof text);
    ERR_clear_error();
    return e;
}

/* Takes over neither; writes PEM to bio. */
static bool write_pkcs8(BIO *bio, PKCS8_PRIV_KEY_INFO *p8, const char *passphrase)
{
    if (passphrase == NULL)
        return PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, p8) == 1;
    X509_ALGOR *pbe = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), NULL, 0, NULL, SCRYPT_N, SCRYPT_R, SCRYPT_P);
    X509_SIG *sig = pbe != NULL ? PKCS8_set0_pbe(passphrase, (int)strlen(passphrase), p8, pbe) : NULL;
    if (sig == NULL)
        X509_ALGOR_free(pbe); /* otherwise the signature's */
    bool good = sig != NULL && PEM_write_bio_PKCS8(bio, sig) == 1;
    X509_SIG_free(sig);
    return good;
}

enum tally_error tally_keyfile_save(const char *path, const char *passphrase, const struct tally_key *key)
{
    if (!tally_key_is_private(key) ||
        (passphrase != NULL && (passphrase[0] == '\0' || strlen(passphrase) > TALLY_PASSPHRASE_MAX)))
        return TALLY_E_USAGE;
    char *text = NULL;
    PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(key->pkey);
    BIO *bio = BIO_new(BIO_s_mem()); /* its buffer is cleared when freed */
    enum tally_error e = TALLY_E_MEMORY;
    if (p8 != NULL && bio != NULL && write_pkcs8(bio, p8, passphrase)) {
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
