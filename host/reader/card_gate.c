#include "host/reader/card_gate.h"

#include <string.h>

#define SHORT_NE 256

/* What the session found wrong with an answer. A wrong length is no Tally card's. */
static enum tally_error session_error(struct tally_card *card, enum tally_error e)
{
    if (e == TALLY_E_FORMAT)
        e = TALLY_E_NO_CARD;
    if (e != TALLY_OK)
        card->error = tally_card_explain_error(e);
    if (e == TALLY_E_CRYPTO)
        card->error.text = "the card's answer could not be authenticated";
    return e;
}

static enum tally_error send(struct tally_card *card, const struct tally_gate_command *c, size_t ne,
                             size_t *n)
{
    return tally_card_command(card, CLA_PROPRIETARY, c->ins, (uint16_t)(c->p1 << 8 | c->p2), c->data, c->n,
                              ne, n);
}

enum tally_error tally_card_gate_verify(struct tally_card *card, struct tally_gate_session *session,
                                        const struct tally_gate_command *verify,
                                        const struct tally_key *authority, struct tally_gate_answer *answer)
{
    /* Only the answer to the tap in the default suite fits a short response. */
    size_t n,
        ne = verify->p1 == GATE_SUB_KEY && session->suite == SUITE_P256 ? SHORT_NE : TALLY_CARD_DATA_MAX;
    memset(answer, 0, sizeof *answer);
    enum tally_error e = send(card, verify, ne, &n);
    if (card->error.sw == SW_INS_UNSUPPORTED) {
        e = tally_card_select(card, TALLY_AID_TICKET);
        if (e == TALLY_OK)
            e = send(card, verify, ne, &n);
    }
    if (e != TALLY_OK)
        return e;
    return session_error(card, tally_gate_open(session, authority, card->answer, n, answer));
}

enum tally_error tally_card_gate_write(struct tally_card *card, struct tally_gate_session *session,
                                       const uint8_t tid[TID_SIZE], const uint8_t gate_part[USAGE_GATE_PART],
                                       uint8_t usage[USAGE_SIZE])
{
    struct tally_gate_command command;
    size_t n;
    memset(usage, 0, USAGE_SIZE);
    enum tally_error e = session_error(card, tally_gate_write(session, tid, gate_part, &command));
    if (e == TALLY_OK)
        e = send(card, &command, SHORT_NE, &n);
    if (e != TALLY_OK)
        return e;
    return session_error(card, tally_gate_written(session, card->answer, n, usage));
}

enum tally_error tally_card_gate_delete(struct tally_card *card, struct tally_gate_session *session,
                                        const uint8_t tid[TID_SIZE], uint8_t usage[USAGE_SIZE])
{
    struct tally_gate_command command;
    size_t n;
    memset(usage, 0, USAGE_SIZE);
    enum tally_error e = session_error(card, tally_gate_delete(session, tid, &command));
    if (e == TALLY_OK)
        e = send(card, &command, SHORT_NE, &n);
    if (e != TALLY_OK)
        return e;
    return session_error(card, tally_gate_deleted(session, card->answer, n, usage));
}
