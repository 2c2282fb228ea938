#include "card/applets/ticket/gate.h"

#include <string.h>

#include "card/apdu/card.h"
#include "card/applets/ticket/session.h"
#include "card/wire/be.h"

int gate_select(struct card *card, uint16_t operator_id, const uint8_t *criterion, size_t n)
{
    if (n == CRITERION_TID_SIZE)
        return tickets_find(card, operator_id, criterion);
    return tickets_choose(card, operator_id, be16_get(criterion), criterion + 2);
}

/* One tap's secrets. */
struct tap {
    struct sub_key sub;
    uint8_t answer_key[SYM_KEY_SIZE], write_key[SYM_KEY_SIZE];
    uint8_t pseudonym[PSEUDONYM_SIZE];
    uint8_t counter[4];
};

/* P, and the keys from X = operator, kv, gate, Ng, P. */
static bool derive(struct card *card, const struct apdu_command *command, struct tap *tap)
{
    uint8_t identity[AES_BLOCK_SIZE];
    uint32_t counter;
    if (!card_serial(card, identity) || !card_counter(card, &counter))
        return false;
    rng_bytes(&card->rng, identity + SERIAL_SIZE, AES_BLOCK_SIZE - SERIAL_SIZE);
    aes128_block(tap->sub.id_key, identity, tap->pseudonym);
    wipe(identity, sizeof identity);
    be32_put(tap->counter, counter);

    const struct bytes x[] = {{command->data, 2},
                              {&tap->sub.version, 1},
                              {command->data + 2, 4 + GATE_NONCE_SIZE},
                              {tap->pseudonym, PSEUDONYM_SIZE},
                              {tap->counter, sizeof tap->counter}};
    kdf_cmac(tap->sub.key, LABEL_ANSWER, x, 4, tap->answer_key, SYM_KEY_SIZE);
    kdf_cmac(tap->sub.key, LABEL_WRITE, x, 5, tap->write_key, SYM_KEY_SIZE);
    return true;
}

/* P || CCM(status, CTC, TF_A, TF_V, TF_B) || tag. */
static bool answer(struct card *card, const struct apdu_command *command, const struct tap *tap,
                   uint8_t suite, int ticket, struct apdu_response *response)
{
    uint8_t *body = response->data + PSEUDONYM_SIZE;
    memcpy(response->data, tap->pseudonym, PSEUDONYM_SIZE);
    body[0] = ticket == NO_SLOT ? ANSWER_NOT_FOUND : ANSWER_FOUND;
    memcpy(body + 1, tap->counter, sizeof tap->counter);
    size_t n = ticket_copy(card, ticket, suite, body + ANSWER_HEAD_SIZE);
    if (n == 0)
        return false;
    n += ANSWER_HEAD_SIZE;

    const uint8_t header[] = {command->cla, command->ins, command->p1, command->p2};
    const struct bytes aad[] = {{header, sizeof header}, {command->data, command->len}};
    session_seal_answer(tap->answer_key, aad, 2, body, n);
    response->len = PSEUDONYM_SIZE + n + SESSION_TAG_SIZE;
    return true;
}

uint16_t gate_verify_sub_key(struct card *card, const struct apdu_command *command,
                             struct apdu_response *response)
{
    struct gate_session *session = &card->ticket.gate;
    struct operator_head head;
    struct tap tap;
    session_end(session);
    size_t criterion = command->len - GATE_OPENING_SIZE;
    if (criterion != CRITERION_TID_SIZE && criterion != CRITERION_DATE_SIZE)
        return SW_WRONG_LENGTH;

    int slot = operators_find(card, be16_get(command->data), &head);
    if (slot < 0 || !operators_sub_key(card, slot, command->p2, &tap.sub))
        return SW_KEY_ABSENT;
    int ticket = gate_select(card, head.id, command->data + GATE_OPENING_SIZE, criterion);
    uint16_t sw = SW_MEMORY_FAILURE;
    if (derive(card, command, &tap) && answer(card, command, &tap, head.suite, ticket, response)) {
        *session = (struct gate_session){.open = true,
                                         .authority = BY_SUB_KEY,
                                         .operator_slot = (uint8_t)slot,
                                         .slot = (int16_t)ticket,
                                         .receipt_key_version = tap.sub.version,
                                         .operator_id = head.id,
                                         .gate = be32_get(command->data + 2)};
        memcpy(session->write_key, tap.write_key, SYM_KEY_SIZE);
        sw = SW_OK;
    }
    if (sw != SW_OK)
        wipe(response->data, response->size);
    wipe(&tap, sizeof tap);
    return sw;
}
