/* tally-mcard: tally-vcard with the firmware for the Cortex-M33 in QEMU. The options are the same, in
 * card/ports/vcard/options.c; $TALLY_FIRMWARE names another firmware than the one that was built. */
#include <stdio.h>
#include <stdlib.h>

#include "card/ports/mps2/host/mcard.h"
#include "card/ports/vcard/program.h"

static int run(const struct vcard_settings *s, const struct image *image)
{
    static struct mcard card;
    static const char *const texts[] = {
        [MCARD_IMAGE] = "the image is not of this layout",
        [MCARD_FIRMWARE] = "no firmware; build it with: ./tally firmware",
        [MCARD_EMULATOR] = "qemu-system-arm is not installed",
    };
    enum mcard_result r = mcard_init(&card, image, getenv("TALLY_FIRMWARE"));
    if (r != MCARD_OK) {
        fprintf(stderr, "tally-mcard: %s\n", texts[r]);
        return EXIT_SYSTEM;
    }
    card.verbose = s->verbose;
    if (s->seeded)
        chip_random_seed(&card.random, s->seed);
    if (s->cut_at > 0)
        mcard_cut_at(&card, s->cut_at, s->cut_seed);
    return chip_serve(s, &mcard_ops, &card);
}

int main(int argc, char **argv)
{
    return chip_program(argc, argv, run);
}
