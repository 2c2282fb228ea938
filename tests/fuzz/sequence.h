/* A fuzzer's input as a list of steps: valid commands of real sessions, each perhaps changed at one place,
 * sent in some way, cut by a loss of power, or sent again. Any bytes are such a list; what is left over at
 * the end is ignored. Field values are taken modulo what there is. */
#ifndef TALLY_TESTS_FUZZ_SEQUENCE_H
#define TALLY_TESTS_FUZZ_SEQUENCE_H

#include <stddef.h>
#include <stdint.h>

enum { STEP_SIZE = 8, STEPS_MAX = 32 };

enum step_kind {
    STEP_VERIFY_TID,
    STEP_VERIFY_DATE,
    STEP_WRITE,
    STEP_DELETE,
    STEP_LOAD,
    STEP_EXCHANGE,
    STEP_PACKAGE,
    STEP_PIN,
    STEP_CHANGE_PIN,
    STEP_READ,
    STEP_STATUS,
    STEP_SELECT,
    STEP_RESET,
    STEP_REPLAY,
    STEP_RAW,
    STEP_VERIFY_PAIR,
    STEP_ISSUER,
    STEP_KINDS
};

/* How a command is changed, of what follows modulo CHANGES; most values leave it alone. */
enum step_change {
    CHANGE_DATA = 1, /* a byte of the data, at `at` */
    CHANGE_SHORTER,  /* `at` bytes fewer */
    CHANGE_LONGER,   /* four times `at` bytes more */
    CHANGE_HEADER,   /* one of CLA, INS, P1, P2 */
    CHANGE_RAW,      /* a byte of the last APDU, length fields included */
    CHANGE_CUT_OFF,  /* the last APDU ends early */
    CHANGES = 16
};

/* Offsets in a step. way: bits 0-1 short, extended, chained; 2-3 Le; 4-7 sizes. cut: 0 none, else power is
 * lost in that flash operation from here on. */
enum {
    STEP_AT_KIND,
    STEP_AT_A,
    STEP_AT_B,
    STEP_AT_WAY,
    STEP_AT_CHANGE,
    STEP_AT_PLACE,
    STEP_AT_VALUE,
    STEP_AT_CUT,
};

/* Runs the steps against a card and the ideal card beside it; aborts at the first difference. The first call
 * makes the card, its operators and their messages, the same in every process. */
void sequence_run(const uint8_t *in, size_t n);

/* Changes a list of steps, in place, to another that is as likely to be of interest; returns its size, at
 * most max. */
size_t sequence_mutate(uint8_t *data, size_t n, size_t max, uint64_t seed);

#endif
