/* The card that a test runs on: the one compiled for the host, or with TALLY_CARD=mcu in the environment the
 * firmware for the Cortex-M33 in QEMU. A chip's image works in either. */
#ifndef TALLY_TESTS_CHOSEN_CARD_H
#define TALLY_TESTS_CHOSEN_CARD_H

#include <stdbool.h>

#include "card/ports/mps2/host/mcard.h"
#include "card/ports/vcard/vcard.h"

enum { CARD_SKIPPED = 77 }; /* exit status of a program that cannot run for want of the firmware */

/* True when the firmware was asked for. */
bool chosen_mcu(void);

/* False when the firmware was asked for and is not there, or its emulator; standard error says so. Then main
 * returns CARD_SKIPPED. */
bool chosen_available(void);

/* The path of the program that is the card: tally-vcard, or tally-mcard. */
const char *chosen_program(void);

/* A card in this process. */
struct chosen_card {
    const struct vcard_ops *ops; /* for test_direct_open and vpcd_run, with the pointer below */
    void *card;
    struct vcard host;
    struct mcard mcu;
};

/* On the chip in image, which stays open and the caller's; c is not moved afterwards. Aborts when it cannot.
 */
void chosen_init(struct chosen_card *c, const struct image *image);

/* Flash operations since chosen_init, and a cut in that one (from 1; 0: none), which may be ordered while the
 * power is off. */
uint64_t chosen_operations(const struct chosen_card *c);
void chosen_cut_at(struct chosen_card *c, uint64_t operation, uint64_t seed);

#endif
