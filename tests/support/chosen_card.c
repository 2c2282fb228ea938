#include "tests/support/chosen_card.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/must.h"

bool chosen_mcu(void)
{
    const char *card = getenv("TALLY_CARD");
    return card != NULL && strcmp(card, "mcu") == 0;
}

const char *chosen_program(void)
{
    return chosen_mcu() ? TALLY_MCARD : TALLY_VCARD;
}

void chosen_init(struct chosen_card *c, const struct image *image)
{
    memset(c, 0, sizeof *c);
    if (chosen_mcu()) {
        must(mcard_init(&c->mcu, image, getenv("TALLY_FIRMWARE")) == MCARD_OK);
        c->ops = &mcard_ops;
        c->card = &c->mcu;
        return;
    }
    must(vcard_init(&c->host, image));
    c->ops = &vcard_ops;
    c->card = &c->host;
}

bool chosen_available(void)
{
    static struct mcard machine;
    static const struct hal_identity identity;
    char folder[] = "/tmp/tally-chosen-XXXXXX", path[64];
    struct image image;
    if (!chosen_mcu())
        return true;
    must(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof path, "%s/chip.img", folder);
    must(image_create(path, &identity) == IMAGE_OK && image_open(path, &image) == IMAGE_OK);
    enum mcard_result r = mcard_init(&machine, &image, getenv("TALLY_FIRMWARE"));
    image_close(&image);
    must(unlink(path) == 0 && rmdir(folder) == 0);
    if (r != MCARD_OK)
        fprintf(stderr, "left out, for want of the firmware or its emulator\n");
    return r == MCARD_OK;
}

uint64_t chosen_operations(const struct chosen_card *c)
{
    return c->ops == &mcard_ops ? mcard_operations(&c->mcu)
                                : flashsim_operations(&c->host.flash) - c->host.operations_before;
}

void chosen_cut_at(struct chosen_card *c, uint64_t operation, uint64_t seed)
{
    if (c->ops == &mcard_ops) {
        mcard_cut_at(&c->mcu, operation, seed);
        return;
    }
    /* A dead flash forgets a cut that is ordered before its power comes back. */
    if (c->host.flash.dead || operation == 0)
        flashsim_power_on(&c->host.flash, seed);
    if (operation > 0)
        vcard_cut_at(&c->host, operation - chosen_operations(c), seed);
}
