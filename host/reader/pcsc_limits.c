#include "host/reader/pcsc_limits.h"

#include <reader.h>

#define SHORT_MAX 256 /* dwMaxAPDUDataSize up to this: short APDUs only */

/* The value of up to four bytes, in the byte order asked for, of the first entry with that tag. */
static uint32_t find_value(const uint8_t *tlv, size_t n, uint8_t tag, bool big_endian)
{
    for (size_t at = 0; n - at >= 2 && n >= at;) {
        size_t length = tlv[at + 1];
        if (length > n - at - 2)
            return 0;
        if (tlv[at] == tag && length <= 4) {
            uint32_t value = 0;
            for (size_t i = 0; i < length; i++)
                value = value << 8 | tlv[at + 2 + (big_endian ? i : length - 1 - i)];
            return value;
        }
        at += 2 + length;
    }
    return 0;
}

uint32_t tally_pcsc_find_feature(const uint8_t *tlv, size_t n, uint8_t feature)
{
    return find_value(tlv, n, feature, true);
}

uint32_t tally_pcsc_max_apdu_data(const uint8_t *tlv, size_t n)
{
    return find_value(tlv, n, PCSCv2_PART10_PROPERTY_dwMaxAPDUDataSize, false);
}

bool tally_pcsc_reader_is_short(SCARDHANDLE handle)
{
    uint8_t answer[MAX_BUFFER_SIZE];
    DWORD n = 0;
    if (SCardControl(handle, CM_IOCTL_GET_FEATURE_REQUEST, NULL, 0, answer, sizeof answer, &n) !=
            SCARD_S_SUCCESS ||
        n > sizeof answer)
        return false;
    uint32_t code = tally_pcsc_find_feature(answer, n, FEATURE_GET_TLV_PROPERTIES);
    n = 0;
    if (code == 0 || SCardControl(handle, code, NULL, 0, answer, sizeof answer, &n) != SCARD_S_SUCCESS ||
        n > sizeof answer)
        return false;
    uint32_t limit = tally_pcsc_max_apdu_data(answer, n);
    return limit > 0 && limit <= SHORT_MAX;
}
