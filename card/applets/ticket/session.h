/* The gate session after VERIFY: its keys, and the protection of commands and answers (specs/session.md). */
#ifndef TALLY_APPLETS_TICKET_SESSION_H
#define TALLY_APPLETS_TICKET_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card/applets/ticket/ticket.h"
#include "card/crypto/sym.h"

/* Encrypts VERIFY's answer of n bytes in place; the tag comes behind it. key is used for this one answer. */
void session_seal_answer(const uint8_t key[SYM_KEY_SIZE], const struct bytes *aad, size_t count,
                         uint8_t *data, size_t n);

/* Decrypts a command of n bytes and tag in place. Returns 9000; 6982 without a session; 6988, and the session
 * is over and the data zero, when the tag is wrong. */
uint16_t session_open_command(struct gate_session *session, const struct apdu_command *command, size_t n);

/* Encrypts the n bytes of answer data in place as the answer to that command, and appends the tag. */
void session_seal_response(const struct gate_session *session, const struct apdu_command *command,
                           struct apdu_response *response, size_t n);

/* Forgets the session. */
void session_end(struct gate_session *session);

#endif
