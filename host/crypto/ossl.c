#include "host/crypto/ossl.h"

#include <pthread.h>
#include <stdbool.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

static struct tally_ossl ossl;
static bool ossl_good;
static pthread_once_t ossl_once = PTHREAD_ONCE_INIT;

static EVP_MAC_CTX *mac_template(const char *name, const char *param, char *value)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, name, NULL);
    EVP_MAC_CTX *ctx = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(param, value, 0),
                                 OSSL_PARAM_construct_end()};
    /* OpenSSL duplicates a CMAC only when it has a key: this one is never used. */
    static const unsigned char key[16] = {0};
    if (ctx != NULL && EVP_MAC_init(ctx, key, sizeof key, params) != 1) {
        EVP_MAC_CTX_free(ctx);
        ctx = NULL;
    }
    EVP_MAC_free(mac);
    return ctx;
}

static EVP_PKEY *p256_parameters(void)
{
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char[]){"P-256"}, 0),
        OSSL_PARAM_construct_end()};
    if (ctx == NULL || EVP_PKEY_paramgen_init(ctx) != 1 || EVP_PKEY_CTX_set_params(ctx, params) != 1 ||
        EVP_PKEY_paramgen(ctx, &pkey) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

static void ossl_fetch(void)
{
    ossl.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    ossl.ecb = EVP_CIPHER_fetch(NULL, "AES-128-ECB", NULL);
    ossl.cbc = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);
    ossl.ccm = EVP_CIPHER_fetch(NULL, "AES-128-CCM", NULL);
    ossl.gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
    ossl.cmac = mac_template("CMAC", OSSL_MAC_PARAM_CIPHER, (char[]){"AES-128-CBC"});
    ossl.hmac = mac_template("HMAC", OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"});
    ossl.p256_parameters = p256_parameters();
    ossl_good = ossl.sha256 != NULL && ossl.ecb != NULL && ossl.cbc != NULL && ossl.ccm != NULL &&
                ossl.gcm != NULL && ossl.cmac != NULL && ossl.hmac != NULL && ossl.p256_parameters != NULL;
}

const struct tally_ossl *tally_ossl(void)
{
    return pthread_once(&ossl_once, ossl_fetch) == 0 && ossl_good ? &ossl : NULL;
}
