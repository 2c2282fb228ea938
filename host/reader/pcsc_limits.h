/* How long a command a reader can carry (PC/SC part 10: feature GET_TLV_PROPERTIES, property
 * dwMaxAPDUDataSize). */
#ifndef TALLY_READER_PCSC_LIMITS_H
#define TALLY_READER_PCSC_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <winscard.h>

/* Asks the reader behind the handle. True only when it says that it takes no extended-length APDU. */
bool tally_pcsc_reader_is_short(SCARDHANDLE handle);

/* The control code of a feature in the reader's answer to CM_IOCTL_GET_FEATURE_REQUEST, 0 when it is not in
 * it. */
uint32_t tally_pcsc_find_feature(const uint8_t *tlv, size_t n, uint8_t feature);

/* dwMaxAPDUDataSize in the reader's list of properties; 0, which means unlimited, when it is not in it. */
uint32_t tally_pcsc_max_apdu_data(const uint8_t *tlv, size_t n);

#endif
