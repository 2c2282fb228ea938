/* A text built up in a buffer of the caller's: never overruns, always ends in NUL, remembers if it was cut.
 */
#ifndef TALLY_BASE_TEXT_H
#define TALLY_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tally_text {
    char *data;
    size_t size;     /* bytes of data, the NUL included; at least 1 */
    size_t length;   /* bytes written, without the NUL */
    bool overflowed; /* something did not fit; what did not fit was left out whole */
};

void tally_text_init(struct tally_text *text, char *data, size_t size);

void tally_text_bytes(struct tally_text *text, const char *bytes, size_t n);
void tally_text_string(struct tally_text *text, const char *string);
void tally_text_char(struct tally_text *text, char c);
void tally_text_int(struct tally_text *text, int64_t value);

/* A JSON string with its quotes (RFC 8259 section 7). Control characters are escaped; each byte that is not
 * part of well-formed UTF-8 becomes U+FFFD, so that the result is always valid JSON. NULL is written as null.
 */
void tally_text_json(struct tally_text *text, const char *string);

/* Base64 with padding (RFC 4648 section 4). */
void tally_text_base64(struct tally_text *text, const uint8_t *bytes, size_t n);

/* Reads n characters of padded base64 into out; *length is set on every path (0 on failure). False unless the
 * text is canonical: whole groups, nothing but the alphabet, unused bits zero, at most size bytes. */
bool tally_base64_decode(const char *text, size_t n, uint8_t *out, size_t size, size_t *length);

#endif
