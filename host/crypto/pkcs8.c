#include "host/crypto/pkcs8.h"

#include <string.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "host/crypto/keyfile.h"

/* scrypt as RFC 7914 recommends for logins: 16 MB, some 50 ms. */
enum { SCRYPT_N = 16384, SCRYPT_R = 8, SCRYPT_P = 1 };

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

enum tally_error tally_pkcs8_read(const char *text, size_t n, const char *passphrase,
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

bool tally_pkcs8_write(BIO *bio, PKCS8_PRIV_KEY_INFO *p8, const char *passphrase)
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
