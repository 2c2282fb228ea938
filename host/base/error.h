/* One error enum for all host code, with a text and a process exit code for each.
 *
 * Functions that can fail return enum tally_error; TALLY_OK is zero. The exit codes are part of the tools'
 * interface and never change: 0 ok, 1 denied, 2 usage, 3 no reader, 4 no card, 5 card lost, 6 crypto,
 * 7 full, 8 server.
 */
#ifndef TALLY_BASE_ERROR_H
#define TALLY_BASE_ERROR_H

enum tally_error {
    TALLY_OK = 0,
    TALLY_E_DENIED,    /* a rule said no: the answer is final for this input */
    TALLY_E_USAGE,     /* wrong arguments or configuration */
    TALLY_E_NO_READER, /* no PC/SC service or no reader matches */
    TALLY_E_NO_CARD,   /* the reader is empty, or the card is not a Tally card */
    TALLY_E_CARD_LOST, /* the card left, was reset or stopped answering in mid-operation */
    TALLY_E_CRYPTO,    /* a signature, tag or key did not verify */
    TALLY_E_FULL,      /* no room on the card, or a limit reached */
    TALLY_E_SERVER,    /* a service could not be reached or failed */
    TALLY_E_NOT_FOUND, /* no such record, ticket, key or row */
    TALLY_E_EXISTS,    /* it is there already */
    TALLY_E_FORMAT,    /* input is malformed: wrong length, tag, syntax or range */
    TALLY_E_STATE,     /* not in this state: the same input may succeed later */
    TALLY_E_IO,        /* file, socket or database failed */
    TALLY_E_MEMORY,    /* out of memory */
    TALLY_E_BUG,       /* an invariant of ours does not hold */
    TALLY_E_BUSY,      /* somebody else has it now; nothing was changed: ask again */
    TALLY_E_COUNT
};

/* A short English text, never NULL, owned by the library. Any value is accepted. */
const char *tally_error_text(enum tally_error e);

/* The exit code of a tool that ends with e. */
int tally_error_exit_code(enum tally_error e);

#endif
