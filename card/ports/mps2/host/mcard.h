/* The firmware for the Cortex-M33, in QEMU, on the chip in an image: a card for vpcd_run, as vcard.h is.
 *
 * Power is the emulator's process: it starts when the card is powered on, and is killed when it is powered
 * off or a cut was ordered. The flash is the image, which is the machine's memory, so it outlives every end.
 */
#ifndef TALLY_MPS2_MCARD_H
#define TALLY_MPS2_MCARD_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "card/ports/flashsim/flashsim.h"
#include "card/ports/vcard/image.h"
#include "card/ports/vcard/random.h"
#include "card/ports/vcard/vpcd_link.h"

/* What the firmware measured during its last request (power on, reset or command). */
struct mcard_report {
    bool dead;             /* the flash lost power, or the machine ended */
    bool misused;          /* flashsim.h: never, unless the firmware is wrong */
    uint64_t instructions; /* exact and repeatable when counting, otherwise meaningless */
    uint32_t stack;        /* bytes at the deepest, what the port uses before the request included */
};

struct mcard {
    const char *emulator; /* a program, looked for in PATH */
    const char *firmware; /* ELF file */
    bool counting;        /* set by the caller: count instructions, which makes the machine slower */
    bool verbose;         /* set by the caller: power and cuts are told on standard error */
    struct chip_random random;

    int image_fd;
    struct flashsim flash; /* the host's look at the flash, never powered */
    uint64_t operations_before;
    uint64_t cut_at, cut_seed; /* cut_at 0: none */
    uint64_t power_seed;       /* set by the caller: how what is torn reads after the next power-on */
    uint64_t trip;

    pid_t pid; /* 0: no power */
    int link;
    struct mcard_report report;
};

enum mcard_result {
    MCARD_OK,
    MCARD_IMAGE,    /* no flash of this layout, or the file does not grow */
    MCARD_FIRMWARE, /* the firmware was not found */
    MCARD_EMULATOR, /* the emulator was not found */
};

/* Puts the machine together without powering it. image stays open and the caller's. firmware NULL: where the
 * build puts it, as seen from this program's place. */
enum mcard_result mcard_init(struct mcard *m, const struct image *image, const char *firmware);

/* Power is lost in the given flash operation, counted from 1 since mcard_init; 0: in none. See vcard_cut_at.
 */
void mcard_cut_at(struct mcard *m, uint64_t operation, uint64_t seed);

/* Power is lost so many instructions into the next request. Exact and repeatable when counting. */
void mcard_trip(struct mcard *m, uint64_t instructions);

/* Flash operations since mcard_init. */
uint64_t mcard_operations(const struct mcard *m);

/* For vpcd_run, with a struct mcard. */
extern const struct vcard_ops mcard_ops;

#endif
