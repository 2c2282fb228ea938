/* A card in a slot of a private reader whose power fails in the flash operations that a test chooses, one
 * plan after the other while the card's process runs. Each plan begins on the same chip, as it was when the
 * card was put in: so every operation of a transaction can be tried, over real PC/SC. The card is the one
 * that chosen_card.h names. */
#ifndef TALLY_TESTS_TORN_CARD_H
#define TALLY_TESTS_TORN_CARD_H

#include <stdint.h>

#include "tests/support/pcscd.h"

/* Operations are counted from 1; 0: no cut. */
struct torn_plan {
    uint64_t cut_at; /* of what the card does after torn_card_begin */
    uint64_t again;  /* of what it does after the cut: in its recovery, or in the next commands */
    uint64_t seed;   /* how the units are torn */
};

struct torn_card;

/* Puts the chip at path into the slot, in a process that ends with the caller's. */
struct torn_card *torn_card_insert(const struct tally_private_pcscd *pcscd, unsigned slot, const char *path);
void torn_card_remove(struct torn_card *c);

/* From the next command on, the chip is as it was when the card was put in, freshly powered, under this plan.
 */
void torn_card_begin(struct torn_card *c, const struct torn_plan *plan);

/* After a cut the card is away until it is told to return, so that the reader has seen it go (a card that it
 * meets again without that may stay mute). torn_card_away: it waits to be told. */
bool torn_card_away(const struct torn_card *c);
void torn_card_return(struct torn_card *c);

/* Since torn_card_begin: operations of the flash, and cuts that happened. */
uint64_t torn_card_operations(const struct torn_card *c);
unsigned torn_card_cuts(const struct torn_card *c);

#endif
