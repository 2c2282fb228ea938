#include "card/apdu/pin.h"

#include <string.h>

#include "card/apdu/dispatch.h"

bool pin_valid(const uint8_t *pin, size_t n)
{
    if (n < PIN_MIN || n > PIN_MAX)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (pin[i] < '0' || pin[i] > '9')
            return false;
    }
    return true;
}

/* KDF(K_admin, label, salt || PIN): without the chip's secret a copy of the flash does not tell the PIN. */
static bool derive_verifier(struct card *card, const uint8_t salt[PIN_SALT_SIZE], const uint8_t *pin,
                            size_t n, uint8_t verifier[PIN_VERIFIER_SIZE])
{
    struct hal_identity identity;
    struct bytes context[] = {{salt, PIN_SALT_SIZE}, {pin, n}};
    bool known = card->hal->device_identity(card->hal->ctx, &identity) == HAL_OK;
    if (known)
        kdf_cmac(identity.admin_key, LABEL_PIN, context, 2, verifier, PIN_VERIFIER_SIZE);
    wipe(&identity, sizeof identity);
    return known;
}

uint8_t pin_tries(struct card *card)
{
    uint8_t tries;
    if (!card_record(card, REC_PIN_TRIES, &tries, sizeof tries) || tries > PIN_TRIES)
        return 0;
    return tries;
}

static bool set_tries(struct card *card, uint8_t tries)
{
    struct store_change change = {REC_PIN_TRIES, sizeof tries, &tries};
    return card_commit(card, &change, 1) == SW_OK;
}

uint16_t pin_set(struct card *card, const uint8_t *pin, size_t n)
{
    uint8_t record[PIN_RECORD_SIZE];
    const uint8_t tries = PIN_TRIES;
    struct store_change changes[] = {{REC_PIN, sizeof record, record}, {REC_PIN_TRIES, sizeof tries, &tries}};
    if (!pin_valid(pin, n))
        return SW_WRONG_DATA;
    card->pin_verified = false;
    rng_bytes(&card->rng, record, PIN_SALT_SIZE);
    uint16_t sw = SW_INTERNAL;
    if (derive_verifier(card, record, pin, n, record + PIN_SALT_SIZE))
        sw = card_commit(card, changes, 2);
    wipe(record, sizeof record);
    return sw;
}

static bool is_right(struct card *card, const uint8_t *pin, size_t n)
{
    uint8_t record[PIN_RECORD_SIZE];
    uint8_t verifier[PIN_VERIFIER_SIZE];
    bool right = card_record(card, REC_PIN, record, sizeof record) &&
                 derive_verifier(card, record, pin, n, verifier) &&
                 equal_ct(verifier, record + PIN_SALT_SIZE, sizeof verifier);
    wipe(record, sizeof record);
    wipe(verifier, sizeof verifier);
    return right;
}

/* Uses up one try, durably, and only then looks at the PIN: who cuts the power learns nothing for free. When
 * it is right, the caller gives the tries back. */
static uint16_t try_pin(struct card *card, const uint8_t *pin, size_t n)
{
    uint8_t tries = pin_tries(card);
    if (!pin_valid(pin, n))
        return SW_WRONG_DATA;
    if (tries == 0)
        return SW_PIN_BLOCKED;
    card->pin_verified = false;
    tries--;
    if (!set_tries(card, tries))
        return SW_MEMORY_FAILURE;
    return is_right(card, pin, n) ? SW_OK : (uint16_t)(SW_PIN_TRIES | tries);
}

static uint16_t pin_state(struct card *card)
{
    uint8_t tries = pin_tries(card);
    if (card->pin_verified)
        return SW_OK;
    return tries == 0 ? SW_PIN_BLOCKED : (uint16_t)(SW_PIN_TRIES | tries);
}

uint16_t pin_verify_run(struct card *card, const struct apdu_command *command, struct apdu_response *response)
{
    (void)response;
    if (command->len == 0)
        return pin_state(card);
    uint16_t sw = try_pin(card, command->data, command->len);
    if (sw == SW_OK && !set_tries(card, PIN_TRIES))
        sw = SW_MEMORY_FAILURE;
    if (sw == SW_OK)
        card->pin_verified = true;
    return sw;
}

uint16_t pin_change_run(struct card *card, const struct apdu_command *command, struct apdu_response *response)
{
    (void)response;
    size_t old_len = command->data[0];
    if (old_len > command->len - 1)
        return SW_WRONG_DATA;
    const uint8_t *old = command->data + 1;
    const uint8_t *fresh = old + old_len;
    size_t fresh_len = command->len - 1 - old_len;
    if (!pin_valid(fresh, fresh_len))
        return SW_WRONG_DATA;
    uint16_t sw = try_pin(card, old, old_len);
    if (sw == SW_OK)
        sw = pin_set(card, fresh, fresh_len);
    if (sw == SW_OK)
        card->pin_verified = true;
    return sw;
}
