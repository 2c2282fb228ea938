/* The ideal card: what a card in the field has to answer to any bytes, and what it holds afterwards, from
 * specs/apdu.md and session.md. It shares no code with card/ but the codecs of card/wire. It decrypts
 * nothing: it is told beforehand which messages are genuine, and takes no other.
 *
 * It stands beside a real card and is given the same bytes. It covers the ticket applet with operators of
 * suite P-256, PIN and status; of the issuer applet it knows only that without a genuine proof nothing
 * changes. */
#ifndef TALLY_TESTS_IDEAL_CARD_H
#define TALLY_TESTS_IDEAL_CARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card/wire/face.h"
#include "card/wire/protocol.h"
#include "card/wire/usage.h"

enum {
    IDEAL_OPERATORS = 2,
    IDEAL_TICKETS = 16,
    IDEAL_COMMANDS = 16, /* genuine session commands that are remembered */
    IDEAL_DATA_MAX = 1264,
    IDEAL_OUTCOMES = 3,
    IDEAL_STATUSES = 4,
};

struct ideal_ticket {
    bool here;
    uint8_t face[FACE_SIZE], usage[USAGE_SIZE];
};

struct ideal_operator {
    uint16_t id;
    uint32_t version; /* of its package */
    uint8_t kv;
    uint8_t receipt_key[SYM_KEY_SIZE];
    uint32_t highest; /* sequence window */
    uint64_t loaded;
    uint32_t deletion_order; /* the last deletion; size 0 TID: none */
    bool deleted;
    uint8_t deleted_tid[TID_SIZE], deleted_usage[USAGE_SIZE];
};

/* What outlives the power. */
struct ideal_kept {
    uint8_t life, tries, pin[PIN_MAX];
    size_t pin_len;
    unsigned pin_changes; /* how often it was set */
    uint32_t counter;
    struct ideal_operator operators[IDEAL_OPERATORS];
    struct ideal_ticket tickets[IDEAL_TICKETS];
};

/* A message of the issuer or of an operator that is genuine for this card. */
struct ideal_message {
    bool package;
    uint16_t operator_id;
    uint32_t version; /* package */
    uint8_t face[FACE_SIZE];
    const uint8_t *data;
    size_t n;
};

/* A P-256 gate's certificate that is genuine. */
struct ideal_certificate {
    uint8_t data[GATE_CERT_P256_SIZE];
    uint16_t operator_id;
    uint32_t gate;
};

/* WRITE USAGE or DELETE under the keys of one session, as its nth command. */
struct ideal_command {
    unsigned session;
    uint32_t number;
    bool deletes;
    uint8_t tid[TID_SIZE], part[USAGE_GATE_PART];
    uint8_t data[TID_SIZE + USAGE_GATE_PART + SESSION_TAG_SIZE];
    size_t n;
};

struct ideal_session {
    bool open;
    unsigned number; /* of all sessions ever: which keys */
    uint16_t operator_id;
    uint32_t gate, commands;
    uint8_t authority, kv;
};

struct ideal_answer {
    size_t len, sent;
    bool known;  /* otherwise only its length is */
    bool opaque; /* not even that */
    uint8_t data[IDEAL_DATA_MAX];
};

struct ideal_card {
    struct ideal_kept kept;
    uint8_t serial[SERIAL_SIZE];
    uint8_t kem_point[P256_POINT_SIZE], auth_point[P256_POINT_SIZE];
    const struct ideal_message *messages;
    size_t message_count;
    const struct ideal_certificate *certificates;
    size_t certificate_count;
    struct ideal_command commands[IDEAL_COMMANDS];
    size_t command_next;

    /* Lost with the power. */
    bool issuer_selected, verified;
    struct ideal_session session;
    struct {
        bool active;
        uint16_t date;
        uint8_t service[SERVICE_SIZE], last[8];
    } cursor;
    struct {
        bool open;
        uint8_t header[4];
        uint8_t data[IDEAL_DATA_MAX];
        size_t len;
    } chain;
    struct ideal_answer answer;

    /* When the power is lost in the last command, the card holds one of these; the last one is what it holds
     * when it was not. */
    struct ideal_kept outcomes[IDEAL_OUTCOMES];
    size_t outcome_count;
};

/* What the card must answer. */
struct ideal_expected {
    bool anything; /* an answer, no matter which */
    uint16_t statuses[IDEAL_STATUSES];
    size_t status_count;
    size_t len;          /* of data */
    const uint8_t *data; /* NULL: any bytes */
    bool ran;            /* a command was carried out, not a part of one or GET RESPONSE */
    bool lost_track;     /* the issuer applet may have half a chain, or not: reset both cards */
};

/* Power on, or reset. */
void ideal_reset(struct ideal_card *c);

void ideal_transmit(struct ideal_card *c, const uint8_t *in, size_t n, struct ideal_expected *expected);

/* Remembers a session command; the pointer is good until the next call. */
struct ideal_command *ideal_new_command(struct ideal_card *c);

/* The ticket of the operator with this TID, or NULL. */
const struct ideal_ticket *ideal_find(const struct ideal_kept *kept, uint16_t operator_id,
                                      const uint8_t tid[TID_SIZE]);

/* ---- Between the two files that make it ---- */

struct ideal_request {
    const uint8_t *header, *data;
    size_t n;
};

/* Carries out a command of the ticket applet whose header was found right. Returns the status, or 0 with
 * several in *expected. */
uint16_t ideal_ticket_run(struct ideal_card *c, const struct ideal_request *r,
                          struct ideal_expected *expected);

#endif
