#include "card/applets/ticket/load.h"

#include <string.h>

#include "card/apdu/card.h"
#include "card/applets/ticket/change.h"
#include "card/applets/ticket/ciphertext.h"
#include "card/applets/ticket/deletion.h"
#include "card/applets/ticket/receipt.h"
#include "card/applets/ticket/session.h"
#include "card/applets/ticket/tickets.h"
#include "card/applets/ticket/window.h"

/* Everything one LOAD or EXCHANGE changes; lives until the commit. */
struct loading {
    struct order order;
    int slot; /* of the new ticket, and of the one it replaces */
    struct sequence_window window;
    uint8_t old_face[FACE_SIZE], old_usage[USAGE_SIZE], deletion[LAST_DELETION_SIZE];
    uint8_t new_usage[USAGE_SIZE], window_bytes[WINDOW_SIZE], life;
};

static bool is_void_order(const struct loading *l)
{
    return l->order.face.profile == PROFILE_VOID;
}

static void read_window(struct card *card, struct loading *l)
{
    uint8_t bytes[WINDOW_SIZE]; /* zero when there is none yet */
    record_read(card, RECORD(REC_SEQUENCE, l->order.operator_slot), 0, bytes, sizeof bytes);
    window_decode(bytes, &l->window);
}

/* What holds for every genuine order: it is for this card, and it was not carried out before. */
static uint16_t check_order(struct card *card, struct loading *l)
{
    const struct ticket_face *face = &l->order.face;
    if (tickets_find(card, face->operator_id, face->tid) != NO_SLOT)
        return SW_TICKET_EXISTS;
    read_window(card, l);
    return window_admits(&l->window, face->sequence) ? SW_OK : SW_CONDITIONS;
}

static uint16_t is_for_this_card(struct card *card, const struct loading *l)
{
    uint8_t serial[SERIAL_SIZE];
    if (!card_serial(card, serial))
        return SW_MEMORY_FAILURE;
    return memcmp(serial, l->order.face.serial, SERIAL_SIZE) == 0 ? SW_OK : SW_WRONG_DATA;
}

/* The replaced ticket is here, and was not used since the issuer decided. */
static uint16_t check_replaced(struct card *card, struct loading *l)
{
    const struct ticket_face *face = &l->order.face;
    struct usage_record usage;
    l->slot = tickets_find_sequence(card, face->operator_id, face->replaces);
    if (l->slot == NO_SLOT)
        return SW_RECORD_NOT_FOUND;
    if (!ticket_face_read(card, l->slot, l->old_face) || !ticket_usage_read(card, l->slot, l->old_usage) ||
        !usage_decode(l->old_usage, &usage))
        return SW_MEMORY_FAILURE;
    return usage.use_counter == face->replaces_use_counter ? SW_OK : SW_CONDITIONS;
}

/* Adds the last record of the ticket that goes. */
static void change_old(struct loading *l, const struct sub_key *key, uint32_t counter,
                       struct changes *changes)
{
    receipt_of_deletion(l->old_usage, 0, l->old_usage);
    receipt_make(key, l->old_face, BY_ISSUER, counter, l->old_usage);
    deletion_encode(l->order.face.sequence, l->old_face + FACE_AT_TID, l->old_usage, l->deletion);
    changes_put(changes, RECORD(REC_LAST_DELETION, l->order.operator_slot), l->deletion, sizeof l->deletion);
    if (is_void_order(l)) {
        changes_delete(changes, RECORD(REC_FACE, l->slot));
        changes_delete(changes, RECORD(REC_USAGE, l->slot));
    }
}

static void change_new(struct loading *l, const struct sub_key *key, uint32_t counter,
                       struct changes *changes)
{
    const struct usage_record fresh = {.event = EVENT_LOADED};
    usage_encode(&fresh, l->new_usage);
    receipt_make(key, l->order.bytes, BY_ISSUER, counter, l->new_usage);
    changes_put(changes, RECORD(REC_FACE, l->slot), l->order.bytes, l->order.size);
    changes_put(changes, RECORD(REC_USAGE, l->slot), l->new_usage, sizeof l->new_usage);
}

