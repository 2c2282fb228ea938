#include "host/crypto/hpke.h"

#include <string.h>

#include "card/wire/be.h"
#include "host/crypto/kdf.h"
#include "host/crypto/key_internal.h"
#include "host/crypto/p256.h"

enum { KEM_ID = 0x0010, KDF_ID = 0x0001, AEAD_ID = 0x0001, MODE_BASE = 0x00 };

struct secrets {
    uint8_t key[SYM_KEY_SIZE];
    uint8_t nonce[TALLY_GCM_NONCE_SIZE];
};

static struct tally_bytes text(const char *s)
{
    return (struct tally_bytes){(const uint8_t *)s, strlen(s)};
}

/* RFC 9180 4: suite_id is text || I2OSP(id, 2) ... */
struct suite_id {
    uint8_t bytes[10];
    size_t n;
};

static struct suite_id kem_suite(void)
{
    struct suite_id s = {{'K', 'E', 'M'}, 5};
    be16_put(s.bytes + 3, KEM_ID);
    return s;
}

static struct suite_id hpke_suite(void)
{
    struct suite_id s = {{'H', 'P', 'K', 'E'}, 10};
    be16_put(s.bytes + 4, KEM_ID);
    be16_put(s.bytes + 6, KDF_ID);
    be16_put(s.bytes + 8, AEAD_ID);
    return s;
}

static enum tally_error labeled_extract(const struct suite_id *suite, struct tally_bytes salt,
                                        const char *label, struct tally_bytes ikm, uint8_t *prk)
{
    const struct tally_bytes labeled_ikm[] = {text("HPKE-v1"), {suite->bytes, suite->n}, text(label), ikm};
    return tally_hkdf_extract(salt, labeled_ikm, 4, prk);
}

static enum tally_error labeled_expand(const struct suite_id *suite, const uint8_t *prk, const char *label,
                                       struct tally_bytes info, uint8_t *out, size_t n)
{
    uint8_t length[2];
    be16_put(length, (uint16_t)n);
    const struct tally_bytes labeled_info[] = {
        {length, 2}, text("HPKE-v1"), {suite->bytes, suite->n}, text(label), info};
    return tally_hkdf_expand(prk, labeled_info, 5, out, n);
}

/* RFC 9180 4.1, ExtractAndExpand with kem_context = enc || pkR. */
static enum tally_error extract_and_expand(const uint8_t dh[TALLY_P256_SECRET_SIZE],
                                           const uint8_t enc[P256_POINT_SIZE],
                                           const uint8_t receiver[P256_PUBLIC_SIZE],
                                           uint8_t shared[TALLY_SHA256_SIZE])
{
    const struct suite_id suite = kem_suite();
    uint8_t prk[TALLY_SHA256_SIZE], context[2 * P256_POINT_SIZE];
    memcpy(context, enc, P256_POINT_SIZE);
    context[P256_POINT_SIZE] = 0x04;
    memcpy(context + P256_POINT_SIZE + 1, receiver, P256_PUBLIC_SIZE);
    enum tally_error e = labeled_extract(&suite, (struct tally_bytes){NULL, 0}, "eae_prk",
                                         (struct tally_bytes){dh, TALLY_P256_SECRET_SIZE}, prk);
    if (e == TALLY_OK)
        e = labeled_expand(&suite, prk, "shared_secret", (struct tally_bytes){context, sizeof context},
                           shared, TALLY_SHA256_SIZE);
    tally_wipe(prk, sizeof prk);
    return e;
}

/* RFC 9180 5.1, KeySchedule<Role>(mode_base, shared, info, "", ""). */
static enum tally_error key_schedule(const uint8_t shared[TALLY_SHA256_SIZE], const char *info,
                                     struct secrets *out)
{
    const struct suite_id suite = hpke_suite();
    const struct tally_bytes empty = {NULL, 0};
    uint8_t secret[TALLY_SHA256_SIZE];
    struct {
        uint8_t mode;
        uint8_t psk_id_hash[TALLY_SHA256_SIZE], info_hash[TALLY_SHA256_SIZE];
    } context = {.mode = MODE_BASE};
    const struct tally_bytes whole = {(const uint8_t *)&context, sizeof context};

    enum tally_error e = labeled_extract(&suite, empty, "psk_id_hash", empty, context.psk_id_hash);
    if (e == TALLY_OK)
        e = labeled_extract(&suite, empty, "info_hash", text(info), context.info_hash);
    if (e == TALLY_OK)
        e = labeled_extract(&suite, (struct tally_bytes){shared, TALLY_SHA256_SIZE}, "secret", empty, secret);
    if (e == TALLY_OK)
        e = labeled_expand(&suite, secret, "key", whole, out->key, sizeof out->key);
    if (e == TALLY_OK)
        e = labeled_expand(&suite, secret, "base_nonce", whole, out->nonce, sizeof out->nonce);
    tally_wipe(secret, sizeof secret);
    return e;
}

