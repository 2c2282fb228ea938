#include "card/ports/mps2/host/mcard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "card/apdu/card.h"
#include "card/ports/mps2/host/machine.h"
#include "card/ports/mps2/messages.h"
#include "card/wire/be.h"

#define EMULATOR "qemu-system-arm"

uint64_t mcard_operations(const struct mcard *m)
{
    return flashsim_operations(&m->flash) - m->operations_before;
}

static void tell(const struct mcard *m, const char *what)
{
    if (m->verbose)
        fprintf(stderr, "tally-mcard: %s after %llu flash operations\n", what,
                (unsigned long long)mcard_operations(m));
}

/* From build/NAME/card/ports/mps2 (this program) to build/firmware/card/ports/mps2; the tests are as deep. */
static const char *built_firmware(void)
{
    static char path[PATH_MAX + 64];
    char self[PATH_MAX] = "";
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    for (char *end = n > 0 ? self + n : self; end > self; end--) {
        if (*end != '/')
            continue;
        *end = '\0';
        (void)snprintf(path, sizeof path, "%s/firmware/card/ports/mps2/tally-firmware.elf", self);
        if (access(path, R_OK) == 0)
            return path;
    }
    return NULL;
}

static bool in_path(const char *program)
{
    char full[PATH_MAX];
    const char *path = getenv("PATH");
    for (const char *p = path != NULL ? path : ""; *p != '\0';) {
        size_t n = strcspn(p, ":");
        int len = snprintf(full, sizeof full, "%.*s/%s", (int)n, p, program);
        if (len < (int)sizeof full && access(full, X_OK) == 0)
            return true;
        p += n + (p[n] == ':');
    }
    return false;
}

enum mcard_result mcard_init(struct mcard *m, const struct image *image, const char *firmware)
{
    memset(m, 0, sizeof *m);
    m->emulator = EMULATOR;
    m->firmware = firmware != NULL ? firmware : built_firmware();
    m->image_fd = image->fd;
    m->link = -1;
    if (!flashsim_open(&m->flash, image->flash, image->flash_size, IMAGE_UNIT, IMAGE_PAGE_SIZE,
                       IMAGE_PAGES) ||
        ftruncate(image->fd, IMAGE_EMULATED_SIZE) != 0)
        return MCARD_IMAGE;
    m->operations_before = flashsim_operations(&m->flash);
    if (m->firmware == NULL || access(m->firmware, R_OK) != 0)
        return MCARD_FIRMWARE;
    return in_path(m->emulator) ? MCARD_OK : MCARD_EMULATOR;
}

void mcard_cut_at(struct mcard *m, uint64_t operation, uint64_t seed)
{
    m->cut_at = operation;
    m->cut_seed = seed;
    m->power_seed = seed;
}

void mcard_trip(struct mcard *m, uint64_t instructions)
{
    m->trip = instructions;
}

/* Faults go to the firmware before the request in which they may happen. */
static bool send_faults(struct mcard *m)
{
    uint8_t trip[8], cut[16];
    uint64_t done = mcard_operations(m);
    bool ok = true;
    if (m->trip != 0) {
        be64_put(trip, m->trip);
        ok = machine_send(m, MESSAGE_TRIP, trip, sizeof trip);
    }
    m->trip = 0;
    if (ok && m->cut_at > done) {
        be64_put(cut, m->cut_at - done - 1);
        be64_put(cut + 8, m->cut_seed);
        ok = machine_send(m, MESSAGE_CUT, cut, sizeof cut);
    }
    return ok;
}

/* False when the machine ended before, or the flash died at, its answer. */
static bool request(struct mcard *m, uint8_t type, const void *payload, size_t n, uint8_t *answer, size_t cap,
                    size_t *len)
{
    *len = 0;
    m->report = (struct mcard_report){.dead = true};
    return m->pid != 0 && send_faults(m) && machine_send(m, type, payload, n) &&
           machine_answer(m, answer, cap, len) && !m->report.dead;
}

static bool power_on(void *ctx)
{
    struct mcard *m = ctx;
    uint8_t seed[8], none;
    size_t len;
    tell(m, "power on");
    be64_put(seed, m->power_seed);
    return machine_start(m) && request(m, MESSAGE_BOOT, seed, sizeof seed, &none, 0, &len);
}

static void power_off(void *ctx)
{
    struct mcard *m = ctx;
    tell(m, m->report.dead ? "power cut" : "power off");
    machine_kill(m);
}

static bool reset(void *ctx)
{
    struct mcard *m = ctx;
    uint8_t none;
    size_t len;
    tell(m, "reset");
    return request(m, MESSAGE_RESET, &none, 0, &none, 0, &len);
}

static size_t atr(void *ctx, uint8_t *out)
{
    (void)ctx;
    return card_atr(out);
}

static size_t transmit(void *ctx, const uint8_t *cmd, size_t n, uint8_t *resp, size_t cap)
{
    struct mcard *m = ctx;
    size_t len;
    return request(m, MESSAGE_COMMAND, cmd, n, resp, cap, &len) ? len : 0;
}

const struct vcard_ops mcard_ops = {
    .power_on = power_on,
    .power_off = power_off,
    .reset = reset,
    .atr = atr,
    .transmit = transmit,
};
