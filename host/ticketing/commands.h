/* What the daemons do besides serving: sub-commands that work on files. */
#ifndef TALLY_TICKETING_COMMANDS_H
#define TALLY_TICKETING_COMMANDS_H

#include "host/base/config.h"
#include "host/service/db.h"

/* One sub-command: its name, what --help says, its options, what it does. The error becomes the exit code. */
struct tally_command {
    const char *name; /* a table ends with a NULL name */
    const char *summary;
    const struct tally_option *options;
    enum tally_error (*run)(const struct tally_config *config);
};

/* Runs argv[1] by the table, or prints what there is. serve is called with argv from argv[1] on for "serve".
 */
int tally_command_main(const char *tool, const struct tally_command *commands,
                       int (*serve)(int, char *const *), int argc, char *const *argv);

/* Says on standard error what failed, unless e is TALLY_OK; returns e. */
enum tally_error tally_command_fail(enum tally_error e, const char *what, const char *where);

/* The value of an option that must be given; NULL, with a message, when it is not. */
const char *tally_command_needs(const struct tally_config *config, const char *name);

/* "add-party" of both daemons. */
extern const struct tally_option tally_add_party_options[];
enum tally_error tally_add_party(const struct tally_config *config);

/* Makes a P-256 key in a new file (0600) and registers its public half. */
enum tally_error tally_party_make(const char *trusted_keys, const char *keyid, const char *role,
                                  const char *key_file);

/* "backup" of both daemons: a copy of the database beside a running service. */
extern const struct tally_option tally_backup_options[];
enum tally_error tally_backup(const struct tally_config *config, const struct tally_db_schema *schemas);

#endif
