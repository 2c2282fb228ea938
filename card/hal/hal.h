/* The platform, whole: what a port must supply to run the card. Every function is handed the port's own ctx,
 * returns HAL_OK or HAL_FAIL, and blocks until the work is done. Nothing here is called from an interrupt. */
#ifndef TALLY_CARD_HAL_HAL_H
#define TALLY_CARD_HAL_HAL_H

#include <stddef.h>
#include <stdint.h>

#define HAL_OK   0
#define HAL_FAIL (-1)

#define HAL_CHIP_ID_SIZE   8
#define HAL_ADMIN_KEY_SIZE 16

/* Non-volatile memory of page_count pages of page_size bytes, addressed from 0 without gaps.
 *
 * A unit can be programmed once between two erases of its page; an erased unit reads as 0xff bytes. When
 * power is lost during program or erase, the units concerned hold anything, and need not read the same twice.
 */
struct hal_flash {
    void *ctx;
    uint32_t unit;       /* smallest programmable piece in bytes: 4, 8 or 16 */
    uint32_t page_size;  /* bytes; smallest erasable piece; a multiple of unit */
    uint32_t page_count; /* pages */

    /* Copies n bytes from addr, which may have any alignment. HAL_FAIL: out of range, or the memory reports
     * an error it could not correct; buf is then undefined. */
    int (*read)(void *ctx, uint32_t addr, void *buf, size_t n);

    /* Programs n bytes in ascending order; addr and n are multiples of unit, and every unit is erased.
     * HAL_FAIL: any of the units may have been programmed, wholly or in part. */
    int (*program)(void *ctx, uint32_t addr, const void *data, size_t n);

    /* Erases one page, 0 <= page < page_count. HAL_FAIL: the page holds anything. */
    int (*erase)(void *ctx, uint32_t page);
};

/* What the manufacturer put into one chip, once. */
struct hal_identity {
    uint8_t chip_id[HAL_CHIP_ID_SIZE]; /* unique and public */
    uint8_t
        admin_key[HAL_ADMIN_KEY_SIZE]; /* unique and secret: protects personalisation; the caller wipes it */
};

struct hal {
    void *ctx; /* for random and device_identity; flash has its own */
    const struct hal_flash *flash;

    /* Fills buf with n bytes fit for keys. HAL_FAIL: the source failed its health test; buf must not be used.
     */
    int (*random)(void *ctx, uint8_t *buf, size_t n);

    /* HAL_FAIL: not provisioned; *out is then all zero. */
    int (*device_identity)(void *ctx, struct hal_identity *out);
};

#endif
