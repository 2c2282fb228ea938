#include "card/ports/mps2/counter.h"

#include "card/ports/mps2/semihosting.h"

struct timer {
    volatile uint32_t control, value, reload, interrupt;
};

enum { ENABLE = 1, INTERRUPT_ENABLE = 8 };
enum { NS_PER_INSTRUCTION = 64, NS_PER_TICK = 50 };

#define COUNT     ((struct timer *)0x50000000u)
#define TRIP      ((struct timer *)0x50001000u)
#define NVIC_ISER (*(volatile uint32_t *)0xe000e100u)

static volatile uint32_t wraps;

void counter_init(void)
{
    wraps = 0;
    COUNT->reload = UINT32_MAX;
    COUNT->value = UINT32_MAX;
    COUNT->control = ENABLE | INTERRUPT_ENABLE;
    NVIC_ISER = 1u << COUNTER_IRQ_WRAP | 1u << COUNTER_IRQ_TRIP;
}

uint64_t counter_now(void)
{
    uint32_t before, ticks;
    do {
        before = wraps;
        ticks = UINT32_MAX - COUNT->value;
    } while (before != wraps);
    return ((uint64_t)before << 32 | ticks) * NS_PER_TICK / NS_PER_INSTRUCTION;
}

void counter_trip(uint64_t instructions)
{
    uint64_t ticks = instructions * NS_PER_INSTRUCTION / NS_PER_TICK;
    TRIP->control = 0;
    TRIP->interrupt = 1;
    if (instructions == 0)
        return;
    TRIP->reload = ticks < UINT32_MAX ? (uint32_t)ticks : UINT32_MAX;
    TRIP->value = TRIP->reload;
    TRIP->control = ENABLE | INTERRUPT_ENABLE;
}

void counter_wrapped(void)
{
    COUNT->interrupt = 1;
    wraps++;
}

void counter_tripped(void)
{
    semihosting_exit();
}
