#include "card/ports/vcard/program.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "card/ports/vcard/vpcd_link.h"

int chip_failed(const char *path, enum image_result r)
{
    static const char *const texts[] = {
        [IMAGE_EXISTS] = "exists already",
        [IMAGE_LOCKED] = "is in use by another process",
        [IMAGE_FORMAT] = "is no card image",
    };
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, path,
            r == IMAGE_SYSTEM ? strerror(errno) : texts[r]);
    return EXIT_SYSTEM;
}

static int create(const struct vcard_settings *s)
{
    enum image_result r = image_create(s->image, &s->identity);
    if (r != IMAGE_OK)
        return chip_failed(s->image, r);
    for (size_t i = 0; i < sizeof s->identity.chip_id; i++)
        printf("%02x", s->identity.chip_id[i]);
    putchar('\n');
    return 0;
}

static int open_and_run(const struct vcard_settings *s, card_program *run)
{
    struct image image;
    enum image_result r = image_open(s->image, &image);
    if (r != IMAGE_OK)
        return chip_failed(s->image, r);
    int status = run(s, &image);
    image_close(&image);
    return status;
}

int chip_serve(const struct vcard_settings *s, const struct vcard_ops *ops, void *card)
{
    if (vpcd_run(&s->link, ops, card) == VPCD_TORN)
        return EXIT_TORN;
    fprintf(stderr, "%s: cannot reach %s\n", program_invocation_short_name, s->link.host);
    return EXIT_USAGE;
}

int chip_program(int argc, char **argv, card_program *run)
{
    struct vcard_settings settings;
    int status = EXIT_USAGE;
    switch (vcard_options(argc, argv, &settings)) {
    case OPTIONS_HELP: status = 0; break;
    case OPTIONS_WRONG: break;
    case OPTIONS_RUN: status = settings.create ? create(&settings) : open_and_run(&settings, run); break;
    }
    explicit_bzero(&settings.identity, sizeof settings.identity);
    return status;
}
