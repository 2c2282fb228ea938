/* What the dispatcher hands to an applet, and what comes back. */
#ifndef TALLY_APDU_APPLET_H
#define TALLY_APDU_APPLET_H

#include <stddef.h>
#include <stdint.h>

struct card;

enum {
    COMMAND_DATA_MAX = 1264, /* bytes of command data, chained and unwrapped */
    RESPONSE_DATA_MAX = 1264
};

/* One complete command: chaining and secure messaging are already undone. The data lies in the card's command buffer,
 * and an applet may use it in place, for decryption. */
struct apdu_command {
    uint8_t cla, ins, p1, p2;
    uint8_t *data;
    size_t len;
};

/* The answer's data. The applet writes at most size bytes and sets len, which is 0 on entry. Data with a status word
 * other than 9000 is dropped. */
struct apdu_response {
    uint8_t *data;
    size_t size, len;
};

/* An applet: one function for all its commands, one for being left. Both run to completion. */
struct applet {
    uint8_t aid_last; /* last byte of its AID */

    /* Returns the status word. */
    uint16_t (*process)(struct card *card, const struct apdu_command *command, struct apdu_response *response);

    /* Forgets every session: at reset, and when another SELECT succeeds. */
    void (*deselect)(struct card *card);
};

#endif
