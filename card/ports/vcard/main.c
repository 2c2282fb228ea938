/* tally-vcard: see options.c for what it does. */
#include "card/ports/vcard/program.h"
#include "card/ports/vcard/vcard.h"

static int run(const struct vcard_settings *s, const struct image *image)
{
    static struct vcard card;
    if (!vcard_init(&card, image))
        return chip_failed(s->image, IMAGE_FORMAT);
    card.verbose = s->verbose;
    if (s->seeded)
        chip_random_seed(&card.random, s->seed);
    if (s->cut_at > 0)
        vcard_cut_at(&card, s->cut_at, s->cut_seed);
    return chip_serve(s, &vcard_ops, &card);
}

int main(int argc, char **argv)
{
    return chip_program(argc, argv, run);
}
