/* The way to a card: PC/SC, the firmware in the same process, or a recorded trace, behind one struct.
 *
 * A transport implements the raw calls of struct card_transport_ops and embeds struct card_transport as its
 * first member. Callers use the tally_card_* functions below, which add ISO/IEC 7816-4 response and command
 * chaining, length correction and tracing the same way over every transport.
 *
 * The session number is how a caller learns that the card forgot everything it was told: it is raised by
 * tally_card_begin and tally_card_reset whenever the card was reset (by anybody), exchanged, or found again
 * after a restart of the PC/SC service. A caller remembers the number when it has selected an application and
 * authenticated; when tally_card_begin leaves a different one, it selects, compares the card's identity and
 * authenticates again.
 */
#ifndef TALLY_READER_TRANSPORT_H
#define TALLY_READER_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/base/error.h"

enum {
    TALLY_APDU_MIN_COMMAND = 4, /* a header; some virtual readers take less for control messages
                                 * and never answer */
    TALLY_APDU_MAX_COMMAND = 4 + 3 + 65535 + 2, /* extended case 4, bytes */
    TALLY_APDU_MAX_RESPONSE = 65536 + 2,        /* extended Ne = 65,536 and the status word, bytes */
    TALLY_ATR_MAX = 33,                         /* ISO/IEC 7816-3, bytes */
};

/* Why the last call returned TALLY_E_CARD_LOST (or tally_card_begin had to start over). */
enum tally_card_loss {
    TALLY_LOSS_NONE = 0,
    TALLY_LOSS_RESET,   /* somebody reset or unpowered the card; it is still there */
    TALLY_LOSS_REMOVED, /* the card left the field, or stopped answering */
    TALLY_LOSS_SERVICE, /* the PC/SC service ended or the reader was unplugged */
};

/* How data that does not fit a short APDU travels. */
enum tally_length_mode {
    TALLY_LENGTH_EXTENDED, /* extended length fields */
    TALLY_LENGTH_CHAINED,  /* short APDUs only: command chaining there, GET RESPONSE back */
};

struct card_transport;
struct tally_trace;

/* Raw calls. Every out-parameter is set on every path. */
struct card_transport_ops {
    /* Sends the n bytes of one APDU as they are. *resp_len is what the card answered, 0 on failure.
     * Errors: TALLY_E_CARD_LOST (t->loss tells why), TALLY_E_FULL when the answer exceeds cap. */
    enum tally_error (*exchange)(struct card_transport *t, const uint8_t *cmd, size_t n, uint8_t *resp,
                                 size_t cap, size_t *resp_len);
    /* Takes the card for this caller alone, reconnecting first if need be; see tally_card_begin. */
    enum tally_error (*begin)(struct card_transport *t);
    void (*end)(struct card_transport *t);
    /* Resets the card electrically; afterwards it is powered and in its initial state. */
    enum tally_error (*reset)(struct card_transport *t);
    /* A NUL-terminated name for messages: reader and transport. */
    void (*describe)(const struct card_transport *t, char *out, size_t out_size);
    /* Frees t and all it owns. */
    void (*close)(struct card_transport *t);
};

struct card_transport {
    const struct card_transport_ops *ops;
    struct tally_trace *trace; /* see tally_card_set_trace */
    unsigned session;
    enum tally_card_loss loss;
    enum tally_length_mode length_mode;
    uint8_t atr[TALLY_ATR_MAX];
    size_t atr_len;
};

/* Records everything from here on, beginning with a comment that describes t and with its ATR. The trace
 * stays the caller's and outlives its use here; NULL ends the recording. */
void tally_card_set_trace(struct card_transport *t, struct tally_trace *trace);

/* Starts exclusive use of the card. If it was reset, taken out and put back, or the service was restarted
 * since the last call, this reconnects, raises t->session, leaves the reason in t->loss and still returns
 * TALLY_OK. Errors: TALLY_E_NO_READER, TALLY_E_NO_CARD. Every successful begin is followed by exactly one
 * end. */
enum tally_error tally_card_begin(struct card_transport *t);

/* Gives the card free for others. Harmless after a failure in between. */
void tally_card_end(struct card_transport *t);

/* Resets the card and raises t->session. Errors: TALLY_E_CARD_LOST, TALLY_E_NO_CARD, TALLY_E_NO_READER. */
enum tally_error tally_card_reset(struct card_transport *t);

/* Exchanges exactly one APDU, malformed ones included, and interprets nothing. On TALLY_OK *resp_len >= 2 and
 * the last two bytes are the status word. Errors: TALLY_E_CARD_LOST, TALLY_E_FULL (answer beyond cap),
 * TALLY_E_FORMAT (the card answered fewer than two bytes, or n is out of bounds: TALLY_APDU_MIN_COMMAND
 * to TALLY_APDU_MAX_COMMAND). */
enum tally_error tally_card_exchange(struct card_transport *t, const uint8_t *cmd, size_t n, uint8_t *resp,
                                     size_t cap, size_t *resp_len);

/* Carries one command, short or extended, to its end: splits it by command chaining (ISO/IEC 7816-4, 5.1.1)
 * when t->length_mode says so, repeats it once with the length that 6Cxx names, and gathers the rest
 * announced by 61xx with GET RESPONSE. resp receives all data and the final status word. Errors as
 * tally_card_exchange; TALLY_E_FORMAT also for a command that is not well formed. */
enum tally_error tally_card_transmit(struct card_transport *t, const uint8_t *cmd, size_t n, uint8_t *resp,
                                     size_t cap, size_t *resp_len);

/* What stands between the caller and the card, for messages; out is always terminated. */
void tally_card_describe(const struct card_transport *t, char *out, size_t out_size);

/* Ends the connection and frees t. NULL is allowed. */
void tally_card_close(struct card_transport *t);

/* The length mode that an answer-to-reset promises in the card capabilities of its historical bytes (ISO/IEC
 * 7816-4, 12.1.1.9); extended when it promises nothing. Any bytes are accepted. */
enum tally_length_mode tally_atr_length_mode(const uint8_t *atr, size_t n);

#endif
