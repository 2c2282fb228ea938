/* What the card's receipts end: loaded and deleted; and what an administrator ends: cancelled. */
#include <string.h>

#include "host/ticketing/json_values.h"
#include "host/ticketing/ticketd.h"

static enum tally_error unreachable(struct tally_call *call)
{
    return tally_call_problem(call, TALLY_PROBLEM(UPSTREAM), "the authentication server was not reached");
}

static enum tally_error answer(struct tally_call *call, const struct ticketd_ticket *ticket)
{
    return tally_call_answer(call, 200, ticketd_ticket_json(ticket));
}

static enum tally_error refuse_state(struct tally_call *call, const struct ticketd_ticket *ticket)
{
    return tally_call_problem(call, TICKETING_PROBLEM(TICKET_STATE), tally_ticket_state_name(ticket->state));
}

/* Any usage record of the ticket but a deletion shows that the card has it: a kiosk may report late. */
enum tally_error ticketd_loaded_prepare(struct tally_call *call, void *state)
{
    struct ticketd_proof *proof = state;
    struct ticketd_ticket ticket;
    struct tally_json in;
    uint8_t usage[USAGE_SIZE];
    if (!ticketd_param_tid(call, proof->tid))
        return TALLY_E_DENIED;
    tally_json_begin(&in, call->body);
    tally_json_bytes(&in, "usage", usage, USAGE_SIZE);
    enum tally_error e = tally_call_end_json(call, &in);
    if (e == TALLY_OK)
        e = ticketd_find(call, proof->tid, &ticket);
    if (e != TALLY_OK)
        return e;
    struct ticketd_receipt receipt = {.tid = proof->tid, .usage = usage};
    e = ticketd_check_receipts(call->wing, &receipt, 1);
    if (e == TALLY_E_SERVER)
        return unreachable(call);
    if (e == TALLY_OK && (!receipt.valid || receipt.record.event == EVENT_DELETED))
        return tally_call_problem(call, TICKETING_PROBLEM(RECEIPT_INVALID), NULL);
    return e;
}

/* A ticket that the card has was issued, even when the confirmation was lost. */
static enum tally_error mark_loaded(struct tally_tx *tx, struct ticketd_ticket *ticket)
{
    enum tally_error e = TALLY_OK;
    if (ticket->state == TICKET_ORDERED)
        e = ticketd_step(tx, ticket, TICKET_CONFIRM);
    if (e == TALLY_OK && ticket->state == TICKET_ISSUED)
        e = ticketd_step(tx, ticket, TICKET_LOAD);
    return e;
}

enum tally_error ticketd_loaded_apply(struct tally_call *call, void *state, struct tally_tx *tx)
{
    const struct ticketd_proof *proof = state;
    struct ticketd_ticket ticket;
    enum tally_error e = ticketd_ticket_get(tx, proof->tid, &ticket);
    /* A replacement is loaded by the deletion of the old one: both receipts, or neither. */
    if (e == TALLY_OK &&
        (ticket.state == TICKET_CANCELLED ||
         (ticket.replaces && (ticket.state == TICKET_ORDERED || ticket.state == TICKET_ISSUED))))
        return refuse_state(call, &ticket);
    if (e == TALLY_OK)
        e = mark_loaded(tx, &ticket);
    return e == TALLY_OK ? answer(call, &ticket) : e;
}

static enum tally_error find_replacement(struct tally_tx *tx, void *arg)
{
    struct ticketd_ticket *ticket = arg;
    uint8_t tid[TID_SIZE];
    memcpy(tid, ticket->tid, TID_SIZE);
    return ticketd_ticket_replacement(tx, tid, ticket);
}

