/* Arm semihosting 2.0, as far as the port needs it: the emulator's standard input and output. */
#ifndef TALLY_CARD_PORTS_MPS2_SEMIHOSTING_H
#define TALLY_CARD_PORTS_MPS2_SEMIHOSTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct semihosting {
    uint32_t in, out;
};

/* False when there is no emulator behind it. */
bool semihosting_open(struct semihosting *s);

/* Exactly n bytes. False at the end of the input. Blocks. */
bool semihosting_read(const struct semihosting *s, void *buf, size_t n);
bool semihosting_write(const struct semihosting *s, const void *buf, size_t n);

/* Text for the emulator's standard error. */
void semihosting_say(const char *text);

/* Ends the emulator. */
_Noreturn void semihosting_exit(void);

#endif
