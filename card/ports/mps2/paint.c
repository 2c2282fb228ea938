#include "card/ports/mps2/paint.h"

#define PAINT 0x5ac3e196u

extern uint32_t firmware_stack_limit[], firmware_stack_top[];

void paint_stack(void)
{
    volatile uint32_t *end;
    __asm volatile("mov %0, sp" : "=r"(end));
    for (volatile uint32_t *p = firmware_stack_limit; p < end; p++)
        *p = PAINT;
}

uint32_t painted_over(void)
{
    const volatile uint32_t *p = firmware_stack_limit;
    while (p < firmware_stack_top && *p == PAINT)
        p++;
    return (uint32_t)((uintptr_t)firmware_stack_top - (uintptr_t)p);
}
