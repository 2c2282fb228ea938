/* Messages to others, written in the transaction that causes them and sent until they are taken.
 *
 * *Created* and *delivered* are different columns. A message is sent by whoever holds its lease: taking it
 * sets a time until which nobody else does, and raises its fence. When the holder dies the lease runs out and
 * another takes it, so several processes may share one database. Reporting back names the fence: a holder
 * that comes too late changes nothing. The receiver sees a message at least once, always under the same id
 * (its Idempotency-Key), in no promised order. After the last wait of the list it is a dead letter until a
 * person has it sent again.
 */
#ifndef TALLY_SERVICE_OUTBOX_H
#define TALLY_SERVICE_OUTBOX_H

#include <stdbool.h>

#include "host/service/db.h"
#include "host/service/retry.h"

#define TALLY_OUTBOX_NAME_MAX   64    /* bytes of an id, destination or kind; none is empty */
#define TALLY_OUTBOX_BODY_MAX   65536 /* bytes */
#define TALLY_OUTBOX_REASON_MAX 160   /* bytes kept of why an attempt failed */
#define TALLY_OUTBOX_TAKE_MAX   32    /* messages taken at a time */
#define TALLY_OUTBOX_DEAD_MAX   100   /* dead letters listed at a time */

extern const struct tally_db_migration tally_outbox_migrations[];
#define TALLY_OUTBOX_SCHEMA                                                                                  \
    {                                                                                                        \
        "outbox", tally_outbox_migrations                                                                    \
    }

struct tally_outbox_item {
    char id[TALLY_OUTBOX_NAME_MAX + 1];
    char destination[TALLY_OUTBOX_NAME_MAX + 1];
    char kind[TALLY_OUTBOX_NAME_MAX + 1];
    uint8_t *body; /* malloc'd, with a NUL after body_size bytes */
    size_t body_size;
    int64_t created_ms;
    uint32_t attempts; /* this one included */
    int64_t fence;
    int64_t lease_until_ms;
};

/* Each of these is called within an operation. */

/* Writes a message, due at once. TALLY_E_EXISTS when the id is there already (the operation may go on),
 * TALLY_E_FORMAT beyond the limits. */
enum tally_error tally_outbox_put(struct tally_tx *tx, const char *id, const char *destination,
                                  const char *kind, const void *body, size_t body_size, int64_t now_ms);

/* Takes up to max (at most TALLY_OUTBOX_TAKE_MAX) due messages for `owner` (a name, for people) until now_ms
 * + lease_ms. items must be zeroed before the first call: what an earlier run of the operation left is freed.
 * Free them with tally_outbox_items_free. */
enum tally_error tally_outbox_take(struct tally_tx *tx, const char *owner, int64_t now_ms, int64_t lease_ms,
                                   struct tally_outbox_item *items, size_t max, size_t *count);
void tally_outbox_items_free(struct tally_outbox_item *items, size_t count);

/* The holder's report; TALLY_E_STATE when it holds the message no longer: undo everything then. Delivered:
 * done with. Failed: to be taken again at due_ms, or a dead letter when dead. */
enum tally_error tally_outbox_delivered(struct tally_tx *tx, const struct tally_outbox_item *item,
                                        int64_t now_ms);
enum tally_error tally_outbox_failed(struct tally_tx *tx, const struct tally_outbox_item *item, bool dead,
                                     int64_t due_ms, int64_t now_ms, const char *reason);

/* When the next message is due (leases included): INT64_MAX when there is none. */
enum tally_error tally_outbox_next_due(struct tally_tx *tx, int64_t *at_ms);

struct tally_outbox_counts {
    int64_t waiting, dead, oldest_ms; /* oldest_ms: when the oldest waiting one was created; 0 for none */
};
enum tally_error tally_outbox_count(struct tally_tx *tx, struct tally_outbox_counts *counts);

/* Dead letters in the order of their ids, after `after` ("" for the first); the item has no body. A visitor's
 * error ends the walk. */
typedef enum tally_error tally_outbox_visit(void *ctx, const struct tally_outbox_item *item, int64_t died_ms,
                                            const char *reason);
enum tally_error tally_outbox_dead(struct tally_tx *tx, const char *after, size_t max,
                                   tally_outbox_visit *visit, void *ctx);
/* A person has a dead letter sent again, with all its attempts. TALLY_E_NOT_FOUND when there is no such
 * message, TALLY_E_STATE when it is not dead. */
enum tally_error tally_outbox_resend(struct tally_tx *tx, const char *id, int64_t now_ms);

#endif
