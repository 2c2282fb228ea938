/* The sub-commands of tally-keycentre: commands.c those on a database, client_commands.c those of clients. */
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

extern const struct tally_command keycentre_commands[];

/* Reads the file of --group. A message says what is wrong with it. */
enum tally_error keycentre_group_load(const struct tally_config *config, struct keycentre_group *group);

extern const struct tally_option keycentre_ceremony_options[], keycentre_parameters_options[],
    keycentre_fetch_options[];
enum tally_error keycentre_run_ceremony(const struct tally_config *config);
enum tally_error keycentre_run_parameters(const struct tally_config *config);
enum tally_error keycentre_run_fetch(const struct tally_config *config);

#endif
