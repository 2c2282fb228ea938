#include "host/crypto/key.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "card/wire/be.h"
#include "host/crypto/key_internal.h"
#include "host/crypto/ossl.h"
#include "host/crypto/sm9.h"

/* Offsets in the raw public key of suite SM9, behind the operator. */
enum { AT_EPOCH = 2, AT_SIGN = AT_EPOCH + SM9_EPOCH_SIZE, AT_ENCRYPT = AT_SIGN + SM9_G2_SIZE };

enum { RSA_BITS = RSA_SIZE * 8, RSA_EXPONENT = 65537, FACTOR_SIZE = 128 };

/* A big number of the key, in n bytes with leading zeros. The copy here is wiped. */
static bool number(const EVP_PKEY *pkey, const char *name, uint8_t *out, int n)
{
    BIGNUM *bn = NULL;
    bool good = EVP_PKEY_get_bn_param(pkey, name, &bn) == 1 && BN_bn2binpad(bn, out, n) == n;
    BN_clear_free(bn);
    return good;
}

/* The encoded point: asked for one by one, each coordinate costs an inversion. A point read from a compressed
 * file would come out compressed, were the format not set. */
bool tally_p256_coordinates(EVP_PKEY *pkey, uint8_t public_key[P256_PUBLIC_SIZE])
{
    uint8_t point[P256_POINT_SIZE];
    size_t n;
    if (EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                       OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) != 1 ||
        EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &n) != 1 ||
        n != sizeof point)
        return false;
    memcpy(public_key, point + 1, P256_PUBLIC_SIZE);
    return true;
}

static bool is_p256(const EVP_PKEY *pkey)
{
    char group[32];
    size_t n;
    return EVP_PKEY_is_a(pkey, "EC") && EVP_PKEY_get_group_name(pkey, group, sizeof group, &n) == 1 &&
           strcmp(group, SN_X9_62_prime256v1) == 0;
}

static bool is_rsa_2048(const EVP_PKEY *pkey)
{
    uint8_t e[4];
    static const uint8_t expected[] = {0x00, 0x01, 0x00, 0x01};
    return EVP_PKEY_is_a(pkey, "RSA") && EVP_PKEY_get_bits(pkey) == RSA_BITS &&
           number(pkey, OSSL_PKEY_PARAM_RSA_E, e, sizeof e) && memcmp(e, expected, sizeof e) == 0;
}

static bool has_private(const EVP_PKEY *pkey, const char *name)
{
    BIGNUM *bn = NULL;
    bool has = EVP_PKEY_get_bn_param(pkey, name, &bn) == 1;
    BN_clear_free(bn);
    return has;
}

/* SHA-256, and with PSS its padding and salt, for a context just initialised. */
static bool scheme(EVP_PKEY_CTX *ctx, uint8_t suite)
{
    if (suite == SUITE_P256)
        return EVP_PKEY_CTX_set_signature_md(ctx, tally_ossl()->sha256) == 1;
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_signature_md(ctx, tally_ossl()->sha256) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static EVP_PKEY_CTX *operation(struct tally_key *key, int (*init)(EVP_PKEY_CTX *), bool with_scheme)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    if (ctx != NULL && init(ctx) == 1 && (!with_scheme || scheme(ctx, key->suite)))
        return ctx;
    EVP_PKEY_CTX_free(ctx);
    return NULL;
}

static bool prepare(struct tally_key *key)
{
    key->verify = operation(key, EVP_PKEY_verify_init, true);
    if (key->is_private)
        key->sign = operation(key, EVP_PKEY_sign_init, true);
    if (key->is_private && key->suite == SUITE_P256)
        key->derive = operation(key, EVP_PKEY_derive_init, false);
    return key->verify != NULL && (!key->is_private || key->sign != NULL) &&
           (!key->is_private || key->suite != SUITE_P256 || key->derive != NULL);
}

/* Suite, kind and raw public key. */
static bool describe(struct tally_key *key)
{
    if (is_p256(key->pkey)) {
        key->suite = SUITE_P256;
        key->public_size = P256_PUBLIC_SIZE;
        key->is_private = has_private(key->pkey, OSSL_PKEY_PARAM_PRIV_KEY);
        return tally_p256_coordinates(key->pkey, key->public);
    }
    if (is_rsa_2048(key->pkey)) {
        key->suite = SUITE_RSA;
        key->public_size = RSA_SIZE;
        key->is_private = has_private(key->pkey, OSSL_PKEY_PARAM_RSA_D);
        return number(key->pkey, OSSL_PKEY_PARAM_RSA_N, key->public, RSA_SIZE) &&
               (key->public[RSA_SIZE - 1] & 1) != 0;
    }
    return false;
}

