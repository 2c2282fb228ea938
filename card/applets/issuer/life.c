/* SET STATUS: the life cycle. Which transition is allowed from where stands in the applet's table. */
#include "card/applets/issuer/commands.h"

uint16_t set_life_run(struct card *card, const struct apdu_command *command, struct apdu_response *response)
{
    (void)response;
    struct store_change change = {REC_LIFE_CYCLE, 1, &command->p2};
    return card_commit(card, &change, 1);
}

uint16_t finish_run(struct card *card, const struct apdu_command *command, struct apdu_response *response)
{
    static const uint16_t needed[] = {REC_SERIAL, REC_ENROLMENT_KEY, REC_PIN, REC_KEY_KEM, REC_KEY_AUTH};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (!card_has_record(card, needed[i]))
            return SW_CONDITIONS;
    }
    return set_life_run(card, command, response);
}
