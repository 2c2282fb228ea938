/* One tap: a card is verified, a decision made, the event written and put into the journal.
 *
 * Order of what is durable: intent in the journal, then WRITE USAGE, then the receipt in the journal, then
 * the gate opens. What is torn in between is ratified or repeated at the ticket's next tap
 * (specs/session.md).
 */
#ifndef TALLY_GATE_TAP_H
#define TALLY_GATE_TAP_H

#include "host/base/clock.h"
#include "host/base/random.h"
#include "host/reader/card_gate.h"
#include "reader-tools/gate/decide.h"
#include "reader-tools/gate/denylist.h"
#include "reader-tools/gate/journal.h"
#include "reader-tools/gate/kit.h"

enum { GATE_SEEN_MAX = 64 };

struct gate {
    struct gate_kit kit;
    struct gate_rules rules;
    struct gate_denylist list;
    struct gate_journal *journal; /* NULL: look only, write nothing */
    uint8_t mode;                 /* GATE_SUB_KEY, GATE_P256 or GATE_RSA */
    const struct tally_clock *clock;
    const struct tally_random *random;
    /* First bytes of the last answers that were authentic: one of them again is a replay. */
    uint8_t seen[GATE_SEEN_MAX][PSEUDONYM_SIZE];
    unsigned seen_next;
};

/* What the gate is asked at this tap. */
struct gate_request {
    struct tally_criterion criterion;
    enum gate_action action;
    uint8_t document_type; /* shown to the gate; 0: none */
    const char *document_number;
};

enum gate_phase { GATE_PHASE_VERIFY, GATE_PHASE_DECIDE, GATE_PHASE_JOURNAL, GATE_PHASE_WRITE, GATE_PHASES };

struct gate_tap {
    enum gate_reason reason;
    enum gate_action action; /* decided about; GATE_DO_AUTO when it did not come so far */
    bool open, ratified, torn, clock_alarm;
    bool known; /* serial and, if has_ticket, face and usage are authentic */
    bool has_ticket;
    uint8_t serial[SERIAL_SIZE];
    struct ticket_face face;
    struct usage_record usage; /* as it is on the card after the tap */
    struct tally_card_error card_error;
    size_t bytes_out, bytes_in;
    unsigned commands;
    uint64_t phase_us[GATE_PHASES], total_us;
};

/* Runs the tap. The caller has begun exclusive use of the card. The result is always whole: what fails is a
 * reason. Refusals are put into the journal too. */
void gate_tap_run(struct gate *gate, struct tally_card *card, const struct gate_request *request,
                  struct gate_tap *tap);

/* "verify", "decide", "journal", "write". */
const char *gate_phase_name(enum gate_phase phase);

#endif
