/* Vector table, reset and faults. ARMv8-M Architecture Reference Manual, B3. */
#include <stdint.h>
#include <string.h>

#include "card/ports/mps2/counter.h"
#include "card/ports/mps2/semihosting.h"

extern uint32_t firmware_stack_limit[], firmware_stack_top[];
extern uint8_t firmware_data[], firmware_data_end[], firmware_data_load[];
extern uint8_t firmware_bss[], firmware_bss_end[];

int main(void);
void firmware_start(void);

enum { VECTORS_SYSTEM = 16, VECTORS = VECTORS_SYSTEM + COUNTER_IRQ_LAST + 1 };

static void fault(void)
{
    semihosting_say("firmware: fault\n");
    semihosting_exit();
}

void firmware_start(void)
{
    __asm volatile("msr msplim, %0" : : "r"(firmware_stack_limit));
    memcpy(firmware_data, firmware_data_load, (size_t)(firmware_data_end - firmware_data));
    memset(firmware_bss, 0, (size_t)(firmware_bss_end - firmware_bss));
    (void)main();
    semihosting_exit();
}

union vector {
    uint32_t *stack;
    void (*code)(void);
};

__attribute__((section(".vectors"), used)) static const union vector vectors[VECTORS] = {
    {.stack = firmware_stack_top},
    {.code = firmware_start},
    {.code = fault}, /* NMI */
    {.code = fault}, /* HardFault; the others escalate to it, being disabled */
    [VECTORS_SYSTEM + COUNTER_IRQ_WRAP] = {.code = counter_wrapped},
    [VECTORS_SYSTEM + COUNTER_IRQ_TRIP] = {.code = counter_tripped},
};
