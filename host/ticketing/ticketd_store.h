/* What tally-ticketd stores, as typed operations: all of its SQL is behind this header (ticketd_store*.c).
 * Called from within an operation of host/service/db.h. Errors as in authd_store.h. */
#ifndef TALLY_TICKETING_TICKETD_STORE_H
#define TALLY_TICKETING_TICKETD_STORE_H

#include "host/service/db.h"
#include "host/ticketing/sale.h"
#include "host/ticketing/ticket_state.h"

enum { TICKETD_ORDER_ID = 16, TICKETD_DIGEST = 32, TICKETD_PROBLEM_MAX = 64 };

extern const struct tally_db_schema ticketd_schema;

/* Catalogue (ticketd_store_catalogue.c). */
enum tally_error ticketd_product_put(struct tally_tx *tx, const struct tally_product *product);
enum tally_error ticketd_product_get(struct tally_tx *tx, uint16_t operator_id, uint16_t id,
                                     struct tally_product *product);
typedef enum tally_error ticketd_visit_product(void *ctx, const struct tally_product *product);
/* At most max products after (operator_id, id), ascending. */
enum tally_error ticketd_products(struct tally_tx *tx, uint16_t operator_id, uint16_t id, size_t max,
                                  ticketd_visit_product *visit, void *ctx);

/* TALLY_E_STATE when seats that were given out would change their names or vanish. */
enum tally_error ticketd_service_put(struct tally_tx *tx, const struct tally_offer *service);
enum tally_error ticketd_service_get(struct tally_tx *tx, uint16_t operator_id, const char name[SERVICE_SIZE],
                                     uint16_t date, struct tally_offer *service);
typedef enum tally_error ticketd_visit_service(void *ctx, const struct tally_offer *service,
                                               uint32_t free_seats);
/* At most max services of an operator's day after a name (all spaces: from the first), ascending by name. */
enum tally_error ticketd_services(struct tally_tx *tx, uint16_t operator_id, uint16_t date,
                                  const char after[SERVICE_SIZE], size_t max, ticketd_visit_service *visit,
                                  void *ctx);
/* Takes a free seat of the service. TALLY_E_FULL when there is none. */
enum tally_error ticketd_seat_take(struct tally_tx *tx, const struct tally_offer *service, uint32_t *seat);
enum tally_error ticketd_seat_free(struct tally_tx *tx, uint16_t operator_id, const char name[SERVICE_SIZE],
                                   uint16_t date, uint32_t seat);

/* Orders and tickets (ticketd_store.c). */
struct ticketd_order {
    uint8_t id[TICKETD_ORDER_ID];
    uint16_t currency;
    int64_t total;
    int64_t created;
};
enum tally_error ticketd_order_insert(struct tally_tx *tx, const struct ticketd_order *order,
                                      const char *party);
enum tally_error ticketd_order_get(struct tally_tx *tx, const uint8_t id[TICKETD_ORDER_ID],
                                   struct ticketd_order *order);

struct ticketd_ticket {
    uint8_t tid[TID_SIZE];
    uint8_t order[TICKETD_ORDER_ID];
    enum tally_ticket_state state;
    struct ticket_face face; /* as asked for: without what the authentication server fills in */
    bool has_seat;
    uint32_t seat;
    bool replaces;
    uint8_t replaces_tid[TID_SIZE];
    uint8_t usage[USAGE_SIZE];       /* of the replaced ticket */
    uint8_t request[TICKETD_DIGEST]; /* of the exchange or refund request */
    int64_t amount;                  /* exchange: difference to pay; refund: what is given back */
    uint32_t attempts;
    int64_t next_attempt_ms;           /* wall clock, when the background pass asks again */
    bool block_pending;                /* the authentication server must still be told to block it */
    char problem[TICKETD_PROBLEM_MAX]; /* why it was cancelled, or the last failure; "" for none */
};
/* TALLY_E_EXISTS when the TID is used or the seat is sold. */
enum tally_error ticketd_ticket_insert(struct tally_tx *tx, const struct ticketd_ticket *ticket);
enum tally_error ticketd_ticket_get(struct tally_tx *tx, const uint8_t tid[TID_SIZE],
                                    struct ticketd_ticket *ticket);
/* Writes state, attempts, next attempt, block_pending and problem; frees the seat when the state no longer
 * holds it. */
enum tally_error ticketd_ticket_update(struct tally_tx *tx, const struct ticketd_ticket *ticket);
/* The replacement of a ticket that is not cancelled. */
enum tally_error ticketd_ticket_replacement(struct tally_tx *tx, const uint8_t tid[TID_SIZE],
                                            struct ticketd_ticket *ticket);
typedef enum tally_error ticketd_visit_ticket(void *ctx, const struct ticketd_ticket *ticket);
enum tally_error ticketd_order_tickets(struct tally_tx *tx, const uint8_t id[TICKETD_ORDER_ID],
                                       ticketd_visit_ticket *visit, void *ctx);
/* At most max tickets with something to do at now_ms: ordered, or to be blocked. */
enum tally_error ticketd_tickets_due(struct tally_tx *tx, int64_t now_ms, size_t max,
                                     uint8_t (*tids)[TID_SIZE], size_t *count);
/* When the next of them is due; INT64_MAX when there is none. */
enum tally_error ticketd_next_due(struct tally_tx *tx, int64_t *at_ms);

/* Journal (ticketd_store.c). */
enum ticketd_validity { JOURNAL_UNCHECKED, JOURNAL_VALID, JOURNAL_REFUSED };
struct ticketd_journal_entry {
    uint8_t tid[TID_SIZE], serial[SERIAL_SIZE], usage[USAGE_SIZE];
    uint16_t operator_id;
    uint32_t gate;
    enum ticketd_validity validity;
};
/* TALLY_E_EXISTS when the very same record is there. */
enum tally_error ticketd_journal_insert(struct tally_tx *tx, const struct ticketd_journal_entry *entry,
                                        int64_t now);
enum tally_error ticketd_journal_unchecked(struct tally_tx *tx, size_t max,
                                           struct ticketd_journal_entry *entries, size_t *count);
enum tally_error ticketd_journal_set(struct tally_tx *tx, const struct ticketd_journal_entry *entry);

#endif
