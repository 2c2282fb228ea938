/* Registrations at the platform, and the re-encryption keys that banks submit. */
#include <string.h>

#include "host/pledge/core/platform.h"

enum tally_error pledge_platform_enterprise(const struct pledge_party *party,
                                            const struct pledge_store *store,
                                            const struct pledge_message *message)
{
    const struct pledge_m_enterprise *b = &message->body.enterprise;
    struct pledge_r_enterprise row = {.uscc = ""}, known;
    (void)party;
    memcpy(row.seller_key, message->key, PLEDGE_KEY);
    known = row;
    PLEDGE_SET(row.uscc, b->uscc);
    PLEDGE_SET(row.name, b->name);
    PLEDGE_SET(row.prepay, b->prepay);
    PLEDGE_SET(row.party, message->from);
    enum tally_error e = pledge_get(store, &pledge_t_enterprise, &known);
    if (e == TALLY_E_NOT_FOUND)
        return pledge_insert(store, &pledge_t_enterprise, &row);
    if (e != TALLY_OK)
        return e;
    return pledge_fields_equal(pledge_t_enterprise.fields, &row, &known) ? TALLY_OK : TALLY_E_EXISTS;
}

struct channel_work {
    const struct pledge_store *store;
    const struct pledge_message *message;
    struct pledge_r_channel channel;
    bool found;
};

static enum tally_error keep_application(void *arg)
{
    struct channel_work *work = arg;
    const struct pledge_m_channel_application *b = &work->message->body.channel_application;
    struct pledge_r_channel *row = &work->channel;
    PLEDGE_SET(row->party, work->message->from);
    PLEDGE_SET(row->uscc, b->underwriter_uscc);
    PLEDGE_SET(row->counterparty_name, b->counterparty_name);
    PLEDGE_SET(row->counterparty_uscc, b->counterparty_uscc);
    PLEDGE_SET(row->ticketing_system, b->ticketing_system);
    PLEDGE_SET(row->project, b->project);
    row->document_type = b->document_type;
    PLEDGE_SET(row->document_number, b->document_number);
    PLEDGE_SET(row->prepay, b->prepay);
    enum tally_error e = TALLY_OK;
    for (uint16_t i = 0; e == TALLY_OK && i < b->types.n; i++) {
        struct pledge_r_channel_type type = {.allowed = 1};
        PLEDGE_SET(type.channel, b->channel);
        memcpy(type.seller_key, row->seller_key, PLEDGE_KEY);
        PLEDGE_SET(type.type, b->types.items[i].type);
        e = pledge_insert(work->store, &pledge_t_channel_type, &type);
    }
    return e;
}

static enum tally_error keep_key(void *arg)
{
    struct channel_work *work = arg;
    const struct pledge_m_grant *b = &work->message->body.grant;
    struct pledge_r_delegation row = {.grant_number = b->number};
    PLEDGE_SET(row.channel, b->channel);
    memcpy(row.seller_key, b->seller_key, PLEDGE_KEY);
    memcpy(row.channel_key, b->channel_key, PLEDGE_KEY);
    row.rk = b->rk;
    work->channel.grant_number = b->number;
    return pledge_insert(work->store, &pledge_t_delegation, &row);
}

static bool newer(void *arg)
{
    const struct channel_work *work = arg;
    return work->message->body.grant.number > work->channel.grant_number;
}

static bool current(void *arg)
{
    const struct channel_work *work = arg;
    return work->message->body.revoke.number >= work->channel.grant_number;
}

#define EVENTS(X) X(ON_APPLICATION, "application") X(ON_GRANT, "grant") X(ON_REVOKE, "revoke")
#define GUARDS(X) X(G_ALWAYS, "", NULL) X(NEWER, "newer", newer) X(CURRENT, "current", current)
#define EFFECTS(X)                                                                                           \
    X(F_NOTHING, "", NULL)                                                                                   \
    X(KEEP_APPLICATION, "keep_application", keep_application)                                                \
    X(KEEP_KEY, "keep_key", keep_key)

