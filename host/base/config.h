/* A tool's options, described once in tables: file < environment < command line, with types, defaults,
 * limits.
 *
 *   file         key = value, one a line; # starts a comment line; read from the built-in option "config"
 *   environment  TALLY_<TOOL>_<KEY>, upper case, '-' as '_' (TALLY_AUTHD_LOG_LEVEL)
 *   command line --key value or --key=value; a bool may stand alone (--key); -- ends the options
 *
 * An unknown key, a repeated key, a malformed line or a value outside its limits is refused with a message
 * that says where (file:line, variable or flag) and nothing is taken over. "--help" prints a text made from
 * the tables.
 */
#ifndef TALLY_BASE_CONFIG_H
#define TALLY_BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "host/base/error.h"

#define TALLY_CONFIG_OPTIONS_MAX 64
#define TALLY_CONFIG_LINE_MAX    1024 /* bytes of a line in a file, the newline included */
#define TALLY_CONFIG_FILE_MAX    65536
#define TALLY_CONFIG_VALUE_MAX   1000 /* bytes of any value */

enum tally_option_type {
    TALLY_OPTION_STRING,
    TALLY_OPTION_INT,  /* decimal, within [min, max] */
    TALLY_OPTION_BOOL, /* true, false, yes, no, on, off, 1, 0 */
    TALLY_OPTION_PATH, /* a string; in a file, a relative path counts from the file's folder,
                        * unless it has a scheme ("postgresql:…") */
};

struct tally_option {
    const char *name; /* lower case, digits, '-'; a table ends with a NULL name */
    enum tally_option_type type;
    const char *fallback; /* value when nothing is given; NULL for none */
    int64_t min, max;     /* of an int; for strings max > 0 limits the length in bytes */
    const char *help;     /* one line */
};

struct tally_config;

/* What the process was given; argv and environment are only read. */
struct tally_config_input {
    const char *tool;     /* "authd": the program is tally-authd; "authd init": its sub-command */
    const char *summary;  /* what --help says first: "makes and signs tickets" */
    const char *operands; /* what may follow the options, for --help ("COMMAND ..."); NULL refuses operands */
    int argc;
    char *const *argv;
    char *const *environment; /* NULL-terminated "NAME=value" */
};

/* Reads all sources against the tables (NULL-terminated list of tables). *config is set on every path (NULL
 * on failure); the caller frees it. TALLY_E_USAGE for anything wrong, with one line for people on `messages`.
 * When --help was given, *help is true, its text is on standard output, and *config is NULL. */
enum tally_error tally_config_load(const struct tally_config_input *input,
                                   const struct tally_option *const *tables, FILE *messages,
                                   struct tally_config **config, bool *help);
void tally_config_free(struct tally_config *config);

/* The value of a known option of that type; asking for an unknown name or the wrong type aborts (our own
 * bug). Strings live as long as the config; NULL when there is no value and no fallback. */
const char *tally_config_string(const struct tally_config *config, const char *name); /* STRING and PATH */
int64_t tally_config_int(const struct tally_config *config, const char *name);
bool tally_config_bool(const struct tally_config *config, const char *name);

/* Operands after the options, argc and argv style; they point into the argv that was given. */
int tally_config_operands(const struct tally_config *config, char *const **operands);

/* Writes the help text. */
void tally_config_help(const struct tally_config_input *input, const struct tally_option *const *tables,
                       FILE *out);

#endif
