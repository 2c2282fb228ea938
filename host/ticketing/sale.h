/* The rules of selling, without storage or network: what a ticket of a product for a service looks like, what
 * a refund or an exchange is worth. specs/ticketing.md. */
#ifndef TALLY_TICKETING_SALE_H
#define TALLY_TICKETING_SALE_H

#include <stdbool.h>
#include <stdint.h>

#include "card/wire/face.h"
#include "card/wire/usage.h"

enum {
    TALLY_COACHES_MAX = 99,
    TALLY_SEATS_MAX = 495, /* of one coach: rows 01 to 99 of five */
    TALLY_PRODUCT_NAME_MAX = 64,
    TALLY_QUANTITY_MAX = 8
};
/* A ticket is valid from the start of its service's day until six hours into the next: night trains. */
#define TALLY_VALIDITY_S ((24 + 6) * 3600)

struct tally_product {
    uint16_t operator_id, id;
    char name[TALLY_PRODUCT_NAME_MAX + 1];
    uint8_t profile; /* PROFILE_RAIL or PROFILE_ADMISSION */
    uint32_t price;  /* minor units of currency */
    uint16_t currency;
    uint8_t max_entries, max_temporary_exits;
    bool exchangeable, refundable, holder_required;
    uint32_t zone_map;
};

/* A service (train, event, session) on one day, and its seats. */
struct tally_offer {
    uint16_t operator_id;
    char name[SERVICE_SIZE]; /* padded with spaces */
    uint16_t date;           /* days since 2000-01-01 */
    uint16_t minute;
    uint32_t from, to;
    uint16_t coaches, seats_per_coach;
};

/* One ticket as it is sold. */
struct tally_sale {
    const struct tally_product *product;
    const struct tally_offer *service;
    const uint8_t *tid;    /* TID_SIZE */
    const uint8_t *serial; /* SERIAL_SIZE */
    uint8_t fare_class, fare_type;
    uint32_t point_of_sale;
    uint32_t seat;           /* number within the service, from 0 */
    uint8_t holder_document; /* 0: not bound to a holder */
    uint8_t holder_hash[HOLDER_HASH_SIZE];
    int64_t now;                /* UTC seconds */
    int32_t utc_offset_minutes; /* of the services' local time */
};

/* The face, without what the authentication server fills in (those are 0). */
void tally_sale_face(const struct tally_sale *sale, struct ticket_face *face);

/* The void order that refunds old: profile 3, everything of the journey zero. */
void tally_void_face(const struct ticket_face *old, const uint8_t tid[TID_SIZE], uint32_t refund, int64_t now,
                     struct ticket_face *face);

/* Coach from 1 and seat ("01A" to "99F", five a row: A B C D F) of a seat number. */
void tally_seat_name(uint32_t seat, uint16_t seats_per_coach, uint16_t *coach, char name[SEAT_SIZE]);

enum tally_sale_verdict {
    SALE_OK,
    SALE_NOT_ALLOWED, /* the product does not allow it */
    SALE_USED,        /* an entry was made, or the ticket was invalidated */
    SALE_USED_UP,     /* exited for good or invalidated: nothing is left to exchange */
    SALE_INSIDE       /* the holder has not left */
};

/* Full price when no entry is counted and the ticket was not invalidated; otherwise refused. *amount is 0
 * then. */
enum tally_sale_verdict tally_refund(const struct ticket_face *old, const struct usage_record *usage,
                                     uint32_t *amount);

/* What the holder pays for the exchange (negative: gets back): the price less the old one when that was never
 * used, the whole price after use. *difference is 0 when refused. */
enum tally_sale_verdict tally_exchange(const struct ticket_face *old, const struct usage_record *usage,
                                       uint32_t new_price, int64_t *difference);

/* A text for people. */
const char *tally_sale_verdict_text(enum tally_sale_verdict verdict);

#endif
