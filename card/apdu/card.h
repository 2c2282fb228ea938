/* The card, whole: everything it keeps in RAM is one struct that the port owns. There is no other state.
 *
 *   card_transmit: apdu.h takes a command apart, chain.h puts chained parts together, dispatch.c checks it
 * against the row of a table and runs it; scp03.h undoes and adds the issuer's secure messaging; chain.h
 * hands the answer out.
 *
 *   The commands: select.c, pin.c, status.c for both applets; card/applets/issuer and card/applets/ticket for
 * one each.
 */
#ifndef TALLY_APDU_CARD_H
#define TALLY_APDU_CARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card/apdu/applet.h"
#include "card/apdu/chain.h"
#include "card/apdu/scp03.h"
#include "card/applets/ticket/ticket.h"
#include "card/crypto/sm9_suite.h"
#include "card/crypto/sym.h"
#include "card/hal/hal.h"
#include "card/store/records.h"
#include "card/store/store.h"
#include "card/wire/protocol.h"

enum {
    CARD_ATR_MAX = 33,
    CARD_ANSWER_MAX = RESPONSE_DATA_MAX + SCP03_WRAP_OVERHEAD + 2 /* bytes of the longest answer */
};

/* Firmware version: major, minor, patch. */
#define CARD_VERSION 0, 1, 0

struct card {
    const struct hal *hal;
    struct store store; /* what survives: records of card/store/records.h */
    struct rng rng;
    uint16_t fault; /* 0, or the status word that everything is answered with: the card could not start, or
                     * the flash failed in mid-change; a reset tries again */

    /* From here to the buffers: lost at reset. */
    const struct applet *selected;
    bool pin_verified;
    bool admin_locked;            /* too many failed EXTERNAL AUTHENTICATE */
    struct scp03 channel;         /* issuer applet: secure channel */
    struct ticket_session ticket; /* ticket applet: gate session and READ cursor */

    struct command_chain command;
    struct answer answer;
    struct sm9_work sm9; /* of one command; nothing is kept in it */
};

/* Powers the card on: mounts the store (formats it, when the flash is erased) and seeds the random generator.
 * hal, and what it points to, outlive the card. A card that cannot start answers 6581 or 6F00 to everything.
 */
void card_init(struct card *card, const struct hal *hal);

/* Reset, warm or cold: forgets PIN, sessions and half commands; selects the ticket applet. */
void card_reset(struct card *card);

/* Runs one command APDU of n bytes, any bytes, and writes the answer of 2..size bytes: the data and the
 * status word. size is at least 258; an answer longer than size comes in parts (61xx). All changes are
 * durable when it returns. */
size_t card_transmit(struct card *card, const uint8_t *in, size_t n, uint8_t *out, size_t size);

/* Writes the answer to reset and returns its length. */
size_t card_atr(uint8_t out[CARD_ATR_MAX]);

/* ---- What the commands share. ---- */

/* The life cycle state LIFE_*; 0 when it cannot be read. */
uint8_t card_life(struct card *card);

/* Reads the first size bytes of a record. False, and buf zero, when it is not there or shorter. */
bool card_record(struct card *card, uint16_t id, void *buf, size_t size);
bool card_has_record(struct card *card, uint16_t id);

/* All changes or none, durable when it returns 9000. 6A84: no room. 6F00: deletes a record
 * that is not there. 6581: the flash failed, only a mount can
 * tell which of the two it was, and the card answers 6581 until its reset. */
uint16_t card_commit(struct card *card, const struct store_change *changes, size_t count);

/* The card application serial. False, and zero, before it was put. */
bool card_serial(struct card *card, uint8_t serial[SERIAL_SIZE]);

/* The card transaction counter: how many changes to tickets and operators were made. False when it cannot be
 * read. */
bool card_counter(struct card *card, uint32_t *counter);

/* The change that makes the counter next, to go into the commit that it counts; buf, its data, lives until
 * then. */
struct store_change card_count(uint32_t next, uint8_t buf[4]);

/* Forgets gate session and secure channel; the PIN state is kept. */
void card_end_sessions(struct card *card);

#endif
