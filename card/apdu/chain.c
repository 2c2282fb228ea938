#include "card/apdu/chain.h"

#include <string.h>

#include "card/crypto/sym.h"
#include "card/wire/be.h"
#include "card/wire/protocol.h"

static bool same_command(const struct command_chain *chain, const struct apdu *part)
{
    uint8_t header[APDU_HEADER_SIZE];
    memcpy(header, part->header, sizeof header);
    header[0] |= CLA_CHAINING;
    return memcmp(header, chain->header, sizeof header) == 0;
}

uint16_t chain_add(struct command_chain *chain, const struct apdu *part)
{
    if (chain->open && !same_command(chain, part))
        return SW_LAST_CHAIN_EXPECTED;
    if (part->len > sizeof chain->data - chain->len)
        return SW_WRONG_LENGTH;
    memcpy(chain->header, part->header, sizeof chain->header);
    if (part->len > 0)
        memcpy(chain->data + chain->len, part->data, part->len);
    chain->len += part->len;
    chain->open = (part->header[0] & CLA_CHAINING) != 0;
    return SW_OK;
}

bool chain_complete(const struct command_chain *chain)
{
    return !chain->open;
}

void chain_drop(struct command_chain *chain)
{
    wipe(chain->data, chain->len);
    chain->len = 0;
    chain->open = false;
}

static uint16_t remaining_status(size_t left)
{
    if (left == 0)
        return SW_OK;
    return (uint16_t)(SW_MORE | (left < 256 ? left : 0));
}

size_t answer_send(struct answer *answer, uint32_t expected, uint8_t *out, size_t size)
{
    size_t n = answer->len - answer->sent;
    if (n > expected)
        n = expected;
    if (n > size - 2)
        n = size - 2;
    memcpy(out, answer->data + answer->sent, n);
    wipe(answer->data + answer->sent, n);
    answer->sent += n;
    be16_put(out + n, remaining_status(answer->len - answer->sent));
    if (answer->sent == answer->len)
        answer_drop(answer);
    return n + 2;
}

void answer_drop(struct answer *answer)
{
    wipe(answer->data, answer->len);
    answer->len = 0;
    answer->sent = 0;
}
