/* CCM and GCM of sym.h. */
#include <string.h>

#include "card/crypto/sym.h"

static size_t total(const struct bytes *parts, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += parts[i].n;
    return n;
}

static void ccm_start(br_ccm_context *ccm, br_aes_ct_ctrcbc_keys *aes, const uint8_t *key,
                      const uint8_t *nonce, const struct bytes *aad, size_t count, size_t n)
{
    br_aes_ct_ctrcbc_init(aes, key, SYM_KEY_SIZE);
    br_ccm_init(ccm, &aes->vtable);
    br_ccm_reset(ccm, nonce, SESSION_NONCE_SIZE, total(aad, count), n, SESSION_TAG_SIZE);
    for (size_t i = 0; i < count; i++)
        br_ccm_aad_inject(ccm, aad[i].p, aad[i].n);
    br_ccm_flip(ccm);
}

void ccm_seal(const uint8_t key[SYM_KEY_SIZE], const uint8_t nonce[SESSION_NONCE_SIZE],
              const struct bytes *aad, size_t count, uint8_t *data, size_t n, uint8_t tag[SESSION_TAG_SIZE])
{
    br_aes_ct_ctrcbc_keys aes;
    br_ccm_context ccm;
    ccm_start(&ccm, &aes, key, nonce, aad, count, n);
    br_ccm_run(&ccm, 1, data, n);
    br_ccm_get_tag(&ccm, tag);
    wipe(&ccm, sizeof ccm);
    wipe(&aes, sizeof aes);
}

bool ccm_open(const uint8_t key[SYM_KEY_SIZE], const uint8_t nonce[SESSION_NONCE_SIZE],
              const struct bytes *aad, size_t count, uint8_t *data, size_t n,
              const uint8_t tag[SESSION_TAG_SIZE])
{
    br_aes_ct_ctrcbc_keys aes;
    br_ccm_context ccm;
    ccm_start(&ccm, &aes, key, nonce, aad, count, n);
    br_ccm_run(&ccm, 0, data, n);
    bool good = br_ccm_check_tag(&ccm, tag) == 1;
    wipe(&ccm, sizeof ccm);
    wipe(&aes, sizeof aes);
    if (!good)
        wipe(data, n);
    return good;
}

static void gcm_start(br_gcm_context *gcm, br_aes_ct_ctr_keys *aes, const uint8_t *key, const uint8_t *nonce,
                      const struct bytes *aad, size_t count)
{
    br_aes_ct_ctr_init(aes, key, SYM_KEY_SIZE);
    br_gcm_init(gcm, &aes->vtable, br_ghash_ctmul32);
    br_gcm_reset(gcm, nonce, GCM_NONCE_SIZE);
    for (size_t i = 0; i < count; i++)
        br_gcm_aad_inject(gcm, aad[i].p, aad[i].n);
    br_gcm_flip(gcm);
}

void gcm_seal(const uint8_t key[SYM_KEY_SIZE], const uint8_t nonce[GCM_NONCE_SIZE], const struct bytes *aad,
              size_t count, uint8_t *data, size_t n, uint8_t tag[AEAD_TAG_SIZE])
{
    br_aes_ct_ctr_keys aes;
    br_gcm_context gcm;
    gcm_start(&gcm, &aes, key, nonce, aad, count);
    br_gcm_run(&gcm, 1, data, n);
    br_gcm_get_tag(&gcm, tag);
    wipe(&gcm, sizeof gcm);
    wipe(&aes, sizeof aes);
}

bool gcm_open(const uint8_t key[SYM_KEY_SIZE], const uint8_t nonce[GCM_NONCE_SIZE], const struct bytes *aad,
              size_t count, uint8_t *data, size_t n, const uint8_t tag[AEAD_TAG_SIZE])
{
    br_aes_ct_ctr_keys aes;
    br_gcm_context gcm;
    gcm_start(&gcm, &aes, key, nonce, aad, count);
    br_gcm_run(&gcm, 0, data, n);
    bool good = br_gcm_check_tag(&gcm, tag) == 1;
    wipe(&gcm, sizeof gcm);
    wipe(&aes, sizeof aes);
    if (!good)
        wipe(data, n);
    return good;
}