enum tally_error tally_key_wrap(EVP_PKEY *pkey, struct tally_key **key)
{
    enum tally_error e = TALLY_OK;
    struct tally_key *k = calloc(1, sizeof *k);
    *key = NULL;
    if (k == NULL) {
        EVP_PKEY_free(pkey);
        return TALLY_E_MEMORY;
    }
    k->pkey = pkey;
    if (tally_ossl() == NULL)
        e = TALLY_E_BUG;
    else if (pkey == NULL || !describe(k))
        e = TALLY_E_CRYPTO;
    else if (!prepare(k))
        e = TALLY_E_MEMORY;
    if (e == TALLY_OK)
        *key = k;
    else
        tally_key_free(k);
    ERR_clear_error(); /* looking for a private half that is not there leaves one */
    return e;
}

void tally_key_free(struct tally_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_CTX_free(key->sign);
    EVP_PKEY_CTX_free(key->verify);
    EVP_PKEY_CTX_free(key->derive);
    EVP_PKEY_free(key->pkey); /* OpenSSL clears the private numbers */
    tally_sm9_key_free(key->sm9);
    free(key);
}

EVP_PKEY *tally_p256_fresh(void)
{
    const struct tally_ossl *o = tally_ossl();
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *ctx = o != NULL ? EVP_PKEY_CTX_new_from_pkey(NULL, o->p256_parameters, NULL) : NULL;
    if (ctx == NULL || EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_keygen(ctx, &pkey) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

enum tally_error tally_key_generate(uint8_t suite, struct tally_key **key)
{
    *key = NULL;
    if (suite != SUITE_P256 && suite != SUITE_RSA)
        return TALLY_E_USAGE;
    EVP_PKEY *pkey =
        suite == SUITE_P256 ? tally_p256_fresh() : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS);
    return pkey != NULL ? tally_key_wrap(pkey, key) : TALLY_E_BUG;
}

EVP_PKEY *tally_p256_peer(const uint8_t public_key[P256_PUBLIC_SIZE])
{
    const struct tally_ossl *o = tally_ossl();
    uint8_t point[P256_POINT_SIZE] = {0x04};
    EVP_PKEY *pkey = o != NULL ? EVP_PKEY_new() : NULL;
    memcpy(point + 1, public_key, P256_PUBLIC_SIZE);
    /* Decoding a point checks that it is on the curve; with cofactor 1 that is all there is to check. */
    if (pkey != NULL && (EVP_PKEY_copy_parameters(pkey, o->p256_parameters) != 1 ||
                         EVP_PKEY_set1_encoded_public_key(pkey, point, sizeof point) != 1)) {
        EVP_PKEY_free(pkey);
        ERR_clear_error();
        pkey = NULL;
    }
    return pkey;
}

static EVP_PKEY *from_params(const char *type, int selection, OSSL_PARAM_BLD *build)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, selection, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return pkey;
}

EVP_PKEY *tally_rsa_peer(const uint8_t modulus[RSA_SIZE])
{
    EVP_PKEY *pkey = NULL;
    if ((modulus[0] & 0x80) == 0 || (modulus[RSA_SIZE - 1] & 1) == 0)
        return NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_bin2bn(modulus, RSA_SIZE, NULL);
    if (build != NULL && n != NULL && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_uint(build, OSSL_PKEY_PARAM_RSA_E, RSA_EXPONENT) == 1)
        pkey = from_params("RSA", EVP_PKEY_PUBLIC_KEY, build);
    BN_free(n);
    OSSL_PARAM_BLD_free(build);
    return pkey;
}

/* Takes over sm9, also on failure. */
static enum tally_error wrap_sm9(struct tally_sm9_key *sm9, struct tally_key **key)
{
    struct tally_key *k = calloc(1, sizeof *k);
    *key = k;
    if (k == NULL) {
        tally_sm9_key_free(sm9);
        return TALLY_E_MEMORY;
    }
    const struct identity *identity = tally_sm9_key_identity(sm9);
    const struct tally_sm9_masters *masters = tally_sm9_key_masters(sm9);
    k->sm9 = sm9;
    k->suite = SUITE_SM9;
    k->is_private = tally_sm9_key_is_private(sm9);
    k->public_size = TALLY_SM9_PUBLIC_SIZE;
    be16_put(k->public, identity->operator_id);
    be16_put(k->public + AT_EPOCH, identity->epoch);
    memcpy(k->public + AT_SIGN, masters->sign, sizeof masters->sign);
    memcpy(k->public + AT_ENCRYPT, masters->encrypt, sizeof masters->encrypt);
    return TALLY_OK;
}

enum tally_error tally_key_from_holder(const struct tally_sm9_holder *holder, struct tally_key **key)
{
    struct tally_sm9_key *sm9;
    *key = NULL;
    if (holder->identity.scheme != IDENTITY_AUTHD)
        return TALLY_E_USAGE;
    enum tally_error e = tally_sm9_key_make(holder, &sm9);
    return e == TALLY_OK ? wrap_sm9(sm9, key) : e;
}

