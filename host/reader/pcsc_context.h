/* What pcsc.c and pcsc_card.c share. */
#ifndef TALLY_READER_PCSC_CONTEXT_H
#define TALLY_READER_PCSC_CONTEXT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <winscard.h>

#include "host/reader/pcsc.h"

struct tally_pcsc {
    _Atomic(SCARDCONTEXT) context; /* these two are read by tally_pcsc_cancel in another thread */
    atomic_bool established;
    unsigned generation; /* raised with every new context: older card handles are void */
    atomic_bool cancelled;
    LONG last; /* for tally_pcsc_reason */
};

/* What a PC/SC result means for who called. */
enum pcsc_meaning {
    PCSC_OK,
    PCSC_TIMEOUT,
    PCSC_RESET,      /* the card was reset or unpowered by somebody */
    PCSC_GONE,       /* no card, or it does not answer */
    PCSC_NO_READER,  /* this reader is not there */
    PCSC_NO_SERVICE, /* the service ended or restarted: context and handles are void */
    PCSC_BUSY,       /* another process has the card for itself */
    PCSC_TOO_LONG,   /* the answer does not fit the buffer */
    PCSC_CANCELLED,
    PCSC_OTHER,
};

/* Remembers rv for tally_pcsc_reason and classifies it. */
enum pcsc_meaning tally_pcsc_note(struct tally_pcsc *p, LONG rv);

/* Makes a context if there is none. TALLY_E_NO_READER: the service does not run. */
enum tally_error tally_pcsc_establish(struct tally_pcsc *p);

/* Gives the context up, after PCSC_NO_SERVICE. */
void tally_pcsc_drop(struct tally_pcsc *p);

#endif
