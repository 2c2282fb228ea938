/* What the steps of a sequence play with: the world, its card and the ideal card, and genuine messages. */
#ifndef TALLY_TESTS_FUZZ_SEQUENCE_STAGE_H
#define TALLY_TESTS_FUZZ_SEQUENCE_STAGE_H

#include "tests/support/ideal_card.h"
#include "tests/support/ticket_world.h"

enum { STAGE_MESSAGES = 16, STAGE_APDU_MAX = 1400, STAGE_PAST = 24 };

struct stage {
    struct world world;
    struct operator_world second; /* another operator of suite P-256 beside world.rail */
    struct ideal_card ideal;
    struct ideal_message messages[STAGE_MESSAGES];
    struct message sealed[STAGE_MESSAGES];
    struct ideal_certificate certificates[4]; /* of either operator, gates GATE_1 and GATE_2; key gate_p256 */
    size_t count, orders; /* messages; the first are for LOAD and EXCHANGE, the rest packages */
    uint8_t pin_record[32];
    unsigned resets;   /* of both cards, so far */
    unsigned pin_seen; /* how often the PIN was set when the card had that record */
};

/* The stage, made at the first call, and set back to its beginning at every one. */
struct stage *stage_begin(void);

/* Sends exactly these bytes to both cards; aborts unless the answer is the ideal card's and the card holds
 * what it should. False: the power was lost, and is back. */
bool stage_transmit(struct stage *s, const uint8_t *apdu, size_t n, struct reply *reply);

/* Resets both. */
void stage_reset(struct stage *s);

/* Takes the power from both, and gives it back. */
void stage_power_cycle(struct stage *s);

/* Aborts unless the card holds what the ideal card does. */
void stage_check(struct stage *s);

struct operator_world *stage_operator(struct stage *s, unsigned n);

#endif
