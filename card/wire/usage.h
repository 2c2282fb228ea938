/* The usage record, TF_B, and the events that change it: specs/formats.md. */
#ifndef TALLY_WIRE_USAGE_H
#define TALLY_WIRE_USAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "card/wire/face.h"

enum {
    USAGE_SIZE = 40,
    USAGE_GATE_PART = 26, /* what a gate writes; the card fills the rest */
    USAGE_CARD_PART = USAGE_SIZE - USAGE_GATE_PART,
    USAGE_MACED = 32, /* what the receipt MAC covers */
    USAGE_VERSION = 1,
    RECEIPT_MAC_SIZE = 8
};

enum usage_event {
    EVENT_LOADED,
    EVENT_ENTRY,
    EVENT_TEMPORARY_EXIT,
    EVENT_REENTRY,
    EVENT_EXIT,
    EVENT_CLIP,
    EVENT_PRINT,
    EVENT_UNDO,
    EVENT_DELETED
};

enum usage_direction { OUTSIDE, INSIDE, TEMPORARILY_OUTSIDE };

enum usage_authority { BY_ISSUER, BY_SUB_KEY, BY_GATE_P256, BY_GATE_RSA, BY_GATE_SM9 };

struct usage_record {
    uint8_t event; /* enum usage_event, the last */
    uint8_t entries, temporary_exits;
    bool exited, clipped, printed;
    uint8_t direction; /* enum usage_direction */
    uint32_t gate, station;
    uint32_t time; /* UTC seconds */
    uint32_t gate_transaction;
    uint16_t use_counter;
    uint8_t receipt_key_version;
    uint8_t authority; /* enum usage_authority */
    uint32_t card_transaction_counter;
    uint8_t mac[RECEIPT_MAC_SIZE];
};

/* Why an event is refused. */
enum usage_verdict {
    USAGE_ALLOWED,
    USAGE_ALREADY_INSIDE,
    USAGE_NOT_INSIDE,
    USAGE_NOT_TEMPORARILY_OUTSIDE,
    USAGE_ENTRIES_USED_UP,
    USAGE_TEMPORARY_EXITS_USED_UP,
    USAGE_HAS_EXITED,
    USAGE_IS_CLIPPED,
    USAGE_IS_PRINTED,
    USAGE_NOTHING_TO_UNDO,
    USAGE_COUNTER_EXHAUSTED,
    USAGE_NO_SUCH_EVENT
};

/* Where and when an event happens. */
struct usage_place {
    uint32_t gate, station;
    uint32_t time; /* UTC seconds */
    uint32_t gate_transaction;
};

void usage_encode(const struct usage_record *usage, uint8_t out[USAGE_SIZE]);

/* False when a value is outside its range; *usage is zero then. */
bool usage_decode(const uint8_t in[USAGE_SIZE], struct usage_record *usage);

/* Applies the event to *before and writes the record that follows to *after, with card part (receipt key
 * version, authority, card transaction counter, MAC) zero. When refused, *after equals *before. The pointers
 * may be equal. */
enum usage_verdict usage_apply(const struct ticket_face *face, const struct usage_record *before,
                               enum usage_event event, const struct usage_place *place,
                               struct usage_record *after);

#endif
