/* Remembers what was received until it expires, so that it is taken once only. Sharded by id: threads rarely
 * wait. */
#ifndef TALLY_SERVICE_NONCES_H
#define TALLY_SERVICE_NONCES_H

#include <stddef.h>
#include <stdint.h>

#include "host/service/db.h"

#define TALLY_NONCE_ID_SIZE 16

/* The table for processes that share a database; part of every service's schemas. */
extern const struct tally_db_migration tally_nonces_migrations[];
#define TALLY_NONCES_SCHEMA                                                                                  \
    {                                                                                                        \
        "nonces", tally_nonces_migrations                                                                    \
    }

struct tally_nonces;

/* Holds at most about capacity ids (24 bytes each; memory grows with use). NULL when memory is out. */
struct tally_nonces *tally_nonces_new(size_t capacity);
void tally_nonces_free(struct tally_nonces *nonces);

/* Takes an id, which must look random (a hash), until `expires` (seconds, inclusive). TALLY_E_EXISTS when it
 * is there already; TALLY_E_FULL when there is no room: nothing unexpired is ever forgotten, so the request
 * must be refused. */
enum tally_error tally_nonces_take(struct tally_nonces *nonces, const uint8_t id[TALLY_NONCE_ID_SIZE],
                                   int64_t expires, int64_t now);

/* The same in a database that several processes share, within an operation. Forgets some of what has expired.
 */
enum tally_error tally_nonces_take_shared(struct tally_tx *tx, const uint8_t id[TALLY_NONCE_ID_SIZE],
                                          int64_t expires, int64_t now);

#endif
