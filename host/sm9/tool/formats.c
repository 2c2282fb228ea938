#include "host/sm9/tool/formats.h"

#include <string.h>

#include "host/sm9/tool/der.h"

enum { NUMBER = 32, POINT = 64, TAG = 32 };

/* ---- SM9Signature ::= SEQUENCE { h OCTET STRING, S BIT STRING } ---- */

size_t sm9_signature_print(uint8_t out[SM9_SIGNATURE_DER_MAX], const uint8_t signature[TSM9_SIGNATURE_SIZE])
{
    uint8_t *at = der_put_header(out, DER_SEQUENCE, der_size(NUMBER) + der_point_size(POINT));
    at = der_put(at, DER_OCTET_STRING, signature, NUMBER);
    at = der_put_point(at, signature + NUMBER + 1, POINT);
    return (size_t)(at - out);
}

enum tally_error sm9_signature_parse(const uint8_t *in, size_t n, uint8_t signature[TSM9_SIGNATURE_SIZE])
{
    struct der all = {in, n, true}, body = der_enter(&all, DER_SEQUENCE);
    size_t h_n;
    const uint8_t *h = der_octets(&body, &h_n), *s = der_point(&body, POINT);
    memset(signature, 0, TSM9_SIGNATURE_SIZE);
    if (!der_done(&all) || !der_done(&body) || h_n != NUMBER)
        return TALLY_E_FORMAT;
    memcpy(signature, h, NUMBER);
    signature[NUMBER] = 4;
    memcpy(signature + NUMBER + 1, s, POINT);
    return TALLY_OK;
}

/* ---- SM9Cipher ::= SEQUENCE { EnType INTEGER, C1 BIT STRING, C3 OCTET STRING, CipherText OCTET STRING }
 * ---- */

size_t sm9_ciphertext_print(uint8_t *out, enum tsm9_mode mode, const uint8_t *raw, size_t n)
{
    uint8_t type[NUMBER] = {[NUMBER - 1] = (uint8_t)mode};
    size_t c2 = n - TSM9_OVERHEAD;
    uint8_t *at = der_put_header(
        out, DER_SEQUENCE, der_number_size(type) + der_point_size(POINT) + der_size(TAG) + der_size(c2));
    at = der_put_number(at, type);
    at = der_put_point(at, raw, POINT);
    at = der_put(at, DER_OCTET_STRING, raw + POINT, TAG);
    at = der_put(at, DER_OCTET_STRING, raw + TSM9_OVERHEAD, c2);
    return (size_t)(at - out);
}

enum tally_error sm9_ciphertext_parse(const uint8_t *in, size_t n, enum tsm9_mode *mode, uint8_t *raw,
                                      size_t *raw_n)
{
    struct der all = {in, n, true}, body = der_enter(&all, DER_SEQUENCE);
    uint8_t type[NUMBER];
    size_t c3_n, c2_n;
    der_number(&body, type);
    const uint8_t *c1 = der_point(&body, POINT), *c3 = der_octets(&body, &c3_n),
                  *c2 = der_octets(&body, &c2_n);
    bool known = type[NUMBER - 1] == TSM9_STREAM || type[NUMBER - 1] == TSM9_SM4_ECB;
    for (size_t i = 0; i + 1 < NUMBER; i++)
        known = known && type[i] == 0;
    *mode = TSM9_STREAM;
    *raw_n = 0;
    if (!der_done(&all) || !der_done(&body) || !known || c3_n != TAG || c2_n == 0)
        return TALLY_E_FORMAT;
    *mode = (enum tsm9_mode)type[NUMBER - 1];
    memcpy(raw, c1, POINT);
    memcpy(raw + POINT, c3, TAG);
    memcpy(raw + TSM9_OVERHEAD, c2, c2_n);
    *raw_n = TSM9_OVERHEAD + c2_n;
    return TALLY_OK;
}
