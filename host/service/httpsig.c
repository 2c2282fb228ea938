#include "host/service/httpsig.h"

#include <ctype.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

#define DER_MAX 72 /* two 33-byte integers with their headers in a sequence */

/* The digest is fetched once: an implicit fetch costs about as much as hashing a request. */
static EVP_MD *sha256;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

static void fetch_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

enum tally_error tally_sha256(const void *data, size_t n, uint8_t digest[TALLY_DIGEST_SIZE])
{
    pthread_once(&sha256_once, fetch_sha256);
    return sha256 != NULL && EVP_Digest(data, n, digest, NULL, sha256, NULL) == 1 ? TALLY_OK : TALLY_E_CRYPTO;
}

void tally_content_digest_write(const uint8_t digest[TALLY_DIGEST_SIZE], char out[TALLY_CONTENT_DIGEST_SIZE])
{
    struct tally_text text;
    tally_text_init(&text, out, TALLY_CONTENT_DIGEST_SIZE);
    tally_text_string(&text, "sha-256=:");
    tally_text_base64(&text, digest, TALLY_DIGEST_SIZE);
    tally_text_char(&text, ':');
}

/* Values of one field: trimmed, joined by comma and space in the order received (section 2.1). */
static enum tally_error put_field(const struct tally_httpsig_message *message, struct tally_slice name,
                                  struct tally_text *base)
{
    size_t found = 0;
    for (size_t i = 0; i < message->header_count; i++) {
        const char *value = message->headers[i].value;
        if (strlen(message->headers[i].name) != name.size ||
            strncasecmp(message->headers[i].name, name.at, name.size) != 0)
            continue;
        if (strpbrk(value, "\r\n") != NULL)
            return TALLY_E_FORMAT;
        value += strspn(value, " \t");
        size_t n = strlen(value);
        while (n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'))
            n--;
        if (found++ > 0)
            tally_text_string(base, ", ");
        tally_text_bytes(base, value, n);
    }
    return found > 0 ? TALLY_OK : TALLY_E_NOT_FOUND;
}

static void put_lower(struct tally_text *base, const char *text)
{
    for (; *text != '\0'; text++)
        tally_text_char(base, (char)tolower((unsigned char)*text));
}

/* Derived components (section 2.2); a request has no status, a response nothing else. */
static enum tally_error put_derived(const struct tally_httpsig_message *message, struct tally_slice name,
                                    struct tally_text *base)
{
    bool response = message->status > 0;
    if (response && tally_slice_equals(name, "@status"))
        tally_text_int(base, message->status);
    else if (!response && tally_slice_equals(name, "@method"))
        tally_text_string(base, message->method);
    else if (!response && tally_slice_equals(name, "@authority"))
        put_lower(base, message->authority);
    else if (!response && tally_slice_equals(name, "@path"))
        tally_text_string(base, message->path);
    else if (!response && tally_slice_equals(name, "@query")) {
        tally_text_char(base, '?');
        tally_text_string(base, message->query);
    } else
        return TALLY_E_FORMAT;
    return TALLY_OK;
}

enum tally_error tally_httpsig_base(const struct tally_httpsig_message *message,
                                    const struct tally_httpsig *sig, struct tally_text *base)
{
    for (size_t i = 0; i < sig->component_count; i++) {
        struct tally_slice name = sig->components[i];
        tally_text_char(base, '"');
        tally_text_bytes(base, name.at, name.size);
        tally_text_string(base, "\": ");
        enum tally_error e =
            name.at[0] == '@' ? put_derived(message, name, base) : put_field(message, name, base);
        if (e != TALLY_OK)
            return e;
        tally_text_char(base, '\n');
    }
    tally_text_string(base, "\"@signature-params\": ");
    tally_text_bytes(base, sig->params.at, sig->params.size);
    return base->overflowed ? TALLY_E_FULL : TALLY_OK;
}

const char *tally_httpsig_algorithm(const EVP_PKEY *key)
{
    char group[32];
    size_t n;
    if (EVP_PKEY_is_a(key, "ED25519"))
        return "ed25519";
    if (EVP_PKEY_is_a(key, "EC") &&
        EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, &n) == 1 &&
        strcmp(group, "prime256v1") == 0)
        return "ecdsa-p256-sha256";
    return NULL;
}

