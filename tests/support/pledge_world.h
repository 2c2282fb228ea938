/* Bank, provider, platform and sellers with their keys, and pledged tickets between them. */
#ifndef TALLY_TESTS_PLEDGE_WORLD_H
#define TALLY_TESTS_PLEDGE_WORLD_H

#include "host/crypto/delegation.h"

struct pledge_world {
    struct tally_seeded_random seeded;
    const struct tally_random *random;
    uint8_t seed[TALLY_DELEGATION_SEED_SIZE];
    struct tally_umbral_secret bank, provider, seller, stranger;
    struct tally_scope scope;
    struct tally_ticket_context context;
    struct tally_verified_channel_key channel_key;
    struct tally_verified_grant grant; /* 1 of 1, to the seller */
    struct tally_open_trust trust;
};

#define PLEDGE_TICKET "coach 5, seat 12, 2026-12-01 08:15"

/* Everything up to the grant; aborts when something fails. */
void pledge_world_init(struct pledge_world *w);

/* The scope with another channel number and epoch, and the context of it. */
struct tally_scope pledge_scope(const struct pledge_world *w, const char *channel, uint32_t epoch);
struct tally_ticket_context pledge_context(const struct pledge_world *w, const struct tally_scope *scope);

/* A pledged ticket under the key of that scope. */
struct tally_verified_pledged_ticket pledge_ticket(struct pledge_world *w, const struct tally_scope *scope);
struct tally_verified_grant pledge_grant(struct pledge_world *w, const struct tally_scope *scope,
                                         const struct tally_umbral_public *receiver);

/* The pledged ticket re-encrypted by the grant. */
struct tally_openable_ticket pledge_openable(struct pledge_world *w, const struct tally_verified_grant *grant,
                                             const struct tally_verified_pledged_ticket *pledged);

/* Opens one; the ticket must be right when that succeeds, and zero when not. */
enum tally_error pledge_open(const struct tally_umbral_secret *receiver, const struct tally_open_trust *trust,
                             const struct tally_openable_ticket *openable);
void pledge_check_ticket(const uint8_t *ticket, size_t n);

#endif
