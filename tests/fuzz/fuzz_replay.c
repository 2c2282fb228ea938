/* Any bytes as a trace: it is refused with a line, or plays, and never more than was read. */
#include <stdlib.h>
#include <string.h>

#include "host/reader/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t cmd[] = {0x80, 0x14, 0, 0, 0};
    struct card_transport *t;
    uint8_t resp[64];
    size_t line, n;
    FILE *in = size > 0 ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
    if (in == NULL)
        return 0;
    enum tally_error e = tally_replay_open(in, &t, &line);
    fclose(in);
    if ((e == TALLY_OK) != (t != NULL) || (e == TALLY_E_FORMAT) != (line > 0))
        abort();
    if (e != TALLY_OK)
        return 0;
    for (size_t i = 0; i <= size; i++) {
        if (tally_card_begin(t) == TALLY_E_STATE)
            break;
        (void)tally_card_exchange(t, cmd, sizeof cmd, resp, sizeof resp, &n);
        if (n > sizeof resp)
            abort();
    }
    tally_card_close(t);
    return 0;
}
