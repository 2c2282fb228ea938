/* Issuing channels: one for a sales contract, with one public key (P1, P7). The table of specs/pledge.md,
 * "issuing". */
#include <string.h>

#include "host/pledge/core/provider.h"

struct issuing_work {
    const struct pledge_party *party;
    const struct pledge_store *store;
    const struct pledge_message *message;
    struct pledge_r_issuing_channel channel;
    bool found;
};

static enum tally_error allocate(void *arg)
{
    struct issuing_work *work = arg;
    const struct pledge_m_allocation *b = &work->message->body.allocation;
    struct pledge_r_project_channel of = {.channel = ""};
    enum tally_error e = TALLY_OK;
    PLEDGE_SET(work->channel.project, b->project);
    PLEDGE_SET(work->channel.contract, b->contract);
    PLEDGE_SET(work->channel.counterparty_name, b->counterparty_name);
    for (uint16_t i = 0; e == TALLY_OK && i < b->terms.n; i++) {
        struct pledge_r_stock stock = {.total = b->terms.items[i].quantity};
        PLEDGE_SET(stock.channel, work->channel.channel);
        PLEDGE_SET(stock.type, b->terms.items[i].type);
        e = pledge_insert(work->store, &pledge_t_stock, &stock);
    }
    PLEDGE_SET(of.project, b->project);
    PLEDGE_SET(of.channel, work->channel.channel);
    return e == TALLY_OK ? pledge_insert(work->store, &pledge_t_project_channel, &of) : e;
}

static enum tally_error tell_allocated(void *arg)
{
    struct issuing_work *work = arg;
    struct pledge_message m;
    enum tally_error e = pledge_begin(work->party, PLEDGE_K_ALLOCATED, NULL, work->channel.channel, 0, 1, &m);
    if (e != TALLY_OK)
        return e;
    PLEDGE_SET(m.body.allocated.project, work->channel.project);
    PLEDGE_SET(m.body.allocated.channel, work->channel.channel);
    return pledge_send(work->store, &m);
}

static enum tally_error keep_key(void *arg)
{
    struct issuing_work *work = arg;
    work->channel.epoch = work->message->body.channel_key.epoch;
    memcpy(work->channel.channel_key, work->message->body.channel_key.channel_key, PLEDGE_KEY);
    return TALLY_OK;
}

#define EVENTS(X) X(ON_ALLOCATE, "allocate") X(ON_KEY, "key") X(ON_PAYMENT, "payment")
#define EFFECTS(X)                                                                                           \
    X(F_NOTHING, "", NULL)                                                                                   \
    X(ALLOCATE, "allocate", allocate)                                                                        \
    X(TELL_ALLOCATED, "tell_allocated", tell_allocated)                                                      \
    X(KEEP_KEY, "keep_key", keep_key)

enum { EVENTS(PLEDGE_X_ENUM2) };
enum { EFFECTS(PLEDGE_X_ENUM3) };
static const char *const states[] = {PLEDGE_ISSUING_STATES(PLEDGE_X_NAME) NULL};
static const char *const events[] = {EVENTS(PLEDGE_X_NAME) NULL};
static const char *const guards[] = {"", NULL};
static const char *const effects[] = {EFFECTS(PLEDGE_X_NAME3) NULL};
static pledge_effect *const effect_functions[] = {EFFECTS(PLEDGE_X_FUNCTION3)};

#define R(state, event, next, ...) PLEDGE_RULE(PLEDGE_ISSUING_, state, event, 0, next, __VA_ARGS__)
static const struct pledge_rule rules[] = {
    R(NEW, ALLOCATE, ALLOCATED, ALLOCATE, TELL_ALLOCATED),
    R(ALLOCATED, KEY, KEYED, KEEP_KEY),
    R(ALLOCATED, PAYMENT, PAID, 0),
    R(KEYED, PAYMENT, OPEN, 0),
    R(PAID, KEY, OPEN, KEEP_KEY),
};
#undef R

const struct pledge_machine pledge_issuing_machine = {.name = "issuing",
                                                      .states = states,
                                                      .events = events,
                                                      .guards = guards,
                                                      .effects = effects,
                                                      .rules = rules,
                                                      .rule_count = PLEDGE_COUNT(rules),
                                                      .effect_functions = effect_functions};

static enum tally_error issuing_run(struct issuing_work *work, unsigned event)
{
    enum tally_error e =
        pledge_machine_run(work->party->machines->issuing, &work->channel.state, event, work);
    if (e != TALLY_OK)
        return pledge_tolerate(e);
    return work->found ? pledge_update(work->store, &pledge_t_issuing_channel, &work->channel)
                       : pledge_insert(work->store, &pledge_t_issuing_channel, &work->channel);
}

/* The channel of a project; TALLY_E_NOT_FOUND when none was allocated. */
static enum tally_error issuing_of(struct issuing_work *work, const char *project)
{
    struct pledge_r_project_channel of = {.channel = ""};
    PLEDGE_SET(of.project, project);
    enum tally_error e = pledge_get(work->store, &pledge_t_project_channel, &of);
    if (e != TALLY_OK)
        return e;
    PLEDGE_SET(work->channel.channel, of.channel);
    e = pledge_get(work->store, &pledge_t_issuing_channel, &work->channel);
    work->found = e == TALLY_OK;
    return e;
}

enum tally_error pledge_provider_allocate(const struct pledge_party *party, const struct pledge_store *store,
                                          const struct pledge_message *message)
{
    struct issuing_work work = {.party = party, .store = store, .message = message};
    enum tally_error e = issuing_of(&work, message->body.allocation.project);
    if (e != TALLY_E_NOT_FOUND)
        return e; /* one channel a project */
    e = pledge_number_make(party, 'C', work.channel.channel);
    return e == TALLY_OK ? issuing_run(&work, ON_ALLOCATE) : e;
}

enum tally_error pledge_provider_channel_key(const struct pledge_party *party,
                                             const struct pledge_store *store,
                                             const struct pledge_message *message)
{
    const struct pledge_m_channel_key *b = &message->body.channel_key;
    struct issuing_work work = {.party = party, .store = store, .message = message};
    enum tally_error e = issuing_of(&work, b->project);
    if (e != TALLY_OK)
        return e;
    if (strcmp(work.channel.channel, b->channel) != 0)
        return TALLY_E_DENIED;
    if (!party->crypto->channel_key_right(party->crypto->ctx, b->channel, b->project, b->epoch,
                                          b->channel_key, b->channel_signature))
        return TALLY_E_CRYPTO;
    return issuing_run(&work, ON_KEY);
}

/* P7: the core enterprise confirms that it was paid for the contract. */
enum tally_error pledge_provider_payment_confirmed(const struct pledge_party *party,
                                                   const struct pledge_store *store,
                                                   const struct pledge_message *message)
{
    struct issuing_work work = {.party = party, .store = store, .message = message};
    enum tally_error e = issuing_of(&work, message->body.project.project);
    return e == TALLY_OK ? issuing_run(&work, ON_PAYMENT) : e;
}
