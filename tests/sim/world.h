/* All parties of a pledge in one process, with the production state machines, and everything between them
 * made to fail by a seed: messages lost, doubled, late, out of order, forged; parties that crash in
 * mid-transaction or after it, that are slow or away. After every step the books are audited. */
#ifndef TALLY_TESTS_SIM_WORLD_H
#define TALLY_TESTS_SIM_WORLD_H

#include "host/pledge/core/audit.h"
#include "tests/sim/doubles.h"
#include "tests/sim/memstore.h"

enum sim_who {
    SIM_PLATFORM,
    SIM_BANK,
    SIM_PROVIDER,
    SIM_FINANCING,
    SIM_SELLER_A, /* the underwriter */
    SIM_SELLER_B, /* another channel */
    SIM_OPERATOR_1,
    SIM_OPERATOR_2,
    SIM_ENTERPRISE, /* operator of the core enterprise, at the provider */
    SIM_PARTIES
};

struct sim_world;
struct sim_party {
    struct sim_world *world;
    struct pledge_party party;
    struct pledge_peer peer;
    struct memstore mem;
    struct double_crypto crypto;
    int64_t down_until;
};

struct sim_flight {
    struct pledge_message message;
    enum sim_who from;
    size_t place; /* in the sender's outbox */
};

/* In 1,000. */
struct sim_faults {
    unsigned loss, doubling, ack_loss, crash, away, forgery;
};

enum { SIM_FLIGHTS = 512, SIM_MEMORY = 16 };

struct sim_world {
    uint64_t random;
    struct tally_manual_clock clock;
    struct tally_random random_source;
    struct pledge_directory directory;
    struct sim_faults faults;
    struct sim_party parties[SIM_PARTIES];
    struct sim_flight *flights[SIM_FLIGHTS];
    size_t flight_count;
    struct pledge_message memory[SIM_MEMORY]; /* what an eavesdropper kept */
    size_t remembered;
    struct pledge_report report;
    uint64_t steps, delivered, forged, crashes;
    const char *mark;       /* what every ticket in clear has in it */
    bool ack_before_commit; /* mutant */
};

/* machines may be NULL for the production ones. */
void sim_open(struct sim_world *world, uint64_t seed, const struct pledge_machines *machines);
void sim_close(struct sim_world *world);

uint32_t sim_draw(struct sim_world *world, uint32_t below);
bool sim_chance(struct sim_world *world, unsigned in_1000);

/* Does one thing. False when there was nothing to do at this time. */
bool sim_step(struct sim_world *world);
/* Steps and lets time pass until nothing is left to do, at most so many steps. False when that was not
 * enough. */
bool sim_quiet(struct sim_world *world, unsigned max_steps);
/* No more faults, everybody is back. */
void sim_heal(struct sim_world *world);

/* One party's doing of its own accord, in a transaction of its own. */
enum tally_error sim_sell(struct sim_world *world, enum sim_who seller, const struct pledge_m_order *order);
/* A person's or enterprise's message, put into its outbox. */
void sim_say(struct sim_world *world, enum sim_who who, struct pledge_message *message);
/* Begins such a message. */
struct pledge_message sim_message(struct sim_world *world, enum sim_who who, enum pledge_kind kind);

void sim_found(struct sim_world *world, const char *what);
void sim_books(const struct sim_world *world, struct pledge_books *books);

#endif
