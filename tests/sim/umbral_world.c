#include "tests/sim/umbral_world.h"

#include <string.h>

#include "host/pledge/umbral_crypto.h"
#include "tests/support/must.h"

static struct pledge_umbral umbral[SIM_PARTIES];

static void prepare(struct sim_world *world)
{
    for (int i = 0; i < SIM_PARTIES; i++) {
        struct sim_party *p = &world->parties[i];
        uint8_t secret[TALLY_UMBRAL_SCALAR_SIZE] = {1, 2, 3}, seed[TALLY_DELEGATION_SEED_SIZE] = {9};
        secret[31] = (uint8_t)(i + 1);
        must(pledge_umbral_init(&umbral[i], p->party.role, secret, seed, &world->directory,
                                &world->random_source) == TALLY_OK);
        memcpy(p->party.key, umbral[i].secret.public_key.at.bytes, PLEDGE_KEY);
        memcpy(p->peer.key, p->party.key, PLEDGE_KEY);
        p->party.crypto = &umbral[i].crypto;
    }
    world->mark = "\"claim\":\"";
}

void sim_run_umbral(uint64_t seed, struct sim_result *result)
{
    sim_run_prepared(seed, &pledge_machines, NULL, prepare, result);
}
