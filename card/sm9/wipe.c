#include "card/sm9/wipe.h"

#include <stdint.h>

/* As deep as the operations go; on a microcontroller not so deep that it would need more stack than they. */
#if defined(__arm__)
enum { DEPTH = 2560 };
#else
enum { DEPTH = 12 * 1024 };
#endif

__attribute__((noinline)) void sm9_wipe_stack(void)
{
    uint8_t room[DEPTH];
    sm9_wipe(room, sizeof room);
}
