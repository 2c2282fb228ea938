#include "card/applets/ticket/ticket.h"

#include "card/apdu/card.h"

uint16_t ticket_count(struct card *card)
{
    (void)card;
    return 0;
}

uint16_t ticket_free_slots(struct card *card, uint8_t suite)
{
    (void)card;
    (void)suite;
    return 0;
}

size_t ticket_operator_list(struct card *card, uint8_t *out, size_t size)
{
    (void)card;
    (void)out;
    (void)size;
    return 0;
}

static void deselect(struct card *card)
{
    wipe(&card->ticket, sizeof card->ticket);
}

const struct applet ticket_applet = {
    .aid_last = TALLY_AID_TICKET,
    .commands = NULL,
    .count = 0,
    .deselect = deselect,
};
