/* tally-kiosk: sells tickets onto a card, exchanges and refunds them, and finishes what was interrupted. */
#include <string.h>

#include "host/base/log.h"
#include "reader-tools/kiosk/kiosk.h"

const struct tally_option kiosk_options[] = {
    {"ticketd", TALLY_OPTION_STRING, NULL, 0, 250, "the ticket server (https://host:port)"},
    {"authd", TALLY_OPTION_STRING, NULL, 0, 250, "the authentication server (https://host:port)"},
    {"party", TALLY_OPTION_STRING, NULL, 0, 64, "this kiosk's name at the servers"},
    {"party-key", TALLY_OPTION_PATH, NULL, 0, 0, "PEM file with this kiosk's key"},
    {"ca-file", TALLY_OPTION_PATH, NULL, 0, 0, "PEM file of the only certificate authorities trusted"},
    {"state", TALLY_OPTION_PATH, NULL, 0, 0, "folder of unfinished work"},
    {"patience", TALLY_OPTION_INT, "10", 0, 600, "seconds to wait for a ticket to be issued"},
    {"point-of-sale", TALLY_OPTION_INT, "1", 0, UINT32_MAX, "this kiosk's number on tickets"},
    {"operator", TALLY_OPTION_INT, "0", 0, UINT16_MAX, "buy, services: the operator"},
    {"product", TALLY_OPTION_INT, "-1", -1, UINT16_MAX, "buy, exchange: the product; -1: as the old ticket"},
    {"service", TALLY_OPTION_STRING, NULL, 0, SERVICE_SIZE, "buy, exchange: train, event or session"},
    {"date", TALLY_OPTION_STRING, NULL, 0, 10, "buy, exchange, services: the day (YYYY-MM-DD)"},
    {"class", TALLY_OPTION_INT, "2", 0, 255, "buy, exchange: class or area"},
    {"fare-type", TALLY_OPTION_INT, "1", 1, 6,
     "buy: 1 adult, 2 child, 3 student, 4 senior, 5 disabled, 6 group"},
    {"quantity", TALLY_OPTION_INT, "1", 1, 8, "buy: how many"},
    {"holder", TALLY_OPTION_STRING, NULL, 0, 48,
     "buy, exchange: the holder's document, id|passport|other:NUMBER"},
    {"tid", TALLY_OPTION_STRING, NULL, 0, 2 * TID_SIZE, "exchange, refund: the ticket"},
    {"ciphertext", TALLY_OPTION_PATH, NULL, 0, 0, "load: file with ciphertext 1 in hex"},
    {"replace", TALLY_OPTION_BOOL, "false", 0, 0, "load: the ciphertext replaces a ticket"},
    {.name = NULL},
};

static const struct {
    const char *name;
    enum tally_error (*run)(const struct tool *tool);
} commands[] = {
    {"products", kiosk_products}, {"services", kiosk_services}, {"buy", kiosk_buy},
    {"resume", kiosk_resume},     {"exchange", kiosk_exchange}, {"refund", kiosk_refund},
    {"load", kiosk_load},
};

static const char summary[] =
    "sells tickets onto a card\n"
    "commands:\n"
    "  products   what is for sale\n"
    "  services   what runs on a day, and free seats\n"
    "  buy        orders, loads the tickets onto the card, confirms\n"
    "  resume     finishes what was interrupted, on the card that is on the reader\n"
    "  exchange   replaces a ticket by another in one step\n"
    "  refund     takes a ticket back\n"
    "  load       relays a ciphertext to the card";

static enum tally_error run(const struct tool *tool)
{
    if (tool->operand_count != 1)
        return tool_fail(tool, TALLY_E_USAGE, "one command is needed (see --help)");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, tool->operands[0]) == 0)
            return commands[i].run(tool);
    return tool_fail(tool, TALLY_E_USAGE, "%s: no such command (see --help)", tool->operands[0]);
}

int main(int argc, char **argv)
{
    const struct tally_option *const tables[] = {tool_options, tool_pin_options, kiosk_options, NULL};
    struct tool tool;
    int status;
    if (!tool_start(&tool, "kiosk", summary, "COMMAND", tables, argc, argv, &status))
        return status;
    tally_log_setup(2, TALLY_LOG_WARN, &tally_system_clock);
    status = tally_error_exit_code(run(&tool));
    tool_finish(&tool);
    return status;
}