/* INTEGER of a 32-byte big-endian number: shortest form, a zero in front of a set top bit. */
static size_t der_integer(const uint8_t number[32], uint8_t *out)
{
    size_t skip = 0;
    while (skip < 31 && number[skip] == 0)
        skip++;
    size_t pad = number[skip] >> 7, n = 32 - skip + pad;
    out[0] = 0x02;
    out[1] = (uint8_t)n;
    out[2] = 0;
    memcpy(out + 2 + pad, number + skip, 32 - skip);
    return 2 + n;
}

/* ECDSA-Sig-Value (RFC 3279 section 2.2.3) from r then s. */
static size_t der_from_raw(const uint8_t raw[TALLY_HTTPSIG_SIZE], uint8_t out[DER_MAX])
{
    size_t n = der_integer(raw, out + 2);
    n += der_integer(raw + 32, out + 2 + n);
    out[0] = 0x30;
    out[1] = (uint8_t)n;
    return 2 + n;
}

static enum tally_error raw_from_der(const uint8_t *der, size_t n, uint8_t raw[TALLY_HTTPSIG_SIZE])
{
    const uint8_t *at = der;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)n);
    bool ok = pair != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, 32) == 32 &&
              BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + 32, 32) == 32;
    ECDSA_SIG_free(pair);
    return ok ? TALLY_OK : TALLY_E_CRYPTO;
}

enum tally_error tally_httpsig_verify(EVP_PKEY *key, const char *base, size_t base_size,
                                      const uint8_t signature[TALLY_HTTPSIG_SIZE])
{
    enum tally_error e = TALLY_E_CRYPTO;
    uint8_t der[DER_MAX];
    const uint8_t *wire = signature;
    size_t wire_size = TALLY_HTTPSIG_SIZE;
    pthread_once(&sha256_once, fetch_sha256);
    const EVP_MD *digest = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const char *algorithm = tally_httpsig_algorithm(key);
    if (ctx == NULL || algorithm == NULL || sha256 == NULL)
        goto out;
    if (algorithm[1] == 'c') {
        wire_size = der_from_raw(signature, der);
        wire = der;
        digest = sha256;
    }
    if (EVP_DigestVerifyInit(ctx, NULL, digest, NULL, key) == 1 &&
        EVP_DigestVerify(ctx, wire, wire_size, (const uint8_t *)base, base_size) == 1)
        e = TALLY_OK;
out:
    if (e != TALLY_OK)
        ERR_clear_error();
    EVP_MD_CTX_free(ctx);
    return e;
}

enum tally_error tally_httpsig_sign(EVP_PKEY *key, const char *base, size_t base_size,
                                    uint8_t signature[TALLY_HTTPSIG_SIZE])
{
    enum tally_error e = TALLY_E_CRYPTO;
    uint8_t wire[DER_MAX + 8];
    size_t n = sizeof wire;
    memset(signature, 0, TALLY_HTTPSIG_SIZE);
    pthread_once(&sha256_once, fetch_sha256);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const char *algorithm = tally_httpsig_algorithm(key);
    if (ctx == NULL || algorithm == NULL || sha256 == NULL)
        goto out;
    bool ecdsa = algorithm[1] == 'c';
    if (EVP_DigestSignInit(ctx, NULL, ecdsa ? sha256 : NULL, NULL, key) != 1 ||
        EVP_DigestSign(ctx, wire, &n, (const uint8_t *)base, base_size) != 1)
        goto out;
    if (ecdsa) {
        e = raw_from_der(wire, n, signature);
    } else if (n == TALLY_HTTPSIG_SIZE) {
        memcpy(signature, wire, n);
        e = TALLY_OK;
    }
out:
    if (e != TALLY_OK)
        ERR_clear_error();
    EVP_MD_CTX_free(ctx);
    return e;
}
