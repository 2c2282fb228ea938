/* The operator of suite SM9: its key centre, and who holds its keys. */
#include <string.h>

#include "tests/support/ticket_world.h"
#include "tests/support/must.h"

#define MUST(call) must((call) == TALLY_OK)

struct tally_sm9_key *holder_key(const struct operator_world *op, const struct identity *identity)
{
    struct tally_sm9_holder holder;
    struct tally_sm9_key *key;
    MUST(tally_sm9_extract(&op->centre, identity, &holder));
    MUST(tally_sm9_key_make(&holder, &key));
    return key;
}

struct identity card_identity(const struct world *w)
{
    struct identity identity = {.scheme = IDENTITY_CARD, .epoch = WORLD_EPOCH};
    memcpy(identity.serial, w->serial, SERIAL_SIZE);
    return identity;
}

struct identity gate_identity(const struct operator_world *op, uint32_t gate)
{
    return (struct identity){
        .scheme = IDENTITY_GATE, .operator_id = op->id, .gate = gate, .epoch = WORLD_EPOCH};
}

struct tally_key *another_key1(const struct operator_world *op)
{
    struct tally_key *key;
    if (op->suite == SUITE_SM9)
        return server_key(op, WORLD_EPOCH + 1);
    MUST(tally_key_generate(op->suite, &key));
    return key;
}

struct tally_key *server_key(const struct operator_world *op, uint16_t epoch)
{
    const struct identity server = {.scheme = IDENTITY_AUTHD, .operator_id = op->id, .epoch = epoch};
    struct tally_sm9_holder holder;
    struct tally_key *key;
    MUST(tally_sm9_extract(&op->centre, &server, &holder));
    MUST(tally_key_from_holder(&holder, &key));
    return key;
}
