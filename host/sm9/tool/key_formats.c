#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "host/base/bytes.h"
#include "host/crypto/keyfile.h"
#include "host/crypto/pkcs8.h"
#include "host/sm9/tool/der.h"
#include "host/sm9/tool/formats.h"

enum { CONTENT_MAX = 320 };

/* 1.2.156.10197.1.302: SM9; below it signature, key agreement, encryption. A master key's algorithm is SM9
 * itself and its parameter says which; an identity's key has that as its algorithm. */
#define OID_SM9 "1.2.156.10197.1.302"
static const struct {
    const char *algorithm, *parameter;
    bool signs;
    size_t secret;
} kinds[] = {
    [SM9_SIGN_MASTER] = {OID_SM9, OID_SM9 ".1", true, TSM9_MASTER_SIZE},
    [SM9_ENCRYPT_MASTER] = {OID_SM9, OID_SM9 ".3", false, TSM9_MASTER_SIZE},
    [SM9_SIGN_KEY] = {OID_SM9 ".1", NULL, true, TSM9_SIGN_KEY_SIZE},
    [SM9_DECRYPT_KEY] = {OID_SM9 ".3", NULL, false, TSM9_DECRYPT_KEY_SIZE},
    [SM9_EXCHANGE_KEY] = {OID_SM9 ".2", NULL, false, TSM9_DECRYPT_KEY_SIZE},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const char *const public_names[] = {"SM9 ENC MASTER PUBLIC KEY", "SM9 SIGN MASTER PUBLIC KEY"};

size_t sm9_secret_size(enum sm9_kind kind)
{
    return kinds[kind].secret;
}

bool sm9_kind_signs(enum sm9_kind kind)
{
    return kinds[kind].signs;
}

size_t sm9_public_size(bool signs)
{
    return signs ? TSM9_SIGN_PUBLIC_SIZE : TSM9_ENCRYPT_PUBLIC_SIZE;
}

static bool is_master(enum sm9_kind kind)
{
    return kind == SM9_SIGN_MASTER || kind == SM9_ENCRYPT_MASTER;
}

void sm9_text_free(char *text, size_t n)
{
    OPENSSL_clear_free(text, n);
}

/* Takes over what bio holds. */
static enum tally_error take_text(BIO *bio, char **text, size_t *n)
{
    char *data = NULL;
    long size = BIO_get_mem_data(bio, &data);
    *text = size > 0 ? OPENSSL_memdup(data, (size_t)size) : NULL;
    *n = *text != NULL ? (size_t)size : 0;
    return *text != NULL ? TALLY_OK : TALLY_E_MEMORY;
}

/* ---- Private keys: SEQUENCE { INTEGER or BIT STRING, BIT STRING } in PKCS #8 ---- */

static size_t print_content(const struct sm9_private *key, uint8_t out[CONTENT_MAX])
{
    size_t secret = sm9_secret_size(key->kind), public = sm9_public_size(sm9_kind_signs(key->kind));
    bool number = is_master(key->kind);
    size_t first = number ? der_number_size(key->secret) : der_point_size(secret);
    uint8_t *at = der_put_header(out, DER_SEQUENCE, first + der_point_size(public));
    at = number ? der_put_number(at, key->secret) : der_put_point(at, key->secret, secret);
    at = der_put_point(at, key->master_public, public);
    return (size_t)(at - out);
}

/* Takes over content when it succeeds. */
static bool set_content(PKCS8_PRIV_KEY_INFO *p8, enum sm9_kind kind, uint8_t *content, size_t n)
{
    ASN1_OBJECT *algorithm = OBJ_txt2obj(kinds[kind].algorithm, 1);
    ASN1_OBJECT *parameter = kinds[kind].parameter != NULL ? OBJ_txt2obj(kinds[kind].parameter, 1) : NULL;
    bool good = algorithm != NULL && (parameter != NULL || kinds[kind].parameter == NULL) &&
                PKCS8_pkey_set0(p8, algorithm, 0, parameter != NULL ? V_ASN1_OBJECT : V_ASN1_UNDEF, parameter,
                                content, (int)n) == 1;
    if (!good) {
        ASN1_OBJECT_free(algorithm);
        ASN1_OBJECT_free(parameter);
    }
    return good;
}

enum tally_error sm9_private_print(const struct sm9_private *key, const char *passphrase, char **text,
                                   size_t *n)
{
    enum tally_error e = TALLY_E_MEMORY;
    *text = NULL;
    *n = 0;
    uint8_t *content = OPENSSL_zalloc(CONTENT_MAX);
    PKCS8_PRIV_KEY_INFO *p8 = PKCS8_PRIV_KEY_INFO_new();
    BIO *bio = BIO_new(BIO_s_mem());
    if (content == NULL || p8 == NULL || bio == NULL ||
        !set_content(p8, key->kind, content, print_content(key, content)))
        goto out;
    content = NULL;
    if (tally_pkcs8_write(bio, p8, passphrase))
        e = take_text(bio, text, n);
out:
    OPENSSL_clear_free(content, CONTENT_MAX);
    PKCS8_PRIV_KEY_INFO_free(p8);
    BIO_free(bio);
    return e;
}

static bool is_object(const ASN1_OBJECT *object, const char *text)
{
    char name[64] = "";
    return object != NULL && OBJ_obj2txt(name, sizeof name, object, 1) > 0 && strcmp(name, text) == 0;
}

static bool find_kind(const ASN1_OBJECT *algorithm, const X509_ALGOR *whole, enum sm9_kind *kind)
{
    int type;
    const void *value;
    X509_ALGOR_get0(NULL, &type, &value, whole);
    const ASN1_OBJECT *parameter = type == V_ASN1_OBJECT ? value : NULL;
    for (size_t i = 0; i < KINDS; i++) {
        if (is_object(algorithm, kinds[i].algorithm) &&
            (kinds[i].parameter == NULL ? type == V_ASN1_UNDEF : is_object(parameter, kinds[i].parameter))) {
            *kind = (enum sm9_kind)i;
            return true;
        }
    }
    return false;
}

static enum tally_error parse_content(const uint8_t *in, size_t n, struct sm9_private *key)
{
    struct der all = {in, n, true}, body = der_enter(&all, DER_SEQUENCE);
    size_t secret = sm9_secret_size(key->kind), public = sm9_public_size(sm9_kind_signs(key->kind));
    const uint8_t *point = NULL;
    if (is_master(key->kind))
        der_number(&body, key->secret);
    else
        point = der_point(&body, secret);
    const uint8_t *master = der_point(&body, public);
    if (!der_done(&all) || !der_done(&body))
        return TALLY_E_FORMAT;
    if (point != NULL)
        memcpy(key->secret, point, secret);
    memcpy(key->master_public, master, public);
    return TALLY_OK;
}

/* Nothing else would notice a damaged master key before everybody has keys made of it. */
static enum tally_error check_master(const struct sm9_private *key)
{
    uint8_t public[SM9_POINT_MAX] = {0};
    enum tsm9_result r = TSM9_OK;
    if (key->kind == SM9_SIGN_MASTER)
        r = tsm9_sign_public(public, key->secret);
    else if (key->kind == SM9_ENCRYPT_MASTER)
        r = tsm9_encrypt_public(public, key->secret);
    else
        return TALLY_OK;
    return r == TSM9_OK && memcmp(public, key->master_public, sizeof public) == 0 ? TALLY_OK : TALLY_E_CRYPTO;
}

bool sm9_private_is_encrypted(const char *text)
{
    return strstr(text, "-----BEGIN " PEM_STRING_PKCS8 "-----") != NULL;
}

enum tally_error sm9_private_parse(const char *text, size_t n, const char *passphrase,
                                   struct sm9_private *key)
{
    PKCS8_PRIV_KEY_INFO *p8 = NULL;
    const ASN1_OBJECT *algorithm;
    const X509_ALGOR *whole;
    const uint8_t *content;
    int size;
    memset(key, 0, sizeof *key);
    enum tally_error e = tally_pkcs8_read(text, n, passphrase, &p8);
    if (e == TALLY_OK && (PKCS8_pkey_get0(&algorithm, &content, &size, &whole, p8) != 1 ||
                          !find_kind(algorithm, whole, &key->kind)))
        e = TALLY_E_FORMAT;
    if (e == TALLY_OK)
        e = parse_content(content, (size_t)size, key);
    if (e == TALLY_OK)
        e = check_master(key);
    if (e != TALLY_OK)
        tally_wipe(key, sizeof *key);
    PKCS8_PRIV_KEY_INFO_free(p8);
    ERR_clear_error();
    return e;
}

/* ---- Master public keys: SEQUENCE { BIT STRING } ---- */

enum tally_error sm9_public_print(const struct sm9_public *key, char **text, size_t *n)
{
    uint8_t der[CONTENT_MAX];
    size_t size = sm9_public_size(key->signs);
    uint8_t *end =
        der_put_point(der_put_header(der, DER_SEQUENCE, der_point_size(size)), key->master_public, size);
    enum tally_error e = TALLY_E_MEMORY;
    *text = NULL;
    *n = 0;
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio != NULL && PEM_write_bio(bio, public_names[key->signs], "", der, end - der) > 0)
        e = take_text(bio, text, n);
    BIO_free(bio);
    return e;
}

enum tally_error sm9_public_parse(const char *text, size_t n, struct sm9_public *key)
{
    char *name = NULL, *header = NULL;
    uint8_t *der = NULL;
    long size = 0;
    enum tally_error e = TALLY_E_FORMAT;
    memset(key, 0, sizeof *key);
    BIO *bio = BIO_new_mem_buf(text, (int)n);
    if (bio == NULL || PEM_read_bio(bio, &name, &header, &der, &size) != 1)
        goto out;
    key->signs = strcmp(name, public_names[1]) == 0;
    if (!key->signs && strcmp(name, public_names[0]) != 0)
        goto out;
    struct der all = {der, (size_t)size, true}, body = der_enter(&all, DER_SEQUENCE);
    const uint8_t *point = der_point(&body, sm9_public_size(key->signs));
    if (der_done(&all) && der_done(&body)) {
        memcpy(key->master_public, point, sm9_public_size(key->signs));
        e = TALLY_OK;
    }
out:
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(der);
    BIO_free(bio);
    ERR_clear_error();
    return e;
}
