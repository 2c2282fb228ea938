/* tally-card: looks at a card, sets it up, and talks to it raw. */
#include <string.h>

#include "host/base/log.h"
#include "reader-tools/card/station.h"

static const struct tally_option card_options[] = {
    {"date", TALLY_OPTION_STRING, NULL, 0, 10, "tickets: of this day (YYYY-MM-DD) and later"},
    {"service", TALLY_OPTION_STRING, NULL, 0, SERVICE_SIZE, "tickets: of this service"},
    {"script", TALLY_OPTION_PATH, NULL, 0, 0, "apdu: send the commands of a trace file"},
    {"new-pin", TALLY_OPTION_STRING, NULL, 0, PIN_MAX, "pin change: the new PIN; rather use new-pin-file"},
    {"new-pin-file", TALLY_OPTION_PATH, NULL, 0, 0, "pin change: file with the new PIN in its first line"},
    {.name = NULL},
};

static const struct {
    const char *name;
    enum tally_error (*run)(const struct tool *tool);
    int operands_min, operands_max; /* after the name */
} commands[] = {
    {"list", card_list, 0, 0},
    {"info", card_info, 0, 0},
    {"personalise", card_personalise, 0, 0},
    {"operators", card_operators, 1, 1},
    {"tickets", card_tickets, 0, 0},
    {"apdu", card_apdu, 0, 255},
    {"dump", card_dump, 0, 0},
    {"pin", card_pin, 1, 1},
    {"block", card_block, 0, 0},
    {"unblock", card_unblock, 0, 0},
};

static const char summary[] =
    "looks at a Tally card, sets it up, and talks to it raw\n"
    "commands:\n"
    "  list                     readers and cards\n"
    "  info                     life cycle and room, with a PIN also serial and counters\n"
    "  personalise              keys, serial, PIN, registration, operators\n"
    "  operators list           the operators on the card\n"
    "  operators update|remove  fetches packages and puts them on the card\n"
    "  tickets                  the tickets on the card\n"
    "  apdu HEX ...             sends commands as they are\n"
    "  dump                     everything readable\n"
    "  pin status|change|reset  the PIN's tries, another PIN, a new one by the issuer\n"
    "  block, unblock           the card, and with --server its tickets";

static enum tally_error run(const struct tool *tool)
{
    if (tool->operand_count == 0)
        return tool_fail(tool, TALLY_E_USAGE, "which command? (see --help)");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(commands[i].name, tool->operands[0]) != 0)
            continue;
        int n = tool->operand_count - 1;
        if (n < commands[i].operands_min || n > commands[i].operands_max)
            return tool_fail(tool, TALLY_E_USAGE, "%s: wrong number of arguments (see --help)",
                             commands[i].name);
        return commands[i].run(tool);
    }
    return tool_fail(tool, TALLY_E_USAGE, "%s: no such command (see --help)", tool->operands[0]);
}

int main(int argc, char **argv)
{
    const struct tally_option *const tables[] = {tool_options, tool_pin_options, card_options,
                                                 station_options, NULL};
    struct tool tool;
    int status;
    if (!tool_start(&tool, "card", summary, "COMMAND [ARGUMENT ...]", tables, argc, argv, &status))
        return status;
    tally_log_setup(2, TALLY_LOG_WARN, &tally_system_clock);
    status = tally_error_exit_code(run(&tool));
    tool_finish(&tool);
    return status;
}
