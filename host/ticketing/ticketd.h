/* The ticket server: what its files share. specs/ticketing.md. */
#ifndef TALLY_TICKETING_TICKETD_H
#define TALLY_TICKETING_TICKETD_H

#include <pthread.h>

#include "host/base/random.h"
#include "host/service/endpoint.h"
#include "host/service/http_client.h"
#include "host/ticketing/problems.h"
#include "host/ticketing/ticketd_store.h"

/* Limits of requests and answers. */
enum { TICKETD_PAGE = 100, TICKETD_JOURNAL_MAX = 64, TICKETD_PASS_MAX = 64 };

struct ticketd {
    struct tally_db *db;
    const struct tally_clock *clock;
    const struct tally_random *random;
    struct tally_http_client *authd; /* signs as the party with role ticketing */
    int32_t utc_offset_minutes;
    int64_t retry_first_ms, retry_max_ms; /* between attempts of the background pass */
    /* Until then (wall clock) authd is not asked again by requests: it was not reached just before. */
    _Atomic int64_t authd_down_until_ms;
    /* The background pass. */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping, awake, thread_started;
    pthread_t thread;
    struct tally_metric *orders, *issued, *cancelled, *retried;
};

extern const struct tally_endpoint ticketd_endpoints[];
extern const struct tally_metric_family ticketd_metrics[];

/* ticketd_authd.c: calls to the authentication server. TALLY_E_SERVER when it was not reached or failed. */
struct ticketd_receipt {
    const uint8_t *tid, *usage; /* TID_SIZE, USAGE_SIZE */
    bool valid;
    struct usage_record record; /* decoded when valid */
    uint16_t highest_use_counter;
};
/* Has at most TICKETD_JOURNAL_MAX usage records checked and recorded. */
enum tally_error ticketd_check_receipts(struct ticketd *ticketd, struct ticketd_receipt *receipts,
                                        size_t count);
/* Asks for the face of a ticket that is *ordered*, and stores what comes of it: issued, cancelled, or another
 * attempt later. TALLY_OK when the outcome is final. With `patient`, authd is asked even when it was not
 * reached just before. */
enum tally_error ticketd_issue(struct ticketd *ticketd, const uint8_t tid[TID_SIZE], bool patient);
/* Has a cancelled ticket blocked there. */
enum tally_error ticketd_block(struct ticketd *ticketd, const uint8_t tid[TID_SIZE]);
/* When the attempt after `attempts` is due. */
int64_t ticketd_backoff_ms(const struct ticketd *ticketd, uint32_t attempts);

/* ticketd_pass.c: what is left undone is done again. One pass over everything due at now_ms. */
enum tally_error ticketd_pass(struct ticketd *ticketd, int64_t now_ms);
/* Starts and ends the thread that runs passes when they are due. */
enum tally_error ticketd_pass_start(struct ticketd *ticketd);
void ticketd_pass_stop(struct ticketd *ticketd);
/* Makes the thread look again. */
void ticketd_pass_wake(struct ticketd *ticketd);

/* Steps of the endpoints and what passes between the two of a change, by file. States that begin with `wake`
 * leave work for the background pass when apply sets it: it is woken once the change is committed. */
void ticketd_release(void *state);

/* ticketd_catalogue.c; the states are a struct tally_product and a struct tally_offer. */
enum tally_error ticketd_product_prepare(struct tally_call *call, void *state);
enum tally_error ticketd_product_apply(struct tally_call *call, void *state, struct tally_tx *tx);
enum tally_error ticketd_service_prepare(struct tally_call *call, void *state);
enum tally_error ticketd_service_apply(struct tally_call *call, void *state, struct tally_tx *tx);
enum tally_error ticketd_products_read(struct tally_call *call);
enum tally_error ticketd_services_read(struct tally_call *call);

/* What a buyer chooses. */
struct ticketd_choice {
    uint16_t operator_id, product, date;
    char service[SERVICE_SIZE];
    uint8_t fare_class;
};

