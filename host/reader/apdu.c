#include "host/reader/apdu.h"

#include <string.h>

static size_t be16(const uint8_t *p)
{
    return (size_t)p[0] << 8 | p[1];
}

/* After the header: Lc data [Le], or Le alone. */
static bool parse_short(const uint8_t *p, size_t n, struct tally_apdu *a)
{
    if (n == 1) {
        a->ne = p[0] == 0 ? 256 : p[0];
        return true;
    }
    a->nc = p[0];
    a->data = p + 1;
    if (a->nc == 0 || (n != 1 + a->nc && n != 2 + a->nc))
        return false;
    if (n == 2 + a->nc)
        a->ne = p[n - 1] == 0 ? 256 : p[n - 1];
    return true;
}

/* After the header: 00 Lc2 data [Le2], or 00 Le2 alone. */
static bool parse_extended(const uint8_t *p, size_t n, struct tally_apdu *a)
{
    a->extended = true;
    if (n < 3)
        return false;
    size_t first = be16(p + 1);
    if (n == 3) {
        a->ne = first == 0 ? 65536 : first;
        return true;
    }
    a->nc = first;
    a->data = p + 3;
    if (a->nc == 0 || (n != 3 + a->nc && n != 5 + a->nc))
        return false;
    if (n == 5 + a->nc)
        a->ne = be16(p + n - 2) == 0 ? 65536 : be16(p + n - 2);
    return true;
}

enum tally_error tally_apdu_parse(const uint8_t *cmd, size_t n, struct tally_apdu *a)
{
    memset(a, 0, sizeof *a);
    if (n < 4)
        return TALLY_E_FORMAT;
    bool extended = n > 5 && cmd[4] == 0;
    if (n > 4 && !(extended ? parse_extended : parse_short)(cmd + 4, n - 4, a)) {
        memset(a, 0, sizeof *a);
        return TALLY_E_FORMAT;
    }
    a->cla = cmd[0];
    a->ins = cmd[1];
    a->p1 = cmd[2];
    a->p2 = cmd[3];
    return TALLY_OK;
}

/* A length field of two bytes when extended, one otherwise; 65,536 and 256 are written as zero. */
static uint8_t *put_length(uint8_t *p, size_t length, bool extended)
{
    if (extended)
        *p++ = (uint8_t)(length >> 8);
    *p++ = (uint8_t)length;
    return p;
}

enum tally_error tally_apdu_build(const struct tally_apdu *a, uint8_t *out, size_t cap, size_t *n)
{
    *n = 0;
    if (a->nc > 65535 || a->ne > 65536)
        return TALLY_E_FORMAT;
    bool extended = a->nc > 255 || a->ne > 256;
    size_t field = extended ? 2 : 1, need = 4 + (extended ? 1 : 0);
    need += (a->nc > 0 ? field + a->nc : 0) + (a->ne > 0 ? field : 0);
    if (need > cap)
        return TALLY_E_FULL;
    const uint8_t header[4] = {a->cla, a->ins, a->p1, a->p2};
    memcpy(out, header, 4);
    uint8_t *p = out + 4;
    if (extended)
        *p++ = 0;
    if (a->nc > 0) {
        p = put_length(p, a->nc, extended);
        memcpy(p, a->data, a->nc);
        p += a->nc;
    }
    if (a->ne > 0)
        put_length(p, a->ne, extended);
    *n = need;
    return TALLY_OK;
}
