/* How deep the stack grew: it is filled with a pattern before, and looked through afterwards. */
#ifndef TALLY_CARD_PORTS_MPS2_PAINT_H
#define TALLY_CARD_PORTS_MPS2_PAINT_H

#include <stdint.h>

/* Fills what is free below the caller. */
void paint_stack(void);

/* Bytes from the top of the stack to the deepest one written since. */
uint32_t painted_over(void);

#endif
