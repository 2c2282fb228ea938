/* The commands of tally-card. Each gets the tool with its own name as operand 0 and returns the error that
 * becomes the exit status; what went wrong is on standard error by then. */
#ifndef TALLY_CARD_COMMANDS_H
#define TALLY_CARD_COMMANDS_H

#include "reader-tools/common/tool.h"
#include "reader-tools/common/tool_card.h"

enum tally_error card_list(const struct tool *tool);
enum tally_error card_info(const struct tool *tool);
enum tally_error card_tickets(const struct tool *tool);
enum tally_error card_apdu(const struct tool *tool);
enum tally_error card_dump(const struct tool *tool);
enum tally_error card_pin(const struct tool *tool);

/* --new-pin, --new-pin-file or a question; checked. The caller wipes. */
enum tally_error card_new_pin(const struct tool *tool, char pin[TOOL_PIN_SIZE]);

/* The state as JSON; NULL when memory is out. */
json_t *card_state_to_json(const struct tally_card_state *state);
json_t *card_operators_to_json(const struct tally_card_operator *list, size_t count);
void card_print_state(const struct tally_card_state *state);
void card_print_operators(const struct tally_card_operator *list, size_t count);

/* --date as days (0: any) and --service padded (NULL: any). */
enum tally_error card_read_criterion(const struct tool *tool, uint16_t *date, char service[SERVICE_SIZE],
                                     const char **found);

#endif
