/* What the programs that are a card have in common: command line, making a chip, opening one. */
#ifndef TALLY_VCARD_PROGRAM_H
#define TALLY_VCARD_PROGRAM_H

#include "card/ports/vcard/image.h"
#include "card/ports/vcard/options.h"

enum { EXIT_USAGE = 2, EXIT_TORN = 5, EXIT_SYSTEM = 8 };

/* Runs the card on the chip in image, which stays open and the caller's, and returns the exit status. */
typedef int card_program(const struct vcard_settings *s, const struct image *image);

/* The whole of main. */
int chip_program(int argc, char **argv, card_program *run);

/* Serves the card by the settings until its end, and returns the exit status. */
int chip_serve(const struct vcard_settings *s, const struct vcard_ops *ops, void *card);

/* Prints why the chip cannot be used to standard error; returns EXIT_SYSTEM. */
int chip_failed(const char *path, enum image_result r);

#endif