static uint16_t carry_out(struct card *card, struct loading *l)
{
    struct changes changes;
    struct sub_key key;
    uint32_t counter;
    changes_begin(&changes);
    if (!operators_newest_sub_key(card, l->order.operator_slot, &key) ||
        !changes_count(card, &changes, &counter))
        return SW_MEMORY_FAILURE;
    if (l->order.face.replaces != 0)
        change_old(l, &key, counter, &changes);
    if (!is_void_order(l))
        change_new(l, &key, counter, &changes);
    wipe(&key, sizeof key);

    window_mark(&l->window, l->order.face.sequence);
    window_encode(&l->window, l->window_bytes);
    changes_put(&changes, RECORD(REC_SEQUENCE, l->order.operator_slot), l->window_bytes,
                sizeof l->window_bytes);
    l->life = LIFE_IN_USE;
    if (card_life(card) == LIFE_PERSONALISED)
        changes_put(&changes, REC_LIFE_CYCLE, &l->life, 1);
    return changes_commit(card, &changes);
}

static uint16_t load(struct card *card, struct loading *l, struct apdu_response *response)
{
    uint16_t sw = check_order(card, l);
    if (sw != SW_OK)
        return sw;
    if (l->order.face.replaces != 0)
        return SW_CONDITIONS;
    l->slot = tickets_free_slot(card);
    if (l->slot == NO_SLOT)
        return SW_NO_ROOM;
    sw = carry_out(card, l);
    if (sw == SW_OK) {
        memcpy(response->data, l->new_usage, USAGE_SIZE);
        response->len = USAGE_SIZE;
    }
    return sw;
}

static void answer_exchange(const struct loading *l, struct apdu_response *response)
{
    memcpy(response->data, l->old_usage, USAGE_SIZE);
    memcpy(response->data + USAGE_SIZE, l->new_usage, USAGE_SIZE);
    response->len = is_void_order(l) ? USAGE_SIZE : 2 * USAGE_SIZE;
}

/* True when this order was the operator's last exchange and its ticket is still here: the answer was lost,
 * and is put together again. */
static bool is_repeated(struct card *card, struct loading *l)
{
    const struct ticket_face *face = &l->order.face;
    if (!deletion_by_face(card, l->order.operator_slot, face->sequence, l->old_usage))
        return false;
    if (is_void_order(l))
        return true;
    int slot = tickets_find(card, face->operator_id, face->tid);
    return slot != NO_SLOT && ticket_usage_read(card, slot, l->new_usage);
}

static uint16_t exchange(struct card *card, struct loading *l, struct apdu_response *response)
{
    if (is_repeated(card, l)) {
        answer_exchange(l, response);
        return SW_OK;
    }
    uint16_t sw = check_order(card, l);
    if (sw != SW_OK)
        return sw;
    if (l->order.face.replaces == 0)
        return SW_CONDITIONS;
    sw = check_replaced(card, l);
    if (sw == SW_OK)
        sw = carry_out(card, l);
    if (sw == SW_OK)
        answer_exchange(l, response);
    return sw;
}

static uint16_t run(struct card *card, const struct apdu_command *command, struct apdu_response *response,
                    uint16_t (*step)(struct card *, struct loading *, struct apdu_response *))
{
    struct loading l;
    memset(&l, 0, sizeof l);
    session_end(&card->ticket.gate);
    uint16_t sw = ciphertext_open(card, command->data, command->len, &l.order);
    if (sw == SW_OK)
        sw = is_for_this_card(card, &l);
    if (sw == SW_OK)
        sw = step(card, &l, response);
    wipe(command->data, command->len);
    wipe(&l, sizeof l);
    return sw;
}

uint16_t ticket_load(struct card *card, const struct apdu_command *command, struct apdu_response *response)
{
    return run(card, command, response, load);
}

uint16_t ticket_exchange(struct card *card, const struct apdu_command *command,
                         struct apdu_response *response)
{
    return run(card, command, response, exchange);
}
