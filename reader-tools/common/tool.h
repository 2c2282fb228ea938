/* What the command-line tools share: options in any order, messages, exit codes, JSON. */
#ifndef TALLY_TOOLS_TOOL_H
#define TALLY_TOOLS_TOOL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "host/base/config.h"
#include "host/base/error.h"

enum { TOOL_ARGUMENTS_MAX = 256, TOOL_PIN_SIZE = 64 };

struct tool {
    const char *name; /* "card": the program is tally-card */
    struct tally_config *config;
    int operand_count; /* what is not an option, the command's name first */
    char *const *operands;
    bool json;
    bool verbose;
    char *words[TOOL_ARGUMENTS_MAX + 2]; /* the arguments with options first */
};

/* Options that every tool has: reader, wait, verbose, trace, json. A table for tally_config_load. */
extern const struct tally_option tool_options[];

/* PIN options, for the tools that ask a card for its holder's data: pin, pin-file. */
extern const struct tally_option tool_pin_options[];

/* Reads options and operands, in any order, -r, -v, -j and -h as abbreviations. Returns true to go on; false
 * when the tool ends here, with *status as its exit status (help, or wrong usage). tool_finish is needed only
 * after true. */
bool tool_start(struct tool *tool, const char *name, const char *summary, const char *operands,
                const struct tally_option *const *tables, int argc, char **argv, int *status);
void tool_finish(struct tool *tool);

/* Writes "tally-NAME: message" to standard error and returns e. */
enum tally_error tool_fail(const struct tool *tool, enum tally_error e, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Writes an object to standard output on one line and releases it. TALLY_E_MEMORY when it is NULL. */
enum tally_error tool_print_json(json_t *object);

/* The PIN: option or environment, file, or a question on the terminal; it is checked to be 4 to 12 digits.
 * TALLY_E_USAGE with a message otherwise, and pin is "" then. The caller wipes. */
enum tally_error tool_read_pin(const struct tool *tool, const char *question, char pin[TOOL_PIN_SIZE]);

/* A question on the terminal whose answer is not echoed; TALLY_E_USAGE when there is no terminal. */
enum tally_error tool_ask(const struct tool *tool, const char *question, char *answer, size_t size);

/* The first line of a file, without its end, into out. TALLY_E_NOT_FOUND, TALLY_E_FULL when it is longer. */
enum tally_error tool_read_line(const char *path, char *out, size_t size);

/* A whole number with nothing after it. */
bool tool_parse_number(const char *text, uint64_t max, uint64_t *value);

#endif
