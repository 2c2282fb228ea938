/* A record of everything said to a card, as text that people read and tally_replay_open plays back.
 *
 *     ATR 3B80800101
 *     A>> 00A4040007A0000000030000
 *     A<< 9000 (0.12 ms)
 *     A>> 0020008108................
 *     A<< lost (1.40 ms)
 *     # anything else is a comment
 *
 * Secrets are hidden by rules: each byte of a hidden data field becomes "..". Headers, lengths and status
 * words stay readable. specs/virtual-reader.md is the format's reference.
 */
#ifndef TALLY_READER_TRACE_H
#define TALLY_READER_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Which commands carry secrets: those with (CLA & cla_mask) == cla and (INS & ins_mask) == ins. */
struct tally_redaction {
    uint8_t cla, cla_mask;
    uint8_t ins, ins_mask;
    bool command; /* hide the command's data field */
    bool answer;  /* hide the answer's data, GET RESPONSE included */
};

/* VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER, PUT KEY, PUT DATA, INITIALIZE UPDATE and EXTERNAL
 * AUTHENTICATE in any class: what persons and personalisers send in the clear. */
extern const struct tally_redaction tally_redaction_default[];
extern const size_t tally_redaction_default_count;

/* Nanoseconds of a clock that never goes back. */
typedef uint64_t (*tally_trace_clock)(void *context);

struct tally_trace {
    FILE *out; /* borrowed */
    const struct tally_redaction *rules;
    size_t rule_count;
    tally_trace_clock clock; /* NULL: CLOCK_MONOTONIC */
    void *clock_context;
    /* Private. */
    uint64_t sent_at;
    bool hide_answer;
};

/* Prepares a trace to out with the default rules and clock. */
void tally_trace_init(struct tally_trace *t, FILE *out);

/* The calls of a transport. A NULL trace is allowed and does nothing. */
void tally_trace_atr(struct tally_trace *t, const uint8_t *atr, size_t n);
void tally_trace_command(struct tally_trace *t, const uint8_t *cmd, size_t n);
void tally_trace_answer(struct tally_trace *t, const uint8_t *resp, size_t n);
void tally_trace_lost(struct tally_trace *t);
/* A comment of one line; line ends inside text become spaces. */
void tally_trace_comment(struct tally_trace *t, const char *text);

#endif
