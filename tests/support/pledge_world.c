#include "tests/support/pledge_world.h"

#include <string.h>

#include "tests/support/must.h"

struct tally_scope pledge_scope(const struct pledge_world *w, const char *channel, uint32_t epoch)
{
    struct tally_scope scope = w->scope;
    memset(scope.channel, 0, sizeof scope.channel);
    strncpy(scope.channel, channel, sizeof scope.channel - 1);
    scope.epoch = epoch;
    return scope;
}

struct tally_ticket_context pledge_context(const struct pledge_world *w, const struct tally_scope *scope)
{
    struct tally_ticket_context context = w->context;
    context.scope = *scope;
    return context;
}

struct tally_verified_pledged_ticket pledge_ticket(struct pledge_world *w, const struct tally_scope *scope)
{
    struct tally_verified_pledged_ticket pledged;
    struct tally_verified_channel_key key;
    const struct tally_ticket_context context = pledge_context(w, scope);
    must(tally_channel_key_make(w->seed, scope, &w->bank, w->random, &key) == TALLY_OK);
    must(tally_pledged_make(&key, &context, (const uint8_t *)PLEDGE_TICKET, strlen(PLEDGE_TICKET),
                            &w->provider, w->random, &pledged) == TALLY_OK);
    return pledged;
}

struct tally_verified_grant pledge_grant(struct pledge_world *w, const struct tally_scope *scope,
                                         const struct tally_umbral_public *receiver)
{
    struct tally_verified_grant grant;
    must(tally_grant_make(w->seed, scope, receiver, 1, 1, &w->bank, w->random, &grant) == TALLY_OK);
    return grant;
}

void pledge_world_init(struct pledge_world *w)
{
    struct tally_umbral_secret *const keys[] = {&w->bank, &w->provider, &w->seller, &w->stranger};
    memset(w, 0, sizeof *w);
    tally_seeded_random_init(&w->seeded, 20261122);
    w->random = &w->seeded.random;
    for (size_t i = 0; i < sizeof w->seed; i++)
        w->seed[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        must(tally_umbral_secret_generate(w->random, keys[i]) == TALLY_OK);
    w->scope =
        (struct tally_scope){.bank = "BANK-1", .channel = "CH-0001", .project = "PRJ-2026-7", .epoch = 1};
    w->context = (struct tally_ticket_context){.scope = w->scope,
                                               .provider = "PARK-9",
                                               .order = "ORD-77",
                                               .line = 1,
                                               .type = "ADULT",
                                               .price = 12800,
                                               .serial = "S-000451"};
    must(tally_channel_key_make(w->seed, &w->scope, &w->bank, w->random, &w->channel_key) == TALLY_OK);
    w->grant = pledge_grant(w, &w->scope, &w->seller.public_key);
    w->trust = (struct tally_open_trust){&w->bank.public_key, &w->provider.public_key, &w->scope};
}

struct tally_openable_ticket pledge_openable(struct pledge_world *w, const struct tally_verified_grant *grant,
                                             const struct tally_verified_pledged_ticket *pledged)
{
    struct tally_openable_ticket openable;
    must(tally_pledged_reencrypt(grant, pledged, w->random, &openable) == TALLY_OK);
    return openable;
}

void pledge_check_ticket(const uint8_t *ticket, size_t n)
{
    must(n == strlen(PLEDGE_TICKET) && memcmp(ticket, PLEDGE_TICKET, n) == 0);
}

enum tally_error pledge_open(const struct tally_umbral_secret *receiver, const struct tally_open_trust *trust,
                             const struct tally_openable_ticket *openable)
{
    static const uint8_t nothing[TALLY_TICKET_MAX];
    uint8_t ticket[TALLY_TICKET_MAX];
    size_t n;
    enum tally_error e = tally_openable_open(receiver, trust, openable, 1, ticket, &n);
    if (e == TALLY_OK)
        pledge_check_ticket(ticket, n);
    else
        must(n == 0 && memcmp(ticket, nothing, sizeof ticket) == 0);
    return e;
}
