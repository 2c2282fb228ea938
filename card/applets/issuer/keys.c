/* GENERATE KEY and PUT KEY. Records are put together in the answer's buffer, which has room for the largest.
 */
#include <string.h>

#include "card/applets/issuer/commands.h"
#include "card/crypto/p256.h"
#include "card/crypto/rsa.h"
#include "card/wire/tlv.h"

enum { FIRST_VERSION = 1, TAG_FIRST_FACTOR = 0x81, FACTORS = 5 };

/* Makes the record at the start of the answer's buffer the card's key. */
static uint16_t store_key(struct card *card, uint16_t id, uint16_t size, struct apdu_response *response)
{
    struct store_change change = {id, size, response->data};
    response->data[0] = FIRST_VERSION;
    return card_commit(card, &change, 1);
}

/* Leaves the last part of the record, at..size, behind a prefix, and wipes the rest. */
static void keep_public(struct apdu_response *response, size_t at, size_t size, size_t prefix)
{
    size_t n = size - at;
    memmove(response->data + prefix, response->data + at, n);
    wipe(response->data + prefix + n, size - prefix - n);
    response->len = prefix + n;
}

uint16_t generate_p256_run(struct card *card, const struct apdu_command *command,
                           struct apdu_response *response)
{
    uint8_t *record = response->data;
    uint16_t sw = SW_INTERNAL;
    if (p256_generate(&card->rng, record + KEY_P256_PRIVATE, record + KEY_P256_PUBLIC))
        sw = store_key(card, REC_KEY | command->p2, KEY_P256_SIZE, response);
    keep_public(response, KEY_P256_PUBLIC, KEY_P256_SIZE, 1);
    response->data[0] = 0x04;
    return sw;
}

uint16_t generate_rsa_run(struct card *card, const struct apdu_command *command,
                          struct apdu_response *response)
{
    (void)command;
    uint8_t *record = response->data;
    uint16_t sw = SW_INTERNAL;
    if (rsa_generate(&card->rng, record + KEY_RSA_PRIVATE, record + KEY_RSA_MODULUS))
        sw = store_key(card, REC_KEY_RSA, KEY_RSA_SIZE, response);
    keep_public(response, KEY_RSA_MODULUS, KEY_RSA_SIZE, 0);
    return sw;
}

/* Takes the five factors, in order and nothing else. */
static bool read_factors(const struct apdu_command *command, uint8_t private_key[RSA_PRIVATE_SIZE])
{
    const uint8_t *in = command->data;
    size_t n = command->len;
    struct tlv factor;
    for (size_t i = 0; i < FACTORS; i++) {
        if (!tlv_next(&in, &n, &factor) || factor.tag != TAG_FIRST_FACTOR + i ||
            factor.len != RSA_FACTOR_SIZE)
            return false;
        memcpy(private_key + i * RSA_FACTOR_SIZE, factor.value, RSA_FACTOR_SIZE);
    }
    return n == 0;
}

uint16_t put_key_run(struct card *card, const struct apdu_command *command, struct apdu_response *response)
{
    uint8_t *private_key = response->data + KEY_RSA_PRIVATE;
    uint8_t *modulus = response->data + KEY_RSA_MODULUS;
    uint16_t sw = SW_WRONG_DATA;
    if (read_factors(command, private_key) && rsa_modulus(private_key, modulus) &&
        rsa_consistent(&card->rng, private_key, modulus))
        sw = store_key(card, REC_KEY_RSA, KEY_RSA_SIZE, response);
    wipe(response->data, KEY_RSA_SIZE);
    return sw;
}
