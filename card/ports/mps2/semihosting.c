#include "card/ports/mps2/semihosting.h"

#include <string.h>

enum { SYS_OPEN = 0x01, SYS_WRITE0 = 0x04, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT = 0x18 };
enum { MODE_READ = 0, MODE_WRITE = 4 };

#define STOPPED_APPLICATION_EXIT 0x20026u

static uint32_t call(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = argument;
    __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static uint32_t open_console(uint32_t mode)
{
    static const char name[] = ":tt";
    const uint32_t block[] = {(uint32_t)(uintptr_t)name, mode, sizeof name - 1};
    return call(SYS_OPEN, block);
}

bool semihosting_open(struct semihosting *s)
{
    s->in = open_console(MODE_READ);
    s->out = open_console(MODE_WRITE);
    return s->in != UINT32_MAX && s->out != UINT32_MAX;
}

/* Both answer how many bytes were not transferred. */
static bool transfer(uint32_t operation, uint32_t handle, uint32_t address, size_t n)
{
    while (n > 0) {
        const uint32_t block[] = {handle, address, n};
        uint32_t left = call(operation, block);
        if (left >= n)
            return false;
        address += n - left;
        n = left;
    }
    return true;
}

bool semihosting_read(const struct semihosting *s, void *buf, size_t n)
{
    return transfer(SYS_READ, s->in, (uint32_t)(uintptr_t)buf, n);
}

bool semihosting_write(const struct semihosting *s, const void *buf, size_t n)
{
    return transfer(SYS_WRITE, s->out, (uint32_t)(uintptr_t)buf, n);
}

void semihosting_say(const char *text)
{
    (void)call(SYS_WRITE0, text);
}

_Noreturn void semihosting_exit(void)
{
    for (;;)
        (void)call(SYS_EXIT, (const void *)STOPPED_APPLICATION_EXIT);
}
