/* One command APDU taken apart: ISO/IEC 7816-4:2020 5.2, cases 1 to 4, short and extended. */
#ifndef TALLY_APDU_APDU_H
#define TALLY_APDU_APDU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { APDU_HEADER_SIZE = 4 };

struct apdu {
    uint8_t header[APDU_HEADER_SIZE]; /* CLA INS P1 P2 */
    const uint8_t *data;              /* points into the input; NULL without data */
    size_t len;                       /* 0..65535 */
    uint32_t expected;                /* Ne, 1..65536; 0 when Le is absent */
};

/* Reads exactly n bytes. False when the length bytes do not add up to n; *out is zero then. */
bool apdu_parse(const uint8_t *in, size_t n, struct apdu *out);

#endif
