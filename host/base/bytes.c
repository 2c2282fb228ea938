#include "host/base/bytes.h"

#include <string.h>

void tally_wipe(void *p, size_t n)
{
    if (n > 0)
        explicit_bzero(p, n);
}

bool tally_equal_ct(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;
    unsigned diff = 0;
    for (size_t i = 0; i < n; i++)
        diff |= (unsigned)(x[i] ^ y[i]);
    return diff == 0;
}

enum tally_error tally_hex_encode(const uint8_t *in, size_t n, char *out, size_t out_size)
{
    static const char digits[] = "0123456789abcdef";
    if (out_size > 0)
        out[0] = '\0';
    if (out_size < 1 || n > (out_size - 1) / 2)
        return TALLY_E_FULL;
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
    out[2 * n] = '\0';
    return TALLY_OK;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum tally_error tally_hex_decode(const char *in, uint8_t *out, size_t out_size, size_t *n)
{
    *n = 0;
    size_t len = strlen(in);
    if (len % 2 != 0)
        return TALLY_E_FORMAT;
    if (len / 2 > out_size)
        return TALLY_E_FULL;
    for (size_t i = 0; i < len; i += 2) {
        int hi = hex_value(in[i]), lo = hex_value(in[i + 1]);
        if (hi < 0 || lo < 0)
            return TALLY_E_FORMAT;
        out[i / 2] = (uint8_t)(hi << 4 | lo);
    }
    *n = len / 2;
    return TALLY_OK;
}
