/* Flash over a piece of memory, with a loss of power at a chosen operation.
 *
 * Programming one unit and erasing one page are one operation each, counted from 1 over the life of the
 * struct.
 */
#ifndef TALLY_VCARD_FLASH_MEMORY_H
#define TALLY_VCARD_FLASH_MEMORY_H

#include <stdint.h>

#include "card/hal/hal.h"

struct flash_memory {
    struct hal_flash flash; /* give this to the card */
    uint8_t *memory;
    uint64_t operations;           /* done so far */
    uint64_t cut_at;               /* the operation that power is lost in, 0: none */
    uint64_t cut_seed;             /* of what the torn unit or page then holds */
    void (*on_cut)(void *context); /* called in the middle of it; does not return */
    void *cut_context;
};

/* Prepares flash of pages * page_size bytes over memory, which stays the caller's. No cut is set. A unit is
 * at most 16 bytes. */
void flash_memory_init(struct flash_memory *f, uint8_t *memory, uint32_t unit, uint32_t page_size,
                       uint32_t pages);

#endif
