/* INITIALIZE UPDATE and EXTERNAL AUTHENTICATE: the issuer proves the card's administration key, the card
 * proves it too.
 *
 * Failures are counted durably before the proof is looked at. A power session ends in a lock at the fifth
 * failure in a row; from then on each power session allows one attempt, and nothing more is written, so that
 * a stranger cannot wear the flash out. A success starts the count again.
 */
#include <string.h>

#include "card/applets/issuer/commands.h"
#include "card/apdu/pin.h"

enum { DIVERSIFICATION_SIZE = 10, KEY_INFORMATION_SIZE = 3 };

/* Amendment D 5.1: key version, protocol, "i" (S8, random card challenge, response MAC and encryption). */
static const uint8_t key_information[KEY_INFORMATION_SIZE] = {0x00, 0x03, 0x60};

static void derive_static_keys(const struct hal_identity *identity, struct scp03_keys *keys)
{
    const uint8_t enc = 1, mac = 2;
    struct bytes enc_context = {&enc, 1}, mac_context = {&mac, 1};
    kdf_cmac(identity->admin_key, LABEL_ADMIN, &enc_context, 1, keys->enc, SYM_KEY_SIZE);
    kdf_cmac(identity->admin_key, LABEL_ADMIN, &mac_context, 1, keys->mac, SYM_KEY_SIZE);
}

/* The chip id in the answer never changes, so after personalisation it is for those who may know it. */
static bool may_begin(struct card *card)
{
    return card_life(card) == LIFE_BLANK || card->pin_verified || pin_tries(card) == 0;
}

uint16_t initialize_update_run(struct card *card, const struct apdu_command *command,
                               struct apdu_response *response)
{
    struct hal_identity identity;
    struct scp03_keys keys;
    if (!may_begin(card))
        return SW_SECURITY_STATUS;
    if (card->admin_locked)
        return SW_PIN_BLOCKED;
    if (card->hal->device_identity(card->hal->ctx, &identity) != HAL_OK)
        return SW_INTERNAL;
    uint8_t *out = response->data;
    memset(out, 0, DIVERSIFICATION_SIZE);
    memcpy(out, identity.chip_id, sizeof identity.chip_id);
    memcpy(out + DIVERSIFICATION_SIZE, key_information, sizeof key_information);
    uint8_t *challenge = out + DIVERSIFICATION_SIZE + KEY_INFORMATION_SIZE;
    uint8_t *cryptogram = challenge + SCP03_CHALLENGE_SIZE;
    rng_bytes(&card->rng, challenge, SCP03_CHALLENGE_SIZE);
    derive_static_keys(&identity, &keys);
    scp03_begin(&card->channel, &keys, command->data, challenge, cryptogram);
    response->len = (size_t)(cryptogram + SCP03_CRYPTOGRAM_SIZE - out);
    wipe(&identity, sizeof identity);
    wipe(&keys, sizeof keys);
    return SW_OK;
}

static uint8_t failures(struct card *card)
{
    uint8_t count;
    return card_record(card, REC_ADMIN_FAILURES, &count, sizeof count) ? count : 0;
}

static bool set_failures(struct card *card, uint8_t count)
{
    struct store_change change = {REC_ADMIN_FAILURES, sizeof count, &count};
    return card_commit(card, &change, 1) == SW_OK;
}

uint16_t external_authenticate_run(struct card *card, const struct apdu_command *command,
                                   struct apdu_response *response)
{
    (void)response;
    uint8_t count = failures(card);
    if (card->admin_locked)
        return SW_PIN_BLOCKED;
    if (card->channel.state != SCP03_CHALLENGED) {
        scp03_close(&card->channel);
        return SW_CONDITIONS;
    }
    if (count < ADMIN_FAILURES_MAX) {
        count++;
        if (!set_failures(card, count)) {
            scp03_close(&card->channel);
            return SW_MEMORY_FAILURE;
        }
    }
    if (!scp03_authenticate(&card->channel, command)) {
        card->admin_locked = count == ADMIN_FAILURES_MAX;
        return SW_AUTHENTICATION;
    }
    if (set_failures(card, 0))
        return SW_OK;
    scp03_close(&card->channel);
    return SW_MEMORY_FAILURE;
}
