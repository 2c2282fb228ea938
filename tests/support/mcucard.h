/* The firmware for the microcontroller, in QEMU, as the body of a card in tests (ramcard.h). */
#ifndef TALLY_TESTS_MCUCARD_H
#define TALLY_TESTS_MCUCARD_H

#include <stdbool.h>

#include "card/ports/mps2/host/mcard.h"
#include "tests/support/ramcard.h"

/* True when firmware and emulator are there; otherwise the reason is on standard error. */
bool mcucard_available(void);

struct mcucard;

/* Moves rc's card into a machine of its own, and powers it on. counting: see mcard.h. The machine's random
 * numbers follow from seed. It ends with this process, or by mcucard_free after ramcard_free. */
struct mcucard *mcucard_take(struct ramcard *rc, bool counting, uint64_t seed);
void mcucard_free(struct mcucard *mc);

/* The machine: its report on the last command, faults to order. */
struct mcard *mcucard_machine(struct mcucard *mc);

/* What all commands since the last call took (61xx followed, chained parts). */
struct mcucard_spent {
    uint64_t instructions, programs, erases; /* operations of the flash: units, pages */
    uint32_t stack;                          /* bytes at the deepest */
};
struct mcucard_spent mcucard_spent(struct mcucard *mc);

#endif
