/* A tool's way to the card: the reader chosen by --reader, traced as --verbose and --trace say. */
#ifndef TALLY_TOOLS_TOOL_CARD_H
#define TALLY_TOOLS_TOOL_CARD_H

#include "host/reader/card.h"
#include "host/reader/pcsc.h"
#include "host/reader/trace.h"
#include "reader-tools/common/tool.h"

struct tool_card {
    struct tally_pcsc *pcsc;
    struct card_transport *transport;
    FILE *trace_file;
    struct tally_trace trace;
    struct tally_card card;
    bool begun;
};

/* Waits for the card (--wait), connects, and takes it for this process alone. Says on standard error what is
 * wrong. Every call, failed ones included, is followed by tool_card_close. */
enum tally_error tool_card_open(const struct tool *tool, struct tool_card *tc);
void tool_card_close(struct tool_card *tc);

/* The same without a card: PC/SC alone. */
enum tally_error tool_card_open_service(const struct tool *tool, struct tool_card *tc);

/* Selects the ticket applet and, when a PIN option is given or need_pin, verifies the PIN. */
enum tally_error tool_card_login(const struct tool *tool, struct tool_card *tc, bool need_pin);

/* Says what the last command on the card came to ("doing: the card has no room left [6A84]") and returns e.
 */
enum tally_error tool_card_fail(const struct tool *tool, const struct tool_card *tc, enum tally_error e,
                                const char *doing);

#endif
