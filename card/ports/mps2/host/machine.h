/* One run of the emulator, from start to kill, and the messages of card/ports/mps2/messages.h. */
#ifndef TALLY_MPS2_MACHINE_H
#define TALLY_MPS2_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card/ports/mps2/host/mcard.h"

/* Starts m's emulator on m's image. False when it cannot. */
bool machine_start(struct mcard *m);

/* Kills it. Nothing when it does not run. */
void machine_kill(struct mcard *m);

bool machine_send(const struct mcard *m, uint8_t type, const void *payload, size_t n);

/* Serves what the firmware asks for until its answer is there: sets m->report, and writes at most cap bytes
 * of answer; *n is their number. False when the machine ended. */
bool machine_answer(struct mcard *m, uint8_t *answer, size_t cap, size_t *n);

#endif
