/* OpenSSL algorithms, fetched once: a fetch costs more than most operations here. */
#ifndef TALLY_CRYPTO_OSSL_H
#define TALLY_CRYPTO_OSSL_H

#include <openssl/evp.h>

struct tally_ossl {
    EVP_MD *sha256;
    EVP_CIPHER *ecb, *cbc, *ccm, *gcm;
    /* Contexts with an algorithm and a dummy key, to be duplicated and keyed; never used themselves. */
    EVP_MAC_CTX *cmac, *hmac;
    /* For making and parsing P-256 keys. */
    EVP_PKEY *p256_parameters;
};

/* The one instance, or NULL when OpenSSL lacks something. From any thread. It lives as long as the process.
 */
const struct tally_ossl *tally_ossl(void);

#endif
