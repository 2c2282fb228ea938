/* The ticket applet: tickets of many operators on one card. specs/apdu.md has the commands, specs/formats.md
 * the objects, specs/session.md the gate session. */
#ifndef TALLY_APPLETS_TICKET_H
#define TALLY_APPLETS_TICKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card/apdu/applet.h"
#include "card/wire/protocol.h"

enum {
    TICKET_SLOTS = 256, /* tickets at once, if there is room */
    OPERATOR_ITEM_SIZE = 12,
    READ_KEY_SIZE = 9
};

/* A gate session, opened by VERIFY. */
struct gate_session {
    bool open;
    uint8_t authority;     /* enum usage_authority: how the gate proved itself */
    uint8_t operator_slot; /* its record; the session sees tickets of this operator only */
    uint8_t receipt_key_version;
    int16_t slot; /* of the ticket that VERIFY answered with, or -1: where to look first */
    uint16_t operator_id;
    uint32_t gate;
    uint32_t commands; /* counter of the CCM nonce */
    uint8_t write_key[SYM_KEY_SIZE];
};

/* Where READ is: what was asked for, and the order key of the ticket that was handed out last. */
struct read_cursor {
    bool active;
    uint16_t date;
    uint8_t service[SERVICE_SIZE];
    uint8_t last[READ_KEY_SIZE];
};

/* What the applet remembers between commands; part of struct card, all zero without a session. */
struct ticket_session {
    struct gate_session gate;
    struct read_cursor read;
};

extern const struct applet ticket_applet;

/* For GET STATUS: tickets on the card, and how many more of this suite fit. */
uint16_t ticket_count(struct card *card);
uint16_t ticket_free_slots(struct card *card, uint8_t suite);

/* For GET DATA 0110: writes OPERATOR_ITEM_SIZE bytes for each operator known, removed ones too, as many as
 * fit into size. Returns the bytes written. */
size_t ticket_operator_list(struct card *card, uint8_t *out, size_t size);

#endif