static enum tally_error from_sm9_public(const uint8_t raw[TALLY_SM9_PUBLIC_SIZE], struct tally_key **key)
{
    const struct identity identity = {
        .scheme = IDENTITY_AUTHD, .operator_id = be16_get(raw), .epoch = be16_get(raw + AT_EPOCH)};
    struct tally_sm9_masters masters;
    struct tally_sm9_key *sm9;
    memcpy(masters.sign, raw + AT_SIGN, sizeof masters.sign);
    memcpy(masters.encrypt, raw + AT_ENCRYPT, sizeof masters.encrypt);
    enum tally_error e = tally_sm9_key_public(&masters, &identity, &sm9);
    return e == TALLY_OK ? wrap_sm9(sm9, key) : e;
}

enum tally_error tally_key_from_public(const uint8_t *raw, size_t n, struct tally_key **key)
{
    EVP_PKEY *pkey = NULL;
    *key = NULL;
    if (n == TALLY_SM9_PUBLIC_SIZE)
        return from_sm9_public(raw, key);
    if (n == P256_PUBLIC_SIZE)
        pkey = tally_p256_peer(raw);
    else if (n == P256_POINT_SIZE && raw[0] == 0x04)
        pkey = tally_p256_peer(raw + 1);
    else if (n == RSA_SIZE)
        pkey = tally_rsa_peer(raw);
    else if (n != P256_POINT_SIZE)
        return TALLY_E_FORMAT;
    return pkey != NULL ? tally_key_wrap(pkey, key) : TALLY_E_CRYPTO;
}

/* 04 || x || y of d times the base point, when 1 <= d < n: zero gives the point at infinity, which is
 * shorter. */
static bool base_multiple(const BIGNUM *d, uint8_t point[P256_POINT_SIZE])
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    EC_POINT *p = group != NULL ? EC_POINT_new(group) : NULL;
    bool good = p != NULL && BN_cmp(d, EC_GROUP_get0_order(group)) < 0 &&
                EC_POINT_mul(group, p, d, NULL, NULL, NULL) == 1 &&
                EC_POINT_point2oct(group, p, POINT_CONVERSION_UNCOMPRESSED, point, P256_POINT_SIZE, NULL) ==
                    P256_POINT_SIZE;
    EC_POINT_free(p);
    EC_GROUP_free(group);
    return good;
}

enum tally_error tally_key_from_private(const uint8_t raw[P256_PRIVATE_SIZE], struct tally_key **key)
{
    uint8_t point[P256_POINT_SIZE];
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *d = BN_secure_new();
    *key = NULL;
    if (d != NULL)
        BN_set_flags(d, BN_FLG_CONSTTIME);
    if (build != NULL && d != NULL && BN_bin2bn(raw, P256_PRIVATE_SIZE, d) != NULL &&
        base_multiple(d, point) &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1 &&
        OSSL_PARAM_BLD_push_BN_pad(build, OSSL_PKEY_PARAM_PRIV_KEY, d, P256_PRIVATE_SIZE) == 1)
        pkey = from_params("EC", EVP_PKEY_KEYPAIR, build);
    BN_clear_free(d);
    OSSL_PARAM_BLD_free(build);
    return pkey != NULL ? tally_key_wrap(pkey, key) : TALLY_E_CRYPTO;
}

uint8_t tally_key_suite(const struct tally_key *key)
{
    return key->suite;
}

bool tally_key_is_private(const struct tally_key *key)
{
    return key->is_private;
}

const uint8_t *tally_key_public(const struct tally_key *key, size_t *n)
{
    *n = key->public_size;
    return key->public;
}

const struct tally_sm9_key *tally_key_sm9(const struct tally_key *key)
{
    return key->sm9;
}

bool tally_key_usable(const struct tally_key *key, uint8_t suite, bool with_private)
{
    return key != NULL && key->suite == suite && (!with_private || key->is_private);
}

enum tally_error tally_key_p256_private(const struct tally_key *key, uint8_t out[P256_PRIVATE_SIZE])
{
    if (tally_key_usable(key, SUITE_P256, true) &&
        number(key->pkey, OSSL_PKEY_PARAM_PRIV_KEY, out, P256_PRIVATE_SIZE))
        return TALLY_OK;
    tally_wipe(out, P256_PRIVATE_SIZE);
    return TALLY_E_USAGE;
}

enum tally_error tally_key_rsa_private(const struct tally_key *key, uint8_t out[TALLY_RSA_PRIVATE_SIZE])
{
    static const char *const names[] = {OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2,
                                        OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2,
                                        OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
    bool good = tally_key_usable(key, SUITE_RSA, true);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        good = good && number(key->pkey, names[i], out + i * FACTOR_SIZE, FACTOR_SIZE);
    if (good)
        return TALLY_OK;
    tally_wipe(out, TALLY_RSA_PRIVATE_SIZE);
    return TALLY_E_USAGE;
}