/* ticketd_orders.c */
struct ticketd_ordering {
    struct ticketd *wake;
    struct ticketd_choice choice;
    struct ticketd_order order;
    uint8_t fare_type, quantity;
    uint8_t serial[SERIAL_SIZE];
    uint32_t point_of_sale;
    uint8_t holder_document;
    uint8_t tids[TALLY_QUANTITY_MAX][TID_SIZE];
    uint8_t holder_hash[TALLY_QUANTITY_MAX][HOLDER_HASH_SIZE];
};
enum tally_error ticketd_order_prepare(struct tally_call *call, void *state);
enum tally_error ticketd_order_apply(struct tally_call *call, void *state, struct tally_tx *tx);
enum tally_error ticketd_order_read(struct tally_call *call);
enum tally_error ticketd_ticket_read(struct tally_call *call);

/* ticketd_changes.c: exchange and refund. */
struct ticketd_changing {
    struct ticketd *wake;
    uint8_t tid[TID_SIZE], new_tid[TID_SIZE], usage[USAGE_SIZE], digest[TICKETD_DIGEST];
    struct usage_record record;
    bool exchange;
    struct ticketd_choice choice;
    uint8_t holder_document; /* 0: none was shown */
    uint8_t old_holder_hash[HOLDER_HASH_SIZE], new_holder_hash[HOLDER_HASH_SIZE];
};
enum tally_error ticketd_exchange_prepare(struct tally_call *call, void *state);
enum tally_error ticketd_refund_prepare(struct tally_call *call, void *state);
enum tally_error ticketd_change_apply(struct tally_call *call, void *state, struct tally_tx *tx);

/* ticketd_life.c: loaded, deleted, cancelled. */
struct ticketd_proof {
    struct ticketd *wake;
    uint8_t tid[TID_SIZE], new_tid[TID_SIZE];
    bool has_new;
};
enum tally_error ticketd_loaded_prepare(struct tally_call *call, void *state);
enum tally_error ticketd_loaded_apply(struct tally_call *call, void *state, struct tally_tx *tx);
enum tally_error ticketd_deleted_prepare(struct tally_call *call, void *state);
enum tally_error ticketd_deleted_apply(struct tally_call *call, void *state, struct tally_tx *tx);
enum tally_error ticketd_cancel_prepare(struct tally_call *call, void *state);
enum tally_error ticketd_cancel_apply(struct tally_call *call, void *state, struct tally_tx *tx);

/* ticketd_journal.c */
struct ticketd_journal {
    struct ticketd *wake;
    size_t count;
    struct ticketd_journal_entry entries[TICKETD_JOURNAL_MAX];
};
enum tally_error ticketd_journal_prepare(struct tally_call *call, void *state);
enum tally_error ticketd_journal_apply(struct tally_call *call, void *state, struct tally_tx *tx);
/* Has entries that are unchecked checked. TALLY_E_SERVER when authd does not answer: they stay as they are.
 */
enum tally_error ticketd_journal_check(struct ticketd *ticketd, struct ticketd_journal_entry *entries,
                                       size_t count);

/* Shared by the files above (ticketd.c). */
bool ticketd_param_tid(struct tally_call *call, uint8_t tid[TID_SIZE]);
/* The ticket with the TID, read now; answers with the problem when there is none. */
enum tally_error ticketd_find(struct tally_call *call, const uint8_t tid[TID_SIZE],
                              struct ticketd_ticket *ticket);
/* Reads operator, product, service, date and class. */
void ticketd_choice_read(struct tally_json *in, struct ticketd_choice *choice, bool with_operator);
/* Reads the optional holder {document, number} into one hash for each of count TIDs; the number itself goes
 * no further. Returns the document type, 0 when there is no holder. */
uint8_t ticketd_holder_read(struct tally_json *in, const uint8_t *const *tids, uint8_t *const *hashes,
                            size_t count);
/* The product and service of a choice within a transaction; answers with the problem when one is missing. */
enum tally_error ticketd_choice_find(struct tally_call *call, struct tally_tx *tx,
                                     const struct ticketd_choice *choice, struct tally_product *product,
                                     struct tally_offer *service);
/* Puts tid, state, seat and coach, and the problem when there is one, into a new JSON object. */
json_t *ticketd_ticket_json(const struct ticketd_ticket *ticket);
/* Applies an event to the ticket and stores it; TALLY_E_STATE when the table does not allow it. */
enum tally_error ticketd_step(struct tally_tx *tx, struct ticketd_ticket *ticket,
                              enum tally_ticket_event event);
/* What must follow when a replacement is given up: it is cancelled, and the old ticket is *loaded* again. */
enum tally_error ticketd_abandon(struct tally_tx *tx, struct ticketd_ticket *old,
                                 struct ticketd_ticket *replacement);

#endif
