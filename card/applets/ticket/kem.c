#include "card/applets/ticket/kem.h"

#include "card/apdu/card.h"
#include "card/applets/ticket/change.h"

uint8_t *kem_open(struct card *card, const char *info, uint8_t *message, size_t prefix, size_t n)
{
    uint8_t key[KEY_P256_SIZE];
    uint8_t *enc = message + prefix, *body = enc + HPKE_ENC_SIZE;
    const struct bytes aad = {message, prefix};
    const struct hpke_key pair = {.private_key = key + KEY_P256_PRIVATE, .public_key = key + KEY_P256_PUBLIC};
    bool ok = n >= prefix + HPKE_OVERHEAD && record_read(card, REC_KEY_KEM, 0, key, sizeof key) &&
              hpke_open(&pair, info, &aad, 1, enc, body, n - prefix - HPKE_ENC_SIZE);
    wipe(key, sizeof key);
    return ok ? body : NULL;
}
