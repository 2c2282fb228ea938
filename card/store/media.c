#include "card/store/internal.h"

#include <string.h>

uint32_t store_units(const struct store *s, size_t n)
{
    return ((uint32_t)n + s->flash->unit - 1) / s->flash->unit;
}

uint32_t store_address(const struct store *s, struct store_pos pos)
{
    uint32_t physical = s->page_of[pos.page % s->flash->page_count];
    return physical * s->flash->page_size + pos.at * s->flash->unit;
}

struct store_pos store_skip(const struct store *s, struct store_pos pos, uint32_t units)
{
    while (units > s->units - pos.at) {
        units -= s->units - pos.at;
        pos.page++;
        pos.at = s->start;
    }
    pos.at += units;
    return pos;
}

struct store_pos store_whole(const struct store *s, struct store_pos pos, uint32_t n)
{
    if (s->units - pos.at < n) {
        pos.page++;
        pos.at = s->start;
    }
    return pos;
}

bool store_flash_read(const struct store *s, uint32_t address, void *buf, size_t n)
{
    uint8_t *out = buf;
    uint32_t unit = s->flash->unit;
    if (s->flash->read(s->flash->ctx, address, out, n) == HAL_OK)
        return true;
    while (n > 0) {
        size_t k = unit - address % unit;
        if (k > n)
            k = n;
        if (s->flash->read(s->flash->ctx, address, out, k) != HAL_OK)
            memset(out, 0, k);
        address += (uint32_t)k;
        out += k;
        n -= k;
    }
    return false;
}

bool store_log_read(const struct store *s, struct store_pos pos, void *buf, size_t n)
{
    uint8_t *out = buf;
    bool good = true;
    while (n > 0) {
        pos = store_whole(s, pos, 1);
        size_t here = (size_t)(s->units - pos.at) * s->flash->unit;
        if (here > n)
            here = n;
        if (pos.page > s->head || s->page_of[pos.page % s->flash->page_count] == STORE_NO_PAGE) {
            memset(out, 0, n);
            return false;
        }
        good = store_flash_read(s, store_address(s, pos), out, here) && good;
        out += here;
        n -= here;
        pos.at = s->units;
    }
    return good;
}

bool store_flash_program(const struct store *s, uint32_t address, const void *data, size_t n)
{
    const uint8_t *p = data;
    if (s->flash->program(s->flash->ctx, address, data, n) != HAL_OK)
        return false;
    while (n > 0) {
        uint8_t seen[STORE_CHUNK];
        size_t k = n < sizeof seen ? n : sizeof seen;
        if (!store_flash_read(s, address, seen, k) || memcmp(seen, p, k) != 0)
            return false;
        address += (uint32_t)k;
        p += k;
        n -= k;
    }
    return true;
}

bool store_blank(const struct store *s, uint32_t address, uint32_t n)
{
    uint8_t chunk[STORE_CHUNK];
    while (n > 0) {
        uint32_t k = n < sizeof chunk ? n : (uint32_t)sizeof chunk;
        if (!store_flash_read(s, address, chunk, k))
            return false;
        for (uint32_t i = 0; i < k; i++)
            if (chunk[i] != 0xff)
                return false;
        address += k;
        n -= k;
    }
    return true;
}

/* A commit unit must never look erased. */
static uint32_t never_blank(uint32_t word)
{
    return word == 0xffffffff ? 0 : word;
}

uint32_t store_mark(uint32_t crc)
{
    return never_blank(crc);
}

static uint32_t confirmation(uint32_t mark)
{
    return never_blank(mark ^ 0x5a5a5a5a);
}

static uint32_t word_of(const struct store *s, const uint8_t *unit)
{
    uint32_t word = store_get32(unit);
    for (size_t i = 4; i < s->flash->unit; i += 4)
        if (store_get32(unit + i) != word)
            return 0xffffffff;
    return word;
}

struct store_pair store_pair_read(const struct store *s, uint32_t address)
{
    uint8_t unit[STORE_UNIT_MAX];
    struct store_pair pair = {.started = false};
    store_flash_read(s, address, unit, s->flash->unit);
    pair.mark = word_of(s, unit);
    store_flash_read(s, address + s->flash->unit, unit, s->flash->unit);
    pair.confirmation = word_of(s, unit);
    for (size_t i = 0; i < s->flash->unit; i++)
        pair.started = pair.started || unit[i] != 0xff;
    return pair;
}

bool store_pair_confirmed(struct store_pair pair)
{
    return pair.mark != 0xffffffff && pair.confirmation == confirmation(pair.mark);
}

bool store_pair_holds(struct store_pair pair, uint32_t crc)
{
    uint32_t mark = store_mark(crc);
    return pair.mark == mark || pair.confirmation == confirmation(mark);
}

bool store_pair_program(const struct store *s, uint32_t address, uint32_t mark)
{
    uint8_t unit[STORE_UNIT_MAX];
    for (size_t i = 0; i < sizeof unit; i += 4)
        store_put32(unit + i, mark);
    if (!store_flash_program(s, address, unit, s->flash->unit))
        return false;
    for (size_t i = 0; i < sizeof unit; i += 4)
        store_put32(unit + i, confirmation(mark));
    return store_flash_program(s, address + s->flash->unit, unit, s->flash->unit);
}
