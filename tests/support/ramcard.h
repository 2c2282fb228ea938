/* A whole card in this process, on flash in RAM: the production card/, with a port made of plain memory.
 * Random bytes come from a seed, so a run can be repeated.
 */
#ifndef TALLY_TESTS_RAMCARD_H
#define TALLY_TESTS_RAMCARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card/apdu/card.h"
#include "card/ports/flashsim/flashsim.h"

struct ramcard;

/* What a command came to; len and sw are always set. */
struct reply {
    uint8_t data[CARD_ANSWER_MAX];
    size_t len;
    uint16_t sw;
};

/* The flash of the chips that are made from now on: units of 8 bytes and 32 pages of 2 KB unless a test says
 * otherwise. ramcard_move needs those. */
struct ramcard_shape {
    uint32_t unit, pages;
};
extern struct ramcard_shape ramcard_shape;

/* A new chip with erased flash, powered. The chip id and the administration key follow from the seed. Aborts
 * when memory is short. */
struct ramcard *ramcard_new(uint32_t seed);

/* The same, with the power cut in operation n (from 0) of the first start. */
struct ramcard *ramcard_new_cut(uint32_t seed, uint64_t n);
void ramcard_free(struct ramcard *rc);

struct card *ramcard_card(struct ramcard *rc);
struct hal_identity ramcard_identity(const struct ramcard *rc);

/* Takes the power away and gives it back: everything but the flash is lost, faults ordered too. */
void ramcard_power_cycle(struct ramcard *rc);

/* The flash, for looking into and for faults to order: flashsim_cut_after, flashsim_operations. */
struct flashsim *ramcard_flash(struct ramcard *rc);

/* A copy of everything, to go back to; free() it. */
void *ramcard_save(const struct ramcard *rc);
void ramcard_restore(struct ramcard *rc, const void *saved);

/* Another card than the one in this process, on the same flash. */
struct ramcard_body {
    void *ctx;
    uint8_t *memory; /* of that card: flashsim_size bytes for the geometry above */

    /* As card_transmit; 0: it lost its power. */
    size_t (*transmit)(void *ctx, const uint8_t *in, size_t n, uint8_t *out, size_t size);
    bool (*power_on)(void *ctx, uint64_t seed); /* off, then on; false: it lost its power again */
    void (*cut_after)(void *ctx, uint64_t n, uint64_t seed);
};

/* Moves the flash, as it is, to another body's memory, and powers that on: it is the card from here on, until
 * ramcard_free, which leaves body to the caller. Then ramcard_flash is a look at the flash from outside, in
 * which a cut can still be ordered; ramcard_card is a fresh look at the records, not to be written; save,
 * restore and broken random do not work. */
void ramcard_move(struct ramcard *rc, const struct ramcard_body *body);

/* When set: called before the first command that a process sends to a card, to move it elsewhere or not. So
 * each forked test can give its card a body of its own. */
extern void (*ramcard_settle)(struct ramcard *rc);

/* From here on the random source fails, or works again. */
void ramcard_break_random(struct ramcard *rc, bool broken);

/* Exactly these n bytes, in a buffer of exactly n bytes, so that a sanitizer sees any overread; one answer.
 */
void ramcard_transmit(struct ramcard *rc, const uint8_t *command, size_t n, struct reply *reply);

/* One command as a driver sends it: short when data fits, else extended; Le for all there is; 61xx followed.
 */
void ramcard_command(struct ramcard *rc, const uint8_t header[4], const uint8_t *data, size_t n,
                     struct reply *reply);

/* The same with command chaining, in parts of at most part bytes (1..255) of data. */
void ramcard_chained(struct ramcard *rc, const uint8_t header[4], const uint8_t *data, size_t n, size_t part,
                     struct reply *reply);

/* SELECT of the applet with this last byte of the AID; it aborts unless it answers 9000. */
void ramcard_select(struct ramcard *rc, uint8_t aid_last);

#endif
