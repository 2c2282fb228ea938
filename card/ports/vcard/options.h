/* The command line of tally-vcard. */
#ifndef TALLY_VCARD_OPTIONS_H
#define TALLY_VCARD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "card/hal/hal.h"
#include "card/ports/vcard/vpcd_link.h"

struct vcard_settings {
    struct vpcd_options link;
    const char *image;
    bool create, verbose, seeded;
    uint64_t seed, cut_at, cut_seed;
    struct hal_identity identity; /* for create */
};

enum options_result {
    OPTIONS_RUN,
    OPTIONS_HELP,  /* help is printed to standard output */
    OPTIONS_WRONG, /* the reason is printed to standard error */
};

enum options_result vcard_options(int argc, char **argv, struct vcard_settings *out);

#endif
