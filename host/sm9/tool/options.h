/* The command line of tally-sm9: a command, then options with one dash as openssl(1) has them. */
#ifndef TALLY_SM9_TOOL_OPTIONS_H
#define TALLY_SM9_TOOL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "host/sm9/tsm9.h"

struct options {
    const char *command;
    const char *in, *out, *pubout, *master, *key, *pubkey, *signature; /* files; NULL when not given */
    const char *passin, *passout;
    bool noenc, sign, encrypt, exchange, sm4;
    bool has_id;
    uint8_t id[TSM9_ID_MAX];
    size_t id_len;
};

/* False with a message on standard error when the line is wrong: an unknown option, one that the command does
 * not have, one that is missing, an identity that is too long or no hex. */
bool options_parse(int argc, char **argv, struct options *o);

void options_usage(FILE *to);

#endif
