/* Linked into a test of the card, runs it on the firmware in QEMU: the fixtures' work is done by the card in
 * this process, and each test's by a machine of its own, on the flash that the fixtures left. */
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/mcucard.h"

enum { SKIPPED = 77 };

static pid_t program;

static void take(struct ramcard *rc)
{
    if (getpid() != program)
        (void)mcucard_take(rc, false, 1);
}

__attribute__((constructor)) static void prepare(void)
{
    if (!mcucard_available())
        exit(SKIPPED);
    program = getpid();
    ramcard_settle = take;
}
