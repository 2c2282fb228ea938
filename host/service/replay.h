/* Remembers what was received until it expires, so that it is taken once only. Sharded by id: threads rarely
 * wait. */
#ifndef TALLY_SERVICE_REPLAY_H
#define TALLY_SERVICE_REPLAY_H

#include <stddef.h>
#include <stdint.h>

#include "host/base/error.h"

#define TALLY_REPLAY_ID_SIZE 16

struct tally_replay;

/* Holds at most about capacity ids (24 bytes each; memory grows with use). NULL when memory is out. */
struct tally_replay *tally_replay_new(size_t capacity);
void tally_replay_free(struct tally_replay *replay);

/* Takes an id, which must look random (a hash), until `expires` (seconds, inclusive). TALLY_E_EXISTS when it
 * is there already; TALLY_E_FULL when there is no room: nothing unexpired is ever forgotten, so the request
 * must be refused. */
enum tally_error tally_replay_take(struct tally_replay *replay, const uint8_t id[TALLY_REPLAY_ID_SIZE],
                                   int64_t expires, int64_t now);

#endif