/* The deletion receipt of the old ticket, and the load receipt of the new one unless that is a void order. */
static enum tally_error check_deletion(struct tally_call *call, struct ticketd_proof *proof,
                                       const uint8_t *usage, const uint8_t *new_usage)
{
    struct ticketd_ticket replacement;
    memcpy(replacement.tid, proof->tid, TID_SIZE);
    enum tally_error e = tally_db_read(call->db, find_replacement, &replacement);
    if (e == TALLY_E_NOT_FOUND)
        return tally_call_problem(call, TICKETING_PROBLEM(TICKET_STATE), "nothing replaces the ticket");
    if (e != TALLY_OK)
        return e;
    if ((replacement.face.profile != PROFILE_VOID) != proof->has_new)
        return tally_call_invalid(call, "/new_usage", "belongs to an exchange, not to a refund");
    memcpy(proof->new_tid, replacement.tid, TID_SIZE);
    struct ticketd_receipt receipts[] = {{.tid = proof->tid, .usage = usage},
                                         {.tid = proof->new_tid, .usage = new_usage}};
    e = ticketd_check_receipts(call->wing, receipts, proof->has_new ? 2 : 1);
    if (e == TALLY_E_SERVER)
        return unreachable(call);
    if (e != TALLY_OK)
        return e;
    bool good = receipts[0].valid && receipts[0].record.event == EVENT_DELETED &&
                (!proof->has_new || (receipts[1].valid && receipts[1].record.event != EVENT_DELETED));
    return good ? TALLY_OK : tally_call_problem(call, TICKETING_PROBLEM(RECEIPT_INVALID), NULL);
}

enum tally_error ticketd_deleted_prepare(struct tally_call *call, void *state)
{
    struct ticketd_proof *proof = state;
    struct ticketd_ticket ticket;
    struct tally_json in;
    uint8_t usage[USAGE_SIZE], new_usage[USAGE_SIZE];
    if (!ticketd_param_tid(call, proof->tid))
        return TALLY_E_DENIED;
    tally_json_begin(&in, call->body);
    tally_json_bytes(&in, "usage", usage, USAGE_SIZE);
    proof->has_new = tally_json_has(&in, "new_usage");
    if (proof->has_new)
        tally_json_bytes(&in, "new_usage", new_usage, USAGE_SIZE);
    enum tally_error e = tally_call_end_json(call, &in);
    if (e == TALLY_OK)
        e = ticketd_find(call, proof->tid, &ticket);
    return e == TALLY_OK ? check_deletion(call, proof, usage, new_usage) : e;
}

enum tally_error ticketd_deleted_apply(struct tally_call *call, void *state, struct tally_tx *tx)
{
    const struct ticketd_proof *proof = state;
    struct ticketd_ticket old, replacement;
    enum tally_error e = ticketd_ticket_get(tx, proof->tid, &old);
    if (e == TALLY_OK)
        e = ticketd_ticket_get(tx, proof->new_tid, &replacement);
    if (e != TALLY_OK)
        return e;
    if (old.state != TICKET_EXCHANGED && old.state != TICKET_REFUNDED) {
        e = ticketd_step(tx, &old, TICKET_DELETE);
        if (e == TALLY_E_STATE || replacement.state == TICKET_CANCELLED)
            return refuse_state(call, &old);
        if (e == TALLY_OK)
            e = mark_loaded(tx, &replacement);
    }
    return e == TALLY_OK ? answer(call, &old) : e;
}

enum tally_error ticketd_cancel_prepare(struct tally_call *call, void *state)
{
    struct ticketd_proof *proof = state;
    struct tally_json in;
    if (!ticketd_param_tid(call, proof->tid))
        return TALLY_E_DENIED;
    tally_json_begin(&in, call->body);
    (void)tally_json_string(&in, "reason", 1, 200);
    return tally_call_end_json(call, &in);
}

enum tally_error ticketd_cancel_apply(struct tally_call *call, void *state, struct tally_tx *tx)
{
    struct ticketd_proof *proof = state;
    struct ticketd_ticket ticket;
    enum tally_ticket_state next;
    enum tally_error e = ticketd_ticket_get(tx, proof->tid, &ticket);
    if (e == TALLY_E_NOT_FOUND)
        return tally_call_problem(call, TICKETING_PROBLEM(TICKET_UNKNOWN), NULL);
    if (e != TALLY_OK || ticket.state == TICKET_CANCELLED)
        return e == TALLY_OK ? answer(call, &ticket) : e;
    /* A replacement may be executed by the card at any moment: only the card's receipt ends that. */
    if (!tally_ticket_next(ticket.state, TICKET_CANCEL, &next) || ticket.replaces)
        return refuse_state(call, &ticket);
    ticket.block_pending = true;
    ticket.next_attempt_ms = tally_clock_wall_ms(call->clock);
    ticket.attempts = 0;
    e = ticketd_step(tx, &ticket, TICKET_CANCEL);
    proof->wake = call->wing;
    return e == TALLY_OK ? answer(call, &ticket) : e;
}
