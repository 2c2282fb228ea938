/* What tally-authd stores, as typed operations: all of its SQL is behind this header (authd_store*.c).
 *
 * Functions that take a transaction are called from within an operation of host/service/db.h. They return
 * TALLY_E_NOT_FOUND for a row that is not there, TALLY_E_EXISTS for one that may be there only once, and
 * TALLY_E_IO. Out-parameters are zero on failure.
 */
#ifndef TALLY_TICKETING_AUTHD_STORE_H
#define TALLY_TICKETING_AUTHD_STORE_H

#include <stdbool.h>

#include "card/wire/face.h"
#include "card/wire/usage.h"
#include "host/service/db.h"

enum { TALLY_REASON_MAX = 200, TALLY_CONTENT_DIGEST = 32 };

extern const struct tally_db_schema authd_schema;

struct authd_card {
    uint8_t serial[SERIAL_SIZE], chip_id[CHIP_ID_SIZE];
    uint8_t kem_key[P256_PUBLIC_SIZE], auth_key[P256_PUBLIC_SIZE]; /* x || y */
    bool has_rsa;
    uint8_t rsa_modulus[RSA_SIZE];
    uint8_t key_version;
    bool blocked;
    char reason[TALLY_REASON_MAX + 1]; /* of the last block; "" for none */
};

/* TALLY_E_EXISTS when the serial, the chip or one of the keys is known. */
enum tally_error authd_card_insert(struct tally_tx *tx, const struct authd_card *card, int64_t now);
enum tally_error authd_card_get(struct tally_tx *tx, const uint8_t serial[SERIAL_SIZE],
                                struct authd_card *card);
/* Also writes the change into the log that deny lists are made from. Nothing happens when it is so already.
 */
enum tally_error authd_card_block(struct tally_tx *tx, const uint8_t serial[SERIAL_SIZE], bool blocked,
                                  const char *reason, int64_t now);

/* An operator as one card has it, or had it. */
struct authd_card_operator {
    uint16_t operator_id;
    bool set;                    /* false: removed */
    uint32_t package_version;    /* of the last package made */
    uint8_t key6_low, key6_high; /* versions of key 6 in that package */
    uint16_t card_epoch;         /* suite SM9: of the card's identity in that package */
};
enum tally_error authd_card_operator_get(struct tally_tx *tx, const uint8_t serial[SERIAL_SIZE],
                                         uint16_t operator_id, struct authd_card_operator *op);
/* Stores the package made at op->package_version, which must follow the stored one: TALLY_E_STATE when
 * another came in between. */
enum tally_error authd_card_operator_put(struct tally_tx *tx, const uint8_t serial[SERIAL_SIZE],
                                         const struct authd_card_operator *op);
/* At most max operators of a card, ascending. */
enum tally_error authd_card_operators(struct tally_tx *tx, const uint8_t serial[SERIAL_SIZE],
                                      struct authd_card_operator *ops, size_t max, size_t *count);
enum tally_error authd_card_ticket_count(struct tally_tx *tx, const uint8_t serial[SERIAL_SIZE],
                                         int64_t *count);

struct authd_ticket {
    uint8_t tid[TID_SIZE], serial[SERIAL_SIZE];
    uint16_t operator_id;
    uint32_t sequence, replaces;
    uint16_t replaces_use_counter;
    bool replaces_any;
    uint8_t replaces_tid[TID_SIZE];
    uint8_t suite, key_version;
    uint32_t valid_to;
    bool blocked;
    uint8_t digest[TALLY_CONTENT_DIGEST]; /* of the content of the request */
    uint8_t ciphertext[CIPHERTEXT_1_MAX];
    size_t ciphertext_size;
};
/* TALLY_E_EXISTS when the TID, the sequence number of this card and operator, or the replacement of this
 * ticket at this use counter is taken. */
enum tally_error authd_ticket_insert(struct tally_tx *tx, const struct authd_ticket *ticket, int64_t now);
enum tally_error authd_ticket_get(struct tally_tx *tx, const uint8_t tid[TID_SIZE],
                                  struct authd_ticket *ticket);
/* 0 when the operator issued nothing to the card. */
enum tally_error authd_ticket_highest(struct tally_tx *tx, const uint8_t serial[SERIAL_SIZE],
                                      uint16_t operator_id, uint32_t *sequence);
/* Whether another ticket than tid replaces replaces_tid at that use counter. */
enum tally_error authd_ticket_replaced(struct tally_tx *tx, const struct authd_ticket *ticket, bool *taken);
enum tally_error authd_ticket_block(struct tally_tx *tx, const uint8_t tid[TID_SIZE], bool blocked,
                                    const char *reason, int64_t now);

/* Stores a usage record whose MAC was right; the same again changes nothing. */
enum tally_error authd_receipt_put(struct tally_tx *tx, const uint8_t tid[TID_SIZE],
                                   const uint8_t usage[USAGE_SIZE], int64_t now);
/* The highest use counter of the ticket's receipts; 0 when there are none. */
enum tally_error authd_receipt_highest(struct tally_tx *tx, const uint8_t tid[TID_SIZE],
                                       uint16_t *use_counter);

/* Deny lists (authd_store_deny.c). */
struct authd_deny_list {
    uint32_t version;
    int64_t change; /* the last change it contains */
    int64_t issued, expires;
};
enum authd_deny_kind { DENY_SERIALS, DENY_TIDS };
/* One denied or allowed serial (8 bytes) or TID (16). Anything but TALLY_OK ends the walk. */
typedef enum tally_error authd_deny_visit(void *ctx, enum authd_deny_kind kind, bool denied,
                                          const uint8_t *value);

/* The newest list made for the operator; and that of a version. */
enum tally_error authd_deny_newest(struct tally_tx *tx, uint16_t operator_id, struct authd_deny_list *list);
enum tally_error authd_deny_version(struct tally_tx *tx, uint16_t operator_id, uint32_t version,
                                    struct authd_deny_list *list);
/* TALLY_E_EXISTS when the version was made meanwhile. */
enum tally_error authd_deny_insert(struct tally_tx *tx, uint16_t operator_id,
                                   const struct authd_deny_list *list);
/* The number of the last change to cards and tickets. */
enum tally_error authd_deny_last_change(struct tally_tx *tx, int64_t *change);
/* Everything that is denied now: cards that have or had the operator, its tickets valid at `now` or later. */
enum tally_error authd_deny_all(struct tally_tx *tx, uint16_t operator_id, int64_t now,
                                authd_deny_visit *visit, void *ctx);
/* The same for what changed after change `since`, with its state now. */
enum tally_error authd_deny_since(struct tally_tx *tx, uint16_t operator_id, int64_t since, int64_t now,
                                  authd_deny_visit *visit, void *ctx);

#endif
