/* Command APDUs taken apart and put together (ISO/IEC 7816-4, clause 5.1). */
#ifndef TALLY_READER_APDU_H
#define TALLY_READER_APDU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/base/error.h"

struct tally_apdu {
    uint8_t cla, ins, p1, p2;
    const uint8_t *data; /* nc bytes, NULL when nc is 0 */
    size_t nc;           /* 0 to 65,535 */
    size_t ne;           /* answer bytes asked for, 0 to 65,536; 0: no Le field */
    bool extended;       /* coded with extended length fields */
};

/* Takes the n bytes apart; a->data points into cmd. TALLY_E_FORMAT (and *a all zero) when the length fields
 * do not account for exactly n bytes. */
enum tally_error tally_apdu_parse(const uint8_t *cmd, size_t n, struct tally_apdu *a);

/* Writes the command to out with short length fields where nc <= 255 and ne <= 256, extended ones otherwise
 * (a->extended is not looked at). *n is set on every path. TALLY_E_FULL beyond cap, TALLY_E_FORMAT beyond the
 * ranges above. */
enum tally_error tally_apdu_build(const struct tally_apdu *a, uint8_t *out, size_t cap, size_t *n);

#endif
