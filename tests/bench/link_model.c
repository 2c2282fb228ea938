#include "tests/bench/link_model.h"

enum { FRAME_OVERHEAD = 3 }; /* PCB and CRC */
static const double CARRIER_HZ = 13.56e6, TURN_MS = 0.087, READER_MS = 0.5;

static unsigned frames(unsigned bytes, unsigned frame)
{
    return (bytes + frame - FRAME_OVERHEAD - 1) / (frame - FRAME_OVERHEAD);
}

static double etu_ms(double divisor)
{
    return 128.0 / (CARRIER_HZ * divisor) * 1e3;
}

static double frame_ms(double divisor, unsigned bytes)
{
    return (9.0 * bytes + 2.0) * etu_ms(divisor);
}

/* One APDU: both frames' bytes, acknowledgements of chained blocks, turn-around times, and the reader's own
 * work. */
static double exchange_ms(double divisor, unsigned frame, const struct exchange *x)
{
    unsigned k = frames(x->in, frame), m = frames(x->out, frame);
    return frame_ms(divisor, x->in + FRAME_OVERHEAD * k) + frame_ms(divisor, x->out + FRAME_OVERHEAD * m) +
           (k + m - 2) * (frame_ms(divisor, FRAME_OVERHEAD) + 2 * etu_ms(divisor)) +
           2 * (k + m - 1) * TURN_MS + READER_MS;
}

double link_ms(double divisor, unsigned frame, const struct exchange *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += exchange_ms(divisor, frame, &x[i]);
    return sum;
}
