#include "card/applets/ticket/window.h"

#include "card/wire/be.h"
#include "card/wire/protocol.h"

void window_decode(const uint8_t in[WINDOW_SIZE], struct sequence_window *window)
{
    window->highest = be32_get(in);
    window->loaded = (uint64_t)be32_get(in + 4) << 32 | be32_get(in + 8);
}

void window_encode(const struct sequence_window *window, uint8_t out[WINDOW_SIZE])
{
    be32_put(out, window->highest);
    be32_put(out + 4, (uint32_t)(window->loaded >> 32));
    be32_put(out + 8, (uint32_t)window->loaded);
}

bool window_admits(const struct sequence_window *window, uint32_t sequence)
{
    if (sequence > window->highest)
        return true;
    uint32_t back = window->highest - sequence;
    return sequence != 0 && back < SEQUENCE_WINDOW && (window->loaded >> back & 1) == 0;
}

void window_mark(struct sequence_window *window, uint32_t sequence)
{
    if (sequence > window->highest) {
        uint32_t ahead = sequence - window->highest;
        window->loaded = ahead < SEQUENCE_WINDOW ? window->loaded << ahead : 0;
        window->highest = sequence;
    }
    window->loaded |= (uint64_t)1 << (window->highest - sequence);
}
