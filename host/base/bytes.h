/* Byte strings: hex, comparison in constant time, wiping. */
#ifndef TALLY_BASE_BYTES_H
#define TALLY_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/base/error.h"

/* Overwrites n bytes in a way the compiler may not remove. */
void tally_wipe(void *p, size_t n);

/* True when the n bytes are equal; time depends on n alone. */
bool tally_equal_ct(const void *a, const void *b, size_t n);

/* Writes 2*n lower-case hex digits and a NUL to out (out_size >= 2*n+1, else TALLY_E_FULL and out is ""). */
enum tally_error tally_hex_encode(const uint8_t *in, size_t n, char *out, size_t out_size);

/* Reads hex digits, both cases, an even number of them, into out; *n is set on every path
 * (0 on failure). TALLY_E_FORMAT on any other character or an odd count, TALLY_E_FULL beyond out_size. */
enum tally_error tally_hex_decode(const char *in, uint8_t *out, size_t out_size, size_t *n);

#endif
