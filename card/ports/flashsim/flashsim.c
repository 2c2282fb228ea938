#include "card/ports/flashsim/flashsim.h"

#include <string.h>

#define MEMORY_MAGIC 0x31306d6973667974u
#define PAGES_MAX    1024u

/* A unit's state. ERASED is 0 so that a page of zeroed states is a page that can be programmed. */
enum { ERASED, PROGRAMMED, TORN };

struct flashsim_memory {
    uint64_t magic;
    uint64_t operations;
    uint32_t unit, page_size, page_count, reserved;
    uint32_t erases[PAGES_MAX];
    /* data, flux and state follow */
};

/* The finalizer of SplitMix64: one step from any two numbers to bits that look random. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t z = a + 0x9e3779b97f4a7c15u * (b + 1);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint32_t unit_count(const struct flashsim *sim)
{
    return sim->flash.page_size / sim->flash.unit * sim->flash.page_count;
}

static uint32_t flash_size(const struct flashsim *sim)
{
    return sim->flash.page_size * sim->flash.page_count;
}

/* One look at a unit. */
static void look(struct flashsim *sim, uint32_t u, uint8_t *out)
{
    uint32_t unit = sim->flash.unit;
    const uint8_t *data = sim->data + (size_t)u * unit, *flux = sim->flux + (size_t)u * unit;
    memcpy(out, data, unit);
    if (sim->state[u] != TORN)
        return;
    /* The whole unit one way, the whole unit the other way, or any mixture. */
    uint64_t r = mix(mix(sim->power_seed, u), sim->flicker ? ++sim->reads : 0);
    unsigned way = (unsigned)(r % 3);
    for (uint32_t i = 0; i < unit; i++) {
        uint8_t any = (uint8_t)mix(r, i);
        out[i] ^= way == 0 ? 0 : way == 1 ? flux[i] : (uint8_t)(flux[i] & any);
    }
}

/* Whether any of the units from first to last is torn. */
static bool any_torn(const struct flashsim *sim, uint32_t first, uint32_t last)
{
    return memchr(sim->state + first, TORN, (size_t)last - first + 1) != NULL;
}

static int sim_read(void *ctx, uint32_t address, void *buf, size_t n)
{
    struct flashsim *sim = ctx;
    uint8_t *out = buf, seen[16];
    uint32_t unit = sim->flash.unit;
    if (sim->dead || address > flash_size(sim) || n > flash_size(sim) - address)
        return HAL_FAIL;
    if (n == 0 || !any_torn(sim, address / unit, (address + (uint32_t)n - 1) / unit)) {
        memcpy(buf, sim->data + address, n);
        return HAL_OK;
    }
    if (sim->ecc)
        return HAL_FAIL;
    while (n > 0) {
        uint32_t u = address / unit, skip = address % unit;
        size_t k = unit - skip < n ? unit - skip : n;
        look(sim, u, seen);
        memcpy(out, seen + skip, k);
        out += k;
        address += (uint32_t)k;
        n -= k;
    }
    return HAL_OK;
}

/* Leaves a unit somewhere between what it reads as and what it should have become. */
static void tear(struct flashsim *sim, uint32_t u, const uint8_t *target, unsigned kind, uint64_t seed)
{
    uint32_t unit = sim->flash.unit;
    uint8_t *data = sim->data + (size_t)u * unit, *flux = sim->flux + (size_t)u * unit, old[16];
    look(sim, u, old);
    sim->state[u] = TORN;
    for (uint32_t i = 0; i < unit; i++) {
        uint8_t changing = old[i] ^ target[i], some = (uint8_t)mix(seed, i), any = (uint8_t)mix(~seed, i);
        uint8_t done = kind == FLASHSIM_NOTHING                                  ? 0
                       : kind == FLASHSIM_SOME || kind == FLASHSIM_SOME_UNSTABLE ? some
                                                                                 : 0xff;
        uint8_t loose = kind == FLASHSIM_UNSTABLE ? 0xff : kind == FLASHSIM_SOME_UNSTABLE ? any : 0;
        data[i] = (uint8_t)(old[i] ^ (changing & done));
        flux[i] = changing & loose;
    }
}

static void program_unit(struct flashsim *sim, uint32_t u, const uint8_t *target)
{
    /* Torn until done, for the case that the process is killed here. */
    sim->state[u] = TORN;
    memcpy(sim->data + (size_t)u * sim->flash.unit, target, sim->flash.unit);
    sim->state[u] = PROGRAMMED;
}

static void erase_page(struct flashsim *sim, uint32_t page)
{
    uint32_t size = sim->flash.page_size, count = size / sim->flash.unit;
    memset(sim->state + (size_t)page * count, TORN, count);
    memset(sim->data + (size_t)page * size, 0xff, size);
    memset(sim->flux + (size_t)page * size, 0, size);
    memset(sim->state + (size_t)page * count, ERASED, count);
}

static void tear_erase(struct flashsim *sim, uint32_t page, unsigned kind, uint64_t seed)
{
    static const uint8_t blank[16] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    };
    uint32_t count = sim->flash.page_size / sim->flash.unit;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t r = mix(seed, i);
        /* Half of the mixed erasures touch only a few units, the others all of them. */
        bool touched = kind != FLASHSIM_SOME_UNSTABLE || (seed & 64) != 0 || r % 61 == 0;
        tear(sim, page * count + i, blank, touched ? kind : FLASHSIM_NOTHING, r);
    }
}

enum outcome { GOES_WELL, FAILS, CUT };

