/* BER-TLV (ISO/IEC 8825-1 as used by ISO/IEC 7816-4): definite lengths up to 65535, tags of one or two bytes.
 */
#ifndef TALLY_WIRE_TLV_H
#define TALLY_WIRE_TLV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tlv {
    uint16_t tag;         /* one-byte tags below 0x100 */
    const uint8_t *value; /* points into the input */
    size_t len;
};

/* Takes the object at *in (*n bytes left) apart and advances both past it. False when it is malformed, not in
 * the shortest form, or longer than what is left; then *in and *n are unchanged and *out is zero. */
bool tlv_next(const uint8_t **in, size_t *n, struct tlv *out);

/* Finds the first object with this tag among the n bytes. False when absent or when an object before it is
 * malformed; *out is zero then. */
bool tlv_find(const uint8_t *in, size_t n, uint16_t tag, struct tlv *out);

/* A bounded writer. Once something does not fit, or a tag is none that tlv_next takes, ok turns false and
 * nothing more is written. */
struct tlv_writer {
    uint8_t *out;
    size_t size, len;
    bool ok;
};

void tlv_writer_init(struct tlv_writer *w, uint8_t *out, size_t size);

/* Appends one object; value may be NULL when n is 0. */
void tlv_put(struct tlv_writer *w, uint16_t tag, const uint8_t *value, size_t n);

/* Appends an unsigned integer in exactly width bytes (1..4), big-endian. */
void tlv_put_uint(struct tlv_writer *w, uint16_t tag, uint32_t value, size_t width);

/* Opens a constructed object and returns a mark for tlv_close, which fills in the length. */
size_t tlv_open(struct tlv_writer *w, uint16_t tag);
void tlv_close(struct tlv_writer *w, size_t mark);

#endif
