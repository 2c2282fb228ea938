/* A gate's decision: a pure function of the ticket, its use so far, the gate's rules and the situation. */
#ifndef TALLY_GATE_DECIDE_H
#define TALLY_GATE_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "card/wire/face.h"
#include "card/wire/usage.h"
#include "reader-tools/gate/reason.h"

/* What a gate does with a card: an event of usage.h, or what the ticket's state suggests, or DELETE. */
enum gate_action {
    GATE_DO_ENTRY = EVENT_ENTRY,
    GATE_DO_TEMPORARY_EXIT = EVENT_TEMPORARY_EXIT,
    GATE_DO_REENTRY = EVENT_REENTRY,
    GATE_DO_EXIT = EVENT_EXIT,
    GATE_DO_CLIP = EVENT_CLIP,
    GATE_DO_PRINT = EVENT_PRINT,
    GATE_DO_UNDO = EVENT_UNDO,
    GATE_DO_DELETE = EVENT_DELETED,
    GATE_DO_AUTO = 100 /* outside: entry; inside: exit; temporarily outside: re-entry */
};

enum gate_station_rule { GATE_STATIONS_FREE, GATE_STATIONS_ENTRY, GATE_STATIONS_BOTH };
enum gate_holder_rule { GATE_HOLDER_IGNORED, GATE_HOLDER_WHEN_SHOWN, GATE_HOLDER_REQUIRED };

#define GATE_NO_ZONE 32 /* a gate that stands in no zone, or has no place in a venue's gate set */

/* The gate's rules: configuration. */
struct gate_rules {
    uint16_t operator_id;
    uint32_t gate, station; /* station 0: this gate has none, and no station is compared */
    enum gate_station_rule station_rule;
    uint8_t zone;         /* 0-31, or GATE_NO_ZONE */
    uint8_t gate_set_bit; /* 0-31, or GATE_NO_ZONE */
    bool service_bound;   /* only tickets of service and (unless 0) date */
    char service[SERVICE_SIZE];
    uint16_t date; /* days since 2000-01-01; 0: any */
    bool window;   /* entry only from opens_s before to closes_s after the service's minute */
    uint32_t opens_s, closes_s;
    int32_t utc_offset_s; /* local time minus UTC: service minutes are local */
    enum gate_holder_rule holder_rule;
    bool refuse_when_stale; /* the deny list's expiry closes the gate */
    uint32_t pass_back_s;   /* seconds that must lie between two passages of a ticket; 0: off */
    uint32_t stay_max_s;    /* longest stay before an exit needs the staff; 0: off */
    uint32_t skew_s;        /* a time on a card further ahead than this raises the clock alarm */
};

enum gate_holder_evidence { GATE_NO_DOCUMENT, GATE_DOCUMENT_MATCHES, GATE_DOCUMENT_DIFFERS };

/* What is known at this tap. */
struct gate_situation {
    uint32_t now; /* UTC */
    enum gate_action action;
    enum gate_holder_evidence holder;
    bool list_stale, card_denied, ticket_denied;
    bool pending;                 /* an earlier write for this ticket has no receipt yet, ... */
    uint32_t pending_transaction; /* ... made under this number */
    uint32_t next_transaction;    /* the number of a new write */
};

struct gate_verdict {
    enum gate_reason reason; /* GATE_ACCEPTED: write *after, then open. GATE_RATIFIED: open, write nothing */
    enum gate_action action; /* what was decided about; never GATE_DO_AUTO */
    struct usage_record after; /* accepted: what to write (card part zero); otherwise the record as it is */
    bool clock_alarm;          /* the card was used in this gate's future */
};

/* The face is authentic and of this card: the caller has checked that. */
struct gate_verdict gate_decide(const struct gate_rules *rules, const struct gate_situation *situation,
                                const struct ticket_face *face, const struct usage_record *usage);

/* "entry", "temporary-exit", "re-entry", "exit", "clip", "print", "undo", "delete", "auto". */
const char *gate_action_name(enum gate_action action);
bool gate_action_parse(const char *name, enum gate_action *action);

#endif
