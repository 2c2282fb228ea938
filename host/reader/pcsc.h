/* PC/SC: readers, cards coming and going, and a transport to the card in a reader.
 *
 * A struct tally_pcsc survives the PC/SC service: it needs none when it is opened, and when the service was
 * restarted it makes itself a new context at the next call. One thread uses it and the transports made from
 * it; only tally_pcsc_cancel may be called from another.
 */
#ifndef TALLY_READER_PCSC_H
#define TALLY_READER_PCSC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/base/error.h"
#include "host/reader/transport.h"

enum {
    TALLY_READERS_MAX = 16,      /* pcsc-lite's own limit */
    TALLY_READER_NAME_MAX = 128, /* bytes, the NUL included */
};

#define TALLY_WAIT_FOREVER (-1)

struct tally_reader {
    char name[TALLY_READER_NAME_MAX];
    bool card;      /* a card is there and answers */
    bool mute;      /* something is there and does not answer */
    bool exclusive; /* another process has it for itself */
    bool in_use;    /* another process is connected */
    uint8_t atr[TALLY_ATR_MAX];
    size_t atr_len;
};

struct tally_reader_list {
    struct tally_reader reader[TALLY_READERS_MAX];
    size_t count;
};

struct tally_pcsc;

/* The caller owns *out (NULL on failure). Error: TALLY_E_MEMORY. */
enum tally_error tally_pcsc_open(struct tally_pcsc **out);

/* Frees p; the transports made from it are closed first. NULL is allowed. */
void tally_pcsc_close(struct tally_pcsc *p);

/* The service's text for what went wrong last, never NULL. */
const char *tally_pcsc_reason(const struct tally_pcsc *p);

/* All readers with their state; none is no error. TALLY_E_NO_READER: the service does not run. */
enum tally_error tally_pcsc_list(struct tally_pcsc *p, struct tally_reader_list *list);

/* Picks a reader: spec is an index ("0"), a full name, or a part of one, whatever the case. NULL or "": the
 * only reader, or else the only one with a card. *index is set on every path (0 on failure).
 * TALLY_E_NO_READER when none or several match; why (may be NULL) then receives a sentence that lists the
 * candidates. */
enum tally_error tally_reader_select(const struct tally_reader_list *list, const char *spec, size_t *index,
                                     char *why, size_t why_size);

/* Waits until a reader matched by spec (NULL or "": any reader) holds a card that answers, and copies that
 * reader. Readers may come and go, and the service too, meanwhile. timeout_ms counts real time;
 * TALLY_WAIT_FOREVER. Errors after the time: TALLY_E_NO_CARD, or TALLY_E_NO_READER when no reader matched.
 * TALLY_E_STATE: cancelled. */
enum tally_error tally_pcsc_wait_card(struct tally_pcsc *p, const char *spec, int timeout_ms,
                                      struct tally_reader *found);

/* Waits until the reader of that name is empty, or gone. Errors: TALLY_E_STATE: the time is over or
 * cancelled. */
enum tally_error tally_pcsc_wait_removal(struct tally_pcsc *p, const char *name, int timeout_ms);

/* Ends a wait of another thread, or the next one if none is going on. */
void tally_pcsc_cancel(struct tally_pcsc *p);

/* Connects to the card in the reader of that name, shared. The caller closes *out (NULL on failure) by
 * tally_card_close. Errors: TALLY_E_NO_READER, TALLY_E_NO_CARD, TALLY_E_STATE (another process has it for
 * itself), TALLY_E_MEMORY. */
enum tally_error tally_pcsc_connect(struct tally_pcsc *p, const char *name, struct card_transport **out);

#endif
