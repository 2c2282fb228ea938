#include "tests/cuts/wear.h"

#include <stdlib.h>
#include <string.h>

#include "card/ports/flashsim/flashsim.h"
#include "card/store/records.h"
#include "card/store/store.h"
#include "tests/support/must.h"

enum { PAGE = 2048, PAGES = 32, CYCLES = 10000, FACE_RSA = 115 + 256, USAGE = 40, COUNTER = 4 };

static const uint8_t data[STORE_DATA_MAX] = {1};

/* What a card of both suites with one operator keeps besides its tickets. */
static void personalise(struct store *store)
{
    static const uint16_t records[][2] = {
        {REC_LIFE_CYCLE, 1}, {REC_SERIAL, 8},     {REC_PIN, 32},      {REC_PIN_TRIES, 1},
        {REC_COUNTER, 4},    {REC_KEY_KEM, 97},   {REC_KEY_AUTH, 97}, {REC_ENROLMENT_KEY, 64},
        {REC_KEY_RSA, 897},  {REC_OPERATOR, 757}, {REC_SEQUENCE, 12}, {REC_LAST_DELETION, 60},
    };
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        struct store_change change = {records[i][0], records[i][1], data};
        must(store_commit(store, &change, 1) == STORE_OK);
    }
}

static uint32_t load(struct store *store, uint32_t wanted)
{
    uint32_t n = 0;
    for (; n < wanted; n++) {
        struct store_change changes[] = {{(uint16_t)(REC_FACE + n), FACE_RSA, data},
                                         {(uint16_t)(REC_USAGE + n), USAGE, data},
                                         {REC_COUNTER, COUNTER, data}};
        enum store_result result = store_commit(store, changes, 3);
        must(result == STORE_OK || result == STORE_FULL);
        if (result == STORE_FULL)
            break;
    }
    return n;
}

static uint64_t erases(const struct flashsim *sim)
{
    uint64_t n = 0;
    for (uint32_t p = 0; p < PAGES; p++)
        n += flashsim_erases(sim, p);
    return n;
}

static void tap(struct store *store, uint32_t ticket)
{
    struct store_change changes[] = {{(uint16_t)(REC_USAGE + ticket), USAGE, data},
                                     {REC_COUNTER, COUNTER, data}};
    must(store_commit(store, changes, 2) == STORE_OK);
}

static void spread(const struct flashsim *sim, struct wear *wear)
{
    wear->erases_min = UINT32_MAX;
    for (uint32_t p = 0; p < PAGES; p++) {
        uint32_t n = flashsim_erases(sim, p);
        wear->erases_min = n < wear->erases_min ? n : wear->erases_min;
        wear->erases_max = n > wear->erases_max ? n : wear->erases_max;
    }
}

struct wear wear_measure(uint32_t unit, uint32_t tickets, uint32_t taps)
{
    struct flashsim sim;
    struct store store;
    struct wear wear = {0};
    size_t size = flashsim_size(unit, PAGE, PAGES);
    void *memory = calloc(1, size);
    must(memory != NULL && flashsim_open(&sim, memory, size, unit, PAGE, PAGES));
    must(store_format(&store, &sim.flash) == STORE_OK);
    personalise(&store);
    wear.tickets = load(&store, tickets);
    /* The first round is not counted: the log still lies as it was loaded. */
    for (uint32_t i = 0; i < taps / 2; i++)
        tap(&store, i % wear.tickets);
    uint64_t erased = erases(&sim), operations = flashsim_operations(&sim);
    for (uint32_t i = 0; i < taps; i++)
        tap(&store, i % wear.tickets);
    erased = erases(&sim) - erased;
    operations = flashsim_operations(&sim) - operations - erased;
    spread(&sim, &wear);
    wear.erases_per_tap = (double)erased / taps;
    wear.programs_per_tap = (double)operations / taps;
    wear.amplification = (double)(operations * unit) / ((double)taps * (USAGE + COUNTER));
    wear.taps_per_10k = CYCLES * (double)PAGES / wear.erases_per_tap;
    free(memory);
    return wear;
}
