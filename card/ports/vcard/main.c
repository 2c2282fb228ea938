/* tally-vcard: see options.c for what it does. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "card/ports/vcard/options.h"
#include "card/ports/vcard/vcard.h"

enum { EXIT_USAGE = 2, EXIT_TORN = 5, EXIT_SYSTEM = 8 };

static int image_failed(const char *path, enum image_result r)
{
    static const char *const texts[] = {
        [IMAGE_EXISTS] = "exists already",
        [IMAGE_LOCKED] = "is in use by another process",
        [IMAGE_FORMAT] = "is no card image",
    };
    fprintf(stderr, "tally-vcard: %s: %s\n", path, r == IMAGE_SYSTEM ? strerror(errno) : texts[r]);
    return EXIT_SYSTEM;
}

static int create(const struct vcard_settings *s)
{
    enum image_result r = image_create(s->image, &s->identity);
    if (r != IMAGE_OK)
        return image_failed(s->image, r);
    for (size_t i = 0; i < sizeof s->identity.chip_id; i++)
        printf("%02x", s->identity.chip_id[i]);
    putchar('\n');
    return 0;
}

static int run(const struct vcard_settings *s)
{
    static struct vcard card;
    struct image image;
    enum image_result r = image_open(s->image, &image);
    if (r != IMAGE_OK)
        return image_failed(s->image, r);
    if (!vcard_init(&card, &image)) {
        image_close(&image);
        return image_failed(s->image, IMAGE_FORMAT);
    }
    card.verbose = s->verbose;
    if (s->seeded)
        vcard_seed(&card, s->seed);
    if (s->cut_at > 0)
        vcard_cut_at(&card, s->cut_at, s->cut_seed);
    enum vpcd_end end = vpcd_run(&s->link, &vcard_ops, &card);
    image_close(&image);
    if (end == VPCD_TORN)
        return EXIT_TORN;
    fprintf(stderr, "tally-vcard: cannot reach %s\n", s->link.host);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct vcard_settings settings;
    int status = EXIT_USAGE;
    switch (vcard_options(argc, argv, &settings)) {
    case OPTIONS_HELP: status = 0; break;
    case OPTIONS_WRONG: break;
    case OPTIONS_RUN: status = settings.create ? create(&settings) : run(&settings); break;
    }
    explicit_bzero(&settings.identity, sizeof settings.identity);
    return status;
}
