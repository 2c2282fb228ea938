/* A virtual card's chip as a file: identity and flash (layout in specs/virtual-reader.md).
 *
 * The file is mapped and changed in place, so that whatever ends the process leaves what the flash held then.
 */
#ifndef TALLY_VCARD_IMAGE_H
#define TALLY_VCARD_IMAGE_H

#include <stdint.h>

#include "card/hal/hal.h"

enum {
    IMAGE_UNIT = 8,
    IMAGE_PAGE_SIZE = 2048,
    IMAGE_PAGES = 32,
    IMAGE_HEAD_SIZE = 4096,

    /* Offsets in the head, for a machine that has the file as its memory. */
    IMAGE_AT_CHIP_ID = 32,
    IMAGE_AT_ADMIN_KEY = 40,

    /* Such a machine takes a file of this size: the image, and zeros behind it. */
    IMAGE_EMULATED_SIZE = 16 << 20,
};

enum image_result {
    IMAGE_OK,
    IMAGE_SYSTEM, /* see errno */
    IMAGE_EXISTS, /* image_create: there is such a file */
    IMAGE_LOCKED, /* another process uses it */
    IMAGE_FORMAT, /* no card image, or of another layout */
};

struct image {
    int fd;
    uint8_t *map;   /* the whole file */
    uint8_t *flash; /* the part of it that is for flashsim_open */
    size_t flash_size;
    struct hal_identity identity; /* a copy */
};

/* Makes a new chip with new flash: a file, mode 0600, that appears whole or not at all. */
enum image_result image_create(const char *path, const struct hal_identity *identity);

/* Opens and locks the file. *image is set on every path. The caller closes it after IMAGE_OK. */
enum image_result image_open(const char *path, struct image *image);

/* Unmaps, unlocks, and wipes the copy of the identity. */
void image_close(struct image *image);

#endif
