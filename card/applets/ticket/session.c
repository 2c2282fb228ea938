#include "card/applets/ticket/session.h"

#include <string.h>

#include "card/wire/be.h"

enum { TO_CARD = 0, TO_GATE = 1, HEADER_SIZE = 4 };

static void make_nonce(uint8_t direction, uint32_t counter, uint8_t nonce[SESSION_NONCE_SIZE])
{
    memset(nonce, 0, SESSION_NONCE_SIZE);
    nonce[0] = direction;
    be32_put(nonce + 1, counter);
}

static void make_header(const struct apdu_command *command, uint8_t header[HEADER_SIZE])
{
    header[0] = command->cla;
    header[1] = command->ins;
    header[2] = command->p1;
    header[3] = command->p2;
}

void session_seal_answer(const uint8_t key[SYM_KEY_SIZE], const struct bytes *aad, size_t count,
                         uint8_t *data, size_t n)
{
    uint8_t nonce[SESSION_NONCE_SIZE];
    make_nonce(TO_GATE, 0, nonce);
    ccm_seal(key, nonce, aad, count, data, n, data + n);
}

uint16_t session_open_command(struct gate_session *session, const struct apdu_command *command, size_t n)
{
    uint8_t nonce[SESSION_NONCE_SIZE], header[HEADER_SIZE];
    const struct bytes aad = {header, sizeof header};
    if (!session->open)
        return SW_SECURITY_STATUS;
    session->commands++;
    make_nonce(TO_CARD, session->commands, nonce);
    make_header(command, header);
    if (ccm_open(session->write_key, nonce, &aad, 1, command->data, n, command->data + n))
        return SW_OK;
    session_end(session);
    return SW_AUTHENTICATION;
}

void session_seal_response(const struct gate_session *session, const struct apdu_command *command,
                           struct apdu_response *response, size_t n)
{
    uint8_t nonce[SESSION_NONCE_SIZE], header[HEADER_SIZE];
    const struct bytes aad = {header, sizeof header};
    make_nonce(TO_GATE, session->commands, nonce);
    make_header(command, header);
    ccm_seal(session->write_key, nonce, &aad, 1, response->data, n, response->data + n);
    response->len = n + SESSION_TAG_SIZE;
}

void session_end(struct gate_session *session)
{
    wipe(session, sizeof *session);
}
