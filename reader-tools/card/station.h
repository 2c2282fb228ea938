/* What personalisation and the issuer's other work need: administration key, server, operators by number. */
#ifndef TALLY_CARD_STATION_H
#define TALLY_CARD_STATION_H

#include "host/reader/card_issuer.h"
#include "reader-tools/card/commands.h"
#include "reader-tools/common/client.h"

enum { STATION_OPERATORS_MAX = OPERATORS_MAX };

extern const struct tally_option station_options[];

struct station {
    const struct tool *tool;
    struct tool_card tc;
    struct tool_client client;
    bool has_client;
    uint8_t serial[SERIAL_SIZE];
    char serial_hex[2 * SERIAL_SIZE + 1];
};

/* Opens the card and selects the ticket applet. Call station_close in any case. */
enum tally_error station_open(const struct tool *tool, struct station *station);
void station_close(struct station *station);

/* The authentication server of --server, as --party. */
enum tally_error station_connect(struct station *station);

/* Verifies the PIN, and reads the card's state with its serial. */
enum tally_error station_login(struct station *station, struct tally_card_state *state);

/* Opens the issuer's channel with --admin-master (or the kit's). tally_issuer_close is the caller's in any
 * case. */
enum tally_error station_open_issuer(struct station *station, struct tally_issuer *issuer);

/* Says what an issuer's command came to, and returns e. */
enum tally_error station_fail(const struct station *station, enum tally_error e, const char *doing);

/* --operators, a list of numbers with commas; *count is 0 when it is not given. */
enum tally_error station_operators(const struct tool *tool, uint16_t list[STATION_OPERATORS_MAX],
                                   size_t *count);

/* A file of the personaliser kit: the option's, or that name in --kit. False when neither is given. */
bool station_kit_path(const struct tool *tool, const char *option, const char *name, char *out, size_t size);

/* Has a package made for the operator ("set" or "remove") and puts it on the card. */
enum tally_error station_put_package(struct station *station, uint16_t operator_id, const char *action);

/* The commands. */
enum tally_error card_personalise(const struct tool *tool);
enum tally_error card_operators(const struct tool *tool);
enum tally_error card_block(const struct tool *tool);
enum tally_error card_unblock(const struct tool *tool);
enum tally_error card_reset_pin(const struct tool *tool);

#endif
