/* PUT DATA and RESET PIN. */
#include "card/applets/issuer/commands.h"
#include "card/apdu/pin.h"
#include "card/crypto/p256.h"

uint16_t put_serial_run(struct card *card, const struct apdu_command *command, struct apdu_response *response)
{
    (void)response;
    struct store_change change = {REC_SERIAL, (uint16_t)command->len, command->data};
    return card_commit(card, &change, 1);
}

uint16_t put_enrolment_key_run(struct card *card, const struct apdu_command *command,
                               struct apdu_response *response)
{
    (void)response;
    struct store_change change = {REC_ENROLMENT_KEY, (uint16_t)command->len, command->data};
    if (!p256_valid(command->data))
        return SW_WRONG_DATA;
    return card_commit(card, &change, 1);
}

uint16_t put_pin_run(struct card *card, const struct apdu_command *command, struct apdu_response *response)
{
    (void)response;
    return pin_set(card, command->data, command->len);
}
