/* The firmware on a virtual chip: flash and identity from an image, randomness from the system or a seed. */
#ifndef TALLY_VCARD_VCARD_H
#define TALLY_VCARD_VCARD_H

#include <stdbool.h>
#include <stdint.h>

#include "card/apdu/card.h"
#include "card/hal/hal.h"
#include "card/ports/flashsim/flashsim.h"
#include "card/ports/vcard/image.h"
#include "card/ports/vcard/random.h"
#include "card/ports/vcard/vpcd_link.h"

struct vcard {
    struct card card;
    struct hal hal;
    struct flashsim flash;
    struct hal_identity identity;
    uint64_t operations_before; /* of this process */
    uint64_t power_seed;        /* how torn units read after the next power-on */
    struct chip_random random;  /* the system's, until it is seeded */
    bool verbose;               /* power and cuts are told on standard error */
};

/* Puts the chip together without powering it. image stays open and the caller's; v is not moved afterwards.
 * False when the image holds no flash of this layout. */
bool vcard_init(struct vcard *v, const struct image *image);

/* Power is lost in the given flash operation, counted from 1; the seed decides how it tears, and how what is
 * torn reads afterwards. */
void vcard_cut_at(struct vcard *v, uint64_t operation, uint64_t seed);

/* For vpcd_run, with a struct vcard. */
extern const struct vcard_ops vcard_ops;

#endif
