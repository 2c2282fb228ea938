/* The ticket applet: tickets of many operators (specs/apdu.md, specs/session.md). */
#ifndef TALLY_APPLETS_TICKET_H
#define TALLY_APPLETS_TICKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card/apdu/applet.h"
#include "card/wire/protocol.h"

/* What the applet remembers between commands; part of struct card, zero when there is no session. */
struct ticket_session {
    bool open;
};

extern const struct applet ticket_applet;

/* For GET STATUS: tickets on the card, and how many more of this suite fit. */
uint16_t ticket_count(struct card *card);
uint16_t ticket_free_slots(struct card *card, uint8_t suite);

/* For GET DATA 0110: writes 12 bytes for each operator known, removed ones too, as many as fit into size.
 * Returns the bytes written. */
size_t ticket_operator_list(struct card *card, uint8_t *out, size_t size);

#endif
