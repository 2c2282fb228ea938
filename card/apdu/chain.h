/* The two buffers of the card, one for each direction: a command is put together from its parts (ISO/IEC
 * 7816-4 5.3.3), an answer is handed out in parts (5.3.4). Neither ever reads the other. */
#ifndef TALLY_APDU_CHAIN_H
#define TALLY_APDU_CHAIN_H

#include <stdbool.h>

#include "card/apdu/apdu.h"
#include "card/apdu/applet.h"
#include "card/apdu/scp03.h"

struct command_chain {
    bool open;                        /* parts have come, and more are announced */
    uint8_t header[APDU_HEADER_SIZE]; /* of the first part */
    size_t len;
    uint8_t data[COMMAND_DATA_MAX];
};

/* Appends one part. Returns 9000; 6883 when it is not of the open chain; 6700 when it grows too long. */
uint16_t chain_add(struct command_chain *chain, const struct apdu *part);

/* True when the chain's last part has come, or the only one. */
bool chain_complete(const struct command_chain *chain);

/* Empties and wipes it. */
void chain_drop(struct command_chain *chain);

struct answer {
    size_t len, sent; /* sent <= len */
    uint8_t data[RESPONSE_DATA_MAX + SCP03_WRAP_OVERHEAD];
};

/* Writes the next part, at most expected bytes and at most size - 2, and the status word: 9000, or 61xx when
 * more is left. size >= 2. Returns how many bytes it wrote. What has been handed out is wiped. */
size_t answer_send(struct answer *answer, uint32_t expected, uint8_t *out, size_t size);

void answer_drop(struct answer *answer);

#endif
