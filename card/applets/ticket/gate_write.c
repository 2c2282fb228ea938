/* WRITE USAGE and DELETE inside a gate session. */
#include <string.h>

#include "card/apdu/card.h"
#include "card/applets/ticket/change.h"
#include "card/applets/ticket/deletion.h"
#include "card/applets/ticket/gate.h"
#include "card/applets/ticket/receipt.h"
#include "card/applets/ticket/session.h"
#include "card/wire/be.h"

/* True when the gate's part is what the event table makes of the stored record; *after is the whole record
 * then. */
static bool follows(const uint8_t face_bytes[FACE_SIZE], const uint8_t stored[USAGE_SIZE],
                    const uint8_t part[USAGE_GATE_PART], uint8_t after[USAGE_SIZE])
{
    struct ticket_face face;
    struct usage_record before, next;
    uint8_t claimed[USAGE_SIZE] = {0};
    memcpy(claimed, part, USAGE_GATE_PART);
    if (!face_decode(face_bytes, &face) || !usage_decode(stored, &before) || !usage_decode(claimed, &next))
        return false;
    const struct usage_place place = {.gate = next.gate,
                                      .station = next.station,
                                      .time = next.time,
                                      .gate_transaction = next.gate_transaction};
    if (usage_apply(&face, &before, (enum usage_event)next.event, &place, &next) != USAGE_ALLOWED)
        return false;
    usage_encode(&next, after);
    return memcmp(after, part, USAGE_GATE_PART) == 0;
}

/* Completes the record and makes it durable together with the counter. */
static uint16_t store_usage(struct card *card, int slot, const uint8_t face[FACE_SIZE],
                            uint8_t usage[USAGE_SIZE])
{
    const struct gate_session *session = &card->ticket.gate;
    struct changes changes;
    struct sub_key key;
    uint32_t counter;
    changes_begin(&changes);
    if (!operators_sub_key(card, session->operator_slot, session->receipt_key_version, &key) ||
        !changes_count(card, &changes, &counter))
        return SW_MEMORY_FAILURE;
    receipt_make(&key, face, session->authority, counter, usage);
    wipe(&key, sizeof key);
    changes_put(&changes, RECORD(REC_USAGE, slot), usage, USAGE_SIZE);
    return changes_commit(card, &changes);
}

/* The slot of the session's ticket with this TID, or NO_SLOT. Mostly it is the one that VERIFY found. */
static int find(struct card *card, const uint8_t tid[TID_SIZE])
{
    const struct gate_session *session = &card->ticket.gate;
    if (tickets_is(card, session->slot, session->operator_id, tid))
        return session->slot;
    return tickets_find(card, session->operator_id, tid);
}

/* A write that is stored already is answered again; any other must follow from what is stored. */
static uint16_t write_part(struct card *card, int slot, const uint8_t part[USAGE_GATE_PART],
                           uint8_t usage[USAGE_SIZE])
{
    enum { AT_GATE = 8 };
    uint8_t face[FACE_SIZE], stored[USAGE_SIZE];
    if (be32_get(part + AT_GATE) != card->ticket.gate.gate)
        return SW_CONDITIONS;
    if (!ticket_face_read(card, slot, face) || !ticket_usage_read(card, slot, stored))
        return SW_MEMORY_FAILURE;
    if (memcmp(stored, part, USAGE_GATE_PART) == 0) {
        memcpy(usage, stored, USAGE_SIZE);
        return SW_OK;
    }
    if (!follows(face, stored, part, usage))
        return SW_CONDITIONS;
    return store_usage(card, slot, face, usage);
}

uint16_t gate_write_usage(struct card *card, const struct apdu_command *command,
                          struct apdu_response *response)
{
    struct gate_session *session = &card->ticket.gate;
    uint8_t usage[USAGE_SIZE];
    uint16_t sw = session_open_command(session, command, USAGE_COMMAND_SIZE);
    if (sw != SW_OK)
        return sw;
    int slot = find(card, command->data);
    sw = slot == NO_SLOT ? SW_RECORD_NOT_FOUND : write_part(card, slot, command->data + TID_SIZE, usage);
    wipe(command->data, command->len);
    if (sw != SW_OK)
        return sw;
    memcpy(response->data, usage + USAGE_GATE_PART, USAGE_CARD_PART);
    session_seal_response(session, command, response, USAGE_CARD_PART);
    return SW_OK;
}

/* Deletes the ticket; usage becomes its last record. */
static uint16_t delete_ticket(struct card *card, int slot, uint8_t usage[USAGE_SIZE])
{
    const struct gate_session *session = &card->ticket.gate;
    uint8_t face[FACE_SIZE], stored[USAGE_SIZE], last[LAST_DELETION_SIZE];
    struct changes changes;
    struct sub_key key;
    uint32_t counter;
    changes_begin(&changes);
    if (!ticket_face_read(card, slot, face) || !ticket_usage_read(card, slot, stored) ||
        !operators_sub_key(card, session->operator_slot, session->receipt_key_version, &key) ||
        !changes_count(card, &changes, &counter))
        return SW_MEMORY_FAILURE;
    receipt_of_deletion(stored, session->gate, usage);
    receipt_make(&key, face, session->authority, counter, usage);
    wipe(&key, sizeof key);

    deletion_encode(0, face + FACE_AT_TID, usage, last);
    changes_put(&changes, RECORD(REC_LAST_DELETION, session->operator_slot), last, sizeof last);
    changes_delete(&changes, RECORD(REC_FACE, slot));
    changes_delete(&changes, RECORD(REC_USAGE, slot));
    return changes_commit(card, &changes);
}

uint16_t gate_delete(struct card *card, const struct apdu_command *command, struct apdu_response *response)
{
    struct gate_session *session = &card->ticket.gate;
    uint8_t usage[USAGE_SIZE];
    uint16_t sw = session_open_command(session, command, TID_SIZE);
    if (sw != SW_OK)
        return sw;
    int slot = find(card, command->data);
    if (slot != NO_SLOT)
        sw = delete_ticket(card, slot, usage);
    else if (!deletion_by_gate(card, session->operator_slot, command->data, usage))
        sw = SW_RECORD_NOT_FOUND;
    wipe(command->data, command->len);
    if (sw != SW_OK)
        return sw;
    memcpy(response->data, usage, USAGE_SIZE);
    session_seal_response(session, command, response, USAGE_SIZE);
    return SW_OK;
}
