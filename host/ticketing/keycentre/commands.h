/* The sub-commands of tally-keycentre: commands.c makes and keeps a centre, register_commands.c grants and
 * looks at the log, client_commands.c is for clients. */
#ifndef TALLY_TICKETING_KEYCENTRE_COMMANDS_H
#define TALLY_TICKETING_KEYCENTRE_COMMANDS_H

#include "host/ticketing/commands.h"
#include "host/ticketing/keycentre/group.h"

/* Where the passphrase comes from, besides the environment. */
#define KEYCENTRE_KEK_OPTIONS                                                                                \
    {"kek-file", TALLY_OPTION_PATH, NULL, 0, 0, "file with the passphrase, mode 0600"},                      \
    {                                                                                                        \
        "kek-fd", TALLY_OPTION_INT, "-1", -1, 65535, "or descriptor to read it from"                         \
    }

#define DATABASE_OPTION                                                                                      \
    {                                                                                                        \
        "database", TALLY_OPTION_PATH, NULL, 0, 0, "the database of the centre"                              \
    }
#define END_OPTION                                                                                           \
    {                                                                                                        \
        NULL, TALLY_OPTION_STRING, NULL, 0, 0, NULL                                                          \
    }

extern const struct tally_command keycentre_commands[];

/* Opens the database of --database: an existing one, or with `make` one that init makes. A message on
 * failure. */
enum tally_error keycentre_open_db(const struct tally_config *config, bool make, struct tally_db **db);
const struct tally_db_schema *keycentre_schemas(void);
/* Writes a record of whoever has the database in hands. */
enum tally_error keycentre_log_here(struct tally_tx *tx, const char *event, const char *subject);
/* NAME HEX, a line on standard output. */
void keycentre_print_hex(const char *name, const uint8_t *bytes, size_t n);

/* Reads the file of --group. A message says what is wrong with it. */
enum tally_error keycentre_group_load(const struct tally_config *config, struct keycentre_group *group);

extern const struct tally_option keycentre_grant_options[], keycentre_grants_options[],
    keycentre_audit_options[];
enum tally_error keycentre_run_allow(const struct tally_config *config);
enum tally_error keycentre_run_disallow(const struct tally_config *config);
enum tally_error keycentre_run_grants(const struct tally_config *config);
enum tally_error keycentre_run_audit(const struct tally_config *config);

extern const struct tally_option keycentre_ceremony_options[], keycentre_parameters_options[],
    keycentre_fetch_options[];
enum tally_error keycentre_run_ceremony(const struct tally_config *config);
enum tally_error keycentre_run_parameters(const struct tally_config *config);
enum tally_error keycentre_run_fetch(const struct tally_config *config);

#endif
