/* CRC-32 of IEEE 802.3 (reflected polynomial 0xedb88320), with a table of 16 words to spare code space. */
#ifndef TALLY_CARD_STORE_CRC32_H
#define TALLY_CARD_STORE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Continues crc, which is 0 at the beginning, over n more bytes. */
uint32_t store_crc32(uint32_t crc, const void *data, size_t n);

#endif
