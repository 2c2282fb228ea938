#include "card/applets/ticket/ciphertext.h"

#include <string.h>

#include "card/apdu/card.h"
#include "card/applets/ticket/change.h"
#include "card/applets/ticket/ciphertext_sm9.h"
#include "card/applets/ticket/kem.h"
#include "card/applets/ticket/operators.h"
#include "card/applets/ticket/tickets.h"
#include "card/crypto/rsa.h"
#include "card/wire/be.h"

enum {
    AT_SUITE = 1,
    AT_OPERATOR = 2,
    AT_KEY_VERSION = 4,
    HEADER = CIPHERTEXT_1_HEADER_SIZE,
    FORMAT_VERSION = 1
};

/* What the header promises. */
struct envelope {
    uint8_t suite;
    struct operator_head head;
    uint8_t *data;
    size_t n, plain; /* bytes of ciphertext 1, of its plaintext */
};

/* The version of key 2 that the header has to name: of suite SM9, the low byte of the card identity's epoch.
 */
static bool key_version(struct card *card, uint8_t suite, int operator_slot, uint8_t *version)
{
    if (suite == SUITE_SM9)
        return record_read(card, RECORD(REC_SM9_HOLDER, operator_slot), SM9_HOLDER_EPOCH + 1, version, 1);
    return record_read(card, suite == SUITE_RSA ? REC_KEY_RSA : REC_KEY_KEM, 0, version, 1);
}

/* What stands before the ciphertext. */
static size_t enc_size(uint8_t suite)
{
    switch (suite) {
    case SUITE_RSA: return RSA_SIZE;
    case SUITE_SM9: return SM9_G1_SIZE;
    default: return HPKE_ENC_SIZE;
    }
}

static uint16_t read_header(struct card *card, struct envelope *e, struct order *order)
{
    uint8_t version;
    const uint8_t *header = e->data;
    if (e->n < HEADER || header[0] != FORMAT_VERSION)
        return SW_WRONG_DATA;
    e->suite = header[AT_SUITE];
    size_t code = suite_code_size(e->suite);
    e->plain = FACE_SIZE + code;
    if (code == 0 || e->n != HEADER + enc_size(e->suite) + e->plain + AEAD_TAG_SIZE)
        return SW_WRONG_DATA;

    order->operator_slot = operators_find(card, be16_get(header + AT_OPERATOR), &e->head);
    if (order->operator_slot < 0 || e->head.suite != e->suite ||
        !key_version(card, e->suite, order->operator_slot, &version) || version != header[AT_KEY_VERSION])
        return SW_KEY_ABSENT;
    return SW_OK;
}

static uint8_t *decrypt_rsa(struct card *card, const struct envelope *e)
{
    static const uint8_t nonce[GCM_NONCE_SIZE];
    uint8_t key[RSA_PRIVATE_SIZE];
    uint8_t *block = e->data + HEADER, *body = block + RSA_SIZE;
    const struct bytes aad = {e->data, HEADER};
    size_t n = 0;
    bool ok = record_read(card, REC_KEY_RSA, KEY_RSA_PRIVATE, key, sizeof key) &&
              rsa_oaep_decrypt(key, LABEL_CIPHERTEXT_1, block, &n) && n == SYM_KEY_SIZE &&
              gcm_open(block, nonce, &aad, 1, body, e->plain, body + e->plain);
    wipe(key, sizeof key);
    wipe(block, RSA_SIZE);
    return ok ? body : NULL;
}

static uint8_t *decrypt(struct card *card, const struct envelope *e, int operator_slot)
{
    switch (e->suite) {
    case SUITE_RSA: return decrypt_rsa(card, e);
    case SUITE_SM9: return sm9_ciphertext_open(card, operator_slot, e->data, e->plain);
    default: return kem_open(card, LABEL_CIPHERTEXT_1, e->data, HEADER, e->n);
    }
}

/* TF_V over TF_A with the version of key 6 that the face names. Not inlined: its key needs no place on the
 * stack while SM9 works. */
__attribute__((noinline)) static bool code_is_right(struct card *card, const struct order *order)
{
    uint8_t key[RSA_SIZE];
    const uint8_t *code = order->bytes + FACE_SIZE;
    const struct bytes face = {order->bytes, FACE_SIZE};
    if (!operators_key6(card, order->operator_slot, order->face.suite, order->face.key_version, key))
        return false;
    if (order->face.suite == SUITE_RSA)
        return rsa_pss_verify(key, LABEL_FACE, &face, 1, code);
    return p256_verify(key, LABEL_FACE, &face, 1, code);
}

uint16_t ciphertext_open(struct card *card, uint8_t *data, size_t n, struct order *order)
{
    struct envelope e = {.data = data, .n = n};
    memset(order, 0, sizeof *order);
    uint16_t sw = read_header(card, &e, order);
    if (sw == SW_OK) {
        order->bytes = decrypt(card, &e, order->operator_slot);
        order->size = e.plain;
        if (order->bytes == NULL || !face_decode(order->bytes, &order->face) ||
            order->face.operator_id != e.head.id || order->face.suite != e.suite ||
            !(e.suite == SUITE_SM9 ? sm9_code_is_right(card, order) : code_is_right(card, order)))
            sw = SW_AUTHENTICATION;
    }
    if (sw != SW_OK)
        wipe(order, sizeof *order);
    return sw;
}
