/* Counts instructions, and ends the machine after so many of them.
 *
 * Right only in QEMU with -icount shift=6: an instruction then takes 64 ns of the machine's time, and its
 * timers (CMSDK APB timer, Arm DDI 0479) tick every 50 ns. */
#ifndef TALLY_CARD_PORTS_MPS2_COUNTER_H
#define TALLY_CARD_PORTS_MPS2_COUNTER_H

#include <stdint.h>

enum { COUNTER_IRQ_WRAP = 3, COUNTER_IRQ_TRIP = 4, COUNTER_IRQ_LAST = COUNTER_IRQ_TRIP };

void counter_init(void);

/* Instructions since counter_init. */
uint64_t counter_now(void);

/* Power is lost after this many more instructions, at least 1; 0 takes that back. At most 3.3e9. */
void counter_trip(uint64_t instructions);

/* Interrupt handlers. */
void counter_wrapped(void);
void counter_tripped(void);

#endif
