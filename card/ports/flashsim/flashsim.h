/* A model of flash memory with the faults of a real one: units that are programmed once between erases, power
 * cuts that leave units torn and pages half erased, and torn units that do not read the same twice.
 *
 * It lives in memory of the caller's, which may be a mapped file: whatever kills the process, the flash stays
 * as it was at that moment. One operation is one unit programmed or one page erased. */
#ifndef TALLY_CARD_PORTS_FLASHSIM_FLASHSIM_H
#define TALLY_CARD_PORTS_FLASHSIM_FLASHSIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card/hal/hal.h"

#define FLASHSIM_NONE UINT32_MAX

/* The kinds of torn operations: a seed modulo FLASHSIM_TEARS gives the kind, the rest of it the bits. */
enum {
    FLASHSIM_NOTHING,  /* reads as if nothing had been done */
    FLASHSIM_DONE,     /* reads as if all had been done */
    FLASHSIM_SOME,     /* some of the bits have changed */
    FLASHSIM_UNSTABLE, /* all that were to change read one way or the other, a whole unit alike or mixed */
    FLASHSIM_SOME_UNSTABLE, /* some have changed, some have not, some are unstable */
    FLASHSIM_TEARS,
};

struct flashsim_memory;

struct flashsim {
    struct hal_flash flash; /* what the card is given; points into this struct, which must not be moved */
    struct flashsim_memory *memory;
    uint8_t *data;
    uint8_t *flux;     /* bits of data that read unstably */
    uint8_t *state;    /* one byte a unit */
    bool ecc;          /* set by the caller: reading a torn unit fails instead of giving unstable bits */
    bool silent;       /* set by the caller: failures that are no cut are only seen by reading back */
    bool flicker;      /* set by the caller: unstable bits change with every read, not with every power-on */
    bool dead;         /* power is off */
    uint32_t bad_page; /* set by the caller: every operation on this page fails; FLASHSIM_NONE at first */
    bool cut_planned;
    uint64_t cut_left;
    uint64_t cut_seed;
    uint64_t fail_left; /* operations until the next failure that is no cut; 0: none planned */
    uint64_t fail_count;
    uint64_t power_seed;
    uint64_t reads;
    uint32_t misuse; /* attempts to program a unit that was programmed whole, or outside the rules of hal.h */
};

/* Bytes of memory that a flash of this geometry needs. */
size_t flashsim_size(uint32_t unit, uint32_t page_size, uint32_t page_count);

/* Starts with the power on. Memory that is all zero becomes an erased flash; otherwise it must be one of the
 * same geometry. False if it is not, or if the geometry or the size is impossible. memory must be aligned for
 * uint64_t, and outlive sim. */
bool flashsim_open(struct flashsim *sim, void *memory, size_t size, uint32_t unit, uint32_t page_size,
                   uint32_t page_count);

/* Lets n more operations complete and cuts the power in the next one; seed decides what that leaves behind.
 * From then on everything fails and nothing changes. */
void flashsim_cut_after(struct flashsim *sim, uint64_t n, uint64_t seed);

/* Power on again, without any fault planned; seed decides how unstable bits read from now on. */
void flashsim_power_on(struct flashsim *sim, uint64_t seed);

/* After n more operations, count operations fail with the power on: their units are torn. */
void flashsim_fail_after(struct flashsim *sim, uint64_t n, uint64_t count);

/* Inverts one bit for good: decay. */
void flashsim_flip(struct flashsim *sim, uint32_t address, unsigned bit);

/* Operations since the flash was new. */
uint64_t flashsim_operations(const struct flashsim *sim);

/* How often page has been erased. */
uint32_t flashsim_erases(const struct flashsim *sim, uint32_t page);

#endif
