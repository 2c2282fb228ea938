/* The symmetric part: HKDF-SHA256 of the key point, XChaCha20-Poly1305. */
#include <pthread.h>
#include <string.h>

#include <sodium.h>

#include "host/crypto/kdf.h"
#include "host/crypto/umbral_curve.h"

_Static_assert((int)UMBRAL_NONCE_SIZE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
_Static_assert((int)UMBRAL_TAG_SIZE == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");
_Static_assert((int)UMBRAL_DEM_KEY_SIZE == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key");
_Static_assert((int)TALLY_UMBRAL_OVERHEAD == UMBRAL_NONCE_SIZE + UMBRAL_TAG_SIZE, "overhead");

struct additional_data {
    uint8_t bytes[TALLY_UMBRAL_CAPSULE_SIMPLE_SIZE + UMBRAL_CONTEXT_MAX];
    size_t n;
};

static pthread_once_t sodium_once = PTHREAD_ONCE_INIT;
static bool sodium_ready;

static void start_sodium(void)
{
    sodium_ready = sodium_init() >= 0;
}

static enum tally_error collect(const struct tally_umbral_capsule *capsule, const struct tally_bytes *context,
                                size_t count, struct additional_data *ad)
{
    tally_umbral_capsule_write_simple(capsule, ad->bytes);
    ad->n = TALLY_UMBRAL_CAPSULE_SIMPLE_SIZE;
    for (size_t i = 0; i < count; i++) {
        if (context[i].n > sizeof ad->bytes - ad->n)
            return TALLY_E_USAGE;
        if (context[i].n > 0)
            memcpy(ad->bytes + ad->n, context[i].p, context[i].n);
        ad->n += context[i].n;
    }
    return TALLY_OK;
}

static enum tally_error prepare(const struct tally_umbral_point *key_point,
                                const struct tally_umbral_capsule *capsule, const struct tally_bytes *context,
                                size_t count, struct additional_data *ad, uint8_t key[UMBRAL_DEM_KEY_SIZE])
{
    const struct tally_bytes none = {NULL, 0}, ikm = {key_point->bytes, TALLY_UMBRAL_POINT_SIZE};
    pthread_once(&sodium_once, start_sodium);
    enum tally_error e = sodium_ready ? collect(capsule, context, count, ad) : TALLY_E_BUG;
    return e == TALLY_OK ? tally_hkdf(none, ikm, NULL, 0, key, UMBRAL_DEM_KEY_SIZE) : e;
}

enum tally_error umbral_seal(const struct tally_umbral_point *key_point,
                             const struct tally_umbral_capsule *capsule, const struct tally_bytes *context,
                             size_t count, const struct tally_random *random, const uint8_t *in, size_t n,
                             uint8_t *out)
{
    uint8_t key[UMBRAL_DEM_KEY_SIZE], nonce[UMBRAL_NONCE_SIZE];
    struct additional_data ad;
    enum tally_error e = prepare(key_point, capsule, context, count, &ad, key);
    if (e == TALLY_OK)
        e = tally_random_fill(random, nonce, sizeof nonce);
    if (e == TALLY_OK) {
        memcpy(out, nonce, sizeof nonce);
        if (crypto_aead_xchacha20poly1305_ietf_encrypt(out + UMBRAL_NONCE_SIZE, NULL, in, n, ad.bytes, ad.n,
                                                       NULL, nonce, key) != 0)
            e = TALLY_E_BUG;
    }
    if (e != TALLY_OK)
        tally_wipe(out, n + TALLY_UMBRAL_OVERHEAD);
    tally_wipe(key, sizeof key);
    return e;
}

enum tally_error umbral_open(const struct tally_umbral_point *key_point,
                             const struct tally_umbral_capsule *capsule, const struct tally_bytes *context,
                             size_t count, const uint8_t *in, size_t n, uint8_t *out)
{
    uint8_t key[UMBRAL_DEM_KEY_SIZE];
    struct additional_data ad;
    enum tally_error e = prepare(key_point, capsule, context, count, &ad, key);
    if (e == TALLY_OK &&
        crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, in + UMBRAL_NONCE_SIZE,
                                                   n - UMBRAL_NONCE_SIZE, ad.bytes, ad.n, in, key) != 0)
        e = TALLY_E_CRYPTO;
    if (e != TALLY_OK)
        tally_wipe(out, n - TALLY_UMBRAL_OVERHEAD);
    tally_wipe(key, sizeof key);
    return e;
}
