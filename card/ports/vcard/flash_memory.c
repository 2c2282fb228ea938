#include "card/ports/vcard/flash_memory.h"

#include <stdbool.h>
#include <string.h>

static uint32_t size_of(const struct hal_flash *flash)
{
    return flash->page_size * flash->page_count;
}

static bool in_range(const struct hal_flash *flash, uint32_t addr, size_t n)
{
    return addr <= size_of(flash) && n <= size_of(flash) - addr;
}

/* SplitMix64 (Steele, Lea, Flood 2014): enough for the pattern of a torn write. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* True when power is lost in the operation that starts now. */
static bool count(struct flash_memory *f)
{
    return ++f->operations == f->cut_at;
}

/* Each bit that was on its way from its old value to the new one has arrived, or not. */
static void tear(struct flash_memory *f, uint8_t *p, const uint8_t *target, size_t n)
{
    uint64_t state = f->cut_seed ^ f->operations;
    for (size_t i = 0; i < n; i++) {
        uint8_t arrived = (uint8_t)next_random(&state), to = target != NULL ? target[i] : 0xff;
        p[i] = (uint8_t)((p[i] & ~arrived) | (to & arrived));
    }
    f->on_cut(f->cut_context);
}

static int memory_read(void *ctx, uint32_t addr, void *buf, size_t n)
{
    const struct flash_memory *f = ctx;
    if (!in_range(&f->flash, addr, n))
        return HAL_FAIL;
    memcpy(buf, f->memory + addr, n);
    return HAL_OK;
}

static bool is_erased(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != 0xff)
            return false;
    }
    return true;
}

static int memory_program(void *ctx, uint32_t addr, const void *data, size_t n)
{
    struct flash_memory *f = ctx;
    const uint8_t *from = data;
    uint32_t unit = f->flash.unit;
    if (!in_range(&f->flash, addr, n) || addr % unit != 0 || n % unit != 0)
        return HAL_FAIL;
    for (size_t at = 0; at < n; at += unit) {
        uint8_t *to = f->memory + addr + at;
        if (!is_erased(to, unit))
            return HAL_FAIL;
        if (count(f))
            tear(f, to, from + at, unit);
        memcpy(to, from + at, unit);
    }
    return HAL_OK;
}

static int memory_erase(void *ctx, uint32_t page)
{
    struct flash_memory *f = ctx;
    if (page >= f->flash.page_count)
        return HAL_FAIL;
    uint8_t *p = f->memory + (size_t)page * f->flash.page_size;
    if (count(f))
        tear(f, p, NULL, f->flash.page_size);
    memset(p, 0xff, f->flash.page_size);
    return HAL_OK;
}

void flash_memory_init(struct flash_memory *f, uint8_t *memory, uint32_t unit, uint32_t page_size,
                       uint32_t pages)
{
    *f = (struct flash_memory){
        .flash = {.ctx = f,
                  .unit = unit,
                  .page_size = page_size,
                  .page_count = pages,
                  .read = memory_read,
                  .program = memory_program,
                  .erase = memory_erase},
        .memory = memory,
    };
}
