/* The card's end of the link to vpcd, the virtual reader's driver in pcscd (specs/virtual-reader.md).
 *
 * It connects by TCP, answers, and connects again when the link is lost; what the card does is behind
 * callbacks.
 */
#ifndef TALLY_VCARD_VPCD_LINK_H
#define TALLY_VCARD_VPCD_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    VPCD_MESSAGE_MAX = 65535, /* bytes: the length field has two; longer APDUs do not pass */
    VPCD_ATR_MAX = 33,
};

/* A card. power_on is called once before the first command and again after each power_off. */
struct vcard_ops {
    /* False: the card lost its power meanwhile; power_off follows. */
    bool (*power_on)(void *card);
    void (*power_off)(void *card);
    bool (*reset)(void *card); /* false as power_on */
    /* Writes the answer-to-reset, at most VPCD_ATR_MAX bytes, and returns its length; works without power
     * too. */
    size_t (*atr)(void *card, uint8_t *out);
    /* Writes the answer to one command, at most cap bytes, and returns its length. 0: the card lost its power
     * in mid-command and there is no answer. */
    size_t (*transmit)(void *card, const uint8_t *cmd, size_t n, uint8_t *resp, size_t cap);
};

/* Faults made to order. Commands are counted from 1 over the life of the process; 0: never. */
struct vpcd_faults {
    uint64_t drop_command; /* the link is lost before this command reaches the card */
    uint64_t drop_answer;  /* the card carries this command out, and the link is lost before the answer */
    uint64_t delay_at;     /* this command is answered late */
    unsigned delay_ms;
};

struct vpcd_options {
    const char *host; /* numeric IPv4 address */
    uint16_t port;
    struct vpcd_faults faults;
    unsigned away_ms; /* how long the card stays away after a loss of power; the reader looks every 400 ms */
    bool end_when_torn; /* vpcd_run returns when the card is lost, instead of coming back on the same card
                         */
};

enum vpcd_end {
    VPCD_TORN,        /* end_when_torn */
    VPCD_BAD_ADDRESS, /* host is not an address, or no socket can be had */
};

/* Serves the card until one of the ends above; a reader that is not there yet is waited for. */
enum vpcd_end vpcd_run(const struct vpcd_options *options, const struct vcard_ops *ops, void *card);

#endif
