/* What the dispatcher hands to a command, and what comes back; the table that describes an applet's commands.
 */
#ifndef TALLY_APDU_APPLET_H
#define TALLY_APDU_APPLET_H

#include <stddef.h>
#include <stdint.h>

struct card;

enum {
    COMMAND_DATA_MAX = 1264, /* bytes of command data, chained */
    RESPONSE_DATA_MAX = 1264
};

/* One complete command: chaining and secure messaging are already undone. The data lies in the card's command
 * buffer, and a command may use it in place, for decryption. CLA_SECURE is set in cla exactly when the
 * command came through the issuer's open secure channel. */
struct apdu_command {
    uint8_t cla, ins, p1, p2;
    uint8_t *data;
    size_t len;
};

/* The answer's data. A command writes at most size bytes and sets len, which is 0 on entry. Data with a
 * status word other than 9000 is dropped. */
struct apdu_response {
    uint8_t *data;
    size_t size, len;
};

/* Sets of life cycle states. */
enum {
    IN_BLANK = 1,
    IN_PERSONALISED = 2,
    IN_USE = 4,
    IN_BLOCKED = 8,
    IN_FIELD = IN_PERSONALISED | IN_USE,
    IN_ANY = IN_BLANK | IN_FIELD | IN_BLOCKED
};

/* How a command stands to the issuer's secure channel. */
enum command_security {
    SM_NONE,     /* plain only; unknown with CLA 84: 6D00 */
    SM_OPTIONAL, /* either; whoever came through the channel has the issuer's authority */
    SM_REQUIRED, /* plain: 6982 */
    SM_OPENING   /* CLA 84, and the command checks its own MAC: EXTERNAL AUTHENTICATE */
};

/* One command, or one range of P1 and P2 of it. The dispatcher has made every check of the row when it calls
 * run, in the order of specs/apdu.md. */
struct command_row {
    uint8_t cla; /* CLA_ISO or CLA_PROPRIETARY */
    uint8_t ins;
    uint8_t p1_min, p1_max, p2_min, p2_max; /* else 6A86 */
    uint8_t life;                           /* set of states; else 6985 */
    uint8_t security;                       /* enum command_security */
    uint16_t min_len, max_len;              /* bytes of data; else 6700 */

    /* Returns the status word. Runs to completion. */
    uint16_t (*run)(struct card *card, const struct apdu_command *command, struct apdu_response *response);
};

struct applet {
    uint8_t aid_last; /* last byte of its AID */
    const struct command_row *commands;
    size_t count;

    /* Forgets every session: at reset, and when a SELECT succeeds (of this applet too). */
    void (*deselect)(struct card *card);
};

#endif
