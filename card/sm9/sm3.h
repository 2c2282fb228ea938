/* The hash function SM3, GB/T 32905-2016. */
#ifndef TALLY_SM9_SM3_H
#define TALLY_SM9_SM3_H

#include <stddef.h>
#include <stdint.h>

enum { SM3_SIZE = 32, SM3_BLOCK = 64 };

struct sm3 {
    uint32_t state[8];
    uint8_t block[SM3_BLOCK];
    uint64_t length; /* bytes so far */
};

void sm3_init(struct sm3 *c);
void sm3_update(struct sm3 *c, const void *data, size_t n);

/* Writes the 32 bytes and wipes the context. */
void sm3_final(struct sm3 *c, uint8_t out[SM3_SIZE]);

#endif
