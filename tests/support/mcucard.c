#include "tests/support/mcucard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/must.h"

struct mcucard {
    struct image image;
    struct mcard machine;
    struct mcucard_spent spent;
    uint64_t operations, erases; /* when spent was last asked for */
};

static void open_image(const struct hal_identity *identity, struct image *image)
{
    char folder[] = "/tmp/tally-mcu-XXXXXX", path[64];
    must(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof path, "%s/chip.img", folder);
    must(image_create(path, identity) == IMAGE_OK);
    must(image_open(path, image) == IMAGE_OK);
    must(unlink(path) == 0);
    must(rmdir(folder) == 0);
}

bool mcucard_available(void)
{
    static const char *const texts[] = {
        [MCARD_IMAGE] = "the image cannot be used",
        [MCARD_FIRMWARE] = "no firmware",
        [MCARD_EMULATOR] = "no emulator",
    };
    static struct mcard machine;
    struct hal_identity identity = {{0}, {0}};
    struct image image;
    open_image(&identity, &image);
    enum mcard_result r = mcard_init(&machine, &image, getenv("TALLY_FIRMWARE"));
    image_close(&image);
    if (r != MCARD_OK)
        fprintf(stderr, "left out, for want of the card on the microcontroller: %s\n", texts[r]);
    return r == MCARD_OK;
}

static bool power_on(void *ctx, uint64_t seed)
{
    struct mcucard *mc = ctx;
    mcard_ops.power_off(&mc->machine);
    mc->machine.power_seed = seed;
    return mcard_ops.power_on(&mc->machine);
}

static size_t transmit(void *ctx, const uint8_t *in, size_t n, uint8_t *out, size_t size)
{
    struct mcucard *mc = ctx;
    size_t got = mcard_ops.transmit(&mc->machine, in, n, out, size);
    const struct mcard_report *last = &mc->machine.report;
    must(!last->misused);
    mc->spent.instructions += last->instructions;
    mc->spent.stack = last->stack > mc->spent.stack ? last->stack : mc->spent.stack;
    if (got == 0)
        mcard_ops.power_off(&mc->machine);
    return got;
}

static void cut_after(void *ctx, uint64_t n, uint64_t seed)
{
    struct mcucard *mc = ctx;
    mcard_cut_at(&mc->machine, mcard_operations(&mc->machine) + n + 1, seed);
}

struct mcucard *mcucard_take(struct ramcard *rc, bool counting, uint64_t seed)
{
    struct mcucard *mc = calloc(1, sizeof *mc);
    struct hal_identity identity = ramcard_identity(rc);
    must(mc != NULL);
    open_image(&identity, &mc->image);
    must(mcard_init(&mc->machine, &mc->image, getenv("TALLY_FIRMWARE")) == MCARD_OK);
    mc->machine.counting = counting;
    chip_random_seed(&mc->machine.random, seed);
    struct ramcard_body body = {mc, mc->image.flash, transmit, power_on, cut_after};
    ramcard_move(rc, &body);
    (void)mcucard_spent(mc);
    return mc;
}

void mcucard_free(struct mcucard *mc)
{
    mcard_ops.power_off(&mc->machine);
    image_close(&mc->image);
    free(mc);
}

struct mcard *mcucard_machine(struct mcucard *mc)
{
    return &mc->machine;
}

struct mcucard_spent mcucard_spent(struct mcucard *mc)
{
    struct mcucard_spent spent = mc->spent;
    uint64_t operations = flashsim_operations(&mc->machine.flash), erases = 0;
    for (uint32_t page = 0; page < IMAGE_PAGES; page++)
        erases += flashsim_erases(&mc->machine.flash, page);
    spent.erases = erases - mc->erases;
    spent.programs = operations - mc->operations - spent.erases;
    mc->operations = operations;
    mc->erases = erases;
    mc->spent = (struct mcucard_spent){0};
    return spent;
}
