/* The ticket face, TF_A: specs/formats.md. */
#ifndef TALLY_WIRE_FACE_H
#define TALLY_WIRE_FACE_H

#include <stdbool.h>
#include <stdint.h>

#include "card/wire/protocol.h"

enum { FACE_SIZE = 115, FACE_VERSION = 1, HOLDER_HASH_SIZE = 16, SEAT_SIZE = 3 };

/* Offsets a card needs without decoding the whole. */
enum {
    FACE_AT_PROFILE = 1,
    FACE_AT_OPERATOR = 2,
    FACE_AT_TID = 6,
    FACE_AT_SERIAL = 22,
    FACE_AT_SEQUENCE = 42,
    FACE_AT_SERVICE = 70,
    FACE_AT_DATE = 78,
    FACE_AT_MINUTE = 80
};

enum face_profile { PROFILE_RAIL = 1, PROFILE_ADMISSION = 2, PROFILE_VOID = 3 };

enum face_flags { FACE_HOLDER_BOUND = 1, FACE_EXCHANGEABLE = 2, FACE_REFUNDABLE = 4 };

struct ticket_face {
    uint8_t profile;
    uint16_t operator_id;
    uint16_t product;
    uint8_t tid[TID_SIZE];
    uint8_t serial[SERIAL_SIZE];
    uint32_t issued, valid_from, valid_to;
    uint32_t sequence;
    uint32_t replaces;
    uint16_t replaces_use_counter;
    uint8_t flags;
    uint8_t holder_document;
    uint8_t holder_hash[HOLDER_HASH_SIZE];
    char service[SERVICE_SIZE]; /* right-padded with spaces, not terminated */
    uint16_t service_date;      /* days since 2000-01-01 */
    uint16_t service_minute;
    uint32_t from, to;
    uint16_t coach;
    char seat[SEAT_SIZE]; /* right-padded with spaces, not terminated */
    uint8_t fare_class, fare_type;
    uint32_t price; /* minor units of currency */
    uint16_t currency;
    uint8_t max_entries, max_temporary_exits;
    uint32_t point_of_sale, zone_map;
    uint8_t suite, key_version;
};

/* Writes the 115 bytes. The face is not checked: face_valid says whether face_decode will take it. */
void face_encode(const struct ticket_face *face, uint8_t out[FACE_SIZE]);

/* Reads and checks the 115 bytes. False on any rule of specs/formats.md broken; *face is zero then. */
bool face_decode(const uint8_t in[FACE_SIZE], struct ticket_face *face);

/* True when every rule of specs/formats.md holds. */
bool face_valid(const struct ticket_face *face);

#endif
