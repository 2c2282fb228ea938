/* A gate's commands to a card: the session of host/crypto/gate_session.h carried over a transport.
 *
 * The caller begins a session (tally_gate_begin_...), which gives the VERIFY command, and ends it with
 * tally_gate_end. Errors as in card.h and gate_session.h; card->error says them in words.
 */
#ifndef TALLY_READER_CARD_GATE_H
#define TALLY_READER_CARD_GATE_H

#include "host/crypto/gate_session.h"
#include "host/reader/card.h"

/* Sends VERIFY and opens the answer. A card on which somebody selected another applet gets a SELECT and the
 * command again. authority may be NULL with a sub-key. *answer is zero on failure. */
enum tally_error tally_card_gate_verify(struct tally_card *card, struct tally_gate_session *session,
                                        const struct tally_gate_command *verify,
                                        const struct tally_key *authority, struct tally_gate_answer *answer);

/* WRITE USAGE of the gate's part of a usage record; usage receives the whole one, the receipt. When the card
 * was lost the event may have been written or not: specs/session.md, ratification. */
enum tally_error tally_card_gate_write(struct tally_card *card, struct tally_gate_session *session,
                                       const uint8_t tid[TID_SIZE], const uint8_t gate_part[USAGE_GATE_PART],
                                       uint8_t usage[USAGE_SIZE]);

/* DELETE; usage receives the deletion receipt. */
enum tally_error tally_card_gate_delete(struct tally_card *card, struct tally_gate_session *session,
                                        const uint8_t tid[TID_SIZE], uint8_t usage[USAGE_SIZE]);

#endif
