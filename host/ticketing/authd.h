/* The authentication server: what its files share. specs/ticketing.md. */
#ifndef TALLY_TICKETING_AUTHD_H
#define TALLY_TICKETING_AUTHD_H

#include <pthread.h>

#include "host/crypto/package.h"
#include "host/service/endpoint.h"
#include "host/ticketing/authd_store.h"
#include "host/ticketing/keystore.h"
#include "host/ticketing/problems.h"
#include "host/ticketing/sequences.h"

/* Limits of requests. */
enum { AUTHD_RECEIPTS_MAX = 64, AUTHD_CARD_OPERATORS_MAX = 64 };

struct authd {
    struct tally_db *db;
    const struct tally_clock *clock;
    const char *key_folder;
    pthread_mutex_t lock;        /* guards the pointer below */
    struct tally_keystore *keys; /* never NULL */
    struct tally_sequences *sequences;
    int64_t deny_list_lifetime_s;
    struct tally_metric *issued, *repeated, *refused;
};

/* Takes over a loaded keystore. TALLY_E_MEMORY. */
enum tally_error authd_init(struct authd *authd, struct tally_keystore *keys);
void authd_clear(struct authd *authd);

/* The keys as they are now; the caller releases them. */
struct tally_keystore *authd_keys(struct authd *authd);
/* Reads the folder of keys again. On failure the old keys stay in use. */
enum tally_error authd_reload(struct authd *authd);

extern const struct tally_endpoint authd_endpoints[];
extern const struct tally_metric_family authd_metrics[];

/* The steps of the endpoints and what passes between the two of a change, by file. */

/* authd_cards.c; the state of a registration is a struct authd_card. */
enum tally_error authd_card_prepare(struct tally_call *call, void *state);
enum tally_error authd_card_apply(struct tally_call *call, void *state, struct tally_tx *tx);
enum tally_error authd_card_read(struct tally_call *call);

struct authd_block {
    uint8_t id[TID_SIZE]; /* of the ticket, or the card's serial */
    bool blocked;
    char reason[TALLY_REASON_MAX + 1];
};
enum tally_error authd_card_block_prepare(struct tally_call *call, void *state);
enum tally_error authd_card_unblock_prepare(struct tally_call *call, void *state);
enum tally_error authd_card_block_apply(struct tally_call *call, void *state, struct tally_tx *tx);
enum tally_error authd_ticket_block_prepare(struct tally_call *call, void *state);
enum tally_error authd_ticket_unblock_prepare(struct tally_call *call, void *state);
enum tally_error authd_ticket_block_apply(struct tally_call *call, void *state, struct tally_tx *tx);

/* authd_package.c */
struct authd_package {
    struct authd_card card;
    struct authd_card_operator op;
    uint8_t bytes[TALLY_PACKAGE_MAX];
    size_t size;
};
enum tally_error authd_package_prepare(struct tally_call *call, void *state);
enum tally_error authd_package_apply(struct tally_call *call, void *state, struct tally_tx *tx);

/* authd_issue.c */
struct authd_issue {
    struct ticket_face face;
    bool replacing, same, used;
    uint8_t usage[USAGE_SIZE];     /* of the ticket that is replaced */
    struct authd_ticket ticket;    /* what will be stored; when same, what is stored */
    struct authd_ticket replaced;  /* serial all zero when unknown */
    uint16_t replaced_use_counter; /* the highest known */
    bool replaced_already;
    struct authd_card card;
    struct authd_card_operator op;
    bool card_known, op_known;
    uint32_t highest;
    struct tally_sequences *sequences; /* set while a number is held */
};
enum tally_error authd_issue_prepare(struct tally_call *call, void *state);
enum tally_error authd_issue_apply(struct tally_call *call, void *state, struct tally_tx *tx);
void authd_issue_release(void *state);
enum tally_error authd_ciphertext_read(struct tally_call *call);

/* authd_receipts.c */
struct authd_receipts {
    size_t count;
    struct {
        uint8_t tid[TID_SIZE], serial[SERIAL_SIZE], usage[USAGE_SIZE];
        uint16_t operator_id;
        bool known, valid;
        struct usage_record record;
    } at[AUTHD_RECEIPTS_MAX];
};
enum tally_error authd_receipts_prepare(struct tally_call *call, void *state);
enum tally_error authd_receipts_apply(struct tally_call *call, void *state, struct tally_tx *tx);
/* Checks a usage record's receipt MAC with the VMK version it names. TALLY_E_FORMAT, TALLY_E_CRYPTO. */
enum tally_error authd_receipt_check(const struct tally_operator_keys *keys,
                                     const uint8_t serial[SERIAL_SIZE], const uint8_t tid[TID_SIZE],
                                     const uint8_t usage[USAGE_SIZE], struct usage_record *record);

/* authd_operators.c */
enum tally_error authd_operator_read(struct tally_call *call);
enum tally_error authd_denylist_read(struct tally_call *call);

/* A signed deny list as text (malloc'd, two lines): the whole, or with since > 0 the change since that
 * version when it is remembered. Makes a new version when something changed or a quarter of its lifetime is
 * over. authd_denylist.c. */
enum tally_error authd_denylist_make(struct tally_db *db, const struct tally_operator_keys *keys,
                                     uint32_t since, int64_t now, int64_t lifetime_s, char **text,
                                     size_t *size);

/* Path parameters; false answers with the problem of a resource that is not there. */
bool authd_param_serial(struct tally_call *call, uint8_t serial[SERIAL_SIZE]);
bool authd_param_tid(struct tally_call *call, uint8_t tid[TID_SIZE]);
bool authd_param_operator(struct tally_call *call, uint16_t *operator_id);

#endif