/* From either side's key to the AEAD's key and nonce. */
static enum tally_error agree(EVP_PKEY_CTX *derive, const uint8_t *peer, const uint8_t *enc,
                              const uint8_t *receiver, const char *info, struct secrets *out)
{
    uint8_t dh[TALLY_P256_SECRET_SIZE], shared[TALLY_SHA256_SIZE];
    enum tally_error e = tally_p256_agree(derive, peer, dh);
    if (e == TALLY_OK)
        e = extract_and_expand(dh, enc, receiver, shared);
    if (e == TALLY_OK)
        e = key_schedule(shared, info, out);
    tally_wipe(dh, sizeof dh);
    tally_wipe(shared, sizeof shared);
    return e;
}

static enum tally_error seal(EVP_PKEY_CTX *derive, const uint8_t *ephemeral, const uint8_t *peer,
                             const char *info, const struct tally_bytes *aad, size_t count, const uint8_t *in,
                             size_t n, uint8_t *out)
{
    struct secrets secrets;
    out[0] = 0x04;
    memcpy(out + 1, ephemeral, P256_PUBLIC_SIZE);
    enum tally_error e = agree(derive, peer, out, peer, info, &secrets);
    if (e == TALLY_OK)
        e = tally_gcm_seal(secrets.key, secrets.nonce, aad, count, in, n, out + P256_POINT_SIZE);
    tally_wipe(&secrets, sizeof secrets);
    if (e != TALLY_OK)
        memset(out, 0, n + TALLY_HPKE_OVERHEAD);
    return e;
}

enum tally_error tally_hpke_seal(const uint8_t peer[P256_PUBLIC_SIZE], const char *info,
                                 const struct tally_bytes *aad, size_t count, const uint8_t *in, size_t n,
                                 uint8_t *out)
{
    uint8_t ephemeral[P256_PUBLIC_SIZE];
    enum tally_error e = TALLY_E_MEMORY;
    EVP_PKEY *pkey = tally_p256_fresh();
    EVP_PKEY_CTX *derive = pkey != NULL ? EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL) : NULL;
    if (derive != NULL && EVP_PKEY_derive_init(derive) == 1 && tally_p256_coordinates(pkey, ephemeral))
        e = seal(derive, ephemeral, peer, info, aad, count, in, n, out);
    else
        memset(out, 0, n + TALLY_HPKE_OVERHEAD);
    EVP_PKEY_CTX_free(derive);
    EVP_PKEY_free(pkey);
    return e;
}

enum tally_error tally_hpke_seal_ephemeral(const struct tally_key *ephemeral,
                                           const uint8_t peer[P256_PUBLIC_SIZE], const char *info,
                                           const struct tally_bytes *aad, size_t count, const uint8_t *in,
                                           size_t n, uint8_t *out)
{
    memset(out, 0, n + TALLY_HPKE_OVERHEAD);
    if (!tally_key_usable(ephemeral, SUITE_P256, true))
        return TALLY_E_USAGE;
    EVP_PKEY_CTX *derive = EVP_PKEY_CTX_dup(ephemeral->derive);
    enum tally_error e =
        derive != NULL ? seal(derive, ephemeral->public, peer, info, aad, count, in, n, out) : TALLY_E_MEMORY;
    EVP_PKEY_CTX_free(derive);
    return e;
}

enum tally_error tally_hpke_open(const struct tally_key *key, const char *info, const struct tally_bytes *aad,
                                 size_t count, const uint8_t *in, size_t n, uint8_t *out)
{
    struct secrets secrets;
    if (n < TALLY_HPKE_OVERHEAD)
        return TALLY_E_FORMAT;
    EVP_PKEY_CTX *derive = NULL;
    enum tally_error e = TALLY_OK;
    if (!tally_key_usable(key, SUITE_P256, true))
        e = TALLY_E_USAGE;
    else if (in[0] != 0x04)
        e = TALLY_E_CRYPTO;
    else if ((derive = EVP_PKEY_CTX_dup(key->derive)) == NULL)
        e = TALLY_E_MEMORY;
    if (e == TALLY_OK)
        e = agree(derive, in + 1, in, key->public, info, &secrets);
    if (e == TALLY_OK)
        e = tally_gcm_open(secrets.key, secrets.nonce, aad, count, in + P256_POINT_SIZE, n - P256_POINT_SIZE,
                           out);
    tally_wipe(&secrets, sizeof secrets);
    EVP_PKEY_CTX_free(derive);
    if (e != TALLY_OK)
        memset(out, 0, n - TALLY_HPKE_OVERHEAD);
    return e;
}
