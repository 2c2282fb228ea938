#include "card/ports/vcard/vcard.h"

#include <stdio.h>
#include <string.h>

static void tell(const struct vcard *v, const char *what)
{
    if (v->verbose)
        fprintf(stderr, "tally-vcard: %s after %llu flash operations\n", what,
                (unsigned long long)(flashsim_operations(&v->flash) - v->operations_before));
}

static int vcard_random(void *ctx, uint8_t *buf, size_t n)
{
    struct vcard *v = ctx;
    return chip_random_bytes(&v->random, buf, n) ? HAL_OK : HAL_FAIL;
}

static int vcard_identity(void *ctx, struct hal_identity *out)
{
    const struct vcard *v = ctx;
    *out = v->identity;
    return HAL_OK;
}

bool vcard_init(struct vcard *v, const struct image *image)
{
    memset(v, 0, sizeof *v);
    v->identity = image->identity;
    v->hal = (struct hal){
        .ctx = v, .flash = &v->flash.flash, .random = vcard_random, .device_identity = vcard_identity};
    if (!flashsim_open(&v->flash, image->flash, image->flash_size, IMAGE_UNIT, IMAGE_PAGE_SIZE, IMAGE_PAGES))
        return false;
    v->operations_before = flashsim_operations(&v->flash);
    return true;
}

void vcard_cut_at(struct vcard *v, uint64_t operation, uint64_t seed)
{
    flashsim_cut_after(&v->flash, operation - 1, seed);
    v->power_seed = seed;
}

static bool power_on(void *ctx)
{
    struct vcard *v = ctx;
    if (v->flash.dead)
        flashsim_power_on(&v->flash, v->power_seed);
    tell(v, "power on");
    card_init(&v->card, &v->hal);
    return !v->flash.dead;
}

static void power_off(void *ctx)
{
    struct vcard *v = ctx;
    tell(v, v->flash.dead ? "power cut" : "power off");
    explicit_bzero(&v->card, sizeof v->card);
}

static bool reset(void *ctx)
{
    struct vcard *v = ctx;
    tell(v, "reset");
    card_reset(&v->card);
    return !v->flash.dead;
}

static size_t atr(void *ctx, uint8_t *out)
{
    (void)ctx;
    return card_atr(out);
}

/* A card whose flash lost its power lost all of it: what the firmware still said was never sent. */
static size_t transmit(void *ctx, const uint8_t *cmd, size_t n, uint8_t *resp, size_t cap)
{
    struct vcard *v = ctx;
    if (v->flash.dead)
        return 0;
    size_t answer = card_transmit(&v->card, cmd, n, resp, cap);
    return v->flash.dead ? 0 : answer;
}

const struct vcard_ops vcard_ops = {
    .power_on = power_on,
    .power_off = power_off,
    .reset = reset,
    .atr = atr,
    .transmit = transmit,
};
