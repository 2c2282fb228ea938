/* DER (ITU-T X.690), as much as SM9's files need: definite lengths in their only spelling. */
#ifndef TALLY_SM9_TOOL_DER_H
#define TALLY_SM9_TOOL_DER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DER_INTEGER = 0x02, DER_BIT_STRING = 0x03, DER_OCTET_STRING = 0x04, DER_SEQUENCE = 0x30 };

/* What is left to read; good until something was not as asked for. */
struct der {
    const uint8_t *at;
    size_t left;
    bool good;
};

/* The content of the next element, which must have this tag; empty once something is wrong. */
struct der der_enter(struct der *d, uint8_t tag);

/* The rest must be an octet string, or the octets of a bit string, of exactly n bytes, 04 in front of them
 * for a point. */
const uint8_t *der_octets(struct der *d, size_t *n);
const uint8_t *der_point(struct der *d, size_t n);

/* A positive integer of at most 32 bytes, big-endian. */
void der_number(struct der *d, uint8_t out[32]);

/* That all went well and nothing is left. */
bool der_done(const struct der *d);

/* Writing, into a buffer that is large enough: der_size says how large an element with n bytes of content is.
 */
size_t der_size(size_t n);
uint8_t *der_put_header(uint8_t *at, uint8_t tag, size_t n);
uint8_t *der_put(uint8_t *at, uint8_t tag, const uint8_t *content, size_t n);
uint8_t *der_put_point(uint8_t *at, const uint8_t *point, size_t n);
uint8_t *der_put_number(uint8_t *at, const uint8_t number[32]);

/* Bytes those two take. */
size_t der_point_size(size_t n);
size_t der_number_size(const uint8_t number[32]);

#endif