/* Counts one operation and says what is to become of it. */
static enum outcome next_operation(struct flashsim *sim, uint32_t page)
{
    sim->memory->operations++;
    if (sim->cut_planned && sim->cut_left-- == 0) {
        sim->dead = true;
        return CUT;
    }
    if (page == sim->bad_page)
        return FAILS;
    if (sim->fail_count > 0 && sim->fail_left > 0) {
        sim->fail_left--;
        return GOES_WELL;
    }
    if (sim->fail_count > 0) {
        sim->fail_count--;
        return FAILS;
    }
    return GOES_WELL;
}

static uint64_t tear_seed(const struct flashsim *sim, enum outcome outcome)
{
    if (outcome == CUT)
        return sim->cut_seed;
    uint64_t seed = mix(sim->power_seed, sim->memory->operations);
    /* What fails unnoticed must at least be there to be noticed at the next look. */
    return sim->silent ? seed - seed % FLASHSIM_TEARS + FLASHSIM_SOME : seed;
}

static int sim_program(void *ctx, uint32_t address, const void *from, size_t n)
{
    struct flashsim *sim = ctx;
    const uint8_t *data = from;
    uint32_t unit = sim->flash.unit;
    if (sim->dead)
        return HAL_FAIL;
    if (address % unit != 0 || n % unit != 0 || address > flash_size(sim) || n > flash_size(sim) - address) {
        sim->misuse++;
        return HAL_FAIL;
    }
    for (uint32_t u = address / unit; n > 0; u++, data += unit, n -= unit) {
        if (sim->state[u] != ERASED) {
            sim->misuse += sim->state[u] == PROGRAMMED;
            return HAL_FAIL;
        }
        enum outcome outcome = next_operation(sim, u / (sim->flash.page_size / unit));
        if (outcome != GOES_WELL) {
            uint64_t seed = tear_seed(sim, outcome);
            tear(sim, u, data, (unsigned)(seed % FLASHSIM_TEARS), seed);
            if (outcome == CUT || !sim->silent)
                return HAL_FAIL;
            continue;
        }
        program_unit(sim, u, data);
    }
    return HAL_OK;
}

static int sim_erase(void *ctx, uint32_t page)
{
    struct flashsim *sim = ctx;
    if (sim->dead)
        return HAL_FAIL;
    if (page >= sim->flash.page_count) {
        sim->misuse++;
        return HAL_FAIL;
    }
    enum outcome outcome = next_operation(sim, page);
    sim->memory->erases[page]++;
    if (outcome != GOES_WELL) {
        uint64_t seed = tear_seed(sim, outcome);
        tear_erase(sim, page, (unsigned)(seed % FLASHSIM_TEARS), seed);
        return outcome == CUT || !sim->silent ? HAL_FAIL : HAL_OK;
    }
    erase_page(sim, page);
    return HAL_OK;
}

size_t flashsim_size(uint32_t unit, uint32_t page_size, uint32_t page_count)
{
    size_t bytes = (size_t)page_size * page_count;
    return sizeof(struct flashsim_memory) + 2 * bytes + bytes / unit;
}

static void make_new(struct flashsim *sim)
{
    struct flashsim_memory *memory = sim->memory;
    memory->unit = sim->flash.unit;
    memory->page_size = sim->flash.page_size;
    memory->page_count = sim->flash.page_count;
    memset(sim->data, 0xff, flash_size(sim));
    memset(sim->flux, 0, flash_size(sim));
    memset(sim->state, ERASED, unit_count(sim));
    /* Last: a mapped file without it is made anew. */
    memory->magic = MEMORY_MAGIC;
}

bool flashsim_open(struct flashsim *sim, void *memory, size_t size, uint32_t unit, uint32_t page_size,
                   uint32_t page_count)
{
    memset(sim, 0, sizeof *sim);
    sim->bad_page = FLASHSIM_NONE;
    if ((unit != 4 && unit != 8 && unit != 16) || page_size == 0 || page_size % unit != 0 ||
        page_count == 0 || page_count > PAGES_MAX || page_size > UINT32_MAX / 4 / page_count ||
        size < flashsim_size(unit, page_size, page_count))
        return false;
    sim->flash = (struct hal_flash){
        .ctx = sim,
        .unit = unit,
        .page_size = page_size,
        .page_count = page_count,
        .read = sim_read,
        .program = sim_program,
        .erase = sim_erase,
    };
    sim->memory = memory;
    sim->data = (uint8_t *)memory + sizeof *sim->memory;
    sim->flux = sim->data + flash_size(sim);
    sim->state = sim->flux + flash_size(sim);
    if (sim->memory->magic == 0)
        make_new(sim);
    return sim->memory->magic == MEMORY_MAGIC && sim->memory->unit == unit &&
           sim->memory->page_size == page_size && sim->memory->page_count == page_count;
}

void flashsim_cut_after(struct flashsim *sim, uint64_t n, uint64_t seed)
{
    sim->cut_planned = true;
    sim->cut_left = n;
    sim->cut_seed = seed;
}

void flashsim_power_on(struct flashsim *sim, uint64_t seed)
{
    sim->dead = false;
    sim->cut_planned = false;
    sim->fail_count = 0;
    sim->power_seed = seed;
}

void flashsim_fail_after(struct flashsim *sim, uint64_t n, uint64_t count)
{
    sim->fail_left = n;
    sim->fail_count = count;
}

void flashsim_flip(struct flashsim *sim, uint32_t address, unsigned bit)
{
    sim->data[address] ^= (uint8_t)(1u << (bit & 7));
}

uint64_t flashsim_operations(const struct flashsim *sim)
{
    return sim->memory->operations;
}

uint32_t flashsim_erases(const struct flashsim *sim, uint32_t page)
{
    return sim->memory->erases[page];
}
