/* The sequence window: which of an operator's sequence numbers were loaded. Highest number and a bit map of
 * the SEQUENCE_WINDOW numbers up to it; whatever lies below the window counts as loaded. */
#ifndef TALLY_APPLETS_TICKET_WINDOW_H
#define TALLY_APPLETS_TICKET_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

enum { WINDOW_SIZE = 12 };

struct sequence_window {
    uint32_t highest; /* 0: none yet */
    uint64_t loaded;  /* bit i: highest - i was loaded */
};

void window_decode(const uint8_t in[WINDOW_SIZE], struct sequence_window *window);
void window_encode(const struct sequence_window *window, uint8_t out[WINDOW_SIZE]);

/* True when the sequence number, not 0, may still be loaded. */
bool window_admits(const struct sequence_window *window, uint32_t sequence);

/* Records as loaded a number that window_admits. */
void window_mark(struct sequence_window *window, uint32_t sequence);

#endif