enum { EVENTS(PLEDGE_X_ENUM2) };
enum { GUARDS(PLEDGE_X_ENUM3) };
enum { EFFECTS(PLEDGE_X_ENUM3) };
static const char *const states[] = {PLEDGE_CHANNEL_STATES(PLEDGE_X_NAME) NULL};
static const char *const events[] = {EVENTS(PLEDGE_X_NAME) NULL};
static const char *const guards[] = {GUARDS(PLEDGE_X_NAME3) NULL};
static const char *const effects[] = {EFFECTS(PLEDGE_X_NAME3) NULL};
static pledge_guard *const guard_functions[] = {GUARDS(PLEDGE_X_FUNCTION3)};
static pledge_effect *const effect_functions[] = {EFFECTS(PLEDGE_X_FUNCTION3)};

#define R(state, event, guard, next, effect)                                                                 \
    {                                                                                                        \
        PLEDGE_CHANNEL_##state, ON_##event, guard, PLEDGE_CHANNEL_##next,                                    \
        {                                                                                                    \
            effect                                                                                           \
        }                                                                                                    \
    }
static const struct pledge_rule rules[] = {
    R(NEW, APPLICATION, 0, APPLIED, KEEP_APPLICATION), R(APPLIED, GRANT, NEWER, ACTIVE, KEEP_KEY),
    R(ACTIVE, GRANT, NEWER, ACTIVE, KEEP_KEY),         R(ACTIVE, REVOKE, CURRENT, REVOKED, 0),
    R(REVOKED, GRANT, NEWER, ACTIVE, KEEP_KEY),
};
#undef R

const struct pledge_machine pledge_channel_machine = {.name = "channel",
                                                      .states = states,
                                                      .events = events,
                                                      .guards = guards,
                                                      .effects = effects,
                                                      .rules = rules,
                                                      .rule_count = PLEDGE_COUNT(rules),
                                                      .guard_functions = guard_functions,
                                                      .effect_functions = effect_functions};

static enum tally_error channel_load(struct channel_work *work, const char *channel,
                                     const uint8_t seller_key[PLEDGE_KEY])
{
    PLEDGE_SET(work->channel.channel, channel);
    memcpy(work->channel.seller_key, seller_key, PLEDGE_KEY);
    return pledge_look(work->store, &pledge_t_channel, &work->channel, &work->found);
}

static enum tally_error channel_run(const struct pledge_party *party, struct channel_work *work,
                                    unsigned event)
{
    enum tally_error e = pledge_machine_run(party->machines->channel, &work->channel.state, event, work);
    if (e != TALLY_OK)
        return pledge_tolerate(e);
    return work->found ? pledge_update(work->store, &pledge_t_channel, &work->channel)
                       : pledge_insert(work->store, &pledge_t_channel, &work->channel);
}

static enum tally_error enterprise_of(const struct pledge_store *store, const uint8_t key[PLEDGE_KEY],
                                      struct pledge_r_enterprise *row)
{
    memset(row, 0, sizeof *row);
    memcpy(row->seller_key, key, PLEDGE_KEY);
    return pledge_get(store, &pledge_t_enterprise, row);
}

/* P4: the applicant is a registered enterprise. An underwriter names itself; another sales channel (P16)
 * sells what an underwriter pledged, so only the caller's own registration and account must fit. */
enum tally_error pledge_platform_application(const struct pledge_party *party,
                                             const struct pledge_store *store,
                                             const struct pledge_message *message)
{
    const struct pledge_m_channel_application *b = &message->body.channel_application;
    struct channel_work work = {.store = store, .message = message};
    struct pledge_r_enterprise enterprise;
    enum tally_error e = enterprise_of(store, message->key, &enterprise);
    if (e != TALLY_OK)
        return e;
    if (strcmp(enterprise.party, message->from) != 0 || strcmp(enterprise.prepay, b->prepay) != 0)
        return TALLY_E_DENIED;
    e = channel_load(&work, b->channel, message->key);
    return e == TALLY_OK ? channel_run(party, &work, ON_APPLICATION) : e;
}

