#include "card/crypto/hpke.h"

#include <string.h>

#include "card/wire/be.h"

/* suite_id of RFC 9180 4.1 and 5.1: text and the identifiers of KEM, KDF and AEAD. */
static const uint8_t kem_suite[] = {'K', 'E', 'M', 0x00, 0x10};
static const uint8_t hpke_suite[] = {'H', 'P', 'K', 'E', 0x00, 0x10, 0x00, 0x01, 0x00, 0x01};

static const struct bytes kem = {kem_suite, sizeof kem_suite};
static const struct bytes hpke = {hpke_suite, sizeof hpke_suite};
static const struct bytes none = {NULL, 0};

enum { MODE_BASE = 0, CONTEXT_SIZE = 1 + 2 * SHA256_SIZE };

struct aead {
    uint8_t key[SYM_KEY_SIZE];
    uint8_t nonce[GCM_NONCE_SIZE];
};

static struct bytes text(const char *s)
{
    return (struct bytes){(const uint8_t *)s, strlen(s)};
}

/* LabeledExtract, RFC 9180 4. */
static void labeled_extract(struct bytes suite, struct bytes salt, const char *label, struct bytes ikm,
                            uint8_t out[SHA256_SIZE])
{
    const struct bytes parts[] = {text("HPKE-v1"), suite, text(label), ikm};
    hkdf_extract(salt, parts, 4, out);
}

/* LabeledExpand, RFC 9180 4. */
static void labeled_expand(struct bytes suite, const uint8_t prk[SHA256_SIZE], const char *label,
                           struct bytes info, uint8_t *out, size_t n)
{
    uint8_t length[2];
    be16_put(length, (uint16_t)n);
    const struct bytes parts[] = {{length, 2}, text("HPKE-v1"), suite, text(label), info};
    hkdf_expand(prk, parts, 5, out, n);
}

/* KeySchedule, RFC 9180 5.1, for mode base: no PSK. */
static void key_schedule(const uint8_t shared[SHA256_SIZE], const char *info, struct aead *aead)
{
    uint8_t context[CONTEXT_SIZE] = {MODE_BASE}, secret[SHA256_SIZE];
    labeled_extract(hpke, none, "psk_id_hash", none, context + 1);
    labeled_extract(hpke, none, "info_hash", text(info), context + 1 + SHA256_SIZE);
    labeled_extract(hpke, (struct bytes){shared, SHA256_SIZE}, "secret", none, secret);
    const struct bytes whole = {context, sizeof context};
    labeled_expand(hpke, secret, "key", whole, aead->key, sizeof aead->key);
    labeled_expand(hpke, secret, "base_nonce", whole, aead->nonce, sizeof aead->nonce);
    wipe(secret, sizeof secret);
}

/* ECDH, ExtractAndExpand (RFC 9180 4.1) and the key schedule; private_key is either side's. */
static bool agree(const uint8_t *private_key, const uint8_t *peer, const uint8_t enc[HPKE_ENC_SIZE],
                  const uint8_t receiver[P256_PUBLIC_SIZE], const char *info, struct aead *aead)
{
    uint8_t dh[P256_SECRET_SIZE], prk[SHA256_SIZE], shared[SHA256_SIZE];
    uint8_t context[2 * P256_POINT_SIZE];
    memcpy(context, enc, P256_POINT_SIZE);
    context[P256_POINT_SIZE] = 0x04;
    memcpy(context + P256_POINT_SIZE + 1, receiver, P256_PUBLIC_SIZE);

    bool good = p256_ecdh(private_key, peer, dh);
    if (good) {
        labeled_extract(kem, none, "eae_prk", (struct bytes){dh, sizeof dh}, prk);
        labeled_expand(kem, prk, "shared_secret", (struct bytes){context, sizeof context}, shared,
                       sizeof shared);
        key_schedule(shared, info, aead);
    }
    wipe(dh, sizeof dh);
    wipe(prk, sizeof prk);
    wipe(shared, sizeof shared);
    return good;
}

bool hpke_open(const struct hpke_key *key, const char *info, const struct bytes *aad, size_t count,
               const uint8_t enc[HPKE_ENC_SIZE], uint8_t *data, size_t n)
{
    struct aead aead;
    if (n < AEAD_TAG_SIZE)
        return false;
    size_t plain = n - AEAD_TAG_SIZE;
    bool good = enc[0] == 0x04 && agree(key->private_key, enc + 1, enc, key->public_key, info, &aead) &&
                gcm_open(aead.key, aead.nonce, aad, count, data, plain, data + plain);
    wipe(&aead, sizeof aead);
    if (!good)
        wipe(data, n);
    return good;
}

bool hpke_seal_ephemeral(const uint8_t ephemeral[P256_PRIVATE_SIZE], const uint8_t peer[P256_PUBLIC_SIZE],
                         const char *info, const struct bytes *aad, size_t count, uint8_t enc[HPKE_ENC_SIZE],
                         uint8_t *data, size_t n)
{
    struct aead aead;
    enc[0] = 0x04;
    bool good = p256_public(ephemeral, enc + 1) && agree(ephemeral, peer, enc, peer, info, &aead);
    if (good) {
        gcm_seal(aead.key, aead.nonce, aad, count, data, n, data + n);
    } else {
        memset(enc, 0, HPKE_ENC_SIZE);
        wipe(data, n + AEAD_TAG_SIZE);
    }
    wipe(&aead, sizeof aead);
    return good;
}

bool hpke_seal(struct rng *rng, const uint8_t peer[P256_PUBLIC_SIZE], const char *info,
               const struct bytes *aad, size_t count, uint8_t enc[HPKE_ENC_SIZE], uint8_t *data, size_t n)
{
    uint8_t ephemeral[P256_PRIVATE_SIZE];
    /* After a failed draw the key is zero, which hpke_seal_ephemeral refuses. */
    p256_draw(rng, ephemeral);
    bool good = hpke_seal_ephemeral(ephemeral, peer, info, aad, count, enc, data, n);
    wipe(ephemeral, sizeof ephemeral);
    return good;
}
