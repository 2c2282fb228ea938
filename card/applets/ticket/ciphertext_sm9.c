#include "card/applets/ticket/ciphertext_sm9.h"

#include <string.h>

#include "card/apdu/card.h"
#include "card/applets/ticket/change.h"
#include "card/applets/ticket/operators.h"
#include "card/crypto/sm9_suite.h"
#include "card/wire/be.h"

/* The secret in c, for this card's identity. */
static bool open_secret(struct card *card, int operator_slot, const uint8_t c[SM9_G1_SIZE],
                        uint8_t secret[SM9_SECRET_SIZE])
{
    uint8_t key[SM9_G2_SIZE], epoch[SM9_EPOCH_SIZE];
    struct identity self = {.scheme = IDENTITY_CARD};
    uint16_t holder = RECORD(REC_SM9_HOLDER, operator_slot);
    bool ok = card_serial(card, self.serial) &&
              record_read(card, holder, SM9_HOLDER_EPOCH, epoch, sizeof epoch) &&
              record_read(card, holder, SM9_HOLDER_DECRYPT_KEY, key, sizeof key);
    self.epoch = be16_get(epoch);
    ok = ok && sm9_open_secret(&card->rng, key, &self, c, secret);
    wipe(key, sizeof key);
    return ok;
}

uint8_t *sm9_ciphertext_open(struct card *card, int operator_slot, uint8_t *data, size_t plain)
{
    static const uint8_t nonce[GCM_NONCE_SIZE]; /* the key is used once */
    uint8_t key[SYM_KEY_SIZE], secret[SM9_SECRET_SIZE];
    uint8_t *c = data + CIPHERTEXT_1_HEADER_SIZE, *body = c + SM9_G1_SIZE;
    const struct bytes aad = {data, CIPHERTEXT_1_HEADER_SIZE};
    const struct bytes info = {(const uint8_t *)LABEL_CIPHERTEXT_1, sizeof LABEL_CIPHERTEXT_1 - 1};
    if (!open_secret(card, operator_slot, c, secret))
        return NULL;
    hkdf((struct bytes){NULL, 0}, (struct bytes){secret, sizeof secret}, &info, 1, key, sizeof key);
    wipe(secret, sizeof secret);
    bool ok = gcm_open(key, nonce, &aad, 1, body, plain, body + plain);
    wipe(key, sizeof key);
    return ok ? body : NULL;
}

/* Neither of the next two is inlined: their keys need no place on the stack during the pairing. */
__attribute__((noinline)) static bool load_masters(struct card *card, int operator_slot)
{
    uint8_t master[SM9_G2_SIZE], power[SM9_POWER_SIZE];
    return record_read(card, RECORD(REC_OPERATOR, operator_slot), OPERATOR_AT_AUTHORITY, master,
                       sizeof master) &&
           record_read(card, RECORD(REC_SM9_POWERS, operator_slot), SM9_POWER_SIGN, power, sizeof power) &&
           sm9_load_verifier(&card->sm9, master, power);
}

__attribute__((noinline)) static bool server_epoch(struct card *card, const struct order *order,
                                                   uint16_t *epoch)
{
    uint8_t key6[RSA_SIZE];
    bool found = operators_key6(card, order->operator_slot, SUITE_SM9, order->face.key_version, key6);
    *epoch = be16_get(key6);
    return found;
}

bool sm9_code_is_right(struct card *card, const struct order *order)
{
    struct identity server = {.scheme = IDENTITY_AUTHD, .operator_id = order->face.operator_id};
    const struct bytes face = {order->bytes, FACE_SIZE};
    return server_epoch(card, order, &server.epoch) && load_masters(card, order->operator_slot) &&
           sm9_verify_parts(&card->sm9, &server, LABEL_FACE, &face, 1, order->bytes + FACE_SIZE);
}