/* P5: seller and channel must be registered, the channel's key the bank's, the re-encryption key theirs. */
enum tally_error pledge_platform_grant(const struct pledge_party *party, const struct pledge_store *store,
                                       const struct pledge_message *message)
{
    const struct pledge_m_grant *b = &message->body.grant;
    const struct pledge_crypto *crypto = party->crypto;
    struct channel_work work = {.store = store, .message = message};
    struct pledge_r_enterprise enterprise;
    enum tally_error e = enterprise_of(store, b->seller_key, &enterprise);
    if (e == TALLY_OK)
        e = channel_load(&work, b->channel, b->seller_key);
    if (e == TALLY_OK && !work.found)
        e = TALLY_E_NOT_FOUND;
    if (e != TALLY_OK)
        return e;
    if (strcmp(enterprise.uscc, b->uscc) != 0 ||
        (work.channel.project[0] != 0 && strcmp(work.channel.project, b->project) != 0))
        return TALLY_E_DENIED;
    if (!crypto->channel_key_right(crypto->ctx, b->channel, b->project, b->epoch, b->channel_key,
                                   b->channel_signature) ||
        !crypto->rk_right(crypto->ctx, &b->rk, b->channel_key, b->seller_key))
        return TALLY_E_CRYPTO;
    return channel_run(party, &work, ON_GRANT);
}

enum tally_error pledge_platform_revoke(const struct pledge_party *party, const struct pledge_store *store,
                                        const struct pledge_message *message)
{
    struct channel_work work = {.store = store, .message = message};
    enum tally_error e = channel_load(&work, message->body.revoke.channel, message->body.revoke.seller_key);
    if (e == TALLY_OK && !work.found)
        e = TALLY_E_NOT_FOUND;
    return e == TALLY_OK ? channel_run(party, &work, ON_REVOKE) : e;
}

/* P7: the platform has the core enterprise allocate an issuing channel for the contract. */
enum tally_error pledge_platform_allocation(const struct pledge_party *party,
                                            const struct pledge_store *store,
                                            const struct pledge_message *message)
{
    const struct pledge_m_allocation *b = &message->body.allocation;
    struct pledge_r_contract row = {.disposal = 0};
    struct pledge_message m;
    PLEDGE_SET(row.project, b->project);
    enum tally_error e = pledge_get(store, &pledge_t_contract, &row);
    if (e != TALLY_E_NOT_FOUND)
        return e; /* it was asked already */
    PLEDGE_SET(row.contract, b->contract);
    PLEDGE_SET(row.counterparty_name, b->counterparty_name);
    e = pledge_insert(store, &pledge_t_contract, &row);
    if (e == TALLY_OK)
        e = pledge_begin(party, PLEDGE_K_ALLOCATE, NULL, b->project, 0, 1, &m);
    if (e != TALLY_OK)
        return e;
    m.body.allocation = *b;
    return pledge_send(store, &m);
}

enum tally_error pledge_platform_allocated(const struct pledge_party *party, const struct pledge_store *store,
                                           const struct pledge_message *message)
{
    const struct pledge_m_allocated *b = &message->body.allocated;
    struct pledge_r_contract row = {.disposal = 0};
    struct pledge_message m;
    PLEDGE_SET(row.project, b->project);
    enum tally_error e = pledge_get(store, &pledge_t_contract, &row);
    if (e != TALLY_OK || row.channel[0] != 0)
        return e;
    PLEDGE_SET(row.channel, b->channel);
    e = pledge_update(store, &pledge_t_contract, &row);
    if (e == TALLY_OK)
        e = pledge_begin(party, PLEDGE_K_CHANNEL_ALLOCATED, NULL, b->project, 0, 1, &m);
    if (e != TALLY_OK)
        return e;
    m.body.allocated = *b;
    return pledge_send(store, &m);
}

/* P16: the bank has a project's pledged tickets disposed of. */
enum tally_error pledge_platform_dispose(const struct pledge_party *party, const struct pledge_store *store,
                                         const struct pledge_message *message)
{
    struct pledge_r_contract row = {.disposal = 0};
    (void)party;
    PLEDGE_SET(row.project, message->body.project.project);
    enum tally_error e = pledge_get(store, &pledge_t_contract, &row);
    row.disposal = 1;
    return e == TALLY_OK ? pledge_update(store, &pledge_t_contract, &row) : e;
}
