#include "card/apdu/apdu.h"

#include <string.h>

#include "card/wire/be.h"

enum {
    EXTENDED_LENGTH_SIZE = 3, /* 00 and two bytes */
    SHORT_LE_MAX = 256,
    EXTENDED_LE_MAX = 65536
};

static uint32_t le_value(const uint8_t *p, size_t n)
{
    if (n == 0)
        return 0;
    if (n == 1)
        return p[0] != 0 ? p[0] : SHORT_LE_MAX;
    uint32_t le = be16_get(p);
    return le != 0 ? le : EXTENDED_LE_MAX;
}

/* Takes data and Le out of the n bytes of body. Le, when there, has le_size bytes. */
static bool split(const uint8_t *body, size_t n, size_t lc, size_t le_size, struct apdu *out)
{
    if (n != lc && n != lc + le_size)
        return false;
    out->data = lc > 0 ? body : NULL;
    out->len = lc;
    out->expected = le_value(body + lc, n - lc);
    return true;
}

static bool parse_body(const uint8_t *body, size_t n, struct apdu *out)
{
    if (n == 0)
        return true;
    if (n == 1)
        return split(body, n, 0, 1, out);
    if (body[0] != 0)
        return split(body + 1, n - 1, body[0], 1, out);
    if (n < EXTENDED_LENGTH_SIZE)
        return false;
    if (n == EXTENDED_LENGTH_SIZE)
        return split(body + 1, 2, 0, 2, out);
    size_t lc = be16_get(body + 1);
    return lc > 0 && split(body + EXTENDED_LENGTH_SIZE, n - EXTENDED_LENGTH_SIZE, lc, 2, out);
}

bool apdu_parse(const uint8_t *in, size_t n, struct apdu *out)
{
    memset(out, 0, sizeof *out);
    if (n < APDU_HEADER_SIZE)
        return false;
    struct apdu apdu = {0};
    memcpy(apdu.header, in, APDU_HEADER_SIZE);
    if (!parse_body(in + APDU_HEADER_SIZE, n - APDU_HEADER_SIZE, &apdu))
        return false;
    *out = apdu;
    return true;
}
