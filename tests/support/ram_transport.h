/* A transport to a card in this process (ramcard.h), with a card that can be taken away at any command. */
#ifndef TALLY_TESTS_RAM_TRANSPORT_H
#define TALLY_TESTS_RAM_TRANSPORT_H

#include "host/reader/transport.h"
#include "tests/support/ramcard.h"

struct ram_transport {
    struct card_transport base; /* first */
    struct ramcard *rc;         /* borrowed */
    unsigned count;             /* commands so far */
    unsigned lose_before;       /* this command (from 1) does not reach the card; 0: none */
    unsigned lose_after;        /* this command is carried out, and its answer lost; 0: none */
    bool away;                  /* until the next begin */
    /* When set, sees every answer and may change it. */
    void (*meddle)(void *context, const uint8_t *command, size_t n, uint8_t *answer, size_t *len);
    void *context;
};

/* Nothing needs to be freed. */
void ram_transport_init(struct ram_transport *t, struct ramcard *rc);

#endif
